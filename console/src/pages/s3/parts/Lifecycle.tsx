/** The lifecycle rules of a bucket: made, edited, switched off, deleted. S3 knows only all of them together. */
import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
  type TransitionDefaultMinimumObjectSize,
  TransitionStorageClass,
} from "@aws-sdk/client-s3";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Toggle from "@cloudscape-design/components/toggle";
import { useState } from "react";

import { type Answer, useAction, useAnswer } from "../../../aws/answers";
import { s3 } from "../../../aws/clients";
import { orNone } from "../../../aws/s3";
import { DeleteModal } from "../../../ui/DeleteModal";
import { FailureAlert } from "../../../ui/FailureAlert";
import { succeeded } from "../../../ui/notifications";
import { ResourceTable } from "../../../ui/ResourceTable";
import { actionTexts, formOf, NEW_RULE, type RuleForm, ruleOf, ruleProblem, scopeText } from "../lifecycleRules";
import { checkRuleJson, readRule, writeRule } from "../lifecycleJson";
import { EditModal } from "./EditModal";
import { JsonEditing } from "./JsonSetting";
import type { Closing } from "./Setting";

interface Props {
  bucket: string;
}

interface Configuration {
  rules: LifecycleRule[];
  smallest: TransitionDefaultMinimumObjectSize | undefined;
}

async function load(bucket: string): Promise<Configuration> {
  const asked = s3().send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
  const told = await orNone(asked, "NoSuchLifecycleConfiguration");
  return { rules: told?.Rules ?? [], smallest: told?.TransitionDefaultMinimumObjectSize };
}

async function save(bucket: string, rules: LifecycleRule[], { smallest }: Configuration): Promise<void> {
  if (rules.length === 0) await s3().send(new DeleteBucketLifecycleCommand({ Bucket: bucket }));
  else {
    await s3().send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: bucket,
        LifecycleConfiguration: { Rules: rules },
        TransitionDefaultMinimumObjectSize: smallest,
      }),
    );
  }
}

