/** Trust policies: made from the choices of the wizard, and read for whom they trust. */

export interface Trust {
  type: "account" | "service" | "web-identity" | "saml" | "custom";
  /** The trusted account. */
  account: string;
  externalId: string | null;
  mfa: boolean;
  /** `ec2.amazonaws.com` */
  service: string;
  /** ARN of an OpenID Connect or SAML provider. */
  provider: string;
  audience: string;
  /** The trust policy of type "custom". */
  document: string;
}

/** The trust policy as AWS's console writes it. */
export function trustPolicy(trust: Trust): string {
  if (trust.type === "custom") return trust.document;
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement(trust)] }, null, 4);
}

function statement(trust: Trust): Record<string, unknown> {
  switch (trust.type) {
    case "service":
      return { Effect: "Allow", Principal: { Service: trust.service }, Action: "sts:AssumeRole" };
    case "web-identity":
      return {
        Effect: "Allow",
        Principal: { Federated: trust.provider },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: { StringEquals: { [`${issuerOf(trust.provider)}:aud`]: [trust.audience] } },
      };
    case "saml":
      return {
        Effect: "Allow",
        Principal: { Federated: trust.provider },
        Action: "sts:AssumeRoleWithSAML",
        Condition: { StringEquals: { "SAML:aud": "https://signin.aws.amazon.com/saml" } },
      };
    default:
      return {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { AWS: trust.account },
        Condition: {
          ...(trust.externalId === null ? {} : { StringEquals: { "sts:ExternalId": trust.externalId } }),
          ...(trust.mfa ? { Bool: { "aws:MultiFactorAuthPresent": "true" } } : {}),
        },
      };
  }
}

/** What the condition keys of a provider begin with: its issuer without the scheme. */
export function issuerOf(providerArn: string): string {
  return providerArn.split(":oidc-provider/")[1] ?? "";
}

/** Whom a trust policy trusts, in words: `Account: 444455556666`, `AWS Service: ec2`. */
export function trustedEntities(document: string): string[] {
  let policy: unknown;
  try {
    policy = JSON.parse(document);
  } catch {
    return [];
  }
  const statements = [(policy as { Statement?: unknown }).Statement].flat() as {
    Effect?: string;
    Principal?: string | Record<string, string | string[]>;
  }[];
  const found = new Set<string>();
  for (const { Effect, Principal } of statements) {
    if (Effect !== "Allow" || Principal === undefined) continue;
    if (typeof Principal === "string") found.add("Everybody");
    else
      for (const [kind, names] of Object.entries(Principal))
        for (const name of [names].flat()) found.add(words(kind, name));
  }
  return [...found];
}

function words(kind: string, name: string): string {
  if (kind === "Service") return `AWS Service: ${name.replace(/\.amazonaws\.com$/, "")}`;
  if (kind === "Federated") return `Identity Provider: ${name}`;
  if (name === "*") return "Everybody";
  const account = /^(?:arn:aws:iam::)?(\d{12})(?::root)?$/.exec(name)?.[1];
  return account === undefined ? name : `Account: ${account}`;
}
