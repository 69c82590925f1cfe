/**
 * One setting of a bucket or object: asked for, shown, edited. Each has its own states, so that one that may not be read
 * says so and leaves the others.
 */
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";

import { useAnswer } from "../../../aws/answers";
import { Answered } from "../../../ui/Answered";

export interface Closing {
  /** It was saved: load it again. */
  onDone: () => void;
  onDismiss: () => void;
}

interface Props<Value> {
  title: string;
  description?: ReactNode;
  load: () => Promise<Value>;
  /** What is loaded: `[bucket]`. */
  keys: readonly string[];
  children: (value: Value) => ReactNode;
  /** The dialog that changes it. */
  edit?: (value: Value, closing: Closing) => ReactNode;
  /** More buttons. */
  actions?: (value: Value, reload: () => void) => ReactNode;
}

export function Setting<Value>({ title, description, load, keys, children, edit, actions }: Props<Value>) {
  const [answer, reload] = useAnswer(load, keys);
  const [editing, setEditing] = useState(false);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={description}
          actions={
            answer.status === "ready" &&
            (edit !== undefined || actions !== undefined) && (
              <SpaceBetween direction="horizontal" size="xs">
                {actions?.(answer.value, reload)}
                {edit !== undefined && (
                  <Button ariaLabel={`Edit ${title.toLowerCase()}`} onClick={() => setEditing(true)}>
                    Edit
                  </Button>
                )}
              </SpaceBetween>
            )
          }
        >
          {title}
        </Header>
      }
    >
      <Answered answer={answer} reload={reload} failed={`${title} could not be loaded`}>
        {children}
      </Answered>
      {editing &&
        answer.status === "ready" &&
        edit?.(answer.value, {
          onDone: () => {
            setEditing(false);
            reload();
          },
          onDismiss: () => setEditing(false),
        })}
    </Container>
  );
}
