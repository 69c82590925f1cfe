import type { LifecycleRule } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";

import { csvRows } from "../src/pages/iam/csv";
import { checkCors } from "../src/pages/s3/corsRules";
import { checkRuleJson, readRule, writeRule } from "../src/pages/s3/lifecycleJson";
import { actionTexts, formOf, NEW_RULE, ruleOf, ruleProblem, scopeText } from "../src/pages/s3/lifecycleRules";
import { newestFirst } from "../src/pages/s3/listing";
import { metadataOf } from "../src/pages/s3/metadata";
import { imageType, previewKind } from "../src/pages/s3/preview";
import { sizeText } from "../src/pages/s3/sizes";

test("rows of a table have their empty cells, and tabs divide where they are the delimiter", () => {
  expect(csvRows('a,b\r\n1,\r\n"x\ny",2')).toEqual([
    ["a", "b"],
    ["1", ""],
    ["x\ny", "2"],
  ]);
  expect(csvRows("a\tb\n1,5\t2\n", "\t")).toEqual([
    ["a", "b"],
    ["1,5", "2"],
  ]);
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KB"],
  [1536, "1.5 KB"],
  [1024 * 1024 - 1, "1.0 MB"],
  [200 * 1024 * 1024, "200.0 MB"],
  [5 * 1024 ** 4, "5.0 TB"],
  [undefined, "-"],
])("%s bytes are %s", (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

test.each([
  ["a.png", "application/octet-stream", "image"],
  ["a.PNG", "", "image"],
  ["a.svg", "image/png", "svg"],
  ["page.html", "text/html", "text"],
  ["x", "text/html; charset=utf-8", "text"],
  ["x", "image/svg+xml", "svg"],
  ["x", "image/jpeg", "image"],
  ["t.csv", "application/vnd.ms-excel", "table"],
  ["t.json", "", "json"],
  ["a.pdf", "", "pdf"],
  ["a.parquet", "application/octet-stream", null],
  ["folder.txt/a", "", null],
])("%s of type %j is shown as %j", (key, type, kind) => {
  expect(previewKind(key, type)).toBe(kind);
});

test("the type of a picture is never one that could run something", () => {
  expect(imageType("a.png", "text/html")).toBe("image/png");
  expect(imageType("a", "image/svg+xml")).toBe("image/png");
  expect(imageType("a", "image/webp")).toBe("image/webp");
});

test("metadata have names of letters, each once", () => {
  const row = { name: "Team", value: "data" };
  expect(metadataOf([row, { name: "", value: "" }])).toEqual({ metadata: { team: "data" }, problem: "" });
  expect(metadataOf([])).toEqual({ metadata: undefined, problem: "" });
  expect(metadataOf([row, row]).problem).not.toBe("");
  expect(metadataOf([{ name: "a b", value: "" }]).problem).not.toBe("");
  expect(metadataOf([{ name: "a", value: "ü" }]).problem).not.toBe("");
  expect(metadataOf([{ name: "a", value: "x".repeat(2048) }]).problem).not.toBe("");
});

test("versions stand below their key, the current one first", () => {
  const version = { kind: "object", name: "" } as const;
  const sorted = newestFirst([
    { ...version, key: "b", versionId: "1", latest: true, modified: new Date(1) },
    { ...version, key: "a", versionId: "1", latest: false, modified: new Date(1) },
    { ...version, key: "a", versionId: "3", latest: true, modified: new Date(3) },
    { ...version, key: "a", versionId: "2", latest: false, modified: new Date(2) },
  ]);
  expect(sorted.map(({ key, versionId }) => `${key}${versionId}`)).toEqual(["a3", "a2", "a1", "b1"]);
});

const RULE = '[{"AllowedMethods":["GET"],"AllowedOrigins":["*"]}]';

test.each([
  ["{}", "Enter a list of rules"],
  ["[]", "Enter a list of rules"],
  ['[{"AllowedMethods":["GET"]}]', "A rule needs AllowedOrigins."],
  [RULE.replace("GET", "PATCH"), "PATCH is no method"],
  [RULE.replace('["*"]', '"*"'), "AllowedOrigins must be a list"],
  [RULE.replace('["*"]', '["https://*.*"]'), "only one wildcard"],
  [RULE.replace("AllowedMethods", "AllowedMethod"), "A rule needs AllowedMethods."],
  [RULE.replace("}]", ',"MaxAgeSeconds":-1}]'), "MaxAgeSeconds must be a whole number."],
  [RULE.replace("}]", ',"ExposeHeaders":["x-*"]}]'), "ExposeHeaders takes no wildcard."],
  ["[1]", "A rule is a JSON object."],
  ["[{]", "JSON syntax error"],
])("the CORS configuration %s: %s", (text, message) => {
  expect(checkCors(text)[0]?.message).toContain(message);
});

test("a CORS configuration without errors has no findings", () => {
  expect(checkCors(RULE)).toEqual([]);
});

test("an error in a CORS configuration has its line and column", () => {
  expect(
    checkCors('[\n  {\n    "AllowedMethods": ["GET", "PATCH"],\n    "AllowedOrigins": ["*"]\n  }\n]'),
  ).toMatchObject([{ severity: "ERROR", line: 3, column: 31 }]);
});

const SIMPLE: LifecycleRule[] = [
  { ID: "a", Status: "Enabled", Filter: { Prefix: "" }, Expiration: { Days: 30 } },
  { ID: "b", Status: "Disabled", Prefix: "logs/", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
  {
    ID: "c",
    Status: "Enabled",
    Filter: { Prefix: "x" },
    Transitions: [{ Days: 0, StorageClass: "GLACIER" }],
    NoncurrentVersionExpiration: { NoncurrentDays: 3 },
    Expiration: { ExpiredObjectDeleteMarker: true },
  },
];

test.each(SIMPLE)("rule $ID says the same after the form", (rule) => {
  const form = formOf(rule);
  expect(form).not.toBeNull();
  const { Prefix, ...rest } = rule;
  expect(form && ruleOf(form)).toEqual(Prefix === undefined ? rule : { ...rest, Filter: { Prefix } });
});

test.each<LifecycleRule>([
  { ID: "tag", Status: "Enabled", Filter: { Tag: { Key: "k", Value: "v" } }, Expiration: { Days: 1 } },
  { ID: "date", Status: "Enabled", Filter: { Prefix: "" }, Expiration: { Date: new Date(0) } },
  {
    ID: "two",
    Status: "Enabled",
    Filter: { Prefix: "" },
    Transitions: [
      { Days: 1, StorageClass: "STANDARD_IA" },
      { Days: 9, StorageClass: "GLACIER" },
    ],
  },
  {
    ID: "newer",
    Status: "Enabled",
    Filter: { Prefix: "" },
    NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 2 },
  },
])("rule $ID says more than the form has, and the same after the JSON editor", (rule) => {
  expect(formOf(rule)).toBeNull();
  expect(checkRuleJson(writeRule(rule), [])).toEqual([]);
  expect(readRule(writeRule(rule))).toEqual(rule);
  expect(actionTexts(rule)).not.toEqual([]);
});

test("rules and their scope are told in words", () => {
  expect(actionTexts(SIMPLE[2] as LifecycleRule)).toEqual([
    "Move to GLACIER after 0 days",
    "Delete expired delete markers",
    "Delete noncurrent versions after 3 days",
  ]);
  expect(scopeText({ Status: "Enabled", Filter: { And: { Prefix: "p", Tags: [{ Key: "k", Value: "v" }] } } })).toBe(
    "prefix p, tag k=v",
  );
  expect(scopeText(SIMPLE[0] as LifecycleRule)).toBe("Entire bucket");
});

test.each([
  [{ id: "r", expirationDays: "1" }, true],
  [{ id: "r", expiredMarkers: true }, true],
  [{ id: "r", transitionDays: "0" }, true],
  [{ id: "r" }, false],
  [{ id: "", expirationDays: "1" }, false],
  [{ id: "taken", expirationDays: "1" }, false],
  [{ id: "r", expirationDays: "0" }, false],
  [{ id: "r", expirationDays: "1.5" }, false],
  [{ id: "r", expirationDays: "1", expiredMarkers: true }, false],
])("the form %j is complete: %s", (form, complete) => {
  expect(ruleProblem({ ...NEW_RULE, ...form }, ["taken"]) === "").toBe(complete);
});

test.each([
  ["[]", "A rule must be a JSON object"],
  ["{", "JSON syntax error"],
  ["{}", "A rule needs Status."],
  ['{"Status":"On"}', "Status must be one of: Enabled, Disabled."],
  ['{"Status":"Enabled","Filters":{}}', "A rule has no Filters. There are: ID, Status,"],
  ['{"Status":"Enabled","constructor":{}}', "A rule has no constructor."],
  ['{"Status":"Enabled","Filter":{"Tag":{"Key":"k"}}}', "Tag needs Value."],
  ['{"Status":"Enabled","Filter":{"And":{"Tags":{}}}}', "Tags must be a list"],
  ['{"Status":"Enabled","Filter":{"And":{"Tags":["k"]}}}', "An item of Tags must be a JSON object"],
  ['{"Status":"Enabled","Expiration":{"Days":"9"}}', "Days must be a whole number."],
  ['{"Status":"Enabled","Expiration":{"Days":1.5}}', "Days must be a whole number."],
  ['{"Status":"Enabled","Expiration":{"Date":"soon"}}', "Date must be a date like"],
  ['{"Status":"Enabled","Expiration":{"ExpiredObjectDeleteMarker":"true"}}', "must be true or false."],
  ['{"Status":"Enabled","Transitions":[{"Days":1}]}', "An item of Transitions needs StorageClass."],
  ['{"Status":"Enabled","Transitions":[{"Days":1,"StorageClass":"ICE"}]}', "StorageClass must be one of"],
  ['{"Status":"Enabled","ID":"taken"}', "Another rule has this ID."],
])("the lifecycle rule %s: %s", (text, message) => {
  expect(checkRuleJson(text, ["taken"])[0]?.message).toContain(message);
});
