/**
 * The AWS SDK clients, the only way by which pages reach the server.
 *
 * They sign with the credentials in use and talk to the origin that the console came from. A client lives as long as
 * the credentials do: after switching a role the next call gets a new one.
 */
import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { IAMClient } from "@aws-sdk/client-iam";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { STSClient } from "@aws-sdk/client-sts";

import { activeCredentials, type Credentials, signedIn } from "../session/session";
import { keepErrorDetails } from "./errors";

interface Settings {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
}

function settings(credentials: Credentials): Settings {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    endpoint: location.origin,
    region: signedIn().region,
    credentials: { accessKeyId, secretAccessKey, sessionToken },
  };
}

const S3_SETTINGS = {
  // Buckets are in the path: the content security policy allows no other origin than the console's.
  forcePathStyle: true,
  // Of an object with a Content-Encoding the browser gives what it has decoded, which has another checksum.
  responseChecksumValidation: "WHEN_REQUIRED",
} as const;

/** One client per credentials, made when it is first asked for. */
function perCredentials<Client>(make: (settings: Settings) => Client): () => Client {
  let kept: { credentials: Credentials; client: Client } | null = null;
  return () => {
    const credentials = activeCredentials(signedIn());
    if (kept === null || kept.credentials !== credentials) kept = { credentials, client: make(settings(credentials)) };
    return kept.client;
  };
}

export const iam = perCredentials((given) => keepErrorDetails(new IAMClient(given)));
export const kms = perCredentials((given) => keepErrorDetails(new KMSClient(given)));
export const sts = perCredentials((given) => keepErrorDetails(new STSClient(given)));
export const s3 = perCredentials((given) => keepErrorDetails(new S3Client({ ...given, ...S3_SETTINGS })));

/** S3 as a region's own endpoint: what CreateBucket is asked of. */
export function s3In(region: string): S3Client {
  return keepErrorDetails(new S3Client({ ...settings(activeCredentials(signedIn())), ...S3_SETTINGS, region }));
}

/** STS as the user who signed in, whatever role is in use: roles are switched from the original identity. */
export function stsAsOneself(): STSClient {
  return keepErrorDetails(new STSClient(settings(signedIn().credentials)));
}

/** CloudTrail of a region: each has its own event history. */
export function cloudtrail(region: string): CloudTrailClient {
  return keepErrorDetails(new CloudTrailClient({ ...settings(activeCredentials(signedIn())), region }));
}
