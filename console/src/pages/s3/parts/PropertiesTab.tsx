/** The properties of a bucket, each a setting with its own states. */
import {
  type BucketVersioningStatus,
  DeleteBucketTaggingCommand,
  GetBucketEncryptionCommand,
  GetBucketLocationCommand,
  GetBucketNotificationConfigurationCommand,
  type GetBucketNotificationConfigurationCommandOutput,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  type Payer,
  PutBucketEncryptionCommand,
  PutBucketRequestPaymentCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  type ServerSideEncryptionRule,
} from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";

import { useAnswer } from "../../../aws/answers";
import { s3 } from "../../../aws/clients";
import { orNone } from "../../../aws/s3";
import { Copyable } from "../../../ui/Copyable";
import { TagsTab } from "../../iam/parts/Tags";
import { arn } from "../addresses";
import { AccessLogging } from "./AccessLogging";
import { EditModal } from "./EditModal";
import { Encryption, encryptionOf, encryptionProblem, encryptionRule, encryptionText } from "./Encryption";
import { ObjectLock } from "./ObjectLock";
import { type Closing, Setting } from "./Setting";
import { Website } from "./Website";

interface Props {
  bucket: string;
}

export function PropertiesTab({ bucket }: Props) {
  return (
    <SpaceBetween size="l">
      <Setting
        title="Bucket overview"
        keys={[bucket]}
        load={async () => (await s3().send(new GetBucketLocationCommand({ Bucket: bucket }))).LocationConstraint}
      >
        {(location) => (
          <KeyValuePairs
            minColumnWidth={220}
            columns={2}
            items={[
              { label: "AWS Region", value: location || "us-east-1" },
              { label: "ARN", value: <Copyable text={arn({ bucket, key: "" })} name="bucket ARN" /> },
            ]}
          />
        )}
      </Setting>
      <Versioning bucket={bucket} />
      <BucketTags bucket={bucket} />
      <DefaultEncryption bucket={bucket} />
      <ObjectLock bucket={bucket} />
      <AccessLogging bucket={bucket} />
      <Notifications bucket={bucket} />
      <RequesterPays bucket={bucket} />
      <Website bucket={bucket} />
    </SpaceBetween>
  );
}

function Versioning({ bucket }: Props) {
  return (
    <Setting
      title="Bucket Versioning"
      description="Keeps every version of an object, so that what was overwritten or deleted can be restored."
      keys={[bucket]}
      load={() => s3().send(new GetBucketVersioningCommand({ Bucket: bucket }))}
      edit={({ Status }, closing) => <EditVersioning bucket={bucket} value={Status} {...closing} />}
    >
      {({ Status, MFADelete }) => (
        <KeyValuePairs
          minColumnWidth={220}
          columns={2}
          items={[
            { label: "Bucket Versioning", value: Status ?? "Disabled" },
            { label: "Multi-factor authentication (MFA) delete", value: MFADelete ?? "Disabled" },
          ]}
        />
      )}
    </Setting>
  );
}

interface EditVersioningProps extends Props, Closing {
  value: BucketVersioningStatus | undefined;
}

function EditVersioning({ bucket, value, ...closing }: EditVersioningProps) {
  const [Status, setStatus] = useState<BucketVersioningStatus>(value ?? "Suspended");
  return (
    <EditModal
      {...closing}
      header="Edit Bucket Versioning"
      saved={`Bucket Versioning is ${Status.toLowerCase()}.`}
      save={async () => {
        await s3().send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }));
      }}
    >
      <RadioGroup
        ariaLabel="Bucket Versioning"
        value={Status}
        items={[
          {
            value: "Suspended",
            label: "Suspend",
            description: "New objects get no version; the versions there are stay.",
          },
          { value: "Enabled", label: "Enable" },
        ]}
        onChange={({ detail }) => setStatus(detail.value as BucketVersioningStatus)}
      />
    </EditModal>
  );
}

function BucketTags({ bucket }: Props) {
  const [answer, reload] = useAnswer(
    async () =>
      (await orNone(s3().send(new GetBucketTaggingCommand({ Bucket: bucket })), "NoSuchTagSet"))?.TagSet ?? [],
    [bucket],
  );
  return (
    <TagsTab
      what="bucket"
      answer={answer}
      reload={reload}
      save={async (TagSet) => {
        if (TagSet.length === 0) await s3().send(new DeleteBucketTaggingCommand({ Bucket: bucket }));
        else await s3().send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }));
      }}
    />
  );
}

