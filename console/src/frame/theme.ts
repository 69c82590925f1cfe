/** Light or dark: the system's choice until the user makes one, which this browser remembers. */
import { applyMode, Mode } from "@cloudscape-design/global-styles";
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const KEY = "isthmus.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
let chosen: Theme = read();

function read(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

function show(): void {
  applyMode((chosen === "system" ? dark.matches : chosen === "dark") ? Mode.Dark : Mode.Light);
}

/** Called once before anything is drawn. */
export function applyTheme(): void {
  dark.addEventListener("change", show);
  show();
}

export function chooseTheme(theme: Theme): void {
  chosen = theme;
  if (theme === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  show();
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => chosen,
  );
}

/** Whether the console is dark now. */
export function useDark(): boolean {
  const theme = useTheme();
  const systemIsDark = useSyncExternalStore(
    (listener) => {
      dark.addEventListener("change", listener);
      return () => dark.removeEventListener("change", listener);
    },
    () => dark.matches,
  );
  return theme === "system" ? systemIsDark : theme === "dark";
}
