/** The legal hold and the retention of an object, where its bucket has Object Lock. */
import {
  type HeadObjectOutput,
  type ObjectLockRetentionMode,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
} from "@aws-sdk/client-s3";
import Container from "@cloudscape-design/components/container";
import DatePicker from "@cloudscape-design/components/date-picker";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";

import { s3 } from "../../../aws/clients";
import { type ObjectId } from "../../../aws/s3";
import { moment } from "../../../ui/times";
import { EditModal } from "./EditModal";
import type { Closing } from "./Setting";

interface Props {
  object: ObjectId;
  head: HeadObjectOutput;
  reload: () => void;
}

const MODES = [
  {
    value: "GOVERNANCE",
    label: "Governance",
    description: "Users with s3:BypassGovernanceRetention can still delete it.",
  },
  { value: "COMPLIANCE", label: "Compliance", description: "Nobody can delete it before the date, nor shorten it." },
];

export function ObjectLockOfObject({ object, head, reload }: Props) {
  const [open, setOpen] = useState<"hold" | "retention" | null>(null);
  const closing: Closing = {
    onDone: () => {
      setOpen(null);
      reload();
    },
    onDismiss: () => setOpen(null),
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="It needs a bucket with Object Lock. What you may not read is shown as not set."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button onClick={() => setOpen("hold")}>Edit legal hold</Button>
              <Button onClick={() => setOpen("retention")}>Edit retention</Button>
            </SpaceBetween>
          }
        >
          Object Lock
        </Header>
      }
    >
      <KeyValuePairs
        minColumnWidth={220}
        columns={3}
        items={[
          { label: "Legal hold", value: head.ObjectLockLegalHoldStatus === "ON" ? "On" : "Off" },
          { label: "Retention mode", value: head.ObjectLockMode ?? "-" },
          { label: "Retain until", value: moment(head.ObjectLockRetainUntilDate) },
        ]}
      />
      {open === "hold" && <EditHold object={object} head={head} {...closing} />}
      {open === "retention" && <EditRetention object={object} head={head} {...closing} />}
    </Container>
  );
}

function EditHold({ object, head, ...closing }: Omit<Props, "reload"> & Closing) {
  const [status, setStatus] = useState<"ON" | "OFF">(head.ObjectLockLegalHoldStatus ?? "OFF");
  return (
    <EditModal
      {...closing}
      header="Edit legal hold"
      saved="Legal hold saved."
      save={async () => {
        await s3().send(new PutObjectLegalHoldCommand({ ...object, LegalHold: { Status: status } }));
      }}
    >
      <RadioGroup
        ariaLabel="Legal hold"
        value={status}
        items={[
          { value: "OFF", label: "Off" },
          { value: "ON", label: "On", description: "The version cannot be deleted until the hold is taken off." },
        ]}
        onChange={({ detail }) => setStatus(detail.value as "ON" | "OFF")}
      />
    </EditModal>
  );
}

function EditRetention({ object, head, ...closing }: Omit<Props, "reload"> & Closing) {
  const [mode, setMode] = useState<ObjectLockRetentionMode>(head.ObjectLockMode ?? "GOVERNANCE");
  const [date, setDate] = useState(head.ObjectLockRetainUntilDate?.toISOString().slice(0, 10) ?? "");
  return (
    <EditModal
      {...closing}
      header="Edit retention"
      saved="Retention saved."
      problem={/^\d{4}-\d{2}-\d{2}$/.test(date) ? "" : "Enter the date until which the version is kept."}
      save={async () => {
        const Retention = { Mode: mode, RetainUntilDate: new Date(`${date}T00:00:00Z`) };
        await s3().send(new PutObjectRetentionCommand({ ...object, Retention }));
      }}
    >
      <RadioGroup
        ariaLabel="Retention mode"
        value={mode}
        items={MODES}
        onChange={({ detail }) => setMode(detail.value as ObjectLockRetentionMode)}
      />
      <FormField label="Retain until" description="The beginning of that day, in UTC.">
        <DatePicker
          value={date}
          placeholder="YYYY/MM/DD"
          openCalendarAriaLabel={(chosen) => `Choose a date${chosen === null ? "" : `, ${chosen}`}`}
          onChange={({ detail }) => setDate(detail.value)}
        />
      </FormField>
    </EditModal>
  );
}
