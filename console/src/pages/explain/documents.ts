/**
 * The documents that decisions are about: where they are stored, how they are read, changed as a change says, and
 * written back, through the public APIs.
 */
import {
  CreatePolicyVersionCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { GetKeyPolicyCommand, PutKeyPolicyCommand } from "@aws-sdk/client-kms";
import { GetBucketPolicyCommand, PutBucketPolicyCommand } from "@aws-sdk/client-s3";

import { iam, kms, s3 } from "../../aws/clients";
import { failureOf } from "../../aws/errors";
import { member, parseJson, placeOf } from "../../policy/json";
import { decoded, type HolderKind, HOLDERS, pageOf } from "../iam/holders";
import { isAwsManaged, policyPage } from "../iam/managedPolicies";
import {
  accountOf,
  type Change,
  type Decision,
  type LayerType,
  type PolicyStatement,
  type StatementPlace,
} from "./decision";

/** Where a document is stored. */
export type Place =
  | { kind: "inline"; holder: HolderKind; name: string; policy: string }
  | { kind: "managed"; arn: string }
  | { kind: "trust"; role: string }
  | { kind: "bucket"; bucket: string }
  | { kind: "key"; arn: string };

const ENTITY = /^arn:[\w-]+:iam::\d{12}:(user|group|role)\/(?:.*\/)?([^/]+)$/;

/** The document that a statement of a layer stands in; null for those that no API of the account's tells. */
export function placeOfStatement(type: LayerType, statement: StatementPlace, decision: Decision): Place | null {
  if (type === "resource-based policy" || type === "role trust policy") return placeOfResource(decision.resource);
  if (type !== "identity-based policy" && type !== "permissions boundary") return null;
  if (statement.sourcePolicyArn !== null) return { kind: "managed", arn: statement.sourcePolicyArn };
  const entity = ENTITY.exec(statement.sourcePolicyHolder);
  if (entity === null) return null;
  return { kind: "inline", holder: entity[1] as HolderKind, name: entity[2] ?? "", policy: statement.sourcePolicyId };
}

/** The policy of a bucket (for its objects too), a role or a key. */
export function placeOfResource(resource: string): Place | null {
  const bucket = /^arn:[\w-]+:s3:::([^/]+)/.exec(resource);
  if (bucket !== null) return { kind: "bucket", bucket: bucket[1] ?? "" };
  const entity = ENTITY.exec(resource);
  if (entity?.[1] === "role") return { kind: "trust", role: entity[2] ?? "" };
  return /^arn:[\w-]+:kms:[\w-]*:\d{12}:key\//.test(resource) ? { kind: "key", arn: resource } : null;
}

/** Where a change is to be made; null where no call of the account can make it. */
export function placeOfChange(change: Change, decision: Decision): Place | null {
  if (!["add", "narrow", "remove"].includes(change.kind)) return null;
  const { policyType: type } = change;
  if (type === "resource-based policy" || type === "role trust policy") return placeOfResource(decision.resource);
  if (type !== "identity-based policy" && type !== "permissions boundary") return null;
  if (change.where.startsWith("arn:"))
    return isAwsManaged(change.where) ? null : { kind: "managed", arn: change.where };
  if (change.kind === "add") {
    const entity = ENTITY.exec(change.where.replace(/^an identity-based policy of /, ""));
    if (entity === null) return null;
    const [holder, name] = [entity[1] as HolderKind, entity[2] ?? ""];
    return { kind: "inline", holder, name, policy: `Allow-${decision.action.replace(":", "-")}` };
  }
  // An inline policy is told by its name: who carries it stands with the statement that denied.
  const carried = decision.layers
    ?.filter((layer) => layer.type === type)
    .flatMap((layer) => layer.statements)
    .find((one) => one.sourcePolicyId === change.where && one.sourcePolicyArn === null);
  return carried === undefined ? null : placeOfStatement(type, carried, decision);
}

/** What a document is called: `inline policy reports of user alice`. */
export function nameOf(place: Place): string {
  switch (place.kind) {
    case "inline":
      return `inline policy ${place.policy} of ${place.holder} ${place.name}`;
    case "managed":
      return `policy ${place.arn.split("/").at(-1)}`;
    case "trust":
      return `trust policy of role ${place.role}`;
    case "bucket":
      return `policy of bucket ${place.bucket}`;
    case "key":
      return `policy of key ${place.arn.split("/").at(-1)}`;
  }
}

/** The page of the console that shows it; null where there is none. */
export function pageOfPlace(place: Place): string | null {
  if (place.kind === "inline") return pageOf(HOLDERS[place.holder], place.name);
  if (place.kind === "managed") return policyPage(place.arn);
  return place.kind === "trust" ? pageOf(HOLDERS.role, place.role) : null;
}

/** The document as it is stored now; empty where there is none. */
export async function readDocument(place: Place): Promise<string> {
  try {
    return await read(place);
  } catch (error) {
    const gone = place.kind === "bucket" ? "NoSuchBucketPolicy" : "NoSuchEntity";
    if (failureOf(error).code === gone && (place.kind === "bucket" || place.kind === "inline")) return "";
    throw error;
  }
}

async function read(place: Place): Promise<string> {
  switch (place.kind) {
    case "inline":
      return HOLDERS[place.holder].inline(place.name, place.policy);
    case "managed": {
      const { Policy } = await iam().send(new GetPolicyCommand({ PolicyArn: place.arn }));
      const VersionId = Policy?.DefaultVersionId ?? "v1";
      const answer = await iam().send(new GetPolicyVersionCommand({ PolicyArn: place.arn, VersionId }));
      return decoded(answer.PolicyVersion?.Document);
    }
    case "trust":
      return decoded((await iam().send(new GetRoleCommand({ RoleName: place.role }))).Role?.AssumeRolePolicyDocument);
    case "bucket":
      return (await s3().send(new GetBucketPolicyCommand({ Bucket: place.bucket }))).Policy ?? "";
    case "key":
      return (await kms().send(new GetKeyPolicyCommand({ KeyId: place.arn }))).Policy ?? "";
  }
}

export async function writeDocument(place: Place, document: string): Promise<void> {
  switch (place.kind) {
    case "inline":
      await HOLDERS[place.holder].putInline(place.name, place.policy, document);
      return;
    case "managed":
      await iam().send(
        new CreatePolicyVersionCommand({ PolicyArn: place.arn, PolicyDocument: document, SetAsDefault: true }),
      );
      return;
    case "trust":
      await iam().send(new UpdateAssumeRolePolicyCommand({ RoleName: place.role, PolicyDocument: document }));
      return;
    case "bucket":
      await s3().send(new PutBucketPolicyCommand({ Bucket: place.bucket, Policy: document }));
      return;
    case "key":
      await kms().send(new PutKeyPolicyCommand({ KeyId: place.arn, Policy: document }));
  }
}

/** Why a change cannot be made to a document; the message is for people. */
export class NotApplicable extends Error {
  override name = "NotApplicable";
}

/** The document after the change, indented. Raises NotApplicable. */
export function changed(document: string, change: Change): string {
  const value = (document === "" ? { Version: "2012-10-17", Statement: [] } : JSON.parse(document)) as {
    Statement: PolicyStatement | PolicyStatement[];
  };
  const statements = Array.isArray(value.Statement) ? [...value.Statement] : [value.Statement];
  if (change.kind === "add") {
    if (change.statement === null) throw new NotApplicable("The change names no statement.");
    if (statements.some((one) => same(one, change.statement))) {
      throw new NotApplicable("The statement stands there already.");
    }
    statements.push(change.statement);
  } else {
    const at = same(statements[change.index], change.statement)
      ? change.index
      : statements.findIndex((one) => same(one, change.statement));
    if (at < 0) {
      throw new NotApplicable("The document was changed since: the statement does not stand there any more.");
    }
    statements.splice(at, 1, ...change.replacement);
  }
  if (statements.length === 0) {
    throw new NotApplicable(
      "It is the only statement, and a policy without statements cannot be stored: delete the policy.",
    );
  }
  return JSON.stringify({ ...value, Statement: statements }, null, 2);
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The document as it is shown, and the lines of statements in it; a document of one line is indented for reading. */
export function highlighted(
  document: string,
  statements: readonly StatementPlace[],
): { text: string; lines: { from: number; to: number }[]; moved: boolean } {
  const oneLine = !document.trim().includes("\n");
  let text = document;
  try {
    if (oneLine) text = JSON.stringify(JSON.parse(document), null, 2);
    const stored = nodesOf(document);
    const shown = nodesOf(text);
    const still = statements.filter(({ index, line, column }) => {
      const node = stored[index];
      if (node === undefined) return false;
      const place = placeOf(document, node.start);
      return place.line === line && place.column === column;
    });
    const lines = still.flatMap(({ index }) => {
      const node = shown[index];
      return node === undefined ? [] : [{ from: placeOf(text, node.start).line, to: placeOf(text, node.end - 1).line }];
    });
    return { text, lines, moved: still.length < statements.length };
  } catch {
    return { text, lines: [], moved: true };
  }
}

function nodesOf(text: string): { start: number; end: number }[] {
  const statement = member(parseJson(text), "Statement")?.value;
  if (statement === undefined) return [];
  return statement.kind === "array" ? statement.items : [statement];
}

/** Whether the account in use stores the document. */
export function owns(account: string, place: Place, change: Change): boolean {
  return change.account === account && (place.kind !== "managed" || accountOf(place.arn) === account);
}
