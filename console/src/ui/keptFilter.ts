/**
 * What one looked for in a list, kept with the entry of the browser's history: it is there again after a reload and
 * when one comes back from what was found, and nowhere else. Another identity in the same tab does not see it.
 */
import { session } from "../session/session";

interface HistoryState {
  filters?: { of: string; values: Record<string, unknown> };
}

/** What was kept under this name for the page that is open; undefined for nothing. */
export function keptFilter(name: string): unknown {
  return valuesHere()[name];
}

/** Keep a value under a name that no other list of the page has. */
export function keepFilter(name: string, value: unknown): void {
  if (keptFilter(name) === value) return;
  const filters: HistoryState["filters"] = { of: identity(), values: { ...valuesHere(), [name]: value } };
  // The router's own parts stay as they are.
  history.replaceState({ ...(history.state as HistoryState | null), filters }, "");
}

function valuesHere(): Record<string, unknown> {
  const kept = (history.state as HistoryState | null)?.filters;
  return kept !== undefined && kept.of === identity() ? kept.values : {};
}

function identity(): string {
  const now = session();
  return now?.role == null ? (now?.arn ?? "") : `${now.role.account}/${now.role.roleName}`;
}
