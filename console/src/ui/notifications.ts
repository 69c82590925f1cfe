/** The messages above a page: what was done, what failed in the background. They go when the user moves on. */
import type { FlashbarProps } from "@cloudscape-design/components/flashbar";
import { type ReactNode, useSyncExternalStore } from "react";
import type { DataRouter } from "react-router";

export interface Notification {
  id: string;
  type: FlashbarProps.Type;
  header?: ReactNode;
  content?: ReactNode;
  action?: ReactNode;
  /** Stays when the user goes to another page. */
  sticky?: boolean;
}

interface Shown extends Notification {
  since: number;
}

const MOST = 5;
const JUST_NOW = 2000; // ms before one leaves; what an action says is meant for the page that it leads to
let shown: readonly Shown[] = [];
let number = 0;
const listeners = new Set<() => void>();

function show(next: readonly Shown[]): void {
  shown = next;
  for (const listener of listeners) listener();
}

/** Show a message; one with the same id is replaced. Returns its id. */
export function notify(message: Omit<Notification, "id"> & { id?: string }): string {
  const id = message.id ?? `n${(number += 1)}`;
  show([{ ...message, id, since: Date.now() }, ...shown.filter((one) => one.id !== id)].slice(0, MOST));
  return id;
}

export function succeeded(content: ReactNode): void {
  notify({ type: "success", content });
}

export function dismiss(id: string): void {
  if (shown.some((one) => one.id === id)) show(shown.filter((one) => one.id !== id));
}

/** Nobody is signed in any more: nothing that was said to one is shown to another. */
export function dismissAll(): void {
  if (shown.length > 0) show([]);
}

/**
 * Messages go when the user goes to another page. Since when they have been there is counted until the user left: on a
 * slow network the files of the next page take their time.
 */
export function followNavigation(router: DataRouter): void {
  let { pathname } = router.state.location;
  let left: number | null = null;
  router.subscribe(({ location, navigation }) => {
    if (location.pathname !== pathname) {
      pathname = location.pathname;
      movedOn(left ?? Date.now());
      left = null;
    } else if (navigation.state === "idle") left = null;
    else left ??= Date.now();
  });
}

function movedOn(left: number): void {
  const kept = shown.filter((one) => one.sticky === true || left - one.since < JUST_NOW);
  if (kept.length !== shown.length) show(kept);
}

export function useNotifications(): readonly Notification[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
}
