/** What pages of S3 ask for in more than one step. */
import { GetObjectCommand, HeadObjectCommand, type HeadObjectOutput } from "@aws-sdk/client-s3";

import { s3 } from "./clients";
import { failureOf } from "./errors";

/** The answer, or null where the error only says that nothing was configured. */
export async function orNone<Value>(asked: Promise<Value>, ...codes: string[]): Promise<Value | null> {
  try {
    return await asked;
  } catch (error) {
    if (codes.includes(failureOf(error).code)) return null;
    throw error;
  }
}

export interface ObjectId {
  Bucket: string;
  Key: string;
  VersionId?: string | undefined;
}

/** What HeadObject tells. Its refusals have no text, since HEAD has no body: GetObject is asked for that of its own. */
export async function headObject(object: ObjectId): Promise<HeadObjectOutput> {
  try {
    return await s3().send(new HeadObjectCommand({ ...object, ChecksumMode: "ENABLED" }));
  } catch (error) {
    await mayRead(object);
    throw error;
  }
}

/** Raises what keeps the caller from reading an object, in words. */
export async function mayRead(object: ObjectId): Promise<void> {
  try {
    const { Body } = await s3().send(new GetObjectCommand({ ...object, Range: "bytes=0-0" }));
    await (Body as { cancel?: () => Promise<void> } | undefined)?.cancel?.();
  } catch (error) {
    // An empty object has no first byte.
    if (failureOf(error).code !== "InvalidRange") throw error;
  }
}
