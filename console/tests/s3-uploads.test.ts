import { expect, test } from "vitest";

import { sendFile } from "../src/pages/s3/sendFile";
import { partSize, partsOf, Slots } from "../src/pages/s3/uploadPlan";

const MIB = 1024 * 1024;
const TIB = 1024 ** 4;

test.each([0, 1, 8 * MIB])("a file of %i bytes travels whole", (size) => {
  expect(partsOf(size)).toEqual([]);
});

test.each([8 * MIB + 1, 200 * MIB, 5 * TIB, 48 * TIB])("a file of %i bytes has parts without gaps", (size) => {
  const parts = partsOf(size);
  expect(parts.length).toBeLessThanOrEqual(10_000);
  expect(parts[0]).toMatchObject({ number: 1, start: 0 });
  expect(parts.at(-1)).toMatchObject({ number: parts.length, end: size });
  expect(parts.slice(1).every(({ number, start }, index) => start === parts[index]?.end && number === index + 2)).toBe(
    true,
  );
  // Every part but the last is of the same size, at least 5 MiB.
  expect(new Set(parts.slice(0, -1).map(({ start, end }) => end - start)).size).toBeLessThanOrEqual(1);
  expect(partSize(size)).toBeGreaterThanOrEqual(5 * MIB);
});

test("parts grow when 10,000 would not be enough", () => {
  expect(partSize(80_000 * MIB)).toBe(8 * MIB);
  expect(partSize(80_001 * MIB)).toBe(9 * MIB);
  expect(() => partsOf(49 * TIB)).toThrow(RangeError);
});

test("slots let in so many requests and bytes at a time, in order", async () => {
  const slots = new Slots(2, 100);
  const log: string[] = [];
  const gates = new Map<string, () => void>();
  const work = (name: string, bytes: number): Promise<void> =>
    slots.run(bytes, async () => {
      log.push(name);
      await new Promise<void>((open) => gates.set(name, open));
    });
  const all = [work("a", 60), work("b", 60), work("c", 10), work("huge", 500)];
  const let1 = async (name: string): Promise<void> => {
    gates.get(name)?.();
    await new Promise((resolve) => setTimeout(resolve));
  };
  await let1("");
  expect(log).toEqual(["a"]);
  await let1("a");
  expect(log).toEqual(["a", "b", "c"]);
  await let1("b");
  expect(log).toEqual(["a", "b", "c"]);
  await let1("c");
  expect(log).toEqual(["a", "b", "c", "huge"]);
  await let1("huge");
  await Promise.all(all);
});

/** A client that answers as S3 would, and keeps what it was sent. */
class Recorder {
  readonly sent: string[] = [];

  constructor(private readonly answer: (name: string, part: number | undefined) => Promise<object>) {}

  async send(command: { constructor: { name: string }; input: { PartNumber?: number } }): Promise<object> {
    const name = command.constructor.name.replace("Command", "");
    this.sent.push(name);
    return this.answer(name, command.input.PartNumber);
  }
}

function sending(client: Recorder, signal: AbortSignal, sent: (bytes: number) => void = () => undefined) {
  // jsdom's Blob has no arrayBuffer.
  const blob = (size: number): Blob =>
    ({
      size,
      type: "",
      arrayBuffer: () => Promise.resolve(new ArrayBuffer(0)),
      slice: (start: number, end: number) => blob(end - start),
    }) as unknown as Blob;
  return sendFile({
    client: client as never,
    bucket: "b",
    key: "k",
    file: blob(20 * MIB),
    settings: {},
    slots: new Slots(),
    signal,
    sent,
  });
}

const UPLOAD = { UploadId: "u" };

test("a file in parts is begun, sent and completed, and every byte is told of", async () => {
  const client = new Recorder((name) => Promise.resolve(name === "CreateMultipartUpload" ? UPLOAD : { ETag: "e" }));
  let bytes = 0;
  await sending(client, new AbortController().signal, (more) => {
    bytes += more;
  });
  expect(client.sent).toEqual([
    "CreateMultipartUpload",
    "UploadPart",
    "UploadPart",
    "UploadPart",
    "CompleteMultipartUpload",
  ]);
  expect(bytes).toBe(20 * MIB);
});

test("a part that fails ends the upload, which is aborted when no part is under way", async () => {
  const log: string[] = [];
  const client = new Recorder(async (name, part) => {
    if (name === "CreateMultipartUpload") return UPLOAD;
    if (name === "UploadPart") {
      if (part === 2) throw new Error("no room");
      await new Promise((resolve) => setTimeout(resolve, 20));
      log.push(`part ${part}`);
    } else log.push(name);
    return {};
  });
  await expect(sending(client, new AbortController().signal)).rejects.toThrow("no room");
  expect(log).toEqual(["part 1", "part 3", "AbortMultipartUpload"]);
});

test("a cancelled upload is aborted, also when it was cancelled while it began", async () => {
  const cancellation = new AbortController();
  const client = new Recorder((name) => {
    if (name === "CreateMultipartUpload") cancellation.abort();
    return Promise.resolve(UPLOAD);
  });
  await expect(sending(client, cancellation.signal)).rejects.toThrow("aborted");
  expect(client.sent).toEqual(["CreateMultipartUpload", "AbortMultipartUpload"]);
});

test("an upload that is refused at the beginning leaves nothing to abort", async () => {
  const client = new Recorder(() => Promise.reject(new Error("AccessDenied")));
  await expect(sending(client, new AbortController().signal)).rejects.toThrow("AccessDenied");
  expect(client.sent).toEqual(["CreateMultipartUpload"]);
});
