/**
 * The JSON editor of policies: Cloudscape's code editor, with the findings of `checkPolicy` at their lines while one
 * types, and a list of them that leads to each place.
 *
 * Ace brings its styles as files and checks nothing itself: the content security policy allows neither inline styles
 * nor workers from blobs.
 */
import Badge from "@cloudscape-design/components/badge";
import CodeEditor, { type CodeEditorProps } from "@cloudscape-design/components/code-editor";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { Ace } from "ace-builds";
import { useEffect, useEffectEvent, useRef, useState } from "react";

import type { Finding } from "../../policy/check";
import { useDark } from "../../frame/theme";

interface Props {
  value: string;
  onChange: (value: string) => void;
  findings: readonly Finding[];
  /** What is edited, for screen readers: "Trust policy". */
  label: string;
  height?: number;
}

const KINDS = {
  ERROR: { name: "Error", color: "red" },
  SECURITY_WARNING: { name: "Security warning", color: "severity-medium" },
  WARNING: { name: "Warning", color: "severity-low" },
  SUGGESTION: { name: "Suggestion", color: "blue" },
} as const;

export function JsonEditor({ value, onChange, findings, label, height = 360 }: Props) {
  const [ace, setAce] = useState<typeof import("ace-builds") | null>(null);
  const [failed, setFailed] = useState(false);
  const [preferences, setPreferences] = useState<Partial<CodeEditorProps.Preferences>>({ wrapLines: true });
  const dark = useDark();
  const editor = useRef<Ace.Editor | null>(null);
  // What the editor holds, and what it was last given: it is given a text only when that came from elsewhere, since
  // each time it would throw away what was typed meanwhile.
  const held = useRef(value);
  const [given, setGiven] = useState(value);
  useEffect(() => {
    if (value === held.current) return;
    held.current = value;
    setGiven(value);
  }, [value]);
  const typed = useEffectEvent((text: string) => {
    if (text === held.current) return;
    held.current = text;
    onChange(text);
  });

  useEffect(() => {
    import("./ace").then(
      ({ withEditor }) =>
        setAce(
          withEditor((made) => {
            editor.current = made;
            made.on("change", () => typed(made.getValue()));
          }),
        ),
      () => setFailed(true),
    );
  }, []);

  useEffect(() => {
    // After the editor has taken the new text, which drops annotations. Whatever was drawn anew, they belong to it.
    const timer = setTimeout(() => {
      editor.current?.getSession().setAnnotations(
        findings.map(({ severity, message, line, column }) => ({
          row: line - 1,
          column: column - 1,
          text: message,
          type: severity === "ERROR" ? "error" : severity === "SUGGESTION" ? "info" : "warning",
        })),
      );
    }, 50);
    return () => clearTimeout(timer);
  });

  const goTo = ({ line, column }: Finding): void => {
    editor.current?.gotoLine(line, column - 1, true);
    editor.current?.focus();
  };
  return (
    <SpaceBetween size="xs">
      <CodeEditor
        ace={ace}
        loading={ace === null && !failed}
        language="json"
        value={given}
        preferences={{ theme: dark ? "cloud_editor_dark" : "cloud_editor", ...preferences }}
        onPreferencesChange={({ detail }) => setPreferences(detail)}
        themes={{ light: ["cloud_editor"], dark: ["cloud_editor_dark"] }}
        editorContentHeight={height}
        ariaLabel={label}
        i18nStrings={{ editorGroupAriaLabel: label, loadingState: "Loading the editor" }}
      />
      <FindingList findings={findings} onFollow={goTo} />
    </SpaceBetween>
  );
}

interface FindingListProps {
  findings: readonly Finding[];
  onFollow: (finding: Finding) => void;
}

/** The findings in words, each with a link to its line and column. */
function FindingList({ findings, onFollow }: FindingListProps) {
  return (
    <output className="findings">
      {findings.length === 0 && <StatusIndicator type="success">No findings</StatusIndicator>}
      <ul>
        {findings.map((finding) => {
          const { severity, line, column, message } = finding;
          return (
            <li key={`${line}:${column}:${message}`}>
              <Badge color={KINDS[severity].color}>{KINDS[severity].name}</Badge>{" "}
              <Link onFollow={() => onFollow(finding)}>
                Line {line}, column {column}
              </Link>{" "}
              <span className="breaks">{message}</span>
            </li>
          );
        })}
      </ul>
    </output>
  );
}
