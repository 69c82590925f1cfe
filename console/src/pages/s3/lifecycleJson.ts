/**
 * A lifecycle rule as JSON, for what the form has no fields for; and what is wrong with one, and where. The names are
 * those of the API and the AWS CLI (S3 API reference, data type LifecycleRule). What values S3 takes together it says
 * itself when the rule is saved.
 */
import { type LifecycleRule, TransitionStorageClass } from "@aws-sdk/client-s3";

import type { Finding } from "../../policy/check";
import { JsonError, type JsonNode, member, parseJson, placeOf } from "../../policy/json";

/** What a value is: of these texts, a list of one shape, or an object with these members. */
type Shape =
  | "text"
  | "whole number"
  | "date"
  | "true or false"
  | { oneOf: readonly string[] }
  | { listOf: Shape }
  | { members: Record<string, Shape>; needed?: readonly string[] };

const TAG: Shape = { members: { Key: "text", Value: "text" }, needed: ["Key", "Value"] };
const SIZES: Record<string, Shape> = { ObjectSizeGreaterThan: "whole number", ObjectSizeLessThan: "whole number" };
const CLASS: Shape = { oneOf: Object.values(TransitionStorageClass) };
const RULE: Shape = {
  members: {
    ID: "text",
    Status: { oneOf: ["Enabled", "Disabled"] },
    Prefix: "text",
    Filter: {
      members: {
        Prefix: "text",
        Tag: TAG,
        ...SIZES,
        And: { members: { Prefix: "text", Tags: { listOf: TAG }, ...SIZES } },
      },
    },
    Transitions: {
      listOf: { members: { Days: "whole number", Date: "date", StorageClass: CLASS }, needed: ["StorageClass"] },
    },
    Expiration: { members: { Days: "whole number", Date: "date", ExpiredObjectDeleteMarker: "true or false" } },
    NoncurrentVersionTransitions: {
      listOf: {
        members: { NoncurrentDays: "whole number", NewerNoncurrentVersions: "whole number", StorageClass: CLASS },
        needed: ["StorageClass"],
      },
    },
    NoncurrentVersionExpiration: {
      members: { NoncurrentDays: "whole number", NewerNoncurrentVersions: "whole number" },
    },
    AbortIncompleteMultipartUpload: { members: { DaysAfterInitiation: "whole number" } },
  },
  needed: ["Status"],
};
const LONGEST_ID = 255;

/** The rule of a text that `checkRuleJson` finds no errors in. */
export function readRule(text: string): LifecycleRule {
  return JSON.parse(text, (key, value: unknown) =>
    key === "Date" && typeof value === "string" ? new Date(value) : value,
  ) as LifecycleRule;
}

export function writeRule(rule: LifecycleRule): string {
  return JSON.stringify(rule, null, 2);
}

/** `others`: the names of the other rules of the bucket. */
export function checkRuleJson(text: string, others: readonly string[]): Finding[] {
  const found: Finding[] = [];
  const error = (at: number, message: string): void => {
    found.push({ severity: "ERROR", message, ...placeOf(text, at) });
  };
  try {
    const root = parseJson(text);
    check("A rule", root, RULE, error);
    const id = member(root, "ID")?.value;
    if (id?.kind === "string" && id.value.length > LONGEST_ID) error(id.start, "ID has at most 255 characters.");
    if (id?.kind === "string" && others.includes(id.value)) error(id.start, "Another rule has this ID.");
  } catch (problem) {
    if (!(problem instanceof JsonError)) throw problem;
    error(problem.offset, `JSON syntax error: ${problem.message}.`);
  }
  return found;
}

function check(name: string, node: JsonNode, shape: Shape, error: (at: number, message: string) => void): void {
  if (typeof shape === "string") {
    if (!isOf(node, shape)) error(node.start, `${name} must be ${ARTICLES[shape]}.`);
  } else if ("oneOf" in shape) {
    if (node.kind !== "string" || !shape.oneOf.includes(node.value)) {
      error(node.start, `${name} must be one of: ${shape.oneOf.join(", ")}.`);
    }
  } else if ("listOf" in shape) {
    if (node.kind !== "array") error(node.start, `${name} must be a list: [ … ].`);
    else for (const item of node.items) check(`An item of ${name}`, item, shape.listOf, error);
  } else if (node.kind === "object") {
    for (const needed of shape.needed ?? []) {
      if (member(node, needed) === undefined) error(node.start, `${name} needs ${needed}.`);
    }
    for (const { key, start, value } of node.members) {
      const of = Object.hasOwn(shape.members, key) ? shape.members[key] : undefined;
      if (of !== undefined) check(key, value, of, error);
      else error(start, `${name} has no ${key}. There are: ${Object.keys(shape.members).join(", ")}.`);
    }
  } else error(node.start, `${name} must be a JSON object: { … }.`);
}

const ARTICLES = {
  text: "a text",
  "whole number": "a whole number",
  date: "a date like 2027-01-31T00:00:00Z",
  "true or false": "true or false",
} as const;

function isOf(node: JsonNode, kind: keyof typeof ARTICLES): boolean {
  if (kind === "whole number") return node.kind === "number" && /^\d+$/.test(node.value);
  if (kind === "true or false") return node.kind === "boolean";
  if (node.kind !== "string") return false;
  return kind === "text" || (/^\d{4}-\d\d-\d\d/.test(node.value) && !Number.isNaN(Date.parse(node.value)));
}
