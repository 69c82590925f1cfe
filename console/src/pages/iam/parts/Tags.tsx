/** Tags of an entity: shown in a tab, edited in the same place; and chosen while something is made. */
import type { Tag } from "@aws-sdk/client-iam";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import TagEditor, { type TagEditorProps } from "@cloudscape-design/components/tag-editor";
import { useState } from "react";

import { type Answer, useAction } from "../../../aws/answers";
import { Answered } from "../../../ui/Answered";
import { FailureAlert } from "../../../ui/FailureAlert";
import { succeeded } from "../../../ui/notifications";

const LIMIT = 50;

export interface EditedTag {
  key: string;
  value: string;
  existing: boolean;
  markedForRemoval?: boolean;
}

export const NO_TAGS: readonly EditedTag[] = [];

/** The tags that were entered, for the call that makes something. */
export function enteredTags(tags: readonly EditedTag[]): Tag[] | undefined {
  const found = tags.filter(({ key, markedForRemoval }) => key !== "" && markedForRemoval !== true);
  return found.length === 0 ? undefined : found.map(({ key, value }) => ({ Key: key, Value: value }));
}

interface FieldsProps {
  tags: readonly EditedTag[];
  onChange: (tags: EditedTag[]) => void;
  onValid?: (valid: boolean) => void;
}

/** The rows of key and value. */
export function TagFields({ tags, onChange, onValid }: FieldsProps) {
  return (
    <TagEditor
      tags={tags as TagEditorProps.Tag[]}
      tagLimit={LIMIT}
      keysRequest={() => Promise.resolve([])}
      valuesRequest={() => Promise.resolve([])}
      onChange={({ detail }) => {
        onChange([...detail.tags] as EditedTag[]);
        onValid?.(detail.valid);
      }}
    />
  );
}

interface TabProps {
  answer: Answer<Tag[]>;
  reload: () => void;
  /** Set and remove tags. */
  save: (set: Tag[], remove: string[]) => Promise<void>;
  what: string;
}

export function TagsTab({ answer, reload, save, what }: TabProps) {
  const [edited, setEdited] = useState<EditedTag[] | null>(null);
  const [valid, setValid] = useState(true);
  const saving = useAction(save);

  const submit = async (): Promise<void> => {
    const tags = edited ?? [];
    const remove = tags.filter(({ markedForRemoval }) => markedForRemoval === true).map(({ key }) => key);
    if (await saving.run(enteredTags(tags) ?? [], remove)) {
      setEdited(null);
      succeeded("Tags saved.");
      reload();
    }
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Tags are key-value pairs that help you identify, organize, or control access to resources."
          counter={answer.status === "ready" ? `(${answer.value.length})` : undefined}
          actions={
            edited === null ? (
              <Button
                disabled={answer.status !== "ready"}
                onClick={() =>
                  setEdited(
                    (answer.value ?? []).map(({ Key = "", Value = "" }) => ({
                      key: Key,
                      value: Value,
                      existing: true,
                    })),
                  )
                }
              >
                Manage tags
              </Button>
            ) : (
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="link" onClick={() => setEdited(null)}>
                  Cancel
                </Button>
                <Button variant="primary" disabled={!valid} loading={saving.running} onClick={() => void submit()}>
                  Save changes
                </Button>
              </SpaceBetween>
            )
          }
        >
          Tags
        </Header>
      }
    >
      <SpaceBetween size="m">
        {saving.error !== null && <FailureAlert error={saving.error} header="The tags were not saved" />}
        {edited === null ? (
          <Answered answer={answer} reload={reload} failed="The tags could not be loaded">
            {(tags) =>
              tags.length === 0 ? (
                <Box textAlign="center">No tags are associated with this {what}.</Box>
              ) : (
                <KeyValuePairs
                  minColumnWidth={220}
                  columns={3}
                  items={tags.map(({ Key, Value }) => ({ label: Key ?? "", value: Value || "-" }))}
                />
              )
            }
          </Answered>
        ) : (
          <TagFields tags={edited} onChange={setEdited} onValid={setValid} />
        )}
      </SpaceBetween>
    </Container>
  );
}
