/**
 * The uploads of this tab. They go on while other pages are visited, as the identity that began them, and only that
 * sees them.
 */
import type { S3Client } from "@aws-sdk/client-s3";
import { useSyncExternalStore } from "react";

import { s3 } from "../../aws/clients";
import { activeCredentials, session, signedIn } from "../../session/session";
import { sendFile, type UploadSettings } from "./sendFile";
import { Slots } from "./uploadPlan";

export interface Upload {
  id: number;
  bucket: string;
  key: string;
  size: number;
  /** Bytes that the server has. */
  sent: number;
  state: "waiting" | "uploading" | "done" | "failed" | "cancelled";
  error: unknown;
}

export interface FileToUpload {
  file: File;
  key: string;
}

/** An upload with what it needs and nobody sees. */
interface Task {
  shown: Upload;
  owner: string;
  file: File;
  settings: UploadSettings;
  client: S3Client;
  cancellation: AbortController;
}

const FILES_AT_A_TIME = 4;
const PAUSE = 100; // ms between two drawings of the progress
const slots = new Slots();
const tasks: Task[] = [];
const listeners = new Set<() => void>();
let shown: readonly { owner: string; upload: Upload }[] = [];
let drawing: ReturnType<typeof setTimeout> | null = null;
let running = 0;
let number = 0;

/** Begin to upload. `settings` are for all of the files. */
export function upload(bucket: string, files: readonly FileToUpload[], settings: UploadSettings): void {
  const owner = activeCredentials(signedIn()).accessKeyId;
  const keys = new Set(files.map(({ key }) => key));
  // Of a key the last upload counts: an earlier one is off the list, and stopped if it is under way.
  for (const before of tasks.filter(
    (one) => one.owner === owner && one.shown.bucket === bucket && keys.has(one.shown.key),
  )) {
    before.cancellation.abort();
    tasks.splice(tasks.indexOf(before), 1);
  }
  for (const { file, key } of files) {
    number += 1;
    tasks.push({
      shown: { id: number, bucket, key, size: file.size, sent: 0, state: "waiting", error: null },
      owner,
      file,
      settings,
      client: s3(),
      cancellation: new AbortController(),
    });
  }
  next();
}

/** Stop uploads; of those in parts nothing stays. */
export function cancel(ids: readonly number[]): void {
  for (const task of chosen(ids)) {
    task.cancellation.abort();
    if (task.shown.state === "waiting") tell(task, { state: "cancelled" });
  }
}

/** Begin anew what failed or was cancelled. */
export function retry(ids: readonly number[]): void {
  for (const task of chosen(ids)) {
    if (task.shown.state !== "failed" && task.shown.state !== "cancelled") continue;
    task.cancellation = new AbortController();
    tell(task, { state: "waiting", sent: 0, error: null });
  }
  next();
}

/** Take those off the list that are over. */
export function forget(ids: readonly number[]): void {
  for (const task of chosen(ids)) if (!isUnderWay(task.shown)) tasks.splice(tasks.indexOf(task), 1);
  draw();
}

export function isUnderWay({ state }: Upload): boolean {
  return state === "waiting" || state === "uploading";
}

/** The uploads that the identity in use began. */
export function useUploads(): Upload[] {
  const all = useSyncExternalStore(whenUploadsChange, () => shown);
  const current = session();
  const owner = current === null ? "" : activeCredentials(current).accessKeyId;
  return all.filter((one) => one.owner === owner).map((one) => one.upload);
}

/** All uploads, outside of components. */
export function uploadsNow(): Upload[] {
  return tasks.map((task) => task.shown);
}

/** Calls the listener when something changed, until the function that is returned is called. */
export function whenUploadsChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function chosen(ids: readonly number[]): Task[] {
  const wanted = new Set(ids);
  return tasks.filter(({ shown: { id } }) => wanted.has(id));
}

function next(): void {
  while (running < FILES_AT_A_TIME) {
    const task = tasks.find(({ shown: { state } }) => state === "waiting");
    if (task === undefined) break;
    running += 1;
    tell(task, { state: "uploading" });
    void run(task).finally(() => {
      running -= 1;
      next();
    });
  }
  draw();
}

async function run(task: Task): Promise<void> {
  const { client, file, settings, cancellation } = task;
  const { bucket, key } = task.shown;
  // Who signed out wants nothing more to be done in their name.
  const stopIfSignedOut = (): void => {
    if (session() === null) cancellation.abort();
  };
  const sent = (bytes: number): void => {
    stopIfSignedOut();
    tell(task, { sent: task.shown.sent + bytes });
  };
  stopIfSignedOut();
  try {
    await sendFile({ client, bucket, key, file, settings, slots, signal: cancellation.signal, sent });
    tell(task, { state: "done" });
  } catch (error) {
    tell(task, cancellation.signal.aborted ? { state: "cancelled" } : { state: "failed", error });
  }
}

function tell(task: Task, news: Partial<Upload>): void {
  task.shown = { ...task.shown, ...news };
  draw();
}

/** Many files tell much: it is drawn ten times a second. */
function draw(): void {
  drawing ??= setTimeout(() => {
    drawing = null;
    shown = tasks.map((task) => ({ owner: task.owner, upload: task.shown }));
    for (const listener of listeners) listener();
  }, PAUSE);
}

// Closing the tab ends uploads: the browser asks first.
addEventListener("beforeunload", (event) => {
  if (tasks.some(({ shown: one }) => isUnderWay(one))) event.preventDefault();
});
