/**
 * An object that is put together from parts, of which nothing stays behind when it is cancelled or fails (S3 User
 * Guide, "Uploading and copying objects using multipart upload").
 */
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  type S3Client,
} from "@aws-sdk/client-s3";

import type { Part, Slots } from "./uploadPlan";

export interface Multipart {
  client: S3Client;
  /** What is begun: the object's name and what is said about it. */
  begin: CreateMultipartUploadCommandInput;
  parts: readonly Part[];
  /** Send one part; the signal says that no more is wanted. */
  sendPart: (part: Part, UploadId: string | undefined, signal: AbortSignal) => Promise<CompletedPart>;
  slots: Slots;
  signal: AbortSignal;
  /** Told of bytes that the server has. */
  sent: (bytes: number) => void;
}

/** Raises what S3 answers, and the signal's reason when it is cancelled. */
export async function inParts(given: Multipart): Promise<void> {
  const { client, begin, slots, signal } = given;
  const target = { Bucket: begin.Bucket, Key: begin.Key };
  signal.throwIfAborted();
  // Not cancelled half-way: an upload whose id nobody knows could not be aborted.
  const { UploadId } = await slots.run(0, () => client.send(new CreateMultipartUploadCommand(begin)));
  try {
    const Parts = await sendEach(given, UploadId);
    signal.throwIfAborted();
    await client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }));
  } catch (error) {
    // No part is under way any more, so none can come after this. What the user is told is why it was aborted.
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
    throw error;
  }
}

/** Returns when no part is under way, with all of them, or raises the first failure. */
async function sendEach(
  { parts, sendPart, slots, signal, sent }: Multipart,
  UploadId: string | undefined,
): Promise<CompletedPart[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const done: CompletedPart[] = [];
  const send = async (part: Part): Promise<void> => {
    const length = part.end - part.start;
    await slots.run(length, async () => {
      either.throwIfAborted();
      done[part.number - 1] = { PartNumber: part.number, ...(await sendPart(part, UploadId, either)) };
    });
    sent(length);
  };
  const outcomes = await Promise.allSettled(
    parts.map((part) =>
      send(part).catch((error: unknown) => {
        stop.abort(error);
        throw error;
      }),
    ),
  );
  if (outcomes.some(({ status }) => status === "rejected")) {
    signal.throwIfAborted();
    throw stop.signal.reason;
  }
  return done;
}

/** What of an answer to a part is needed to complete the upload. */
export function completedPart(answer: CompletedPart | undefined): CompletedPart {
  const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 } = answer ?? {};
  return { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 };
}
