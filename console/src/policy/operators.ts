/** Condition operators: their names as policies write them, and which values each can read. */

type Reads = "text" | "number" | "date" | "boolean" | "binary" | "address" | "arn" | "null";

/** IAM User Guide, "IAM JSON policy elements: Condition operators". */
export const OPERATORS: Readonly<Record<string, Reads>> = {
  StringEquals: "text",
  StringNotEquals: "text",
  StringEqualsIgnoreCase: "text",
  StringNotEqualsIgnoreCase: "text",
  StringLike: "text",
  StringNotLike: "text",
  NumericEquals: "number",
  NumericNotEquals: "number",
  NumericLessThan: "number",
  NumericLessThanEquals: "number",
  NumericGreaterThan: "number",
  NumericGreaterThanEquals: "number",
  DateEquals: "date",
  DateNotEquals: "date",
  DateLessThan: "date",
  DateLessThanEquals: "date",
  DateGreaterThan: "date",
  DateGreaterThanEquals: "date",
  Bool: "boolean",
  BinaryEquals: "binary",
  IpAddress: "address",
  NotIpAddress: "address",
  ArnEquals: "arn",
  ArnLike: "arn",
  ArnNotEquals: "arn",
  ArnNotLike: "arn",
  Null: "null",
};
const BY_FOLDED = new Map(Object.entries(OPERATORS).map(([name, reads]) => [name.toLowerCase(), reads]));

/** What the values of an operator must be; null for an unknown one. Set prefixes and IfExists belong to the name. */
export function operatorOf(written: string): Reads | null {
  const [, prefix, folded = ""] = /^(?:(.*):)?([^:]*)$/.exec(written.toLowerCase()) ?? [];
  if (prefix !== undefined && prefix !== "forallvalues" && prefix !== "foranyvalue") return null;
  const optional = folded.endsWith("ifexists");
  const reads = BY_FOLDED.get(optional ? folded.slice(0, -"ifexists".length) : folded);
  // Null asks for existence itself.
  return reads === undefined || (reads === "null" && (optional || prefix !== undefined)) ? null : reads;
}

const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[-+]\d{2}:?\d{2})?)?$/;
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?|[0-9a-fA-F:]*:[0-9a-fA-F:.]*(?:\/\d{1,3})?)$/;

export function readsValue(reads: Reads, value: string): boolean {
  if (reads === "boolean") return /^(?:true|false)$/i.test(value) || value.includes("${");
  if (reads === "null") return /^(?:true|false)$/i.test(value);
  if (reads === "number") return NUMBER.test(value);
  if (reads === "date") return DATE.test(value) || NUMBER.test(value);
  if (reads === "address")
    return ADDRESS.test(value) && value.split(/[./]/).every((part) => !/^\d+$/.test(part) || +part < 256);
  if (reads === "binary") return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value);
  return true;
}
