/** What policies can speak of: actions, resource types and condition keys, loaded when an editor is opened. */

export interface CatalogueService {
  /** What its actions begin with: `s3`. */
  prefix: string;
  name: string;
  actions: CatalogueAction[];
  resources: CatalogueResource[];
  keys: CatalogueKey[];
}

export interface CatalogueAction {
  name: string;
  description: string;
  /** `List`, `Read`, `Write`, `Tagging`, `Permissions management`. */
  level: string;
  /** Names of resource types; none means that only `*` can be the resource. */
  resources: string[];
  /** Condition keys as the reference spells them, `s3:RequestObjectTag/<key>` with a place to fill. */
  keys: string[];
}

export interface CatalogueResource {
  name: string;
  /** With places to fill: `arn:${Partition}:s3:::${BucketName}`. */
  arn: string;
}

export interface CatalogueKey {
  name: string;
  description: string;
  /** `String`, `ARN`, `Bool`, `Date`, `Numeric`, `IPAddress`, `ArrayOfString` … */
  type: string;
}

export interface Catalogue {
  services: CatalogueService[];
  /** The keys of every service: `aws:SourceIp` … */
  globalKeys: CatalogueKey[];
}

let loading: Promise<Catalogue> | null = null;

export function loadCatalogue(): Promise<Catalogue> {
  loading ??= import("virtual:policy-catalogue").then((module) => ({
    services: module.default,
    globalKeys: GLOBAL_KEYS,
  }));
  return loading;
}

/** IAM User Guide, "AWS global condition context keys": those that the server fills (docs/condition-keys.md). */
export const GLOBAL_KEYS: CatalogueKey[] = [
  ["aws:CurrentTime", "Date", "Filters access by the date and time of the request"],
  ["aws:EpochTime", "Date", "Filters access by the date and time of the request in epoch seconds"],
  ["aws:FederatedProvider", "String", "Filters access by the identity provider that authenticated the principal"],
  ["aws:MultiFactorAuthAge", "Numeric", "Filters access by the seconds since the MFA code was given"],
  ["aws:MultiFactorAuthPresent", "Bool", "Filters access by whether the credentials were got with MFA"],
  ["aws:PrincipalAccount", "String", "Filters access by the account of the principal"],
  ["aws:PrincipalArn", "ARN", "Filters access by the ARN of the principal; of a session, the ARN of its role"],
  ["aws:PrincipalIsAWSService", "Bool", "Filters access by whether an AWS service makes the call"],
  ["aws:PrincipalOrgID", "String", "Filters access by the organization of the principal"],
  ["aws:PrincipalOrgPaths", "ArrayOfString", "Filters access by the organization path of the principal"],
  ["aws:PrincipalTag/${TagKey}", "String", "Filters access by the tags of the principal"],
  ["aws:PrincipalType", "String", "Filters access by the type of the principal"],
  ["aws:referer", "String", "Filters access by the page that led to the request"],
  ["aws:RequestedRegion", "String", "Filters access by the region that was called"],
  ["aws:RequestTag/${TagKey}", "String", "Filters access by the tags that are passed in the request"],
  ["aws:ResourceAccount", "String", "Filters access by the account that owns the resource"],
  ["aws:ResourceOrgID", "String", "Filters access by the organization of the account that owns the resource"],
  [
    "aws:ResourceOrgPaths",
    "ArrayOfString",
    "Filters access by the organization path of the account that owns the resource",
  ],
  ["aws:ResourceTag/${TagKey}", "String", "Filters access by the tags of the resource"],
  ["aws:SecureTransport", "Bool", "Filters access by whether the request was sent over TLS"],
  ["aws:SourceIdentity", "String", "Filters access by the source identity of the session"],
  ["aws:SourceIp", "IPAddress", "Filters access by the IP address of the client"],
  ["aws:TagKeys", "ArrayOfString", "Filters access by the tag keys that are passed in the request"],
  ["aws:TokenIssueTime", "Date", "Filters access by when the temporary credentials were issued"],
  ["aws:UserAgent", "String", "Filters access by the client program"],
  ["aws:userid", "String", "Filters access by the unique ID of the principal"],
  ["aws:username", "String", "Filters access by the name of the IAM user"],
  ["aws:ViaAWSService", "Bool", "Filters access by whether a service calls on behalf of the principal"],
].map(([name = "", type = "", description = ""]) => ({ name, type, description }));
