/**
 * What is wrong with a policy, and where, while it is being written.
 *
 * ERROR is what the server refuses to store (`isthmus.policy.validate` has the same rules; tests/policies.json holds
 * the two together). The rest are AWS's recommendations, in the words of IAM Access Analyzer's policy checks where it
 * has them: an action that does not exist, a grant that is wider than it looks.
 */
import type { Catalogue } from "./catalogue";
import { JsonError, type JsonNode, type Member, member, parseJson, placeOf } from "./json";
import { operatorOf, readsValue } from "./operators";

export type PolicyKind = "identity" | "trust" | "bucket";

export interface Finding {
  severity: "ERROR" | "SECURITY_WARNING" | "WARNING" | "SUGGESTION";
  message: string;
  /** From 1. */
  line: number;
  column: number;
}

const ELEMENTS = new Set(["Version", "Id", "Statement"]);
const STATEMENT = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
];
const VERSIONS = ["2012-10-17", "2008-10-17"];
const PARTITIONS = /^(?:\*|aws|aws-cn|aws-us-gov|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f|aws-eusc)$/;
const VENDOR = /^[a-zA-Z0-9-]+$/;
const IAM_TYPES =
  /^(?:\*$|root$|user\/|federated-user\/|role\/|group\/|instance-profile\/|mfa\/|server-certificate\/|policy\/|sms-mfa\/|saml-provider\/|oidc-provider\/|report\/|access-report\/|[a-z-]*[*?])/;
const S3_REGIONAL = /^(?:accesspoint\/|job\/|storage-lens\/|\*)/;
const TRUST_ACTIONS = new Set([
  "sts:assumerole",
  "sts:assumerolewithsaml",
  "sts:assumerolewithwebidentity",
  "sts:tagsession",
  "sts:setsourceidentity",
  "sts:setcontext",
]);
const PRINCIPAL_KINDS = ["AWS", "Federated", "Service", "CanonicalUser"];
const PRINCIPAL_ARN =
  /^arn:[a-z-]+:(?:iam::\d{12}:(?:root|user\/[^*?]+|role\/[^*?]+)|sts::\d{12}:(?:assumed-role\/[^*?/]+\/[^*?/]+|federated-user\/[^*?/]+)|cloudfront::[^:*?]+|iam::cloudfront:user\/[^*?]+)$/;
const SERVICE_NAME = /^[a-z0-9.-]+\.[a-z0-9.-]+$/;
// IAM takes tab, line feed, carriage return and U+0020 to U+00FF.
// oxlint-disable-next-line no-control-regex
const FOREIGN = /[^\t\n\r\u0020-\u00ff]/;

/** The findings of a policy text in its order. `bucket` is the name for kind "bucket". */
export function checkPolicy(text: string, kind: PolicyKind, catalogue: Catalogue | null, bucket = ""): Finding[] {
  return new Checker(text, kind, catalogue, bucket).findings();
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === "ERROR");
}

class Checker {
  private readonly found: (Finding & { offset: number })[] = [];
  private readonly sids = new Set<string>();

  constructor(
    private readonly text: string,
    private readonly kind: PolicyKind,
    private readonly catalogue: Catalogue | null,
    private readonly bucket: string,
  ) {}

  findings(): Finding[] {
    if (this.text.trim() === "") {
      this.add("ERROR", 0, "Enter a policy: a JSON object with Version and Statement.");
    } else {
      const foreign = this.kind === "bucket" ? null : FOREIGN.exec(this.text);
      if (foreign !== null) this.add("ERROR", foreign.index, `The character ${foreign[0]} is not allowed in a policy.`);
      if (this.kind === "bucket" && !this.text.startsWith("{")) {
        this.add("ERROR", 0, "Policies must be valid JSON and the first byte must be '{'");
      }
      try {
        this.document(parseJson(this.text));
      } catch (error) {
        if (!(error instanceof JsonError)) throw error;
        this.add("ERROR", error.offset, `JSON syntax error: ${error.message}.`);
      }
    }
    this.found.sort((one, other) => one.offset - other.offset);
    return this.found.map(({ severity, message, line, column }) => ({ severity, message, line, column }));
  }

