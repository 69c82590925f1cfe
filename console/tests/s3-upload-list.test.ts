import { File } from "node:buffer";

import { renderHook } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";

import { begin, end, type Session } from "../src/session/session";

const MIB = 1024 * 1024;
const sent: string[] = [];
let onBegin: () => void = () => undefined;

vi.mock(import("../src/aws/clients"), () => ({
  s3: () =>
    ({
      send: (command: { constructor: { name: string } }) => {
        const name = command.constructor.name.replace("Command", "");
        sent.push(name);
        if (name === "CreateMultipartUpload") onBegin();
        return Promise.resolve({ UploadId: "u" });
      },
    }) as never,
}));

const { cancel, forget, retry, upload, uploadsNow, useUploads } = await import("../src/pages/s3/uploads");

function sessionOf(accessKeyId: string): Session {
  return {
    account: "111122223333",
    accountAlias: null,
    accountName: "Production",
    kind: "user",
    name: "alice",
    arn: "arn:aws:iam::111122223333:user/alice",
    mfa: false,
    region: "us-east-1",
    credentials: { accessKeyId, secretAccessKey: "", sessionToken: "", expires: 0 },
    role: null,
  };
}

function file(size: number, key: string) {
  return { file: new File([new Uint8Array(size)], key) as unknown as globalThis.File, key };
}

const states = (): string[] => uploadsNow().map(({ state }) => state);

beforeEach(() => {
  forget(uploadsNow().map(({ id }) => id));
  sent.length = 0;
  onBegin = () => undefined;
  begin(sessionOf("FIRST"));
});

test("uploads are seen by the identity that began them alone", async () => {
  upload("b", [file(1, "a"), file(2, "b")], {});
  await vi.waitFor(() => expect(states()).toEqual(["done", "done"]));
  await vi.waitFor(() =>
    expect(renderHook(useUploads).result.current).toMatchObject([
      { bucket: "b", key: "a", sent: 1 },
      { bucket: "b", key: "b", sent: 2 },
    ]),
  );
  begin(sessionOf("SECOND"));
  expect(renderHook(useUploads).result.current).toEqual([]);
});

test("signing out ends what is under way and what waits, and nothing of it stays", async () => {
  onBegin = () => end();
  upload("b", [file(9 * MIB, "large"), ...["1", "2", "3", "4", "5"].map((key) => file(1, key))], {});
  // Three small ones were on their way with the large one, two had to wait.
  await vi.waitFor(() => expect(states().slice(-2)).toEqual(["cancelled", "cancelled"]));
  await vi.waitFor(() => expect(states()[0]).toBe("cancelled"));
  expect(sent.filter((name) => name.includes("Multipart"))).toEqual(["CreateMultipartUpload", "AbortMultipartUpload"]);
});

test("what waits is cancelled at once, and is uploaded when it is tried again", async () => {
  upload(
    "b",
    ["1", "2", "3", "4", "5"].map((key) => file(1, key)),
    {},
  );
  const last = uploadsNow().at(-1);
  cancel([last?.id ?? 0]);
  expect(states().at(-1)).toBe("cancelled");
  await vi.waitFor(() => expect(states().slice(0, 4)).toEqual(["done", "done", "done", "done"]));
  expect(sent).toHaveLength(4);
  retry([last?.id ?? 0]);
  await vi.waitFor(() => expect(states().at(-1)).toBe("done"));
});

test("another upload of a key takes the place of the one before", async () => {
  upload("b", [file(1, "a")], {});
  upload("b", [file(3, "a")], {});
  expect(uploadsNow().map(({ size }) => size)).toEqual([3]);
  await vi.waitFor(() => expect(states()).toEqual(["done"]));
});
