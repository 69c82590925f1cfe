import { expect, test } from "vitest";

import { filled, isVisual, placesOf, readVisual, writeVisual } from "../src/policy/visual";

const roundTrip = (document: unknown): unknown => {
  const policy = readVisual(JSON.stringify(document));
  return policy === null ? null : JSON.parse(writeVisual(policy));
};

test("a policy about one service per statement is read into fields and written back as it was", () => {
  const document = {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "A",
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:List*"],
        Resource: "arn:aws:s3:::b/*",
        Condition: {
          StringEquals: { "aws:username": "a", "aws:userid": ["b", "c"] },
          Bool: { "aws:SecureTransport": "true" },
        },
      },
      { Effect: "Deny", Action: "iam:*", Resource: "*" },
    ],
  };
  expect(readVisual(JSON.stringify(document))?.statements.every(isVisual)).toBe(true);
  expect(roundTrip(document)).toEqual(document);
});

test.each([
  { Effect: "Allow", NotAction: "s3:*", Resource: "*" },
  { Effect: "Allow", Action: ["s3:GetObject", "iam:GetUser"], Resource: "*" },
  { Effect: "Allow", Action: "*", Resource: "*" },
  { Effect: "Allow", Action: "s3:*", NotResource: "*" },
  { Effect: "Allow", Principal: "*", Action: "s3:*", Resource: "*" },
])("what it cannot show it keeps: %o", (statement) => {
  const document = { Version: "2012-10-17", Statement: [statement] };
  expect(readVisual(JSON.stringify(document))?.statements.some(isVisual)).toBe(false);
  expect(roundTrip(document)).toEqual(document);
});

test("what is no policy is nothing", () => {
  expect(readVisual("{")).toBeNull();
  expect(readVisual("[]")).toBeNull();
  expect(readVisual('{"Statment": []}')).toBeNull();
});

test("an ARN pattern is filled with what is given and stars", () => {
  const pattern = "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}";
  expect(placesOf(pattern)).toEqual(["Partition", "Account", "RoleNameWithPath"]);
  expect(filled(pattern, { Account: "111122223333" })).toBe("arn:aws:iam::111122223333:role/*");
});