  private add(severity: Finding["severity"], at: number, message: string): void {
    this.found.push({ severity, message, offset: at, ...placeOf(this.text, at) });
  }

  private error(at: number, message: string): void {
    this.add("ERROR", at, message);
  }

  private document(root: JsonNode): void {
    if (root.kind !== "object") {
      this.error(root.start, "A policy is a JSON object with Version and Statement.");
      return;
    }
    for (const one of root.members) {
      if (!ELEMENTS.has(one.key)) this.error(one.start, unknown(one.key, [...ELEMENTS], "policy element"));
    }
    const version = member(root, "Version")?.value;
    if (version === undefined) {
      this.add(
        "WARNING",
        root.start,
        "We recommend that you specify the Version element 2012-10-17: without it, policy variables such as ${aws:username} do not work.",
      );
    } else if (version.kind !== "string" || !VERSIONS.includes(version.value)) {
      this.error(version.start, `The version is not valid. Use one of the following versions: ${VERSIONS.join(", ")}.`);
    }
    const id = member(root, "Id")?.value;
    if (id !== undefined && id.kind !== "string" && id.kind !== "null") this.error(id.start, "Id must be a text.");
    const statement = member(root, "Statement")?.value;
    if (statement === undefined) this.error(root.start, "Add a Statement element to the policy.");
    else if (statement.kind === "array" && statement.items.length > 0) {
      for (const item of statement.items) this.statement(item);
    } else if (statement.kind === "object" && statement.members.length > 0) this.statement(statement);
    else this.error(statement.start, "Statement must be an object or a list of objects, and not empty.");
  }

  private statement(node: JsonNode): void {
    if (node.kind !== "object") {
      this.error(node.start, "A statement is a JSON object.");
      return;
    }
    for (const one of node.members) {
      if (!STATEMENT.includes(one.key)) this.error(one.start, unknown(one.key, STATEMENT, "statement element"));
    }
    this.sid(member(node, "Sid")?.value);
    this.effect(node, member(node, "Effect")?.value);
    this.principal(node);
    const actions = this.either(node, "Action", "NotAction");
    const resources = this.either(node, "Resource", "NotResource");
    this.actions(node, actions);
    this.resources(node, resources);
    this.conditions(member(node, "Condition")?.value);
    this.advice(node, actions, resources);
  }

  private sid(value: JsonNode | undefined): void {
    if (value === undefined) return;
    if (value.kind !== "string") this.error(value.start, "Sid must be a text.");
    else if (this.kind !== "bucket" && !/^[A-Za-z0-9]*$/.test(value.value)) {
      this.error(value.start, "Statement IDs (SID) must be alpha-numeric: letters and digits without spaces.");
    } else if (value.value !== "" && this.sids.has(value.value)) {
      if (this.kind !== "bucket") this.error(value.start, "Statement IDs (SID) in a single policy must be unique.");
    } else this.sids.add(value.value);
  }

  private effect(statement: JsonNode, value: JsonNode | undefined): void {
    if (value === undefined) {
      this.error(statement.start, "Add the Effect element to the policy statement with a value of Allow or Deny.");
    } else if (value.kind !== "string" || !["Allow", "Deny"].includes(value.value)) {
      this.error(value.start, "The effect is not valid. Use Allow or Deny.");
    }
  }

  /** The element, its negation, or neither; both is an error. */
  private either(statement: JsonNode, name: string, negated: string): Member | undefined {
    const plain = member(statement, name);
    const other = member(statement, negated);
    if (plain !== undefined && other !== undefined) {
      this.error(other.start, `Use either ${name} or ${negated} in a statement, not both.`);
    }
    return plain ?? other;
  }

