/** Deleting many objects: DeleteObjects takes a thousand keys at a time and answers for each. */
import {
  DeleteObjectsCommand,
  type ObjectIdentifier,
  paginateListObjectsV2,
  ListObjectVersionsCommand,
  type ListObjectVersionsOutput,
} from "@aws-sdk/client-s3";

import { s3 } from "../../aws/clients";

const MOST = 1000; // S3 API reference, DeleteObjects

export interface Refused {
  key: string;
  versionId: string | undefined;
  code: string;
  message: string;
}

export interface Deletion {
  deleted: number;
  refused: Refused[];
}

/** Delete what comes, batch by batch, and tell how far it is after each. Raises what a whole request is refused with. */
export async function deleteAll(
  bucket: string,
  source: AsyncIterable<ObjectIdentifier[]>,
  tell: (soFar: Deletion) => void,
  signal: AbortSignal,
): Promise<Deletion> {
  const done: Deletion = { deleted: 0, refused: [] };
  for await (const identifiers of source) {
    for (let start = 0; start < identifiers.length; start += MOST) {
      signal.throwIfAborted();
      const Objects = identifiers.slice(start, start + MOST);
      const { Errors = [] } = await s3().send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
      );
      done.deleted += Objects.length - Errors.length;
      done.refused.push(
        ...Errors.map(({ Key = "", VersionId, Code = "", Message = "" }) => ({
          key: Key,
          versionId: VersionId,
          code: Code,
          message: Message,
        })),
      );
      tell({ ...done });
    }
  }
  return done;
}

/** Every current object under a prefix. */
export async function* keysUnder(bucket: string, prefix: string): AsyncGenerator<ObjectIdentifier[]> {
  for await (const page of paginateListObjectsV2({ client: s3() }, { Bucket: bucket, Prefix: prefix })) {
    yield (page.Contents ?? []).map(({ Key }) => ({ Key }));
  }
}

/** Every version and delete marker under a prefix. */
export async function* versionsUnder(bucket: string, prefix: string): AsyncGenerator<ObjectIdentifier[]> {
  let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | null = {};
  while (next !== null) {
    const page: ListObjectVersionsOutput = await s3().send(
      new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...next }),
    );
    yield [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({ Key, VersionId }));
    next =
      page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : null;
  }
}
