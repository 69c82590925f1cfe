/** What each layer of one side says: its verdict, the statements that determined it, and allows that nearly applied. */
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";

import { dashed } from "../../session/accountId";
import { activeAccount, signedIn } from "../../session/session";
import {
  callerOf,
  type Decision,
  type Layer,
  type LayerType,
  type Level,
  type Miss,
  ownerOf,
  type Side,
  type StatementPlace,
  type Verdict,
  whatOf,
} from "./decision";
import { PolicyText } from "./PolicyText";

const NAMES: Record<LayerType, string> = {
  "service control policy": "Service control policies",
  "identity-based policy": "Identity-based policies",
  "permissions boundary": "Permissions boundary",
  "session policy": "Session policies",
  "resource control policy": "Resource control policies",
  "Block Public Access": "Block Public Access",
  "resource-based policy": "Resource-based policy",
  "role trust policy": "Role trust policy",
  "access control list": "Access control list",
};
/** In the order of evaluation. */
const LAYERS: Record<Side, LayerType[]> = {
  caller: ["service control policy", "identity-based policy", "permissions boundary", "session policy"],
  owner: [
    "resource control policy",
    "Block Public Access",
    "resource-based policy",
    "role trust policy",
    "access control list",
  ],
};
const VERDICTS: Record<Verdict, { type: StatusIndicatorProps.Type; text: string }> = {
  allow: { type: "success", text: "Allows" },
  "implicit deny": { type: "warning", text: "Does not allow" },
  "explicit deny": { type: "error", text: "Denies" },
};

interface Props {
  decision: Decision;
  side: Side;
  /** Documents that were given with the question, by the names that statements tell: not to be read anywhere. */
  given: ReadonlyMap<string, string>;
}

export function SideOf({ decision, side, given }: Props) {
  const title = side === "caller" ? "The side of who asks" : "The side of the resource";
  const account = side === "caller" ? callerOf(decision) : ownerOf(decision);
  const layers = decision.layers?.filter((one) => one.side === side) ?? [];
  const own = account === "" || account === activeAccount(signedIn()) || account === callerOf(decision);
  const seen = layers.length > 0 || (own && decision.hidden === null) || side === "caller";
  return (
    <Container
      header={
        <Header variant="h2" description={account === "" ? undefined : `Account ${dashed(account)}`}>
          {title}
        </Header>
      }
    >
      {decision.hidden !== null && side === "owner" && (
        <StatusIndicator type="error">
          Account {dashed(decision.hidden.account)}: {decision.hidden.explanation}. Its policies are told to that
          account alone.
        </StatusIndicator>
      )}
      {decision.hidden === null && !seen && (
        <Box>What is decided there is not told to this account, or nothing there has a say.</Box>
      )}
      {seen && (
        <ul className="layers">
          {LAYERS[side].map((type) => (
            <li key={type}>
              <LayerOf type={type} layer={layers.find((one) => one.type === type)} decision={decision} given={given} />
            </li>
          ))}
        </ul>
      )}
    </Container>
  );
}

interface LayerProps {
  type: LayerType;
  layer: Layer | undefined;
  decision: Decision;
  given: ReadonlyMap<string, string>;
}

function LayerOf({ type, layer, decision, given }: LayerProps) {
  const name = NAMES[type];
  if (layer === undefined) {
    return (
      <div className="layer">
        <Box fontWeight="bold">{name}</Box>
        <StatusIndicator type="stopped">No say</StatusIndicator>
      </div>
    );
  }
  const verdict = VERDICTS[layer.verdict];
  const { levels = [], statements, nearest } = layer;
  return (
    <>
      <div className="layer">
        <Box fontWeight="bold">{name}</Box>
        <StatusIndicator type={verdict.type}>{verdict.text}</StatusIndicator>
        {decision.decidedBy === type && <Badge color={decision.allowed ? "green" : "red"}>Decided</Badge>}
      </div>
      {levels.length > 0 && <Levels levels={levels} />}
      {statements.length > 0 && (
        <PolicyTexts type={type} statements={statements} decision={decision} given={given} expanded />
      )}
      {nearest.length > 0 && layer.verdict !== "allow" && (
        <ExpandableSection headerText={`Allows that did not apply (${nearest.length})`}>
          <SpaceBetween size="s">
            <Misses misses={nearest} />
            <PolicyTexts type={type} statements={nearest} decision={decision} given={given} />
          </SpaceBetween>
        </ExpandableSection>
      )}
    </>
  );
}

function Levels({ levels }: { levels: Level[] }) {
  return (
    <ol className="levels">
      {levels.map(({ holder, verdict, policies }) => (
        <li key={holder}>
          <span className="breaks">{holder.split("/").at(-1) || "Organization"}</span>{" "}
          <StatusIndicator type={VERDICTS[verdict].type}>{VERDICTS[verdict].text}</StatusIndicator>{" "}
          <Box variant="span" color="text-body-secondary">
            {policies.map(({ name }) => name).join(", ")}
          </Box>
        </li>
      ))}
    </ol>
  );
}

function Misses({ misses }: { misses: Miss[] }) {
  return (
    <ul className="misses">
      {misses.map((miss) => (
        <li key={`${miss.sourcePolicyHolder} ${miss.sourcePolicyId} ${miss.index}`}>
          {whatOf(miss)} of {miss.sourcePolicyId}, line {miss.line}, column {miss.column}: does not match by{" "}
          <strong>{miss.unmatched.join(", ")}</strong>
          {miss.missingContextKeys.length > 0 && <> (the request has no {miss.missingContextKeys.join(", ")})</>}
        </li>
      ))}
    </ul>
  );
}

interface TextsProps {
  type: LayerType;
  statements: readonly StatementPlace[];
  decision: Decision;
  given: ReadonlyMap<string, string>;
  expanded?: boolean;
}

/** The documents that statements stand in, each once. */
function PolicyTexts({ type, statements, decision, given, expanded = false }: TextsProps) {
  const documents = new Map<string, StatementPlace[]>();
  for (const one of statements) {
    const key = JSON.stringify([one.sourcePolicyArn, one.sourcePolicyId, one.sourcePolicyHolder]);
    documents.set(key, [...(documents.get(key) ?? []), one]);
  }
  return (
    <SpaceBetween size="xs">
      {[...documents].map(([key, those]) => (
        <PolicyText key={key} type={type} statements={those} decision={decision} given={given} expanded={expanded} />
      ))}
    </SpaceBetween>
  );
}
