/**
 * A question about what would be decided: the policy simulator, whose answer to a single question carries the decision
 * as an encoded authorization message, and sts:DecodeAuthorizationMessage, which opens it.
 *
 * AWS's simulator takes the policy of a bucket or key from whoever asks. It is read here first, where the account may;
 * trust policies the server knows. Of principals of other accounts nothing can be known but what the policies here say
 * of them: their own account is taken to allow everything.
 */
import { type ContextEntry, SimulateCustomPolicyCommand, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam";
import { DecodeAuthorizationMessageCommand } from "@aws-sdk/client-sts";

import { iam, sts } from "../../aws/clients";
import { failureOf, keepEncodedMessage } from "../../aws/errors";
import { activeAccount, signedIn } from "../../session/session";
import { accountOf, type Decision, readDecision } from "./decision";
import { nameOf, placeOfResource, readDocument } from "./documents";

export interface Question {
  /** The ARN of a user, group or role. */
  principal: string;
  action: string;
  resource: string;
  conditions: { key: string; values: string[] }[];
  /** The resource's policy; empty: the one that it has. */
  resourcePolicy: string;
  /** The account id of the resource's owner; empty: the one in its ARN, else the account in use. */
  owner: string;
}

export interface Simulated {
  decision: Decision;
  /** Which resource policy it was decided with, and what was not known, in words. */
  notes: string[];
  /** Documents that came with the question, by the names that statements tell. */
  given: ReadonlyMap<string, string>;
}

const ANYTHING = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}';

/** What would be decided. Raises what the APIs answer. */
export async function simulate(question: Question): Promise<Simulated> {
  const here = activeAccount(signedIn());
  const foreign = accountOf(question.principal) !== here;
  const owner = question.owner || accountOf(question.resource) || here;
  const { policy, note } = await resourcePolicy(question, owner === here, foreign);
  const notes = [note];
  const members = {
    ActionNames: [question.action],
    ResourceArns: [question.resource],
    ContextEntries: question.conditions.map(entryOf),
    ...(policy !== "" && { ResourcePolicy: policy, ResourceOwner: `arn:aws:iam::${owner}:root` }),
  };
  let command;
  if (foreign) {
    notes.push(
      `The policies of account ${accountOf(question.principal)} are not known here: they are taken to allow it.`,
    );
    command = new SimulateCustomPolicyCommand({
      ...members,
      PolicyInputList: [ANYTHING],
      CallerArn: question.principal,
    });
  } else command = new SimulatePrincipalPolicyCommand({ ...members, PolicySourceArn: question.principal });
  const encodedMessage = keepEncodedMessage(command);
  await (command instanceof SimulateCustomPolicyCommand ? iam().send(command) : iam().send(command));
  const message = encodedMessage();
  if (message === null) throw new Error("The simulator's answer carries no explanation.");
  const documents = new Map([["PolicyInputList.1", ANYTHING]]);
  if (question.resourcePolicy.trim() !== "" || policy === forOneself(question.resource)) {
    documents.set("resource-based policy", policy).set("role trust policy", policy);
  }
  return { decision: await decode(message), notes, given: documents };
}

/** The decision of an encoded authorization message, or of the refusal with a request ID. */
export async function decode(message: string): Promise<Decision> {
  const answer = await sts().send(new DecodeAuthorizationMessageCommand({ EncodedMessage: message }));
  return readDecision(answer.DecodedMessage ?? "");
}

/** own: whether the account in use owns the resource. foreign: whether the principal is of another account. */
async function resourcePolicy(
  { resource, resourcePolicy: given }: Question,
  own: boolean,
  foreign: boolean,
): Promise<{ policy: string; note: string }> {
  if (given.trim() !== "") return { policy: given, note: "Decided with the resource policy that you entered." };
  const place = placeOfResource(resource);
  if (place === null) {
    if (foreign)
      throw new Error("Principals of other accounts reach buckets, objects, roles and keys: enter the ARN of one.");
    return { policy: "", note: "The resource is taken to have no policy of its own." };
  }
  const unknown = `The ${nameOf(place)} is of another account: only the principal's side is decided.`;
  if (place.kind === "trust" && !foreign) {
    return { policy: "", note: own ? `Decided with the ${nameOf(place)}, as it is now.` : unknown };
  }
  if (!own) return { policy: "", note: unknown };
  let policy: string;
  try {
    policy = await readDocument(place);
  } catch (error) {
    if (foreign) throw error; // it alone decides
    const why = failureOf(error).code;
    return { policy: "", note: `The ${nameOf(place)} could not be read (${why}): it has no say here.` };
  }
  if (policy !== "") return { policy, note: `Decided with the ${nameOf(place)}, as it is now.` };
  const note = `There is no ${nameOf(place)}.`;
  return foreign
    ? { policy: forOneself(resource), note: `${note} One that speaks of this account alone stands in its place.` }
    : { policy, note };
}

/** A policy that opens nothing to others: without any the simulator would ask the principal's side alone. */
function forOneself(resource: string): string {
  const Principal = { AWS: `arn:aws:iam::${activeAccount(signedIn())}:root` };
  const Statement = { Effect: "Allow", Principal, Action: "s3:*", Resource: resource };
  return JSON.stringify({ Version: "2012-10-17", Statement });
}

const TYPES: readonly [RegExp, ContextEntry["ContextKeyType"]][] = [
  [/^(?:aws:SecureTransport|aws:MultiFactorAuthPresent|aws:ViaAWSService|aws:PrincipalIsAWSService)$/i, "boolean"],
  [/^(?:aws:SourceIp|aws:VpcSourceIp)$/i, "ip"],
  [/^(?:aws:CurrentTime|aws:TokenIssueTime)$/i, "date"],
  [/^(?:aws:EpochTime|aws:MultiFactorAuthAge|s3:max-keys)$/i, "numeric"],
];

/** Keys that have several values by nature, even when it is one. */
const LISTS = /^(?:aws:TagKeys|aws:PrincipalOrgPaths|aws:ResourceOrgPaths|aws:PrincipalServiceNamesList)$/i;

/** Values as the simulator wants them, with the type of the key. */
function entryOf({ key, values }: { key: string; values: string[] }): ContextEntry {
  const type = TYPES.find(([pattern]) => pattern.test(key))?.[1] ?? "string";
  return {
    ContextKeyName: key,
    ContextKeyValues: values,
    ContextKeyType: values.length === 1 && !LISTS.test(key) ? type : (`${type}List` as ContextEntry["ContextKeyType"]),
  };
}
