/**
 * Buckets, keys and prefixes: how they are written, and where in the console they are shown.
 *
 * Prefixes end with the delimiter `/`, or are empty; a "folder" is a prefix and, if somebody made one, an empty object
 * of that key (S3 User Guide, "Organizing objects using prefixes" and "using folders").
 */

export const DELIMITER = "/";

export interface Place {
  bucket: string;
  /** A prefix, or a key. */
  key: string;
}

/** `reports/2026/` as the steps of a trail, each with the prefix that it stands for. */
export function folders(prefix: string): { name: string; prefix: string }[] {
  const names = prefix.split(DELIMITER);
  return names.slice(0, -1).map((name, index) => ({
    name: name === "" ? DELIMITER : name,
    prefix: names.slice(0, index + 1).join(DELIMITER) + DELIMITER,
  }));
}

/** The prefix that a key stands in: `a/b/` of `a/b/c` and of `a/b/c/`. */
export function parent(key: string): string {
  const within = key.endsWith(DELIMITER) ? key.slice(0, -1) : key;
  return within.slice(0, within.lastIndexOf(DELIMITER) + 1);
}

/** The last step of a key, with the slash of a folder. */
export function nameOf(key: string): string {
  return key.slice(parent(key).length);
}

/** The key of a new folder, or what is wrong with its name. */
export function folderKey(prefix: string, name: string): { key: string } | { problem: string } {
  if (name.trim() === "") return { problem: "Enter a folder name." };
  if (name.includes(DELIMITER)) return { problem: 'A folder name has no "/" in it. Create one folder in the other.' };
  return keyProblem(prefix + name + DELIMITER) ?? { key: prefix + name + DELIMITER };
}

/** What keeps a key from being used; browsers rewrite addresses with `.` and `..` in them. */
export function keyProblem(key: string): { problem: string } | null {
  if (new TextEncoder().encode(key).length > 1024) return { problem: "A key has at most 1024 bytes." };
  if (key.split(DELIMITER).some((step) => step === "." || step === "..")) {
    return { problem: 'Browsers cannot send keys with a part "." or "..". Use another client.' };
  }
  return null;
}

/** Raises what keeps a key from being sent. */
export function checkKey(key: string): void {
  const found = keyProblem(key);
  if (found !== null) throw new RangeError(found.problem);
}

export function s3Uri({ bucket, key }: Place): string {
  return `s3://${bucket}/${key}`;
}

export function arn({ bucket, key }: Place): string {
  return key === "" ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`;
}

/** A bucket as somebody writes it: its name, an S3 URI or an ARN, with a prefix or without. */
export function parsePlace(text: string): Place | null {
  const [, bucket = "", key = ""] = /^(?:s3:\/\/|arn:aws:s3:::)?([^/:]+)(?:\/(.*))?$/s.exec(text.trim()) ?? [];
  return bucketNameProblem(bucket) === "" ? { bucket, key } : null;
}

/** What is wrong with the name of a bucket (S3 User Guide, "General purpose bucket naming rules"); "" if nothing. */
export function bucketNameProblem(name: string): string {
  if (name.length < 3 || name.length > 63) return "Bucket names have 3 to 63 characters.";
  if (!/^[a-z0-9.-]+$/.test(name)) return "Bucket names consist of lowercase letters, digits, dots and hyphens.";
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) return "Bucket names begin and end with a letter or digit.";
  if (name.includes("..")) return "Bucket names have no two dots side by side.";
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return "Bucket names do not look like an IP address.";
  return "";
}

/** The x-amz-copy-source of an object or one of its versions. */
export function copySource({ bucket, key }: Place, versionId?: string): string {
  const path = `${bucket}/${key.split(DELIMITER).map(encodeURIComponent).join(DELIMITER)}`;
  return versionId === undefined ? path : `${path}?versionId=${encodeURIComponent(versionId)}`;
}

/** The Content-Disposition that makes browsers save an object under its name (RFC 6266). */
export function attachment(key: string): string {
  const name = nameOf(key).replaceAll(DELIMITER, "");
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

// Pages of the console

export function bucketPage(bucket: string, prefix = "", tab = ""): string {
  return withQuery(`/s3/buckets/${bucket}`, { prefix, tab });
}

export function objectPage({ bucket, key }: Place, versionId = "", tab = ""): string {
  return withQuery(`/s3/object/${bucket}`, { key, versionId, tab });
}

export function uploadPage(bucket: string, prefix: string): string {
  return withQuery(`/s3/upload/${bucket}`, { prefix });
}

function withQuery(path: string, values: Record<string, string>): string {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== "")).toString();
  return query === "" ? path : `${path}?${query}`;
}
