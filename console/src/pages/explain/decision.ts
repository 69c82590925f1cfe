/**
 * A decision as DecodeAuthorizationMessage tells it: what was asked, what each layer of policies of both sides says of
 * it, and the smallest changes that would allow it.
 *
 * The account that owns the resource is told both sides, the one that asked its own; a decision too large for a message
 * is told without its layers.
 */

export type Side = "caller" | "owner";
export type Verdict = "allow" | "implicit deny" | "explicit deny";

/** The kinds of layers, in the words of AWS's texts. */
export type LayerType =
  | "service control policy"
  | "resource control policy"
  | "identity-based policy"
  | "permissions boundary"
  | "session policy"
  | "resource-based policy"
  | "role trust policy"
  | "access control list"
  | "Block Public Access";

/** A statement and where it stands; lines and columns from 1, as the document is stored. */
export interface StatementPlace {
  statementId: string | null;
  effect: "ALLOW" | "DENY";
  index: number;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  sourcePolicyId: string;
  sourcePolicyArn: string | null;
  /** The ARN of the user, group, role, unit or account that carries it; empty where that says nothing. */
  sourcePolicyHolder: string;
}

/** An allow that did not apply, and what of it did not match. */
export interface Miss extends StatementPlace {
  unmatched: string[];
  missingContextKeys: string[];
}

export interface Level {
  /** The ARN of the root, unit or account. */
  holder: string;
  verdict: Verdict;
  policies: { name: string; arn: string | null }[];
}

export interface Layer {
  type: LayerType;
  side: Side;
  account: string;
  verdict: Verdict;
  statements: StatementPlace[];
  nearest: Miss[];
  levels?: Level[];
}

export type PolicyStatement = Record<string, unknown>;

export interface Change {
  side: Side;
  account: string;
  kind: "satisfy" | "add" | "narrow" | "remove" | "unset" | "grant";
  policyType: LayerType;
  where: string;
  statement: PolicyStatement | null;
  replacement: PolicyStatement[];
  /** Keys and values to ask with; null: without that key. */
  context: Record<string, string | string[] | null>;
  explanation: string;
  line: number | null;
  index: number;
}

export interface Decision {
  allowed: boolean;
  /** An answer of the policy simulator: no such request was made. */
  simulated: boolean;
  explicitDeny: boolean;
  decidedBy: LayerType | null;
  principal: string;
  action: string;
  resource: string;
  conditions: { key: string; values: string[] }[];
  /** Null where the decision was too large to tell. */
  layers: Layer[] | null;
  /** What the asking account is told of a side that it may not see, where that refuses. */
  hidden: { account: string; explanation: string } | null;
  changes: Change[];
}

interface Told {
  allowed: boolean;
  simulated?: boolean;
  explicitDeny?: boolean;
  decidedBy?: LayerType;
  action?: string;
  resource?: string;
  context?: {
    principal: { arn: string };
    action: string;
    resource: string;
    conditions: { items: { key: string; values: { items: { value: string }[] } }[] };
  };
  layers?: { items: (Layer | { side: Side; account: string; explanation: string })[] };
  changes?: { items: Change[] };
}

/** The decision in a decoded message. Raises SyntaxError for a text that is not ours. */
export function readDecision(text: string): Decision {
  const told = JSON.parse(text) as Told;
  const { context } = told;
  const items = told.layers?.items;
  return {
    allowed: told.allowed,
    simulated: told.simulated ?? false,
    explicitDeny: told.explicitDeny ?? false,
    decidedBy: told.decidedBy ?? null,
    principal: context?.principal.arn ?? "",
    action: context?.action ?? told.action ?? "",
    resource: context?.resource ?? told.resource ?? "",
    conditions: (context?.conditions.items ?? []).map(({ key, values }) => ({
      key,
      values: values.items.map(({ value }) => value),
    })),
    layers: items?.filter((one): one is Layer => "type" in one) ?? null,
    hidden: items?.find((one) => "explanation" in one) ?? null,
    changes: told.changes?.items ?? [],
  };
}

/** The user or role that asks, for the policy simulator: of a session its role. Null for whom it cannot simulate. */
export function policySource(principal: string): string | null {
  const session = /^arn:([\w-]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(principal);
  if (session !== null) return `arn:${session[1]}:iam::${session[2]}:role/${session[3]}`;
  return /^arn:[\w-]+:iam::\d{12}:(?:user|role)\//.test(principal) ? principal : null;
}

/** The account of an ARN; empty where it has none, as those of buckets. */
export function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}

/** The account that owns the resource; empty where the decision does not say. */
export function ownerOf(decision: Decision): string {
  const told = decision.layers?.find(({ side }) => side === "owner")?.account ?? decision.hidden?.account;
  const key = decision.conditions.find((one) => one.key === "aws:resourceaccount");
  return told ?? key?.values[0] ?? accountOf(decision.resource);
}

/** The account that asks; empty for requests without credentials. */
export function callerOf(decision: Decision): string {
  return decision.layers?.find(({ side }) => side === "caller")?.account ?? accountOf(decision.principal);
}

/** `Statement PartnersWithMfa`, by its number where it has no Sid. */
export function whatOf({ statementId, index }: StatementPlace): string {
  return statementId === null || statementId === "" ? `Statement ${index + 1}` : `Statement ${statementId}`;
}
