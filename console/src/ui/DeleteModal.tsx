/** Asks before something is deleted for good; names are typed where the loss would be large. */
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";

import { useAction } from "../aws/answers";
import { FailureAlert } from "./FailureAlert";

interface Props {
  /** "Delete role AnalyticsReader?" */
  header: string;
  children: ReactNode;
  /** What must be typed to confirm; without it a click is enough. */
  confirmation?: string;
  /** The word on the button. */
  verb?: string;
  act: () => Promise<void>;
  onDone: () => void;
  onDismiss: () => void;
}

/** Rendered while it is open, so that it begins anew each time. */
export function DeleteModal({ header, children, confirmation, verb = "Delete", act, onDone, onDismiss }: Props) {
  const [typed, setTyped] = useState("");
  const deletion = useAction(act);
  const ready = confirmation === undefined || typed === confirmation;
  const submit = async (): Promise<void> => {
    if (ready && (await deletion.run())) onDone();
  };
  return (
    <Modal
      visible
      header={header}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" disabled={!ready} loading={deletion.running} onClick={() => void submit()}>
              {verb}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {deletion.error !== null && <FailureAlert error={deletion.error} />}
        {confirmation === undefined ? children : <Alert type="warning">{children}</Alert>}
        {confirmation !== undefined && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void submit();
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
