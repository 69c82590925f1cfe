import { expect, test } from "vitest";

import { csvOf, parseCsv } from "../src/pages/iam/csv";

test("records are read by the names of the head line, quotes and commas too", () => {
  expect(parseCsv('user,arn,note\n<root_account>,arn:x,"a, ""b"""\nalice,,N/A')).toEqual([
    { user: "<root_account>", arn: "arn:x", note: 'a, "b"' },
    { user: "alice", arn: "", note: "N/A" },
  ]);
});

test("an empty text has no records", () => {
  expect(parseCsv("")).toEqual([]);
  expect(parseCsv("a,b\n")).toEqual([]);
});

test("what is written is read as it was", () => {
  const row = { "User name": "a", Password: 'x,"y"\n=z' };
  expect(parseCsv(csvOf([Object.keys(row), Object.values(row)]))).toEqual([row]);
  expect(csvOf([["a", "b/+="]])).toBe("a,b/+=\r\n");
});