function DefaultEncryption({ bucket }: Props) {
  return (
    <Setting
      title="Default encryption"
      description="Encrypts new objects for which nothing else is asked."
      keys={[bucket]}
      load={async () => {
        const asked = s3().send(new GetBucketEncryptionCommand({ Bucket: bucket }));
        const told = await orNone(asked, "ServerSideEncryptionConfigurationNotFoundError");
        return told?.ServerSideEncryptionConfiguration?.Rules?.[0] ?? {};
      }}
      edit={(rule, closing) => <EditEncryption bucket={bucket} rule={rule} {...closing} />}
    >
      {(rule) => {
        const { algorithm, key, bucketKey } = encryptionOf(rule);
        return (
          <KeyValuePairs
            minColumnWidth={220}
            columns={2}
            items={[
              { label: "Encryption type", value: encryptionText(algorithm) },
              ...(algorithm === "AES256"
                ? []
                : [{ label: "Encryption key", value: <span className="breaks">{key || "alias/aws/s3"}</span> }]),
              { label: "Bucket Key", value: bucketKey ? "Enabled" : "Disabled" },
            ]}
          />
        );
      }}
    </Setting>
  );
}

function EditEncryption({ bucket, rule, ...closing }: Props & Closing & { rule: ServerSideEncryptionRule }) {
  const [chosen, setChosen] = useState(() => encryptionOf(rule));
  return (
    <EditModal
      {...closing}
      header="Edit default encryption"
      saved="Default encryption saved."
      problem={encryptionProblem(chosen)}
      save={async () => {
        const ServerSideEncryptionConfiguration = { Rules: [encryptionRule(chosen, rule)] };
        await s3().send(new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration }));
      }}
    >
      <Encryption value={chosen} onChange={setChosen} errorText="" />
    </EditModal>
  );
}

interface Notified {
  id: string;
  events: string;
  destination: string;
}

function notifiedOf(told: GetBucketNotificationConfigurationCommandOutput): Notified[] {
  const rows: Notified[] = [
    ...(told.TopicConfigurations ?? []).map((one) => ({ one, destination: one.TopicArn })),
    ...(told.QueueConfigurations ?? []).map((one) => ({ one, destination: one.QueueArn })),
    ...(told.LambdaFunctionConfigurations ?? []).map((one) => ({ one, destination: one.LambdaFunctionArn })),
  ].map(({ one, destination }) => ({
    id: one.Id ?? "-",
    events: (one.Events ?? []).join(", "),
    destination: destination ?? "-",
  }));
  return told.EventBridgeConfiguration === undefined
    ? rows
    : [...rows, { id: "-", events: "All events", destination: "Amazon EventBridge" }];
}

function Notifications({ bucket }: Props) {
  return (
    <Setting
      title="Event notifications"
      description="Who is told of what happens in the bucket. They are set with the AWS CLI: put-bucket-notification-configuration."
      keys={[bucket]}
      load={async () => notifiedOf(await s3().send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket })))}
    >
      {(rows) => (
        <Table
          variant="embedded"
          items={rows}
          ariaLabels={{ tableLabel: "Event notifications" }}
          wrapLines
          empty={<Box textAlign="center">There are no event notifications.</Box>}
          columnDefinitions={[
            { id: "id", header: "Name", isRowHeader: true, cell: ({ id }: Notified) => id },
            { id: "events", header: "Event types", cell: ({ events }: Notified) => events },
            {
              id: "destination",
              header: "Destination",
              cell: ({ destination }: Notified) => <span className="breaks">{destination}</span>,
            },
          ]}
        />
      )}
    </Setting>
  );
}

function RequesterPays({ bucket }: Props) {
  return (
    <Setting
      title="Requester pays"
      description="Requests of other accounts are answered only when they say that they pay: with x-amz-request-payer."
      keys={[bucket]}
      load={async () =>
        (await s3().send(new GetBucketRequestPaymentCommand({ Bucket: bucket }))).Payer ?? "BucketOwner"
      }
      edit={(payer, closing) => <EditPayer bucket={bucket} payer={payer} {...closing} />}
    >
      {(payer) => (payer === "Requester" ? "Enabled" : "Disabled")}
    </Setting>
  );
}

function EditPayer({ bucket, payer, ...closing }: Props & Closing & { payer: Payer }) {
  const [chosen, setChosen] = useState<Payer>(payer);
  return (
    <EditModal
      {...closing}
      header="Edit requester pays"
      saved="Requester pays saved."
      save={async () => {
        await s3().send(
          new PutBucketRequestPaymentCommand({ Bucket: bucket, RequestPaymentConfiguration: { Payer: chosen } }),
        );
      }}
    >
      <RadioGroup
        ariaLabel="Requester pays"
        value={chosen}
        items={[
          { value: "BucketOwner", label: "Disable" },
          { value: "Requester", label: "Enable" },
        ]}
        onChange={({ detail }) => setChosen(detail.value as Payer)}
      />
    </EditModal>
  );
}
