/**
 * Answers of the API as state of a component: loading, failed or ready, and asked for anew.
 *
 *     const [role, reload] = useAnswer(() => iam().send(new GetRoleCommand({ RoleName: name })), [name]);
 *     const [users, reload] = useAnswer(() => every(paginateListUsers({ client: iam() }, {}), (page) => page.Users), []);
 *     const pages = usePages((token) => …, [bucket, prefix]);   // lists too long to load whole
 */
import { type DependencyList, useCallback, useEffect, useEffectEvent, useRef, useState } from "react";

import { leaveRole } from "../session/expiry";
import { activeCredentials, end, session } from "../session/session";
import { isSessionOver } from "./errors";

export type Answer<Value> =
  | { status: "loading"; value?: undefined; error?: undefined }
  | { status: "failed"; value?: undefined; error: unknown }
  | { status: "ready"; value: Value; error?: undefined };

const LOADING = { status: "loading" } as const;

/** What `ask` answers, asked again when `keys` change or `reload` is called; meanwhile the last answer stays. */
export function useAnswer<Value>(ask: () => Promise<Value>, keys: DependencyList): [Answer<Value>, () => void] {
  const subject = JSON.stringify(keys);
  const [turn, setTurn] = useState(0);
  const [answer, setAnswer] = useState<{ subject: string; turn: number; answer: Answer<Value> } | null>(null);
  const asked = useEffectEvent(() => ask());
  useEffect(() => {
    let wanted = true;
    const say = (said: Answer<Value>): void => {
      if (wanted) setAnswer({ subject, turn, answer: said });
    };
    const asker = accessKey();
    asked().then(
      (value) => say({ status: "ready", value }),
      (error: unknown) => {
        endIfOver(error, asker);
        say({ status: "failed", error });
      },
    );
    return () => {
      wanted = false;
    };
  }, [subject, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const said = answer?.subject === subject ? answer.answer : LOADING;
  // After a failure the wait for another try is shown; a list that is there stays while it is loaded again.
  return [said.status === "failed" && answer?.turn !== turn ? LOADING : said, reload];
}

/**
 * Something the user does: `run` it, and whether it is under way and how it failed. It is not done twice at a time: the
 * Enter key is pressed again while nothing is seen to happen.
 */
export function useAction<Given extends unknown[]>(
  act: (...given: Given) => Promise<void>,
): { run: (...given: Given) => Promise<boolean>; running: boolean; error: unknown; clear: () => void } {
  const [running, setRunning] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const underWay = useRef(false);
  const run = async (...given: Given): Promise<boolean> => {
    if (underWay.current) return false;
    underWay.current = true;
    const asker = accessKey();
    setRunning(true);
    setError(null);
    try {
      await act(...given);
      return true;
    } catch (problem) {
      endIfOver(problem, asker);
      setError(problem);
      return false;
    } finally {
      underWay.current = false;
      setRunning(false);
    }
  };
  return { run, running, error, clear: () => setError(null) };
}

/** All items of a paginated list. */
export async function every<Page, Item>(
  pages: AsyncIterable<Page>,
  items: (page: Page) => Item[] | undefined,
): Promise<Item[]> {
  const found: Item[] = [];
  for await (const page of pages) found.push(...(items(page) ?? []));
  return found;
}

export interface ListPage<Item> {
  items: Item[];
  /** What to ask for the next page with; undefined on the last. */
  next: string | undefined;
}

export interface Pages<Item> {
  answer: Answer<ListPage<Item>>;
  /** From 1. */
  number: number;
  /** How many pages are known to exist, and whether there may be more. */
  count: number;
  openEnd: boolean;
  goTo: (number: number) => void;
  reload: () => void;
}

/** A list page by page, with the tokens of the pages seen, so that one can go back: for lists of any length. */
export function usePages<Item>(
  ask: (token: string | undefined) => Promise<ListPage<Item>>,
  keys: DependencyList,
): Pages<Item> {
  const identity = JSON.stringify(keys);
  const [place, setPlace] = useState<{ identity: string; number: number; tokens: (string | undefined)[] }>({
    identity,
    number: 1,
    tokens: [undefined],
  });
  const here = place.identity === identity ? place : { identity, number: 1, tokens: [undefined] };
  const [answer, reload] = useAnswer(() => ask(here.tokens[here.number - 1]), [identity, here.number]);
  const next = answer.value?.next;
  return {
    answer,
    number: here.number,
    count: Math.max(here.tokens.length, here.number + (next === undefined ? 0 : 1)),
    openEnd: next !== undefined,
    goTo: (number) => {
      const tokens = [...here.tokens];
      if (next !== undefined) tokens[here.number] = next;
      setPlace({ identity, number: Math.min(number, tokens.length), tokens });
    },
    reload,
  };
}

function accessKey(): string | null {
  const now = session();
  return now === null ? null : activeCredentials(now).accessKeyId;
}

/**
 * Sign out when the server no longer knows the credentials that were asked with: the sign-in page then tells why. Of a
 * role's it is only the role that has ended. What fails after somebody else came into use says nothing of them.
 */
function endIfOver(error: unknown, asker: string | null): void {
  const now = session();
  if (now === null || asker !== accessKey() || !isSessionOver(error)) return;
  if (now.role === null) end(true);
  else leaveRole(now.role);
}