  private texts(element: Member): { value: string; start: number }[] {
    const nodes = element.value.kind === "array" ? element.value.items : [element.value];
    const found: { value: string; start: number }[] = [];
    for (const node of nodes) {
      if (node.kind === "string") found.push(node);
      else this.error(node.start, `${element.key} must be a text or a list of texts.`);
    }
    return found;
  }

  private actions(statement: JsonNode, element: Member | undefined): void {
    if (element === undefined) {
      this.error(statement.start, "Add an Action or NotAction element to the policy statement.");
      return;
    }
    const actions = this.texts(element);
    if (element.value.kind === "array" && element.value.items.length === 0) {
      this.error(element.start, `${element.key} must not be empty.`);
    }
    for (const { value, start } of actions) {
      const problem = this.actionProblem(value);
      if (problem !== null) this.error(start, problem);
      else this.known(value, start);
    }
  }

  private actionProblem(action: string): string | null {
    const problem = grammarOfAction(action);
    if (this.kind === "bucket") {
      return action !== "*" && (problem !== null || !action.toLowerCase().startsWith("s3:"))
        ? "A bucket policy speaks of actions of S3 only: s3:GetObject, s3:*"
        : null;
    }
    if (problem !== null || this.kind === "identity") return problem;
    const folded = action.toLowerCase();
    return TRUST_ACTIONS.has(folded) || /^sts:[a-z]*\*$/.test(folded)
      ? null
      : "AssumeRole policy may only specify STS AssumeRole actions.";
  }

  /** A hint for actions that are not in the catalogue; services that are not in it are not judged. */
  private known(action: string, at: number): void {
    const [prefix = "", name = ""] = action.split(":");
    const service = this.catalogue?.services.find((one) => one.prefix === prefix.toLowerCase());
    if (service === undefined || name === "") return;
    const pattern = globOf(name);
    if (service.actions.some((one) => pattern.test(one.name))) return;
    const near = nearest(
      name,
      service.actions.map((one) => one.name),
    );
    this.add(
      "WARNING",
      at,
      `The action ${action} does not exist.${near === null ? "" : ` Did you mean ${service.prefix}:${near}?`}`,
    );
  }

  private resources(statement: JsonNode, element: Member | undefined): void {
    if (this.kind === "trust") {
      if (element !== undefined)
        this.error(element.start, `A trust policy has no ${element.key}: it is about its role.`);
      return;
    }
    if (element === undefined) {
      this.error(statement.start, "Add a Resource or NotResource element to the policy statement.");
      return;
    }
    if (element.value.kind === "array" && element.value.items.length === 0) {
      this.error(element.start, `${element.key} must not be empty.`);
    }
    for (const { value, start } of this.texts(element)) {
      const problem = this.kind === "bucket" ? bucketResourceProblem(value, this.bucket) : resourceProblem(value);
      if (problem !== null) this.error(start, problem);
    }
  }

  private principal(statement: JsonNode): void {
    const element = this.either(statement, "Principal", "NotPrincipal");
    if (this.kind === "identity") {
      if (element !== undefined) {
        this.error(
          element.start,
          `An identity policy has no ${element.key}: remove it. Who it is for is whom it is attached to.`,
        );
      }
      return;
    }
    if (element === undefined) {
      this.error(statement.start, "Add a Principal element to the policy statement.");
      return;
    }
    const effect = member(statement, "Effect")?.value;
    if (element.key === "NotPrincipal" && this.kind === "trust") {
      this.error(element.start, "A trust policy cannot have NotPrincipal.");
    } else if (element.key === "NotPrincipal" && effect?.kind === "string" && effect.value === "Allow") {
      this.error(element.start, "Allow with NotPrincipal is not allowed.");
    }
    const { value } = element;
    if (value.kind === "string") {
      if (value.value !== "*") this.error(value.start, 'Principal is "*" or an object: {"AWS": "111122223333"}.');
      else if (this.kind === "trust") this.error(value.start, 'A trust policy writes everybody as {"AWS": "*"}.');
      return;
    }
    if (value.kind !== "object" || value.members.length === 0) {
      this.error(value.start, 'Principal must say who: {"AWS": "111122223333"}.');
      return;
    }
    for (const one of value.members) this.principalsOf(one);
  }

