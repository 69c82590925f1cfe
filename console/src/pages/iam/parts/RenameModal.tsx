/** Another name for a user or group. */
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { useAction } from "../../../aws/answers";
import { FailureAlert } from "../../../ui/FailureAlert";

interface Props {
  what: string;
  name: string;
  /** Characters that a name may have. */
  most: number;
  act: (changed: string) => Promise<void>;
  onDone: (changed: string) => void;
  onDismiss: () => void;
}

export function RenameModal({ what, name, most, act, onDone, onDismiss }: Props) {
  const [changed, setChanged] = useState(name);
  const renaming = useAction(act);
  const ready = changed !== name && changed.length <= most && /^[\w+=,.@-]+$/.test(changed);
  const submit = async (): Promise<void> => {
    if (ready && (await renaming.run(changed))) onDone(changed);
  };
  return (
    <Modal
      visible
      header={`Edit ${what.toLowerCase()}`}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" disabled={!ready} loading={renaming.running} onClick={() => void submit()}>
              Save changes
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <SpaceBetween size="m">
          {renaming.error !== null && <FailureAlert error={renaming.error} />}
          <FormField
            label={what}
            constraintText={`Maximum ${most} characters. Use alphanumeric and '+=,.@-_' characters. Policies that name the old ARN no longer mean it.`}
          >
            <Input value={changed} autoFocus spellcheck={false} onChange={({ detail }) => setChanged(detail.value)} />
          </FormField>
        </SpaceBetween>
      </form>
    </Modal>
  );
}