export function Lifecycle({ bucket }: Props) {
  const [answer, reload] = useAnswer(() => load(bucket), [bucket]);
  const [selected, setSelected] = useState<LifecycleRule[]>([]);
  const [open, setOpen] = useState<"create" | "edit" | "json" | "delete" | null>(null);
  const configuration = answer.value ?? { rules: [], smallest: undefined };
  const rule = configuration.rules.find(({ ID }) => ID === selected[0]?.ID);
  const others = configuration.rules.filter((one) => one !== rule);
  const form = rule === undefined ? null : formOf(rule);
  const changed = (): void => {
    setOpen(null);
    setSelected([]);
    reload();
  };
  const switching = useAction(async (one: LifecycleRule) => {
    const Status = one.Status === "Enabled" ? "Disabled" : "Enabled";
    const rules = configuration.rules.map((each) => (each === one ? { ...one, Status } : each) as LifecycleRule);
    await save(bucket, rules, configuration);
    succeeded(`Lifecycle rule ${one.ID} is ${Status.toLowerCase()}.`);
    changed();
  });
  if (open === "json" && rule !== undefined) {
    return (
      <Container
        header={
          <Header variant="h2" description="The names are those of the S3 API and the AWS CLI.">
            Edit lifecycle rule {rule.ID}
          </Header>
        }
      >
        <JsonEditing
          title="Lifecycle rule"
          text={writeRule(rule)}
          check={(text) =>
            checkRuleJson(
              text,
              others.map(({ ID = "" }) => ID),
            )
          }
          save={(text) =>
            save(
              bucket,
              configuration.rules.map((each) => (each === rule ? readRule(text) : each)),
              configuration,
            )
          }
          onDone={changed}
          onDismiss={() => setOpen(null)}
        />
      </Container>
    );
  }
  const rows: Answer<LifecycleRule[]> =
    answer.status === "ready" ? { status: "ready", value: answer.value.rules } : answer;
  return (
    <SpaceBetween size="s">
      {switching.error !== null && <FailureAlert error={switching.error} onDismiss={switching.clear} />}
      <ResourceTable<LifecycleRule>
        title="Lifecycle rules"
        headingLevel="h2"
        description="Move objects to other storage classes, or delete them, when they are so many days old. What the form does not have, tags and dates for instance, is edited as JSON."
        answer={rows}
        reload={reload}
        id={({ ID = "" }) => ID}
        selection={{ type: "single", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              disabled={rule === undefined}
              loading={switching.running}
              onClick={() => rule !== undefined && void switching.run(rule)}
            >
              {rule?.Status === "Disabled" ? "Enable" : "Disable"}
            </Button>
            <Button disabled={rule === undefined} onClick={() => setOpen("delete")}>
              Delete
            </Button>
            <Button disabled={rule === undefined} onClick={() => setOpen("json")}>
              Edit JSON
            </Button>
            <Button disabled={rule === undefined} onClick={() => setOpen(form === null ? "json" : "edit")}>
              Edit
            </Button>
            <Button disabled={answer.status !== "ready"} onClick={() => setOpen("create")}>
              Create lifecycle rule
            </Button>
          </SpaceBetween>
        }
        columns={[
          { id: "id", header: "Rule", isRowHeader: true, sortingField: "ID", cell: ({ ID }) => ID ?? "-" },
          {
            id: "status",
            header: "Status",
            cell: ({ Status }) => (
              <StatusIndicator type={Status === "Enabled" ? "success" : "stopped"}>{Status}</StatusIndicator>
            ),
          },
          { id: "scope", header: "Scope", cell: scopeText },
          { id: "actions", header: "Actions", cell: (one) => actionTexts(one).join("; ") || "-" },
        ]}
      />
      {open === "create" && (
        <EditRule
          header="Create lifecycle rule"
          form={NEW_RULE}
          others={configuration.rules}
          save={(rules) => save(bucket, rules, configuration)}
          onDone={changed}
          onDismiss={() => setOpen(null)}
        />
      )}
      {open === "edit" && form !== null && (
        <EditRule
          header="Edit lifecycle rule"
          form={form}
          others={others}
          save={(rules) => save(bucket, rules, configuration)}
          onDone={changed}
          onDismiss={() => setOpen(null)}
        />
      )}
      {open === "delete" && rule !== undefined && (
        <DeleteModal
          header={`Delete lifecycle rule ${rule.ID}?`}
          act={() => save(bucket, others, configuration)}
          onDone={() => {
            succeeded(`Lifecycle rule ${rule.ID} deleted.`);
            changed();
          }}
          onDismiss={() => setOpen(null)}
        >
          Objects that it would have moved or deleted stay as they are.
        </DeleteModal>
      )}
    </SpaceBetween>
  );
}

interface EditRuleProps extends Closing {
  header: string;
  form: RuleForm;
  others: readonly LifecycleRule[];
  save: (rules: LifecycleRule[]) => Promise<void>;
}

function EditRule({ header, form, others, save: store, ...closing }: EditRuleProps) {
  const [edited, setEdited] = useState(form);
  const change = (news: Partial<RuleForm>): void => setEdited({ ...edited, ...news });
  const names = others.map(({ ID = "" }) => ID);
  const days = (label: string, field: "transitionDays" | "expirationDays" | "noncurrentDays" | "abortDays") => (
    <FormField label={label} constraintText="Days; empty for not at all.">
      <Input
        value={edited[field]}
        inputMode="numeric"
        onChange={({ detail }) => change({ [field]: detail.value.trim() })}
      />
    </FormField>
  );
  return (
    <EditModal
      {...closing}
      header={header}
      saved={`Lifecycle rule ${edited.id} saved.`}
      problem={ruleProblem(edited, names)}
      save={() => store([...others, ruleOf(edited)])}
    >
      <FormField label="Lifecycle rule name">
        <Input value={edited.id} spellcheck={false} onChange={({ detail }) => change({ id: detail.value })} />
      </FormField>
      <Toggle checked={edited.enabled} onChange={({ detail }) => change({ enabled: detail.checked })}>
        Enabled
      </Toggle>
      <FormField label="Prefix" description="Which objects it is about; empty for all of the bucket.">
        <Input value={edited.prefix} spellcheck={false} onChange={({ detail }) => change({ prefix: detail.value })} />
      </FormField>
      {days("Move current versions after", "transitionDays")}
      {edited.transitionDays !== "" && (
        <FormField label="Storage class to move to">
          <Select
            selectedOption={{ value: edited.transitionClass, label: edited.transitionClass }}
            options={Object.values(TransitionStorageClass).map((value) => ({ value, label: value }))}
            onChange={({ detail }) =>
              change({ transitionClass: detail.selectedOption.value as TransitionStorageClass })
            }
          />
        </FormField>
      )}
      {days("Expire current versions after", "expirationDays")}
      {days("Delete noncurrent versions after", "noncurrentDays")}
      <Checkbox checked={edited.expiredMarkers} onChange={({ detail }) => change({ expiredMarkers: detail.checked })}>
        Delete expired object delete markers
      </Checkbox>
      {days("Delete incomplete multipart uploads after", "abortDays")}
    </EditModal>
  );
}
