import { expect, test } from "vitest";

import { diffLines } from "../src/policy/diff";

function told(before: string, after: string): string {
  const signs = { same: " ", added: "+", removed: "-" };
  return diffLines(before, after)
    .map(({ kind, text }) => signs[kind] + text)
    .join("|");
}

test("what stays, comes and goes is told line by line", () => {
  expect(told("a\nb\nc", "a\nx\nc")).toBe(" a|-b|+x| c");
  expect(told("a\nb", "a\nb\nc")).toBe(" a| b|+c");
  expect(told("a\nb", "b")).toBe("-a| b");
  expect(told("", "a\nb")).toBe("+a|+b");
  expect(told("a", "")).toBe("-a");
  expect(told("a\nb", "a\nb")).toBe(" a| b");
});
