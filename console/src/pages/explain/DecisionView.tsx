/** A decision: what was asked, how it came out, what would help, and what each layer of both sides says. */
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";

import { Copyable } from "../../ui/Copyable";
import { Changes } from "./Changes";
import { type Decision, policySource } from "./decision";
import { SideOf } from "./LayerList";

interface Props {
  decision: Decision;
  /** Documents that were given with a question, by the names that statements tell. */
  given: ReadonlyMap<string, string>;
  /** Offered for decisions of the past: the same question to the policies of now. */
  onAskAgain?: (decision: Decision) => void;
  /** A change was applied. */
  onApplied?: () => void;
}

export function DecisionView({ decision, given, onAskAgain, onApplied }: Props) {
  const [applied, setApplied] = useState(false);
  const again = onAskAgain !== undefined && policySource(decision.principal) !== null;
  const askAgain = again && <Button onClick={() => onAskAgain(decision)}>Ask again with the policies of now</Button>;
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header variant="h2" actions={askAgain}>
            {"Decision"}
          </Header>
        }
      >
        <SpaceBetween size="m">
          {decision.simulated && onAskAgain !== undefined && (
            <Alert type="info">
              The policy simulator decided this about policies that somebody chose; no such request was made.
            </Alert>
          )}
          <StatusIndicator type={decision.allowed ? "success" : "error"}>{outcome(decision)}</StatusIndicator>
          <KeyValuePairs
            columns={1}
            items={[
              {
                label: "Principal",
                value:
                  decision.principal === "" ? "Anonymous" : <Copyable text={decision.principal} name="Principal" />,
              },
              { label: "Action", value: <Copyable text={decision.action} name="Action" /> },
              { label: "Resource", value: <Copyable text={decision.resource} name="Resource" /> },
            ]}
          />
          {decision.conditions.length > 0 && (
            <ExpandableSection headerText={`Context of the request (${decision.conditions.length})`}>
              <dl className="context breaks">
                {decision.conditions.map(({ key, values }) => (
                  <div key={key}>
                    <dt>{key}</dt>
                    <dd>{values.length === 0 ? "(empty)" : values.join(", ")}</dd>
                  </div>
                ))}
              </dl>
            </ExpandableSection>
          )}
        </SpaceBetween>
      </Container>
      {applied && (
        <Alert type="success" header="The change was made" action={askAgain}>
          What stands below was decided before it.
        </Alert>
      )}
      {decision.layers === null ? (
        <Alert type="warning">The decision was too large for a message: its layers were not kept.</Alert>
      ) : (
        <SpaceBetween size="l">
          {(decision.changes.length > 0 || decision.hidden !== null) && (
            <Changes
              decision={decision}
              onApplied={() => {
                setApplied(true);
                onApplied?.();
              }}
            />
          )}
          {!decision.allowed && decision.changes.length === 0 && decision.hidden === null && (
            <Box>No change was found that this account can make.</Box>
          )}
          <div className="sides">
            <SideOf decision={decision} side="caller" given={given} />
            <SideOf decision={decision} side="owner" given={given} />
          </div>
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}

function outcome({ allowed, explicitDeny, decidedBy }: Decision): string {
  const by = decidedBy === null ? "" : `: ${decidedBy}`;
  if (allowed) return `Allowed${by}`;
  return `${explicitDeny ? "Explicitly denied" : "Implicitly denied"}${by}`;
}
