/**
 * Explain: why a request was decided as it was, by its request ID or encoded authorization message, or how one would be
 * decided, by principal, action and resource. Both sides are shown, as far as the account may know them.
 *
 * A refusal anywhere in the console leads here: its request ID is in the address, the long message in the history entry.
 */
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";

import { useAnswer } from "../../aws/answers";
import { failureOf } from "../../aws/errors";
import { Answered } from "../../ui/Answered";
import { Copyable } from "../../ui/Copyable";
import { DecisionView } from "./DecisionView";
import type { Decision } from "./decision";
import { questionOf, SimulateForm } from "./SimulateForm";
import { decode, type Question, simulate } from "./simulate";

/** What a link to this page may carry in the history entry. */
export interface Given {
  /** The encoded authorization message. */
  message?: string;
  /** The refusal in AWS's words. */
  text?: string;
}

export function Component() {
  const { state, key } = useLocation() as { state: Given | null; key: string };
  const [query] = useSearchParams();
  return <Explain key={key} given={state ?? {}} request={query.get("request") ?? ""} />;
}

function Explain({ given, request }: { given: Given; request: string }) {
  const [tab, setTab] = useState("request");
  const [question, setQuestion] = useState<Question>(questionOf(null));
  const [asked, setAsked] = useState<{ question: Question; turn: number } | null>(null);
  const ask = (next: Question): void => setAsked((before) => ({ question: next, turn: (before?.turn ?? 0) + 1 }));
  const askAgain = (decision: Decision): void => {
    const next = questionOf(decision);
    setQuestion(next);
    ask(next);
    setTab("question");
    scrollTo(0, 0);
  };
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description="Why a request was decided as it was, and what would allow it.">
        Explain
      </Header>
      <Tabs
        activeTabId={tab}
        onChange={({ detail }) => setTab(detail.activeTabId)}
        tabs={[
          {
            id: "request",
            label: "A refused request",
            content: <ByRequest given={given} request={request} onAskAgain={askAgain} />,
          },
          {
            id: "question",
            label: "Principal, action and resource",
            content: (
              <SpaceBetween size="l">
                <SimulateForm question={question} onChange={setQuestion} onAsk={() => ask(question)} />
                {asked !== null && (
                  <Simulation key={asked.turn} question={asked.question} onApplied={() => ask(asked.question)} />
                )}
              </SpaceBetween>
            ),
          },
        ]}
      />
    </SpaceBetween>
  );
}

interface ByRequestProps {
  given: Given;
  request: string;
  onAskAgain: (decision: Decision) => void;
}

function ByRequest({ given, request, onAskAgain }: ByRequestProps) {
  const navigate = useNavigate();
  const known = given.message ?? request;
  const [typed, setTyped] = useState(request === "" ? known : request);
  const submit = (): void => {
    const text = typed.replaceAll(/\s+/g, ""); // as it is broken in mails and terminals
    if (text === "") return;
    if (isRequestId(text)) void navigate(`/explain?request=${text.toUpperCase()}`);
    // The message is long and tells of policies: it travels in the history entry, not in the address.
    else void navigate("/explain", { state: { message: text } satisfies Given });
  };
  return (
    <SpaceBetween size="l">
      {given.text !== undefined && <Alert type="error">{given.text}</Alert>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Form
          actions={
            <Button variant="primary" formAction="submit">
              Explain
            </Button>
          }
        >
          <Container>
            <FormField
              label="Request ID or encoded authorization message"
              description="Every client shows the request ID of a refusal; it is in the activity too, and is known for seven days."
              stretch
            >
              <Textarea value={typed} rows={2} spellcheck={false} onChange={({ detail }) => setTyped(detail.value)} />
            </FormField>
          </Container>
        </Form>
      </form>
      {known !== "" && <Refusal message={known} request={request} onAskAgain={onAskAgain} />}
    </SpaceBetween>
  );
}

const NOT_YET = 4; // tries: a refusal is known by its ID within a second
const WAIT = 500; // ms between them

function isRequestId(text: string): boolean {
  return /^[0-9A-Fa-f]{16}$/.test(text);
}

async function decodePatiently(message: string): Promise<Decision> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await decode(message);
    } catch (error) {
      const unknown = failureOf(error).code === "InvalidAuthorizationMessageException";
      if (!unknown || !isRequestId(message) || tries === NOT_YET) throw error;
      await new Promise((go) => {
        setTimeout(go, WAIT);
      });
    }
  }
}

interface RefusalProps {
  message: string;
  request: string;
  onAskAgain: (decision: Decision) => void;
}

function Refusal({ message, request, onAskAgain }: RefusalProps) {
  const [answer, reload] = useAnswer(() => decodePatiently(message), [message]);
  const code = answer.status === "failed" ? failureOf(answer.error).code : "";
  if (code === "InvalidAuthorizationMessageException") {
    return (
      <Alert type="warning" header="No explanation of this request is known to this account">
        Only refusals by policies are explained, for seven days, to the account that asked and to the one that owns the
        resource.
      </Alert>
    );
  }
  return (
    <SpaceBetween size="l">
      {code === "AccessDenied" && (
        <Alert type="info" header="You may not read explanations">
          They are read with sts:DecodeAuthorizationMessage. Send the link to somebody of this account who may:{" "}
          <Copyable
            text={request === "" ? message : `${location.origin}/-/console/explain?request=${request}`}
            name="link"
          />
        </Alert>
      )}
      <Answered answer={answer} reload={reload} failed="The decision could not be read">
        {(decision) => <DecisionView decision={decision} given={NOTHING} onAskAgain={onAskAgain} />}
      </Answered>
    </SpaceBetween>
  );
}

const NOTHING: ReadonlyMap<string, string> = new Map();

function Simulation({ question, onApplied }: { question: Question; onApplied: () => void }) {
  const [answer, reload] = useAnswer(() => simulate(question), [question]);
  return (
    <Answered answer={answer} reload={reload} failed="The question could not be decided">
      {({ decision, notes, given }) => (
        <SpaceBetween size="l">
          <Alert type="info" header="Nothing was done: this is what would be decided">
            {notes.map((note) => (
              <Box key={note} variant="p">
                {note}
              </Box>
            ))}
            <Box variant="p">Resource control policies have no say in a simulation.</Box>
          </Alert>
          <DecisionView decision={decision} given={given} onApplied={onApplied} />
        </SpaceBetween>
      )}
    </Answered>
  );
}
