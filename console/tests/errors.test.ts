import { expect, test } from "vitest";

import { denialOf, failureOf, neededFor } from "../src/aws/errors";

test("a refusal by missing permission tells who, what, on what and why", () => {
  const text =
    "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: iam:ListUsers on resource: " +
    "arn:aws:iam::111122223333:user/ because no identity-based policy allows the iam:ListUsers action";
  expect(denialOf(text, "AbC")).toEqual({
    principal: "arn:aws:iam::111122223333:user/bob",
    action: "iam:ListUsers",
    resource: "arn:aws:iam::111122223333:user/",
    reason: "because no identity-based policy allows the iam:ListUsers action",
    encodedMessage: "AbC",
  });
});

test("a cross-account refusal tells no reason, and S3 quotes the resource", () => {
  const text =
    "User: arn:aws:sts::111122223333:assumed-role/R/s is not authorized to perform: s3:GetObject on resource: " +
    '"arn:aws:s3:::other/a key"';
  const denial = denialOf(text, null);
  expect(denial.action).toBe("s3:GetObject");
  expect(denial.resource).toBe("arn:aws:s3:::other/a key");
  expect(denial.reason).toBeNull();
});

test("a text that is not AWS's sentence tells nothing", () => {
  expect(denialOf("Access Denied", null).action).toBeNull();
});

test("of a text that tells nothing, the action is what the operation needs", () => {
  expect(denialOf("Access Denied", null, "s3:ListBucket").action).toBe("s3:ListBucket");
  expect(neededFor("ListObjectsV2Command", {})).toBe("s3:ListBucket");
  expect(neededFor("GetObjectCommand", { VersionId: "v" })).toBe("s3:GetObjectVersion");
  expect(neededFor("GetObjectTaggingCommand", { VersionId: "v" })).toBe("s3:GetObjectVersionTagging");
  expect(neededFor("PutBucketTaggingCommand", {})).toBe("s3:PutBucketTagging");
  // It needs permissions on two objects: which one is missing, only S3 knows.
  expect(neededFor("CopyObjectCommand", {})).toBeNull();
  expect(neededFor("GetUserCommand", {})).toBeNull();
});

test("a request without an answer is told from a mistake of a page", () => {
  const unanswered = ["Failed to fetch", "NetworkError when attempting to fetch resource.", "Load failed"];
  for (const message of unanswered) expect(failureOf(new TypeError(message)).code).toBe("NetworkError");
  const mistake = new TypeError("undefined is not a function");
  expect(failureOf(mistake)).toMatchObject({ code: "TypeError", message: "undefined is not a function" });
});
