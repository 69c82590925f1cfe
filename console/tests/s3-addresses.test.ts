import { expect, test } from "vitest";

import {
  attachment,
  bucketNameProblem,
  copySource,
  folderKey,
  folders,
  keyProblem,
  nameOf,
  objectPage,
  parent,
  parsePlace,
} from "../src/pages/s3/addresses";

test.each([
  ["", []],
  ["a/", [{ name: "a", prefix: "a/" }]],
  [
    "a/b c/",
    [
      { name: "a", prefix: "a/" },
      { name: "b c", prefix: "a/b c/" },
    ],
  ],
  // A key may begin with a slash, or have two of them: folders without a name.
  [
    "/a/",
    [
      { name: "/", prefix: "/" },
      { name: "a", prefix: "/a/" },
    ],
  ],
])("the prefix %j is these folders", (prefix, steps) => {
  expect(folders(prefix)).toEqual(steps);
});

test.each([
  ["a", "", "a"],
  ["a/b", "a/", "b"],
  ["a/b/", "a/", "b/"],
  ["a//b", "a//", "b"],
  ["/", "", "/"],
])("the key %j stands in %j as %j", (key, prefix, name) => {
  expect([parent(key), nameOf(key)]).toEqual([prefix, name]);
});

test.each([
  ["my-bucket", { bucket: "my-bucket", key: "" }],
  [" s3://my-bucket/reports/2026/ ", { bucket: "my-bucket", key: "reports/2026/" }],
  ["arn:aws:s3:::my-bucket/a b", { bucket: "my-bucket", key: "a b" }],
  ["arn:aws:s3:::my-bucket", { bucket: "my-bucket", key: "" }],
  ["arn:aws:iam::111122223333:role/x", null],
  ["My Bucket", null],
  ["", null],
])("%j is the place %j", (text, place) => {
  expect(parsePlace(text)).toEqual(place);
});

test.each(["abc", "a.b-c9", "123", "x".repeat(63)])("%j is a bucket name", (name) => {
  expect(bucketNameProblem(name)).toBe("");
});

test.each(["ab", "x".repeat(64), "Abc", "a_b", "-ab", "ab.", "a..b", "192.168.0.1"])("%j is none", (name) => {
  expect(bucketNameProblem(name)).not.toBe("");
});

test("a folder's key ends with a slash, and its name has none", () => {
  expect(folderKey("a/", "b")).toEqual({ key: "a/b/" });
  expect(folderKey("", "b/c")).toHaveProperty("problem");
  expect(folderKey("", " ")).toHaveProperty("problem");
  expect(folderKey("", "..")).toHaveProperty("problem");
});

test("keys are measured in bytes, and cannot be sent with dots alone", () => {
  expect(keyProblem("é".repeat(512))).toBeNull();
  expect(keyProblem("é".repeat(513))).not.toBeNull();
  expect(keyProblem("a/../b")).not.toBeNull();
  expect(keyProblem("a/.hidden/..b")).toBeNull();
});

test("the source of a copy is escaped, its slashes are not", () => {
  expect(copySource({ bucket: "b", key: "a b/ü+?.txt" })).toBe("b/a%20b/%C3%BC%2B%3F.txt");
  expect(copySource({ bucket: "b", key: "k" }, "v+1")).toBe("b/k?versionId=v%2B1");
});

test("a download is saved under its name, whatever is in that", () => {
  expect(attachment('a/b "ü".txt')).toBe("attachment; filename=\"b ___.txt\"; filename*=UTF-8''b%20%22%C3%BC%22.txt");
  expect(attachment("it's")).toContain("filename*=UTF-8''it%27s");
});

test("the page of an object has its key in the query, where no dots are rewritten", () => {
  expect(objectPage({ bucket: "b", key: "a/../ü&x" })).toBe("/s3/object/b?key=a%2F..%2F%C3%BC%26x");
});
