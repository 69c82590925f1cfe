/** A policy document with the statements that mattered, at the lines where they stand; read when it is opened. */
import Box from "@cloudscape-design/components/box";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { useAnswer } from "../../aws/answers";
import { activeAccount, signedIn } from "../../session/session";
import { Answered } from "../../ui/Answered";
import { JsonText } from "../../ui/JsonText";
import { PageLink } from "../../ui/links";
import { accountOf, type Decision, type LayerType, type StatementPlace, whatOf } from "./decision";
import { highlighted, nameOf, pageOfPlace, type Place, placeOfStatement, readDocument } from "./documents";

interface Props {
  type: LayerType;
  /** All of one document. */
  statements: readonly StatementPlace[];
  decision: Decision;
  given: ReadonlyMap<string, string>;
  expanded: boolean;
}

export function PolicyText({ type, statements, decision, given, expanded }: Props) {
  const [open, setOpen] = useState(expanded);
  const first = statements[0];
  if (first === undefined) return null;
  const text = given.get(first.sourcePolicyId);
  const place = placeOfStatement(type, first, decision);
  const readable = text === undefined && place !== null && isReadable(place, type, decision);
  // A policy's own name is left as it is; what describes one begins a line.
  const named = place === null || text !== undefined;
  const title = named ? first.sourcePolicyId : nameOf(place);
  const holder = first.sourcePolicyHolder.split(":").at(-1) ?? "";
  return (
    <ExpandableSection
      headerText={named ? title : title.charAt(0).toUpperCase() + title.slice(1)}
      headerDescription={[
        statements.map((one) => `${whatOf(one)}, line ${one.line}, column ${one.column}`).join("; "),
        place?.kind === "managed" && holder !== "" ? `attached to ${holder}` : "",
      ]
        .filter((part) => part !== "")
        .join(" - ")}
      expanded={open}
      onChange={({ detail }) => setOpen(detail.expanded)}
    >
      {open && text !== undefined && <Shown text={text} title={title} statements={statements} />}
      {open && readable && <Read place={place} statements={statements} />}
      {open && text === undefined && !readable && (
        <SpaceBetween size="xs">
          <Box color="text-body-secondary">{whyNot(type)}</Box>
          {statementsTold(type, statements, decision).map((told) => (
            <JsonText key={told} text={told} label={`Statement of ${title}`} />
          ))}
        </SpaceBetween>
      )}
    </ExpandableSection>
  );
}

function whyNot(type: LayerType): string {
  if (type === "session policy") return "It was passed when the session was made, and is stored nowhere.";
  return type === "service control policy" || type === "resource control policy"
    ? "The document is the organization's: its management account reads it."
    : "The document is of another account, which alone can read it.";
}

/** Of a document that cannot be read, the statements that the changes tell. */
function statementsTold(type: LayerType, statements: readonly StatementPlace[], { changes }: Decision): string[] {
  const told = statements.flatMap(({ index, sourcePolicyArn, sourcePolicyId }) =>
    changes.filter(
      (change) =>
        change.policyType === type &&
        change.kind !== "add" &&
        change.index === index &&
        change.where === (sourcePolicyArn ?? sourcePolicyId),
    ),
  );
  return [...new Set(told.map(({ statement }) => JSON.stringify(statement, null, 2)))];
}

/** Whether the account in use is the one whose API tells the document. */
function isReadable(place: Place, type: LayerType, decision: Decision): boolean {
  const here = activeAccount(signedIn());
  const layer = decision.layers?.find((one) => one.type === type);
  if (place.kind === "managed") return ["aws", here].includes(accountOf(place.arn));
  return layer?.account === here;
}

function Read({ place, statements }: { place: Place; statements: readonly StatementPlace[] }) {
  const [answer, reload] = useAnswer(() => readDocument(place), [place]);
  const page = pageOfPlace(place);
  return (
    <SpaceBetween size="xs">
      <Answered answer={answer} reload={reload} failed="The document could not be read">
        {(text) => <Shown text={text} title={nameOf(place)} statements={statements} />}
      </Answered>
      {page !== null && <PageLink to={page}>Open where it is stored</PageLink>}
    </SpaceBetween>
  );
}

function Shown({ text, title, statements }: { text: string; title: string; statements: readonly StatementPlace[] }) {
  const shown = highlighted(text, statements);
  return (
    <SpaceBetween size="xxs">
      {shown.moved && (
        <Box color="text-status-warning">
          The document was changed since: not all of these statements stand where they stood.
        </Box>
      )}
      {shown.text !== text && (
        <Box variant="small" display="block">
          Stored in one line; indented here.
        </Box>
      )}
      <JsonText text={shown.text} label={title} highlighted={shown.lines} />
    </SpaceBetween>
  );
}
