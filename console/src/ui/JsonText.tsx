/** JSON to read: coloured, numbered by line, with lines that are pointed at. */
import { useMemo } from "react";

interface Props {
  text: string;
  /** What it is, for screen readers: "Trust policy". */
  label: string;
  /** Lines to highlight, from 1, both ends included. */
  highlighted?: readonly { from: number; to: number }[];
}

const NONE: NonNullable<Props["highlighted"]> = [];
const TOKEN =
  /("(?:[^"\\]|\\.)*"(?=\s*:))|("(?:[^"\\]|\\.)*")|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;
const CLASSES = ["json-key", "json-string", "json-word", "json-number"];

export function JsonText({ text, label, highlighted = NONE }: Props) {
  const lines = useMemo(() => text.split("\n").map(colored), [text]);
  const marked = (line: number): boolean => highlighted.some(({ from, to }) => line >= from && line <= to);
  return (
    // Long lines scroll, so the keyboard must be able to get here.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className="json" aria-label={label} tabIndex={0}>
      <pre>
        {lines.map((parts, index) => (
          // Lines have no identity but their place.
          // oxlint-disable-next-line react/no-array-index-key
          <span key={index} className={marked(index + 1) ? "json-line json-marked" : "json-line"}>
            {parts}
            {"\n"}
          </span>
        ))}
      </pre>
    </section>
  );
}

function colored(line: string): React.ReactNode[] {
  const parts: React.ReactNode[] = [];
  let end = 0;
  for (const match of line.matchAll(TOKEN)) {
    if (match.index > end) parts.push(line.slice(end, match.index));
    const kind = match.slice(1).findIndex((group) => group !== undefined);
    parts.push(
      <span key={match.index} className={CLASSES[kind]}>
        {match[0]}
      </span>,
    );
    end = match.index + match[0].length;
  }
  parts.push(line.slice(end));
  return parts;
}

/** A policy as people read it: what is JSON is indented, what is not stays as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
