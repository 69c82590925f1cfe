import { expect, test } from "vitest";

import { checkPolicy, hasErrors, type PolicyKind } from "../src/policy/check";
import { loadCatalogue } from "../src/policy/catalogue";
import documents from "./policies.json";

interface Example {
  kind: string;
  stored: boolean;
  text: string;
  line?: number;
  column?: number;
}

// tests/policy/test_console_checks.py asks the server about the same documents.
const judged = (documents as Example[]).map((one) => ({
  ...one,
  findings: checkPolicy(one.text, one.kind as PolicyKind, null, "pages"),
}));

test.each(judged)("$kind $text is judged as the server does", ({ stored, findings }) => {
  expect(hasErrors(findings)).toBe(!stored);
});

test.each(judged.filter(({ line }) => line !== undefined))("$text is wrong at $line:$column", (example) => {
  const { line, column, findings } = example;
  expect(findings.find(({ severity }) => severity === "ERROR")).toMatchObject({ line, column });
});

const everything = (effect: string): string =>
  `{"Version":"2012-10-17","Statement":{"Effect":"${effect}","Action":"*","Resource":"*"}}`;
const statement = (action: string): string =>
  `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"${action}","Resource":"arn:aws:s3:::b/*"}}`;

test("an action that does not exist is a warning that names the one that does", async () => {
  const catalogue = await loadCatalogue();
  expect(checkPolicy(statement("s3:GetObjct"), "identity", catalogue)).toMatchObject([
    { severity: "WARNING", message: "The action s3:GetObjct does not exist. Did you mean s3:GetObject?", line: 1 },
  ]);
  expect(checkPolicy(statement("S3:getobject*"), "identity", catalogue)).toEqual([]);
  expect(checkPolicy(statement("madeup:Thing"), "identity", catalogue)).toEqual([]);
});

test("a misspelt element is pointed at, with the right spelling", () => {
  const text =
    '{\n  "Version": "2012-10-17",\n  "Statement": [{\n    "Efect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b"\n  }]\n}';
  expect(checkPolicy(text, "identity", null)).toContainEqual({
    severity: "ERROR",
    message: "Efect is no statement element. Did you mean Effect?",
    line: 4,
    column: 5,
  });
});

test("a grant of everything is a security warning, and a denial of everything is not", () => {
  expect(checkPolicy(everything("Allow"), "identity", null)).toMatchObject([{ severity: "SECURITY_WARNING" }]);
  expect(checkPolicy(everything("Deny"), "identity", null)).toEqual([]);
});