  private principalsOf(kind: Member): void {
    const kinds = this.kind === "trust" ? PRINCIPAL_KINDS.slice(0, 3) : PRINCIPAL_KINDS;
    if (!kinds.includes(kind.key)) {
      this.error(kind.start, unknown(kind.key, kinds, "kind of principal"));
      return;
    }
    const names = this.texts(kind);
    if (kind.value.kind === "array" && kind.value.items.length === 0) this.error(kind.start, `${kind.key} is empty.`);
    for (const { value, start } of names) {
      if (!canBe(kind.key, value)) {
        this.error(
          start,
          kind.key === "AWS"
            ? `${value} is no principal. Use an account ID, the ARN of a user, role or session, or *; ARNs of principals have no wildcards.`
            : `${value} is no principal of kind ${kind.key}.`,
        );
      }
    }
  }

  private conditions(block: JsonNode | undefined): void {
    if (block === undefined) return;
    if (block.kind !== "object") {
      this.error(block.start, 'Condition is an object: {"StringEquals": {"key": "value"}}.');
      return;
    }
    for (const operator of block.members) {
      const known = operatorOf(operator.key);
      if (known === null) this.error(operator.start, `The condition operator ${operator.key} is not valid.`);
      if (operator.value.kind !== "object") {
        this.error(operator.value.start, `${operator.key} must be an object of condition keys and values.`);
        continue;
      }
      for (const key of operator.value.members) {
        if (!key.key.includes(":")) {
          this.error(key.start, `The condition key ${key.key} must begin with its service, e.g. aws:SourceIp.`);
        }
        const values = key.value.kind === "array" ? key.value.items : [key.value];
        if (values.length === 0) this.error(key.value.start, `${key.key} has no values.`);
        for (const value of values) {
          if (value.kind === "object" || value.kind === "array" || value.kind === "null") {
            this.error(value.start, "Values of a condition are texts, numbers or booleans.");
          } else if (known !== null && !readsValue(known, value.value)) {
            this.error(value.start, `${value.value} is not a value for ${operator.key}.`);
          }
        }
      }
    }
  }

  /** What can be stored but may not be meant. */
  private advice(statement: JsonNode, actions: Member | undefined, resources: Member | undefined): void {
    const effect = member(statement, "Effect")?.value;
    if (effect?.kind !== "string" || effect.value !== "Allow" || actions === undefined) return;
    if (this.kind === "identity" && actions.key === "Action" && hasStar(actions) && hasStar(resources)) {
      this.add("SECURITY_WARNING", actions.start, "This statement allows every action on every resource.");
    }
    if (actions.key === "NotAction") {
      this.add(
        "SECURITY_WARNING",
        actions.start,
        "Using Allow with NotAction can be overly permissive. We recommend that you use Action instead.",
      );
    }
    const principal = member(statement, "Principal");
    if (this.kind !== "identity" && principal !== undefined && member(statement, "Condition") === undefined) {
      const everybody = principal.value.kind === "object" ? member(principal.value, "AWS") : principal;
      if (everybody !== undefined && hasStar(everybody)) {
        this.add("SECURITY_WARNING", principal.start, "This statement is for everybody, of every account.");
      }
    }
  }
}

function hasStar(element: Member | undefined): boolean {
  const nodes = element?.value.kind === "array" ? element.value.items : [element?.value];
  return nodes.some((node) => node?.kind === "string" && node.value === "*");
}

