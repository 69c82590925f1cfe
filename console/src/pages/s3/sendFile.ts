/** One file becomes an object: with PutObject, or in parts with a multipart upload. */
import { PutObjectCommand, type PutObjectCommandInput, type S3Client, UploadPartCommand } from "@aws-sdk/client-s3";

import { completedPart, inParts } from "./multipart";
import { type Part, partsOf, type Slots } from "./uploadPlan";

/** What is said about the new object. */
export type UploadSettings = Pick<
  PutObjectCommandInput,
  "StorageClass" | "ServerSideEncryption" | "SSEKMSKeyId" | "Metadata" | "Tagging" | "ChecksumAlgorithm"
>;

export interface Sending {
  client: S3Client;
  bucket: string;
  key: string;
  file: Blob;
  settings: UploadSettings;
  slots: Slots;
  signal: AbortSignal;
  /** Told of bytes that the server has. */
  sent: (bytes: number) => void;
}

/** Raises what S3 answers, and the signal's reason when it is cancelled. */
export async function sendFile(sending: Sending): Promise<void> {
  const parts = partsOf(sending.file.size);
  await (parts.length === 0 ? sendWhole(sending) : sendParts(sending, parts));
}

async function sendWhole({ client, bucket, key, file, settings, slots, signal, sent }: Sending): Promise<void> {
  await slots.run(file.size, async () => {
    signal.throwIfAborted();
    const Body = await bytesOf(file);
    await client.send(
      new PutObjectCommand({ ...settings, Bucket: bucket, Key: key, Body, ContentType: contentType(file) }),
      { abortSignal: signal },
    );
  });
  sent(file.size);
}

async function sendParts(sending: Sending, parts: readonly Part[]): Promise<void> {
  const { client, bucket, key, file, settings, slots, signal, sent } = sending;
  const target = { Bucket: bucket, Key: key };
  await inParts({
    client,
    begin: { ...settings, ...target, ContentType: contentType(file) },
    parts,
    sendPart: async ({ number, start, end }, UploadId, either) =>
      completedPart(
        await client.send(
          new UploadPartCommand({
            ...target,
            UploadId,
            PartNumber: number,
            Body: await bytesOf(file.slice(start, end)),
            ChecksumAlgorithm: settings.ChecksumAlgorithm,
          }),
          { abortSignal: either },
        ),
      ),
    slots,
    signal,
    sent,
  });
}

/** The SDK computes the checksum of bytes; of a Blob it would make a stream, which browsers do not send. */
async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}

function contentType(file: Blob): string {
  return file.type === "" ? "application/octet-stream" : file.type;
}
