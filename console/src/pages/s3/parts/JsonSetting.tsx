/** A setting that is a JSON document: read, edited in its place with its errors at their lines, deleted. */
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";

import { useAction, useAnswer } from "../../../aws/answers";
import { type Finding, hasErrors } from "../../../policy/check";
import { Answered } from "../../../ui/Answered";
import { DeleteModal } from "../../../ui/DeleteModal";
import { FailureAlert } from "../../../ui/FailureAlert";
import { JsonText } from "../../../ui/JsonText";
import { succeeded } from "../../../ui/notifications";
import { JsonEditor } from "../../../ui/policy/JsonEditor";
import type { Closing } from "./Setting";

interface Props {
  title: string;
  description: ReactNode;
  /** What is said when there is none. */
  empty: string;
  bucket: string;
  /** The document, indented; null for none. */
  load: () => Promise<string | null>;
  /** What editing begins with when there is none. */
  template: string;
  check: (text: string) => Finding[];
  save: (text: string) => Promise<void>;
  remove: () => Promise<void>;
  /** What is lost when it is deleted. */
  loss: string;
}

export function JsonSetting(props: Props) {
  const { title, bucket } = props;
  const [answer, reload] = useAnswer(props.load, [bucket]);
  const [editing, setEditing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const lower = title.toLowerCase();
  const changed = (): void => {
    setEditing(false);
    setDeleting(false);
    reload();
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={props.description}
          actions={
            answer.status === "failed" || editing ? undefined : (
              <SpaceBetween direction="horizontal" size="xs">
                <Button ariaLabel={`Delete ${lower}`} disabled={answer.value == null} onClick={() => setDeleting(true)}>
                  Delete
                </Button>
                <Button
                  ariaLabel={`Edit ${lower}`}
                  disabled={answer.status !== "ready"}
                  onClick={() => setEditing(true)}
                >
                  Edit
                </Button>
              </SpaceBetween>
            )
          }
        >
          {title}
        </Header>
      }
    >
      <Answered answer={answer} reload={reload} failed={`${title} could not be loaded`}>
        {(text) =>
          editing ? (
            <JsonEditing
              {...props}
              text={text ?? props.template}
              onDone={changed}
              onDismiss={() => setEditing(false)}
            />
          ) : text === null ? (
            <Box textAlign="center">{props.empty}</Box>
          ) : (
            <JsonText text={text} label={title} />
          )
        }
      </Answered>
      {deleting && (
        <DeleteModal
          header={`Delete ${lower}?`}
          confirmation="delete"
          act={props.remove}
          onDone={() => {
            succeeded(`${title} deleted.`);
            changed();
          }}
          onDismiss={() => setDeleting(false)}
        >
          {props.loss}
        </DeleteModal>
      )}
    </Container>
  );
}

interface EditingProps extends Closing {
  title: string;
  /** What editing begins with. */
  text: string;
  check: (text: string) => Finding[];
  save: (text: string) => Promise<void>;
}

/** The editor of a JSON document, and what saves it unless it has errors. */
export function JsonEditing({ title, check, save, onDone, onDismiss, ...given }: EditingProps) {
  const [text, setText] = useState(given.text);
  const [tried, setTried] = useState(false);
  const findings = check(text);
  const saving = useAction(save);
  const submit = async (): Promise<void> => {
    setTried(true);
    if (!hasErrors(findings) && (await saving.run(text))) {
      succeeded(`${title} saved.`);
      onDone();
    }
  };
  return (
    <SpaceBetween size="m">
      {saving.error !== null && <FailureAlert error={saving.error} header={`${title} was not saved`} />}
      <JsonEditor value={text} onChange={setText} findings={findings} label={title} />
      {tried && hasErrors(findings) && (
        <Box color="text-status-error" variant="p">
          Correct the errors first.
        </Box>
      )}
      <Box float="right">
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={onDismiss}>
            Cancel
          </Button>
          <Button variant="primary" loading={saving.running} onClick={() => void submit()}>
            Save changes
          </Button>
        </SpaceBetween>
      </Box>
    </SpaceBetween>
  );
}
