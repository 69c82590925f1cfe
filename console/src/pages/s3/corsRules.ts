/**
 * A CORS configuration as AWS's console writes it, a JSON array of rules, and what is wrong with one, and where (S3 User
 * Guide, "Elements of a CORS configuration").
 */
import type { CORSRule } from "@aws-sdk/client-s3";

import type { Finding } from "../../policy/check";
import { JsonError, type JsonNode, parseJson, placeOf } from "../../policy/json";

const MOST_RULES = 100;
const METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"];
const LISTS = ["AllowedHeaders", "AllowedMethods", "AllowedOrigins", "ExposeHeaders"];
const KNOWN = ["ID", "MaxAgeSeconds", ...LISTS];
const NEEDED = ["AllowedMethods", "AllowedOrigins"];

/** The rules of a text that `checkCors` finds no errors in. */
export function readCors(text: string): CORSRule[] {
  return JSON.parse(text) as CORSRule[];
}

export function checkCors(text: string): Finding[] {
  const found: Finding[] = [];
  const error = (at: number, message: string): void => {
    found.push({ severity: "ERROR", message, ...placeOf(text, at) });
  };
  try {
    const root = parseJson(text);
    if (root.kind !== "array" || root.items.length === 0) error(root.start, "Enter a list of rules: [ { … } ].");
    else if (root.items.length > MOST_RULES) error(root.start, `A CORS configuration has at most ${MOST_RULES} rules.`);
    else for (const item of root.items) checkRule(item, error);
  } catch (problem) {
    if (!(problem instanceof JsonError)) throw problem;
    error(problem.offset, `JSON syntax error: ${problem.message}.`);
  }
  return found;
}

function checkRule(rule: JsonNode, error: (at: number, message: string) => void): void {
  if (rule.kind !== "object") {
    error(rule.start, "A rule is a JSON object.");
    return;
  }
  for (const name of NEEDED) {
    if (!rule.members.some(({ key }) => key === name)) error(rule.start, `A rule needs ${name}.`);
  }
  for (const { key, start, value } of rule.members) {
    if (!KNOWN.includes(key)) error(start, `${key} is no element of a CORS rule. There are: ${KNOWN.join(", ")}.`);
    else if (key === "ID" && value.kind !== "string") error(value.start, "ID must be a text.");
    else if (key === "MaxAgeSeconds" && !(value.kind === "number" && /^\d+$/.test(value.value))) {
      error(value.start, "MaxAgeSeconds must be a whole number.");
    } else if (LISTS.includes(key)) checkList(key, value, error);
  }
}

function checkList(key: string, value: JsonNode, error: (at: number, message: string) => void): void {
  if (value.kind !== "array") {
    error(value.start, `${key} must be a list of texts.`);
    return;
  }
  if (value.items.length === 0 && NEEDED.includes(key)) error(value.start, `${key} must not be empty.`);
  for (const item of value.items) {
    if (item.kind !== "string") error(item.start, `${key} must be a list of texts.`);
    else if (key === "AllowedMethods" && !METHODS.includes(item.value)) {
      error(item.start, `${item.value} is no method of CORS rules. There are: ${METHODS.join(", ")}.`);
    } else if (key === "ExposeHeaders" && item.value.includes("*")) {
      error(item.start, "ExposeHeaders takes no wildcard.");
    } else if (item.value.split("*").length > 2) error(item.start, `${key}: only one wildcard is allowed in a value.`);
  }
}
