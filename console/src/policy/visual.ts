/**
 * A policy as the visual editor sees it: statements about one service each, or statements that it leaves alone.
 *
 * Reading and writing are inverse: what the visual editor cannot show (NotAction, several services in one statement)
 * it keeps as it was written.
 */

export interface VisualStatement {
  /** Unique while the editor is open. */
  id: number;
  sid: string;
  effect: "Allow" | "Deny";
  /** `s3`; empty until one is chosen. */
  service: string;
  /** Without the service: `GetObject`, `Get*`, `*`. */
  actions: string[];
  /** `["*"]` for all. */
  resources: string[];
  conditions: VisualCondition[];
}

export interface VisualCondition {
  /** As in a policy: `StringEquals`, `ForAnyValue:StringLike`, `BoolIfExists`. */
  operator: string;
  key: string;
  values: string[];
}

/** A statement that only the JSON editor can change. */
export interface OtherStatement {
  id: number;
  json: unknown;
}

export type AnyStatement = VisualStatement | OtherStatement;

export interface VisualPolicy {
  version: string;
  policyId: string | null;
  statements: AnyStatement[];
}

let lastId = 0;

export function isVisual(statement: AnyStatement): statement is VisualStatement {
  return "service" in statement;
}

export function emptyStatement(): VisualStatement {
  return { id: (lastId += 1), sid: "", effect: "Allow", service: "", actions: [], resources: [], conditions: [] };
}

/** The policy of a JSON text; null if it is not one at all. */
export function readVisual(text: string): VisualPolicy | null {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(document)) return null;
  const { Version: version = "2012-10-17", Id: policyId = null, Statement: statements = [] } = document;
  if (typeof version !== "string" || (policyId !== null && typeof policyId !== "string")) return null;
  if (Object.keys(document).some((key) => !["Version", "Id", "Statement"].includes(key))) return null;
  const listed = Array.isArray(statements) ? statements : [statements];
  return { version, policyId, statements: listed.map(readStatement) };
}

/** The JSON text of a policy, as AWS's console writes it. */
export function writeVisual({ version, policyId, statements }: VisualPolicy): string {
  const document = {
    Version: version,
    ...(policyId === null ? {} : { Id: policyId }),
    Statement: statements.map((statement) => (isVisual(statement) ? written(statement) : statement.json)),
  };
  return JSON.stringify(document, null, 2);
}

function written({ sid, effect, service, actions, resources, conditions }: VisualStatement): unknown {
  const block: Record<string, Record<string, string | string[]>> = {};
  for (const { operator, key, values } of conditions) {
    if (key !== "") block[operator] = { ...block[operator], [key]: single(values) };
  }
  return {
    ...(sid === "" ? {} : { Sid: sid }),
    Effect: effect,
    Action: single(actions.map((action) => `${service}:${action}`)),
    Resource: single(resources),
    ...(Object.keys(block).length === 0 ? {} : { Condition: block }),
  };
}

function single(values: string[]): string | string[] {
  return values.length === 1 && values[0] !== undefined ? values[0] : values;
}

function readStatement(json: unknown): AnyStatement {
  const id = (lastId += 1);
  return visualOf(json, id) ?? { id, json };
}

function visualOf(json: unknown, id: number): VisualStatement | null {
  if (!isObject(json)) return null;
  const { Sid: sid = "", Effect: effect, Action: action, Resource: resource, Condition: block = {}, ...rest } = json;
  const actions = texts(action);
  const resources = texts(resource);
  if (Object.keys(rest).length > 0 || typeof sid !== "string" || (effect !== "Allow" && effect !== "Deny")) return null;
  if (actions === null || resources === null || !isObject(block)) return null;
  const parts = actions.map((one) => one.split(":"));
  const services = new Set(parts.map(([prefix = ""]) => prefix.toLowerCase()));
  if (services.size > 1 || parts.some((one) => one.length !== 2)) return null;
  const conditions: VisualCondition[] = [];
  for (const [operator, keys] of Object.entries(block)) {
    if (!isObject(keys)) return null;
    for (const [key, given] of Object.entries(keys)) {
      const values = (Array.isArray(given) ? given : [given]) as unknown[];
      if (values.some((value) => !["string", "boolean", "number"].includes(typeof value))) return null;
      conditions.push({ operator, key, values: values.map(String) });
    }
  }
  const [service = ""] = services;
  return { id, sid, effect, service, actions: parts.map(([, name = ""]) => name), resources, conditions };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function texts(value: unknown): string[] | null {
  const listed: unknown[] = Array.isArray(value) ? value : [value];
  return listed.every((one) => typeof one === "string") ? listed : null;
}

/** The places to fill of an ARN pattern: `arn:${Partition}:s3:::${BucketName}` has `Partition` and `BucketName`. */
export function placesOf(pattern: string): string[] {
  return [...pattern.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => name);
}

/** The ARN of a pattern; places that are not given are `*`, the partition is `aws`. */
export function filled(pattern: string, given: Readonly<Record<string, string>>): string {
  return pattern.replaceAll(/\$\{(\w+)\}/g, (_, name: string) =>
    name === "Partition" ? "aws" : given[name]?.trim() || "*",
  );
}
