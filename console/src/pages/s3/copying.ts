/**
 * An object is never changed: it is copied onto itself, with what shall be different (S3 User Guide, "Copying, moving,
 * and renaming objects"). With versioning the copy is a new version. What is larger than CopyObject takes is copied in
 * parts, with UploadPartCopy.
 */
import {
  ChecksumAlgorithm,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  type CreateMultipartUploadCommandInput,
  GetObjectTaggingCommand,
  type HeadObjectOutput,
  type S3Client,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";

import { s3 } from "../../aws/clients";
import { headObject, type ObjectId } from "../../aws/s3";
import { copySource } from "./addresses";
import { completedPart, inParts } from "./multipart";
import { copiedPartsOf, Slots } from "./uploadPlan";

const LARGEST = 5 * 1024 ** 3; // bytes; S3 API reference, CopyObject

export type Changes = Pick<
  CopyObjectCommandInput,
  | "CacheControl"
  | "ContentDisposition"
  | "ContentEncoding"
  | "ContentLanguage"
  | "ContentType"
  | "Expires"
  | "Metadata"
  | "SSEKMSKeyId"
  | "ServerSideEncryption"
  | "BucketKeyEnabled"
  | "StorageClass"
  | "WebsiteRedirectLocation"
>;

/** How a copy is followed. */
export interface Following {
  /** Cancels a copy in parts. */
  signal: AbortSignal;
  /** Told how much of a copy in parts is done, from 0 to 1. */
  progress: (share: number) => void;
}

/** Copy an object onto itself. What `changes` does not name stays as it was. */
export async function copyOntoItself(
  object: ObjectId,
  was: HeadObjectOutput,
  changes: Changes,
  following: Following,
): Promise<void> {
  const said: Changes = {
    ...described(was),
    StorageClass: was.StorageClass,
    ServerSideEncryption: was.ServerSideEncryption,
    SSEKMSKeyId: was.SSEKMSKeyId,
    BucketKeyEnabled: was.BucketKeyEnabled,
    ...changes,
  };
  if ((was.ContentLength ?? 0) > LARGEST) await copyInParts(s3(), object, was, said, following);
  else await s3().send(new CopyObjectCommand({ ...source(object), MetadataDirective: "REPLACE", ...said }));
}

/** Make an older version the current one, by a copy of it. */
export async function restoreVersion(
  object: ObjectId,
  size: number | undefined,
  storageClass: string | undefined,
  following: Following,
): Promise<void> {
  const StorageClass = storageClass as Changes["StorageClass"];
  if ((size ?? 0) > LARGEST) {
    const was = await headObject(object);
    await copyInParts(s3(), object, was, { ...described(was), StorageClass }, following);
  } else await s3().send(new CopyObjectCommand({ ...source(object), StorageClass }));
}

/** Copy an object onto its key in parts, with its tags and the kind of its checksum, as CopyObject does. */
export async function copyInParts(
  client: S3Client,
  object: ObjectId,
  was: HeadObjectOutput,
  said: Changes,
  { signal, progress }: Following,
): Promise<void> {
  const { CopySource, ...target } = source(object);
  const size = was.ContentLength ?? 0;
  const Tagging = await taggingOf(client, object);
  const algorithm = checksumOf(was);
  const begin: CreateMultipartUploadCommandInput = {
    ...target,
    ...said,
    ...(Tagging === "" ? {} : { Tagging }),
    ...(algorithm === undefined ? {} : { ChecksumAlgorithm: algorithm, ChecksumType: was.ChecksumType }),
  };
  let copied = 0;
  progress(0);
  await inParts({
    client,
    begin,
    parts: copiedPartsOf(size),
    // One that is under way is waited for: the server would go on with it, and have a part after all was aborted.
    sendPart: async ({ number, start, end }, UploadId) => {
      const { CopyPartResult } = await client.send(
        new UploadPartCopyCommand({
          ...target,
          UploadId,
          PartNumber: number,
          CopySource,
          CopySourceRange: `bytes=${start}-${end - 1}`,
          // Who writes the object meanwhile must not get half of each.
          CopySourceIfMatch: was.ETag,
        }),
      );
      return completedPart(CopyPartResult);
    },
    // Of its own, with room for whatever size: the bytes are the server's.
    slots: new Slots(undefined, Number.POSITIVE_INFINITY),
    signal,
    sent: (bytes) => {
      copied += bytes;
      progress(copied / size);
    },
  });
}

/** What is said about an object but how it is stored. */
function described(was: HeadObjectOutput): Changes {
  const expires = was.ExpiresString === undefined ? undefined : new Date(was.ExpiresString);
  return {
    CacheControl: was.CacheControl,
    ContentDisposition: was.ContentDisposition,
    ContentEncoding: was.ContentEncoding,
    ContentLanguage: was.ContentLanguage,
    ContentType: was.ContentType,
    // Anything can be stored there, and only a date be sent.
    Expires: Number.isNaN(expires?.getTime()) ? undefined : expires,
    Metadata: was.Metadata,
    WebsiteRedirectLocation: was.WebsiteRedirectLocation,
  };
}

/** The tags of an object, as the header that a new one is begun with. */
async function taggingOf(client: S3Client, object: ObjectId): Promise<string> {
  const { TagSet = [] } = await client.send(new GetObjectTaggingCommand(object));
  return new URLSearchParams(TagSet.map(({ Key = "", Value = "" }) => [Key, Value])).toString();
}

function checksumOf(was: HeadObjectOutput): ChecksumAlgorithm | undefined {
  return Object.values(ChecksumAlgorithm).find(
    (name) => (was as Record<string, unknown>)[`Checksum${name}`] !== undefined,
  );
}

function source({ Bucket, Key, VersionId }: ObjectId): { Bucket: string; Key: string; CopySource: string } {
  return { Bucket, Key, CopySource: copySource({ bucket: Bucket, key: Key }, VersionId) };
}
