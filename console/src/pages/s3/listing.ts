/** What stands in a bucket under a prefix, one page at a time: folders first, then objects, or all their versions. */
import { ListObjectsV2Command, ListObjectVersionsCommand } from "@aws-sdk/client-s3";

import type { ListPage } from "../../aws/answers";
import { s3 } from "../../aws/clients";
import { DELIMITER } from "./addresses";

export interface Entry {
  kind: "folder" | "object" | "marker";
  /** Of a folder its prefix. */
  key: string;
  /** The key below the prefix that is listed. */
  name: string;
  size?: number | undefined;
  modified?: Date | undefined;
  storageClass?: string | undefined;
  /** Set when versions are listed. */
  versionId?: string | undefined;
  latest?: boolean | undefined;
}

/** What an entry is called in the list: no other has this name. */
export function entryName({ name, versionId }: Entry): string {
  return versionId === undefined ? name : `${name} (version ${versionId})`;
}

export interface Listed {
  bucket: string;
  /** Where one is. */
  prefix: string;
  /** What names there begin with. */
  search: string;
  versions: boolean;
}

const PAGE_SIZE = 100; // entries: what is drawn at once, so that a page of a large bucket is quick to use

export function listPage(listed: Listed, token: string | undefined): Promise<ListPage<Entry>> {
  return listed.versions ? versionPage(listed, token, DELIMITER) : objectPage(listed, token);
}

async function objectPage(listed: Listed, token: string | undefined): Promise<ListPage<Entry>> {
  const page = await s3().send(
    new ListObjectsV2Command({ ...asked(listed), Delimiter: DELIMITER, ContinuationToken: token }),
  );
  // The object that stands for the folder one is in is no content of it.
  const contents = (page.Contents ?? []).filter(({ Key }) => Key !== listed.prefix);
  const objects = contents.map(({ Key = "", Size, LastModified, StorageClass }): Entry => ({
    ...named(listed, Key),
    kind: "object",
    size: Size,
    modified: LastModified,
    storageClass: StorageClass,
  }));
  return { items: [...foldersOf(listed, page.CommonPrefixes), ...objects], next: page.NextContinuationToken };
}

/** The versions of one key. */
export async function listVersionsOf(bucket: string, key: string, token: string | undefined): Promise<ListPage<Entry>> {
  const page = await versionPage({ bucket, prefix: key, search: "", versions: true }, token, undefined);
  // Keys that begin like this one come after it.
  const items = page.items.filter((one) => one.key === key);
  return { items, next: items.length === page.items.length ? page.next : undefined };
}

async function versionPage(
  listed: Listed,
  token: string | undefined,
  Delimiter: string | undefined,
): Promise<ListPage<Entry>> {
  const [KeyMarker, VersionIdMarker] = token === undefined ? [] : (JSON.parse(token) as (string | undefined)[]);
  const page = await s3().send(
    new ListObjectVersionsCommand({ ...asked(listed), Delimiter, KeyMarker, VersionIdMarker }),
  );
  const versions = (page.Versions ?? []).map(
    ({ Key = "", Size, LastModified, StorageClass, VersionId, IsLatest }): Entry => ({
      ...named(listed, Key),
      kind: "object",
      size: Size,
      modified: LastModified,
      storageClass: StorageClass,
      versionId: VersionId,
      latest: IsLatest,
    }),
  );
  const markers = (page.DeleteMarkers ?? []).map(({ Key = "", LastModified, VersionId, IsLatest }): Entry => ({
    ...named(listed, Key),
    kind: "marker",
    modified: LastModified,
    versionId: VersionId,
    latest: IsLatest,
  }));
  return {
    items: [...foldersOf(listed, page.CommonPrefixes), ...newestFirst([...versions, ...markers])],
    next: page.IsTruncated === true ? JSON.stringify([page.NextKeyMarker, page.NextVersionIdMarker]) : undefined,
  };
}

/** By key, and the versions of a key from the current one back: the answer has them and the markers in two lists. */
export function newestFirst(entries: Entry[]): Entry[] {
  return entries.toSorted((one, other) => {
    if (one.key !== other.key) return one.key < other.key ? -1 : 1;
    if (one.latest !== other.latest) return one.latest === true ? -1 : 1;
    return (other.modified?.getTime() ?? 0) - (one.modified?.getTime() ?? 0);
  });
}

function asked({ bucket, prefix, search }: Listed): { Bucket: string; Prefix: string; MaxKeys: number } {
  return { Bucket: bucket, Prefix: prefix + search, MaxKeys: PAGE_SIZE };
}

function named({ prefix }: Listed, key: string): { key: string; name: string } {
  // The object of the folder one is in has its key and no name.
  return { key, name: key.slice(prefix.length) || key };
}

function foldersOf(listed: Listed, prefixes: { Prefix?: string | undefined }[] = []): Entry[] {
  return prefixes.map(({ Prefix = "" }) => ({ kind: "folder", ...named(listed, Prefix) }));
}
