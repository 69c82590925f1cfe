/** A dialog with a form that saves something. Rendered while it is open, so that it begins anew each time. */
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal, { type ModalProps } from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";

import { useAction } from "../../../aws/answers";
import { FailureAlert } from "../../../ui/FailureAlert";
import { succeeded } from "../../../ui/notifications";
import { Revealed } from "../../../ui/Revealed";
import type { Closing } from "./Setting";

interface Props extends Closing {
  header: string;
  verb?: string;
  size?: ModalProps.Size;
  save: () => Promise<void>;
  /** What is said when it was done. */
  saved: string;
  /** What must be corrected first; said when it is tried. */
  problem?: string;
  children: ReactNode;
}

export function EditModal(props: Props) {
  const { header, verb = "Save changes", size = "medium", save, saved, problem = "", onDone, onDismiss } = props;
  const [tried, setTried] = useState(false);
  const saving = useAction(save);
  const submit = async (): Promise<void> => {
    setTried(true);
    if (problem === "" && (await saving.run())) {
      succeeded(saved);
      onDone();
    }
  };
  return (
    <Modal
      visible
      size={size}
      header={header}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" loading={saving.running} onClick={() => void submit()}>
              {verb}
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
          {saving.error !== null && <FailureAlert error={saving.error} header="It was not saved" />}
          {tried && problem !== "" && (
            <Revealed key={problem}>
              <Alert type="error">{problem}</Alert>
            </Revealed>
          )}
          {props.children}
        </SpaceBetween>
      </form>
    </Modal>
  );
}
