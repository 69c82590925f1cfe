/** What a change does to a text: lines that go and lines that come, told by sign and colour. */
import { useMemo } from "react";

import { diffLines } from "../policy/diff";

const SIGNS = { same: " ", added: "+", removed: "-" } as const;
const WORDS = { same: "", added: "Added: ", removed: "Removed: " } as const;

export function DiffText({ before, after, label }: { before: string; after: string; label: string }) {
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  return (
    // Long lines scroll, so the keyboard must be able to get here.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className="json" aria-label={label} tabIndex={0}>
      <pre>
        {lines.map(({ kind, text }, index) => (
          // Lines have no identity but their place.
          // oxlint-disable-next-line react/no-array-index-key
          <span key={index} className={`diff-line diff-${kind}`}>
            <span aria-hidden="true">{SIGNS[kind]} </span>
            <span className="off-screen">{WORDS[kind]}</span>
            {text}
            {"\n"}
          </span>
        ))}
      </pre>
    </section>
  );
}
