import { expect, test } from "vitest";

import { checkPolicy, hasErrors } from "../src/policy/check";
import { type Trust, trustedEntities, trustPolicy } from "../src/policy/trust";

const TRUST: Trust = {
  type: "account",
  account: "444455556666",
  externalId: null,
  mfa: false,
  service: "ec2.amazonaws.com",
  provider: "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
  audience: "sts.amazonaws.com",
  document: "",
};

test("a role for another account with MFA and external id asks for both", () => {
  expect(JSON.parse(trustPolicy({ ...TRUST, mfa: true, externalId: "secret-7" }))).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { AWS: "444455556666" },
        Condition: {
          StringEquals: { "sts:ExternalId": "secret-7" },
          Bool: { "aws:MultiFactorAuthPresent": "true" },
        },
      },
    ],
  });
});

test.each(["account", "service", "web-identity", "saml"] as const)("a trust policy for %s can be stored", (type) => {
  expect(hasErrors(checkPolicy(trustPolicy({ ...TRUST, type }), "trust", null))).toBe(false);
});

test("whom a role trusts is told in words, and denials trust nobody", () => {
  const document = JSON.stringify({
    Statement: [
      {
        Effect: "Allow",
        Principal: { AWS: ["arn:aws:iam::444455556666:root", "777788889999"], Service: "ec2.amazonaws.com" },
      },
      { Effect: "Deny", Principal: { AWS: "111111111111" } },
      { Effect: "Allow", Principal: { AWS: "arn:aws:iam::444455556666:user/alice" } },
    ],
  });
  expect(trustedEntities(document)).toEqual([
    "Account: 444455556666",
    "Account: 777788889999",
    "AWS Service: ec2",
    "arn:aws:iam::444455556666:user/alice",
  ]);
  expect(trustedEntities("{")).toEqual([]);
});
