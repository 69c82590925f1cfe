/** Buckets opened by name, remembered in this browser for each identity: names, nothing secret. */
import { signedIn } from "../../session/session";

const MOST = 20;

function place(): string {
  const { arn, role } = signedIn();
  return `isthmus.buckets.${role === null ? arn : `arn:aws:iam::${role.account}:role/${role.roleName}`}`;
}

export function recentBuckets(): string[] {
  try {
    return JSON.parse(localStorage.getItem(place()) ?? "[]") as string[];
  } catch {
    return [];
  }
}

export function rememberBucket(name: string): void {
  keep([name, ...recentBuckets().filter((one) => one !== name)].slice(0, MOST));
}

export function forgetBucket(name: string): void {
  keep(recentBuckets().filter((one) => one !== name));
}

function keep(names: string[]): void {
  localStorage.setItem(place(), JSON.stringify(names));
}
