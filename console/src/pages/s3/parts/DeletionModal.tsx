/** Asks, deletes any number of objects, shows how far it is and what was refused. */
import type { ObjectIdentifier } from "@aws-sdk/client-s3";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { type ReactNode, useRef, useState } from "react";

import { useAction } from "../../../aws/answers";
import { FailureAlert } from "../../../ui/FailureAlert";
import { deleteAll, type Deletion, type Refused } from "../deletion";

interface Props {
  header: string;
  verb: string;
  /** What must be typed. */
  confirmation: string;
  bucket: string;
  source: () => AsyncIterable<ObjectIdentifier[]>;
  /** Everything is gone, so many. */
  onDone: (deleted: number) => void;
  /** It was not begun, or something is left. */
  onDismiss: () => void;
  children: ReactNode;
}

const NOTHING: Deletion = { deleted: 0, refused: [] };

export function DeletionModal(props: Props) {
  const { header, verb, confirmation, bucket, source, onDone, onDismiss } = props;
  const [typed, setTyped] = useState("");
  const [soFar, setSoFar] = useState(NOTHING);
  const [over, setOver] = useState(false);
  const cancellation = useRef(new AbortController());
  const deletion = useAction(async () => {
    setSoFar(NOTHING);
    const done = await deleteAll(bucket, source(), setSoFar, cancellation.current.signal);
    setOver(true);
    if (done.refused.length === 0) onDone(done.deleted);
  });
  const ready = typed === confirmation && !over;
  const submit = (): void => {
    if (ready && !deletion.running) void deletion.run();
  };
  return (
    <Modal
      visible
      size="large"
      header={header}
      onDismiss={() => {
        cancellation.current.abort();
        onDismiss();
      }}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              variant="link"
              onClick={() => {
                cancellation.current.abort();
                onDismiss();
              }}
            >
              {over ? "Close" : deletion.running ? "Stop" : "Cancel"}
            </Button>
            {!over && (
              <Button variant="primary" disabled={!ready} loading={deletion.running} onClick={submit}>
                {verb}
              </Button>
            )}
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {deletion.error !== null && <FailureAlert error={deletion.error} header="Nothing more was deleted" />}
        {!over && <Alert type="warning">{props.children}</Alert>}
        {(deletion.running || over) && (
          <StatusIndicator type={over ? "warning" : "in-progress"}>
            {soFar.deleted} deleted, {soFar.refused.length} not deleted
          </StatusIndicator>
        )}
        {soFar.refused.length > 0 && <RefusedTable refused={soFar.refused} />}
        {!over && !deletion.running && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              submit();
            }}
          >
            <FormField label={`To confirm, enter ${confirmation} in the text input field.`}>
              <Input
                value={typed}
                autoFocus
                spellcheck={false}
                placeholder={confirmation}
                onChange={({ detail }) => setTyped(detail.value)}
              />
            </FormField>
          </form>
        )}
      </SpaceBetween>
    </Modal>
  );
}

const SHOWN = 100;

function RefusedTable({ refused }: { refused: readonly Refused[] }) {
  return (
    <Table
      variant="embedded"
      items={refused.slice(0, SHOWN)}
      ariaLabels={{ tableLabel: "Not deleted" }}
      wrapLines
      columnDefinitions={[
        { id: "key", header: "Key", isRowHeader: true, cell: ({ key }) => <span className="breaks">{key}</span> },
        { id: "code", header: "Error", cell: ({ code }) => code },
        { id: "message", header: "Message", cell: ({ message }) => <span className="breaks">{message}</span> },
      ]}
      footer={refused.length > SHOWN ? `The first ${SHOWN} of ${refused.length}.` : undefined}
    />
  );
}
