/** One event: what its record says, and the record itself. */
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useParams } from "react-router";

import { useAnswer } from "../../aws/answers";
import { dashed } from "../../session/accountId";
import { Answered } from "../../ui/Answered";
import { Copyable } from "../../ui/Copyable";
import { explanationPath } from "../../ui/ExplainLink";
import { JsonText, pretty } from "../../ui/JsonText";
import { PageButton } from "../../ui/links";
import { moment } from "../../ui/times";
import { isCrossAccount, lookUp, type TrailEvent, wasRefused } from "./events";
import { Outcome } from "./Outcome";

export function Component() {
  const { id = "", region = "" } = useParams();
  const [answer, reload] = useAnswer(async () => {
    const asked = { region, attribute: "EventId" as const, value: id, start: undefined, end: undefined };
    return (await lookUp(asked, undefined)).events[0] ?? null;
  }, [region, id]);
  return (
    <Answered answer={answer} reload={reload} failed="The event could not be loaded">
      {(event) =>
        event === null ? (
          <Alert type="warning" header="There is no such event">
            The history of {region} is of 90 days, and of this account.
          </Alert>
        ) : (
          <EventPage event={event} />
        )
      }
    </Answered>
  );
}

function EventPage({ event }: { event: TrailEvent }) {
  const record = pretty(event.text);
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={event.source}
        actions={
          wasRefused(event) && event.requestId !== "" ? (
            <PageButton to={explanationPath(event.requestId)}>Explain</PageButton>
          ) : undefined
        }
      >
        {event.name}
      </Header>
      {event.atTheDoor && (
        <Alert type="warning" header="Refused at the door">
          Account {dashed(event.caller)} tried to assume a role of this account and was refused
          {event.decidedBy === "" ? "" : ` by the ${event.decidedBy}`}. Who in that account it was is not told.
        </Alert>
      )}
      <Container header={<Header variant="h2">Details</Header>}>
        <KeyValuePairs columns={3} minColumnWidth={240} items={details(event)} />
      </Container>
      {isCrossAccount(event) && <TwoAccounts event={event} />}
      <Container
        header={
          <Header
            variant="h2"
            actions={
              <CopyToClipboard
                copyButtonText="Copy"
                textToCopy={record}
                copySuccessText="Event record copied"
                copyErrorText="The record could not be copied"
              />
            }
          >
            Event record
          </Header>
        }
      >
        <JsonText text={record} label="Event record" />
      </Container>
    </SpaceBetween>
  );
}

function details(event: TrailEvent): { label: string; value: React.ReactNode }[] {
  return [
    { label: "Event time", value: moment(event.time) },
    { label: "Outcome", value: <Outcome event={event} /> },
    { label: "Read-only", value: event.readOnly ? "Yes" : "No" },
    { label: "User name", value: <span className="breaks">{event.userName || "-"}</span> },
    { label: "Principal", value: copyable(event.callerArn, "Principal") },
    { label: "AWS access key", value: copyable(event.accessKeyId, "AWS access key") },
    { label: "Source IP address", value: event.sourceAddress || "-" },
    { label: "User agent", value: <span className="breaks">{event.userAgent || "-"}</span> },
    { label: "AWS region", value: event.region },
    { label: "Event ID", value: copyable(event.id, "Event ID") },
    { label: "Request ID", value: copyable(event.requestId, "Request ID") },
    {
      label: "Resources",
      value: event.resources.length === 0 ? "-" : <ResourceList resources={event.resources} />,
    },
    ...(event.errorMessage === ""
      ? []
      : [{ label: "Error message", value: <span className="breaks">{event.errorMessage}</span> }]),
  ];
}

function copyable(text: string, name: string): React.ReactNode {
  return text === "" ? "-" : <Copyable text={text} name={name} />;
}

function ResourceList({ resources }: { resources: TrailEvent["resources"] }) {
  return (
    <ul className="misses">
      {resources.map(({ type, name }) => (
        <li key={`${type} ${name}`}>
          {name}
          <Box variant="small" display="block">
            {type}
          </Box>
        </li>
      ))}
    </ul>
  );
}

/** Which half of a cross-account request this is, and how the other account finds its own. */
function TwoAccounts({ event }: { event: TrailEvent }) {
  const asked = event.caller === event.recipient;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={
            asked
              ? "This is the record of the account that asked."
              : "This is the record of the account that was asked; of the caller it is told no more than this."
          }
        >
          Two accounts
        </Header>
      }
    >
      <KeyValuePairs
        columns={3}
        minColumnWidth={240}
        items={[
          { label: "Account that asked", value: event.caller === "" ? "-" : dashed(event.caller) },
          { label: "Account of this record", value: dashed(event.recipient) },
          {
            label: "Shared event ID",
            value:
              event.sharedId === "" ? (
                "None: the other account has no record of it"
              ) : (
                <>
                  <Copyable text={event.sharedId} name="Shared event ID" />
                  <Box variant="small" display="block">
                    The record of the other account has the same.
                  </Box>
                </>
              ),
          },
        ]}
      />
    </Container>
  );
}
