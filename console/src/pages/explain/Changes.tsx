/**
 * The smallest changes that would allow the request, by account: to copy, and to apply where the account in use stores
 * the document, after showing what would differ.
 */
import Alert from "@cloudscape-design/components/alert";
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import Header from "@cloudscape-design/components/header";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { useAction, useAnswer } from "../../aws/answers";
import { dashed } from "../../session/accountId";
import { activeAccount, signedIn } from "../../session/session";
import { Answered } from "../../ui/Answered";
import { DiffText } from "../../ui/DiffText";
import { FailureAlert } from "../../ui/FailureAlert";
import { JsonText, pretty } from "../../ui/JsonText";
import { succeeded } from "../../ui/notifications";
import type { Change, Decision } from "./decision";
import {
  changed,
  nameOf,
  NotApplicable,
  owns,
  type Place,
  placeOfChange,
  readDocument,
  writeDocument,
} from "./documents";

const KINDS: Record<Change["kind"], string> = {
  satisfy: "Ask otherwise",
  add: "Add a statement",
  narrow: "Narrow a statement",
  remove: "Remove a statement",
  unset: "Change a setting",
  grant: "Grant by ACL",
};

interface Props {
  decision: Decision;
  onApplied: () => void;
}

export function Changes({ decision, onApplied }: Props) {
  const { changes } = decision;
  const here = activeAccount(signedIn());
  const accounts = [...new Set(changes.map(placeToAct))];
  return (
    <Container
      header={
        <Header variant="h2" description="The smallest changes that, together and in this order, allow the request.">
          What would help
        </Header>
      }
    >
      <SpaceBetween size="l">
        {accounts.map((account) => (
          <SpaceBetween key={account} size="s">
            <Box variant="h3">
              {/^\d/.test(account) ? `Account ${dashed(account)}` : account}
              {account === here ? " (this account)" : ""}
            </Box>
            {changes
              .filter((change) => placeToAct(change) === account)
              .map((change) => (
                <OneChange
                  key={JSON.stringify([change.kind, change.where, change.index, change.statement])}
                  change={change}
                  decision={decision}
                  here={here}
                  onApplied={onApplied}
                />
              ))}
          </SpaceBetween>
        ))}
        {decision.hidden !== null && (
          <Box>
            Account {dashed(decision.hidden.account)} must allow it too; what it would have to change is told to it.
          </Box>
        )}
      </SpaceBetween>
    </Container>
  );
}

function OneChange({ change, decision, here, onApplied }: Props & { change: Change; here: string }) {
  const [applying, setApplying] = useState(false);
  const place = placeOfChange(change, decision);
  const applicable = place !== null && owns(here, place, change);
  const text = textOf(change);
  return (
    <div className="change">
      <SpaceBetween size="xs">
        <div className="breaks">
          <Badge color="blue">{KINDS[change.kind]}</Badge> <span>{sentence(change)}</span>
        </div>
        {text !== "" && <JsonText text={text} label={KINDS[change.kind]} />}
        <SpaceBetween direction="horizontal" size="xs">
          <CopyToClipboard
            copyButtonText="Copy"
            textToCopy={text === "" ? sentence(change) : text}
            copySuccessText="Change copied"
            copyErrorText="The change could not be copied"
          />
          {applicable && <Button onClick={() => setApplying(true)}>Apply</Button>}
        </SpaceBetween>
        {!applicable && change.kind !== "satisfy" && (
          <Box variant="small" display="block">
            {whoseToDo(change, here)}
          </Box>
        )}
      </SpaceBetween>
      {applying && place !== null && (
        <ApplyModal
          change={change}
          place={place}
          onDismiss={() => setApplying(false)}
          onDone={() => {
            setApplying(false);
            succeeded(`The ${nameOf(place)} was changed.`);
            onApplied();
          }}
        />
      )}
    </div>
  );
}

function whoseToDo(change: Change, here: string): string {
  if (placeToAct(change) === ORGANIZATION) return "It is for the organization's management account to do.";
  return change.account === here
    ? "It cannot be applied from here: no call of this account changes that document."
    : `It is for account ${dashed(change.account)} to do.`;
}

function sentence(change: Change): string {
  const at = change.line === null ? "" : `, line ${change.line}`;
  const where = `${change.where}${change.kind === "add" ? "" : at}`;
  return change.explanation === "" ? where : `${where}: ${change.explanation}`;
}

/** What is to be copied: policy JSON, or keys and values to ask with; empty where words say it. */
function textOf(change: Change): string {
  if (change.kind === "add") return JSON.stringify(change.statement, null, 2);
  if (change.kind === "narrow") {
    return JSON.stringify(change.replacement.length === 1 ? change.replacement[0] : change.replacement, null, 2);
  }
  if (change.kind === "satisfy") return JSON.stringify(change.context, null, 2);
  return change.kind === "remove" ? JSON.stringify(change.statement, null, 2) : "";
}

const WHO_ASKS = "Who asks";
const ORGANIZATION = "The organization";

/** Who makes the change: an account, by its id; the organization; or whoever asks. */
function placeToAct({ kind, policyType, account }: Change): string {
  if (kind === "satisfy" || !/^\d{12}$/.test(account)) return WHO_ASKS;
  return policyType === "service control policy" || policyType === "resource control policy" ? ORGANIZATION : account;
}

interface ApplyProps {
  change: Change;
  place: Place;
  onDismiss: () => void;
  onDone: () => void;
}

function ApplyModal({ change, place, onDismiss, onDone }: ApplyProps) {
  const [answer, reload] = useAnswer(async () => {
    const before = await readDocument(place);
    return { before, after: changed(before, change) };
  }, [place, change]);
  const saving = useAction(async (before: string, after: string) => {
    if ((await readDocument(place)) !== before) {
      reload();
      throw new NotApplicable("Somebody changed the document meanwhile. Look at the difference again.");
    }
    await writeDocument(place, after);
  });
  const { value } = answer;
  const submit = async (): Promise<void> => {
    if (value !== undefined && (await saving.run(value.before, value.after))) onDone();
  };
  return (
    <Modal
      visible
      size="large"
      header={`Change the ${nameOf(place)}?`}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button
              variant="primary"
              disabled={value === undefined}
              loading={saving.running}
              onClick={() => void submit()}
            >
              Apply change
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {saving.error !== null && <FailureAlert error={saving.error} header="The change was not made" />}
        <Answered answer={answer} reload={reload} failed="The change cannot be applied">
          {({ before, after }) => (
            <SpaceBetween size="xs">
              <Box>{consequence(place, before)}</Box>
              <DiffText before={pretty(before)} after={after} label="Difference" />
            </SpaceBetween>
          )}
        </Answered>
        {change.kind !== "add" && (
          <Alert type="warning">
            {change.kind === "remove"
              ? "The statement denies for others too: after this it denies nobody."
              : "The statement denies others what it denied before, and this request no longer."}
          </Alert>
        )}
      </SpaceBetween>
    </Modal>
  );
}

function consequence(place: Place, before: string): string {
  if (place.kind === "managed") return "A new version becomes the default; it holds for everybody who has this policy.";
  return before === "" ? `The ${nameOf(place)} is made.` : "This is what changes:";
}
