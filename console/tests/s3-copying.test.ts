import { beforeEach, expect, test, vi } from "vitest";

import { copyOntoItself, type Following, restoreVersion } from "../src/pages/s3/copying";
import { copiedPartsOf } from "../src/pages/s3/uploadPlan";

const GIB = 1024 ** 3;
const OBJECT = { Bucket: "b", Key: "a key/ü" };
const WAS = {
  ContentLength: 5 * GIB + 1,
  ETag: '"e"',
  Metadata: { team: "data" },
  ContentType: "text/csv",
  StorageClass: "GLACIER_IR",
  ChecksumCRC32: "c",
  ChecksumType: "FULL_OBJECT",
} as const;

interface Sent {
  name: string;
  input: Record<string, unknown>;
}
let sent: Sent[] = [];
let answer: (name: string, input: Record<string, unknown>) => unknown = () => ({});

vi.mock("../src/aws/clients", () => ({
  s3: () => ({
    send: async (command: { constructor: { name: string }; input: Record<string, unknown> }): Promise<unknown> => {
      const name = command.constructor.name.replace("Command", "");
      sent.push({ name, input: command.input });
      await Promise.resolve();
      return answer(name, command.input);
    },
  }),
}));

beforeEach(() => {
  sent = [];
  answer = (name) => {
    if (name === "CreateMultipartUpload") return { UploadId: "u" };
    if (name === "GetObjectTagging") return { TagSet: [{ Key: "a b", Value: "c&d" }] };
    if (name === "UploadPartCopy") return { CopyPartResult: { ETag: "p", ChecksumCRC32: "x" } };
    if (name === "HeadObject") return WAS;
    return {};
  };
});

function following(progress: (share: number) => void = () => undefined): Following & { stop: () => void } {
  const cancellation = new AbortController();
  return { signal: cancellation.signal, progress, stop: () => cancellation.abort() };
}

function of(name: string): Record<string, unknown>[] {
  return sent.filter((one) => one.name === name).map(({ input }) => input);
}

test("an object of 5 GB is copied whole, a larger one in parts without gaps, with its tags and checksum", async () => {
  await copyOntoItself(OBJECT, { ...WAS, ContentLength: 5 * GIB }, { StorageClass: "STANDARD" }, following());
  expect(sent.map(({ name }) => name)).toEqual(["CopyObject"]);
  sent = [];
  const shares: number[] = [];
  await copyOntoItself(
    OBJECT,
    WAS,
    { StorageClass: "STANDARD" },
    following((share) => shares.push(share)),
  );
  expect(of("CreateMultipartUpload")).toMatchObject([
    {
      ...OBJECT,
      StorageClass: "STANDARD",
      ContentType: "text/csv",
      Metadata: { team: "data" },
      Tagging: "a+b=c%26d",
      ChecksumAlgorithm: "CRC32",
      ChecksumType: "FULL_OBJECT",
    },
  ]);
  const ranges = of("UploadPartCopy").map((input) => {
    expect(input).toMatchObject({ UploadId: "u", CopySource: "b/a%20key/%C3%BC", CopySourceIfMatch: '"e"' });
    return String(input["CopySourceRange"]).replace("bytes=", "").split("-").map(Number);
  });
  expect(ranges[0]?.[0]).toBe(0);
  expect(ranges.at(-1)?.[1]).toBe(5 * GIB);
  expect(ranges.slice(1).every(([start], index) => start === (ranges[index]?.[1] ?? 0) + 1)).toBe(true);
  expect(of("CompleteMultipartUpload")).toMatchObject([
    {
      MultipartUpload: { Parts: ranges.map((_, index) => ({ PartNumber: index + 1, ETag: "p", ChecksumCRC32: "x" })) },
    },
  ]);
  expect(shares[0]).toBe(0);
  expect(shares.at(-1)).toBe(1);
  expect(shares).toEqual(shares.toSorted((one, other) => one - other));
});

test("a large version is restored with what is said about it, from that version", async () => {
  await restoreVersion({ ...OBJECT, VersionId: "v 1" }, 6 * GIB, "STANDARD_IA", following());
  expect(of("HeadObject")).toMatchObject([{ VersionId: "v 1" }]);
  const [begun] = of("CreateMultipartUpload");
  expect(begun).toMatchObject({ StorageClass: "STANDARD_IA", Metadata: { team: "data" } });
  expect(begun).not.toHaveProperty("VersionId");
  expect(of("UploadPartCopy")[0]).toMatchObject({ CopySource: "b/a%20key/%C3%BC?versionId=v%201" });
});

test("a cancelled copy is aborted when no part is under way any more", async () => {
  const copy = following();
  const log: string[] = [];
  const before = answer;
  answer = async (name, input) => {
    if (name === "UploadPartCopy") {
      copy.stop();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    log.push(name);
    return before(name, input);
  };
  await expect(copyOntoItself(OBJECT, WAS, {}, copy)).rejects.toThrow("aborted");
  expect(log.at(-1)).toBe("AbortMultipartUpload");
  expect(log).not.toContain("CompleteMultipartUpload");
  // The others were not begun.
  expect(log.filter((name) => name === "UploadPartCopy").length).toBeLessThanOrEqual(4);
});

test("a copy whose tags may not be read is not begun, since they would be lost", async () => {
  answer = (name) => {
    if (name === "GetObjectTagging") throw new Error("AccessDenied");
    return {};
  };
  await expect(copyOntoItself(OBJECT, WAS, {}, following())).rejects.toThrow("AccessDenied");
  expect(sent.map(({ name }) => name)).toEqual(["GetObjectTagging"]);
});

test("an Expires that is no date is not sent", async () => {
  await copyOntoItself(OBJECT, { ContentLength: 1, ExpiresString: "0 never" }, {}, following());
  expect(of("CopyObject")[0]?.["Expires"]).toBeUndefined();
  await copyOntoItself(OBJECT, { ContentLength: 1, ExpiresString: "Wed, 21 Oct 2065 07:28:00 GMT" }, {}, following());
  expect(of("CopyObject")[1]?.["Expires"]).toEqual(new Date("2065-10-21T07:28:00Z"));
});

test.each([5 * GIB + 1, 5 * 1024 * GIB])("an object of %i bytes is copied in at most 10,000 parts", (size) => {
  const parts = copiedPartsOf(size);
  expect(parts.length).toBeLessThanOrEqual(10_000);
  expect(parts.at(-1)?.end).toBe(size);
  expect(parts.every(({ start, end }) => end - start <= 5 * GIB)).toBe(true);
});