function grammarOfAction(action: string): string | null {
  if (action === "*") return null;
  const [vendor = "", name, ...more] = action.split(":");
  if (name === undefined || vendor === "") return "Actions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
  if (more.length > 0) return "Actions can contain only one colon.";
  if (!VENDOR.test(vendor)) return `Vendor ${vendor} is not valid.`;
  if (name === "" || /[\s,]/.test(name)) return "The name of an action has no spaces: s3:GetObject, s3:Get*.";
  return null;
}

function resourceProblem(resource: string): string | null {
  if (resource === "*") return null;
  const fields = resource.split(":");
  const [arn, partition = "", vendor, region, , ...rest] = fields;
  if (arn !== "arn") return `Resource ${resource} must be in ARN format or "*".`;
  if (vendor === undefined) return "Resource vendor must be fully qualified and cannot contain regexes.";
  if (!PARTITIONS.test(partition)) return `Partition "${partition}" is not valid for resource "${resource}".`;
  if (!VENDOR.test(vendor)) return "Resource vendor must be fully qualified and cannot contain regexes.";
  const named = rest.join(":");
  if (rest.length === 0 || named === "") {
    return "Resource ARNs have the following structure: arn:partition:service:region:account:resource.";
  }
  if (vendor === "iam" && region !== "") return `IAM resource ${resource} cannot contain region information.`;
  if (vendor === "iam" && !IAM_TYPES.test(named)) {
    return "IAM resources are *, root, or begin with their type: user/, group/, role/, policy/, mfa/ …";
  }
  if (vendor === "s3" && region !== "" && !S3_REGIONAL.test(named)) {
    return `Resource ${resource} can not contain region information.`;
  }
  return null;
}

function bucketResourceProblem(resource: string, bucket: string): string | null {
  const [arn, partition = "", vendor, region, account, ...rest] = resource.split(":");
  const [name = ""] = rest.join(":").split("/");
  const fits =
    arn === "arn" &&
    rest.length > 0 &&
    partition !== "*" &&
    PARTITIONS.test(partition) &&
    vendor === "s3" &&
    (region !== "" || account !== "" ? rest.join(":").startsWith("accesspoint/") : globOf(name, "").test(bucket));
  return fits ? null : `Resource must name this bucket: arn:aws:s3:::${bucket} or arn:aws:s3:::${bucket}/*.`;
}

function canBe(kind: string, name: string): boolean {
  if (kind === "AWS") {
    return (
      name === "*" || /^\d{12}$/.test(name) || PRINCIPAL_ARN.test(name) || /^(?:AIDA|AROA)[A-Z0-9]{12,}$/.test(name)
    );
  }
  if (kind === "CanonicalUser") return /^[0-9a-f]{64}$/.test(name);
  if (kind === "Service") return SERVICE_NAME.test(name);
  return name !== "" && !name.includes("*");
}

/** A pattern with `*` and `?` as an expression. */
export function globOf(pattern: string, flags = "i"): RegExp {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, flags);
}

function unknown(name: string, known: readonly string[], what: string): string {
  const near = nearest(name, known);
  return `${name} is no ${what}.${near === null ? "" : ` Did you mean ${near}?`}`;
}

/** The candidate that is a few letters away, if one is. */
function nearest(name: string, candidates: readonly string[]): string | null {
  let best: { name: string; distance: number } | null = null;
  for (const candidate of candidates) {
    const away = distance(name.toLowerCase(), candidate.toLowerCase());
    if (away <= Math.max(2, Math.floor(name.length / 4)) && (best === null || away < best.distance)) {
      best = { name: candidate, distance: away };
    }
  }
  return best?.name ?? null;
}

function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at];
    for (let place = 1; place <= other.length; place += 1) {
      const same = one[at - 1] === other[place - 1] ? 0 : 1;
      next.push(Math.min((row[place] ?? 0) + 1, (next[place - 1] ?? 0) + 1, (row[place - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
