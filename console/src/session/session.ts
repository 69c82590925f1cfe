/**
 * Who is signed in, and as which role: the one place that holds credentials.
 *
 * They live in this module and in the tab's session storage, so that a reload does not sign out and closing the tab
 * does. Nothing secret is ever in a URL, and the password is never here.
 */
import { useSyncExternalStore } from "react";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  /** Milliseconds since the epoch. */
  expires: number;
}

/** What the user switched to; the ARN is that of the role, not of the session. */
export interface RoleInUse {
  account: string;
  roleName: string;
  displayName: string;
  color: string;
  credentials: Credentials;
}

export interface Session {
  account: string;
  accountAlias: string | null;
  accountName: string;
  kind: "root" | "user";
  /** The user's name; the e-mail address of a root user. */
  name: string;
  arn: string;
  /** Whether a code was given at sign-in. */
  mfa: boolean;
  region: string;
  credentials: Credentials;
  role: RoleInUse | null;
}

const KEY = "isthmus.session";
const listeners = new Set<() => void>();
let current: Session | null = read();
let ended = false;

function read(): Session | null {
  try {
    const text = sessionStorage.getItem(KEY);
    return text === null ? null : (JSON.parse(text) as Session);
  } catch {
    return null;
  }
}

function write(next: Session | null): void {
  current = next;
  if (next === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify(next));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The session, or null when nobody is signed in; components that use it follow changes. */
export function useSession(): Session | null {
  return useSyncExternalStore(subscribe, () => current);
}

/** Whether the last session ended by itself: the sign-in page says so. */
export function useSessionEnded(): boolean {
  return useSyncExternalStore(subscribe, () => ended);
}

/** The session outside of components. */
export function session(): Session | null {
  return current;
}

/** The session where there must be one: pages are only shown to somebody. */
export function signedIn(): Session {
  if (current === null) throw new Error("Nobody is signed in.");
  return current;
}

/** The credentials that requests are signed with: the role's, else the user's own. */
export function activeCredentials(of: Session): Credentials {
  return of.role?.credentials ?? of.credentials;
}

/** The account whose resources are on screen. */
export function activeAccount(of: Session): string {
  return of.role?.account ?? of.account;
}

export function begin(started: Session): void {
  ended = false;
  write(started);
}

/** Forget everything. `expired`: the session ended by itself. */
export function end(expired = false): void {
  ended = expired;
  write(null);
}

/** Act as a role from now on, or as oneself again. */
export function actAs(role: RoleInUse | null): void {
  if (current !== null) write({ ...current, role });
}

/** The account has another alias now: it is shown in the bar. */
export function noteAlias(alias: string | null): void {
  if (current !== null) write({ ...current, accountAlias: alias });
}
