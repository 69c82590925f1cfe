/** Events of CloudTrail as LookupEvents answers them, with what their records tell besides. */
import { type Event, type LookupAttributeKey, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";

import { cloudtrail } from "../../aws/clients";

/** What of a record is shown; the record itself is `text`. */
export interface TrailEvent {
  id: string;
  name: string;
  source: string;
  time: Date | undefined;
  readOnly: boolean;
  userName: string;
  accessKeyId: string;
  resources: { type: string; name: string }[];
  region: string;
  requestId: string;
  /** Empty for what succeeded; `Failure` where the record has a text alone. */
  errorCode: string;
  errorMessage: string;
  sourceAddress: string;
  userAgent: string;
  /** The account that asked, where it is told. */
  caller: string;
  callerArn: string;
  /** Whose history this record is in. */
  recipient: string;
  /** The same in the records of both accounts of one request; empty where one account is concerned. */
  sharedId: string;
  /** Another account's attempt to assume a role of this one, which was refused (docs/cloudtrail.md). */
  atTheDoor: boolean;
  decidedBy: string;
  text: string;
}

interface CloudTrailRecord {
  awsRegion?: string;
  requestID?: string;
  errorCode?: string;
  errorMessage?: string;
  sourceIPAddress?: string;
  userAgent?: string;
  userIdentity?: { accountId?: string; arn?: string; invokedBy?: string; type?: string; userName?: string };
  recipientAccountId?: string;
  sharedEventID?: string;
  additionalEventData?: { IsthmusExtension?: string; DecidedBy?: string };
}

export function readEvent(event: Event): TrailEvent {
  const text = event.CloudTrailEvent ?? "{}";
  const record = JSON.parse(text) as CloudTrailRecord;
  const { userIdentity: who = {}, additionalEventData: more } = record;
  return {
    id: event.EventId ?? "",
    name: event.EventName ?? "",
    source: event.EventSource ?? "",
    time: event.EventTime,
    readOnly: event.ReadOnly === "true",
    userName: event.Username ?? who.userName ?? who.invokedBy ?? "",
    accessKeyId: event.AccessKeyId ?? "",
    resources: (event.Resources ?? []).map(({ ResourceType = "", ResourceName = "" }) => ({
      type: ResourceType,
      name: ResourceName,
    })),
    region: record.awsRegion ?? "",
    requestId: record.requestID ?? "",
    // A failed sign-in has a text and no code.
    errorCode: record.errorCode ?? (record.errorMessage === undefined ? "" : "Failure"),
    errorMessage: record.errorMessage ?? "",
    sourceAddress: record.sourceIPAddress ?? "",
    userAgent: record.userAgent ?? "",
    caller: who.accountId ?? "",
    callerArn: who.arn ?? "",
    recipient: record.recipientAccountId ?? "",
    sharedId: record.sharedEventID ?? "",
    atTheDoor: more?.IsthmusExtension === "RefusedAtTheDoor",
    decidedBy: more?.DecidedBy ?? "",
    text,
  };
}

/** Whether a policy refused it, so that it can be explained. */
export function wasRefused({ errorCode }: TrailEvent): boolean {
  return /^(?:AccessDenied|UnauthorizedOperation|Client\.UnauthorizedOperation)/.test(errorCode);
}

/** Whether the request concerned two accounts. */
export function isCrossAccount({ sharedId, caller, recipient }: TrailEvent): boolean {
  return sharedId !== "" || (caller !== "" && recipient !== "" && caller !== recipient);
}

/** What LookupEvents is asked: one attribute at a time. */
export interface Lookup {
  region: string;
  attribute: LookupAttributeKey | null;
  value: string;
  start: Date | undefined;
  end: Date | undefined;
}

export async function lookUp(
  { region, attribute, value, start, end }: Lookup,
  token: string | undefined,
): Promise<{ events: TrailEvent[]; next: string | undefined }> {
  const answer = await cloudtrail(region).send(
    new LookupEventsCommand({
      LookupAttributes:
        attribute === null || value === "" ? undefined : [{ AttributeKey: attribute, AttributeValue: value }],
      StartTime: start,
      EndTime: end,
      NextToken: token,
      MaxResults: 50,
    }),
  );
  return { events: (answer.Events ?? []).map(readEvent), next: answer.NextToken };
}

export function eventPage({ region, id }: TrailEvent): string {
  return `/activity/${encodeURIComponent(region)}/${encodeURIComponent(id)}`;
}
