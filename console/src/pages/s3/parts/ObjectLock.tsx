/** Object Lock of a bucket, and the retention that new objects get by default. */
import {
  type DefaultRetention,
  GetObjectLockConfigurationCommand,
  type ObjectLockConfiguration,
  type ObjectLockRetentionMode,
  PutObjectLockConfigurationCommand,
} from "@aws-sdk/client-s3";
import Alert from "@cloudscape-design/components/alert";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { s3 } from "../../../aws/clients";
import { orNone } from "../../../aws/s3";
import { EditModal } from "./EditModal";
import { type Closing, Setting } from "./Setting";

interface Props {
  bucket: string;
}

const UNITS = [
  { value: "Days", label: "Days" },
  { value: "Years", label: "Years" },
];

export function ObjectLock({ bucket }: Props) {
  return (
    <Setting<ObjectLockConfiguration | null>
      title="Object Lock"
      description="Objects can be kept from being deleted or overwritten, for a time or for good."
      keys={[bucket]}
      load={async () => {
        const asked = s3().send(new GetObjectLockConfigurationCommand({ Bucket: bucket }));
        return (await orNone(asked, "ObjectLockConfigurationNotFoundError"))?.ObjectLockConfiguration ?? null;
      }}
      edit={(value, closing) => <EditObjectLock bucket={bucket} value={value} {...closing} />}
    >
      {(value) => {
        const retention = value?.Rule?.DefaultRetention;
        return (
          <KeyValuePairs
            minColumnWidth={220}
            columns={2}
            items={[
              { label: "Object Lock", value: value === null ? "Disabled" : "Enabled" },
              { label: "Default retention", value: retention === undefined ? "None" : retentionText(retention) },
            ]}
          />
        );
      }}
    </Setting>
  );
}

function retentionText({ Mode, Days, Years }: DefaultRetention): string {
  return `${Mode === "COMPLIANCE" ? "Compliance" : "Governance"}, ${Days === undefined ? `${Years} years` : `${Days} days`}`;
}

function EditObjectLock({ bucket, value, ...closing }: Props & Closing & { value: ObjectLockConfiguration | null }) {
  const was = value?.Rule?.DefaultRetention;
  const [mode, setMode] = useState<ObjectLockRetentionMode | "">(was?.Mode ?? "");
  const [amount, setAmount] = useState(String(was?.Days ?? was?.Years ?? 30));
  const [unit, setUnit] = useState(was?.Years === undefined ? "Days" : "Years");
  const number = Number(amount);
  return (
    <EditModal
      {...closing}
      header="Edit Object Lock"
      saved="Object Lock saved."
      problem={mode === "" || (Number.isInteger(number) && number > 0) ? "" : "Enter how long objects are kept."}
      save={async () => {
        const DefaultRetention = mode === "" ? undefined : { Mode: mode, [unit]: number };
        await s3().send(
          new PutObjectLockConfigurationCommand({
            Bucket: bucket,
            ObjectLockConfiguration: {
              ObjectLockEnabled: "Enabled",
              ...(DefaultRetention === undefined ? {} : { Rule: { DefaultRetention } }),
            },
          }),
        );
      }}
    >
      {value === null && (
        <Alert type="warning">This enables Object Lock for good. The bucket must have versioning.</Alert>
      )}
      <FormField label="Default retention" description="For new objects for which nothing else is said.">
        <RadioGroup
          value={mode}
          items={[
            { value: "", label: "None" },
            {
              value: "GOVERNANCE",
              label: "Governance",
              description: "Users with s3:BypassGovernanceRetention can still delete objects.",
            },
            { value: "COMPLIANCE", label: "Compliance", description: "Nobody can delete objects before their date." },
          ]}
          onChange={({ detail }) => setMode(detail.value as ObjectLockRetentionMode | "")}
        />
      </FormField>
      {mode !== "" && (
        <FormField label="Default retention period">
          <SpaceBetween direction="horizontal" size="xs">
            <Input
              value={amount}
              inputMode="numeric"
              ariaLabel="Default retention period"
              onChange={({ detail }) => setAmount(detail.value)}
            />
            <Select
              ariaLabel="Unit"
              selectedOption={UNITS.find((one) => one.value === unit) ?? null}
              options={UNITS}
              onChange={({ detail }) => setUnit(detail.selectedOption.value ?? "Days")}
            />
          </SpaceBetween>
        </FormField>
      )}
    </EditModal>
  );
}
