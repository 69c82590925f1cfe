/** The properties of an object. What is edited is a copy of the object onto itself. */
import {
  DeleteObjectTaggingCommand,
  GetObjectTaggingCommand,
  type HeadObjectOutput,
  PutObjectTaggingCommand,
  type StorageClass,
} from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { useAnswer } from "../../../aws/answers";
import { s3 } from "../../../aws/clients";
import { type ObjectId } from "../../../aws/s3";
import { Copyable } from "../../../ui/Copyable";
import { moment } from "../../../ui/times";
import { TagsTab } from "../../iam/parts/Tags";
import { arn, s3Uri } from "../addresses";
import type { Changes } from "../copying";
import { metadataOf, metadataRows } from "../metadata";
import { sizeText } from "../sizes";
import { CopyModal } from "./Copying";
import { Encryption, encryptionProblem, encryptionText } from "./Encryption";
import { MetadataFields } from "./MetadataFields";
import { ObjectLockOfObject } from "./ObjectLockOfObject";
import type { Closing } from "./Setting";
import { STORAGE_CLASSES } from "./storageClasses";

interface Props {
  object: ObjectId;
  head: HeadObjectOutput;
  /** After a change. */
  reload: () => void;
}

export function ObjectProperties(props: Props) {
  const { object, head } = props;
  const place = { bucket: object.Bucket, key: object.Key };
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Object overview</Header>}>
        <KeyValuePairs
          minColumnWidth={220}
          columns={2}
          items={[
            { label: "S3 URI", value: <Copyable text={s3Uri(place)} name="S3 URI" /> },
            { label: "ARN", value: <Copyable text={arn(place)} name="ARN" /> },
            { label: "Last modified", value: moment(head.LastModified) },
            { label: "Size", value: `${sizeText(head.ContentLength)} (${head.ContentLength ?? 0} bytes)` },
            { label: "Type", value: head.ContentType ?? "-" },
            { label: "ETag", value: <span className="breaks">{head.ETag?.replaceAll('"', "") ?? "-"}</span> },
            { label: "Version ID", value: <span className="breaks">{head.VersionId ?? "-"}</span> },
            ...(head.ReplicationStatus === undefined
              ? []
              : [{ label: "Replication status", value: head.ReplicationStatus }]),
            ...(head.Expiration === undefined
              ? []
              : [{ label: "Expiration", value: <span className="breaks">{head.Expiration}</span> }]),
          ]}
        />
      </Container>
      <Changed
        {...props}
        title="Storage class"
        value={head.StorageClass ?? "STANDARD"}
        edit={(closing) => <EditStorageClass {...props} {...closing} />}
      />
      <Changed
        {...props}
        title="Server-side encryption"
        value={
          <>
            {encryptionText(head.ServerSideEncryption)}
            {head.SSEKMSKeyId !== undefined && <Copyable text={head.SSEKMSKeyId} name="Key ARN" />}
          </>
        }
        edit={(closing) => <EditEncryption {...props} {...closing} />}
      />
      <Checksums head={head} />
      <ObjectTags object={object} />
      <Metadata {...props} />
      <ObjectLockOfObject {...props} />
    </SpaceBetween>
  );
}

interface ChangedProps {
  title: string;
  value: React.ReactNode;
  reload: () => void;
  edit: (closing: Closing) => React.ReactNode;
}

/** A part of what HeadObject told, and the dialog that changes it. */
function Changed({ title, value, reload, edit }: ChangedProps) {
  const [editing, setEditing] = useState(false);
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <Button ariaLabel={`Edit ${title.toLowerCase()}`} onClick={() => setEditing(true)}>
              Edit
            </Button>
          }
        >
          {title}
        </Header>
      }
    >
      {value}
      {editing &&
        edit({
          onDone: () => {
            setEditing(false);
            reload();
          },
          onDismiss: () => setEditing(false),
        })}
    </Container>
  );
}

function EditStorageClass({ object, head, ...closing }: Props & Closing) {
  const [chosen, setChosen] = useState<StorageClass>(head.StorageClass ?? "STANDARD");
  return (
    <CopyModal
      {...closing}
      object={object}
      head={head}
      header="Edit storage class"
      saved={`Storage class changed to ${chosen}.`}
      changes={() => ({ StorageClass: chosen })}
    >
      <FormField label="Storage class">
        <Select
          selectedOption={{ value: chosen, label: chosen }}
          options={STORAGE_CLASSES.map((value) => ({ value, label: value }))}
          onChange={({ detail }) => setChosen(detail.selectedOption.value as StorageClass)}
        />
      </FormField>
    </CopyModal>
  );
}

function EditEncryption({ object, head, ...closing }: Props & Closing) {
  const [chosen, setChosen] = useState({
    algorithm: head.ServerSideEncryption ?? "AES256",
    key: head.SSEKMSKeyId ?? "",
    bucketKey: head.BucketKeyEnabled === true,
  });
  const withKey = chosen.algorithm !== "AES256";
  return (
    <CopyModal
      {...closing}
      object={object}
      head={head}
      header="Edit server-side encryption"
      saved="Server-side encryption changed."
      problem={encryptionProblem(chosen)}
      changes={() => ({
        ServerSideEncryption: chosen.algorithm,
        SSEKMSKeyId: withKey && chosen.key !== "" ? chosen.key : undefined,
        BucketKeyEnabled: chosen.algorithm === "aws:kms" ? chosen.bucketKey : undefined,
      })}
    >
      <Encryption value={chosen} onChange={setChosen} errorText="" />
    </CopyModal>
  );
}

const CHECKSUMS = [
  ["CRC64NVME", "ChecksumCRC64NVME"],
  ["CRC32", "ChecksumCRC32"],
  ["CRC32C", "ChecksumCRC32C"],
  ["SHA-1", "ChecksumSHA1"],
  ["SHA-256", "ChecksumSHA256"],
] as const;

function Checksums({ head }: { head: HeadObjectOutput }) {
  const items = CHECKSUMS.flatMap(([label, field]) => {
    const value = head[field];
    return value === undefined ? [] : [{ label, value: <Copyable text={value} name={`${label} checksum`} /> }];
  });
  return (
    <Container header={<Header variant="h2">Checksum</Header>}>
      {items.length === 0 ? (
        <Box textAlign="center">The object has no additional checksum.</Box>
      ) : (
        <KeyValuePairs
          minColumnWidth={220}
          columns={2}
          items={[...items, { label: "Checksum type", value: head.ChecksumType ?? "-" }]}
        />
      )}
    </Container>
  );
}

function ObjectTags({ object }: { object: ObjectId }) {
  const [answer, reload] = useAnswer(
    async () => (await s3().send(new GetObjectTaggingCommand(object))).TagSet ?? [],
    [object],
  );
  return (
    <TagsTab
      what="object"
      answer={answer}
      reload={reload}
      save={async (TagSet) => {
        if (TagSet.length === 0) await s3().send(new DeleteObjectTaggingCommand(object));
        else await s3().send(new PutObjectTaggingCommand({ ...object, Tagging: { TagSet } }));
      }}
    />
  );
}

const SYSTEM = [
  ["Content-Type", "ContentType"],
  ["Cache-Control", "CacheControl"],
  ["Content-Disposition", "ContentDisposition"],
  ["Content-Encoding", "ContentEncoding"],
  ["Content-Language", "ContentLanguage"],
  ["x-amz-website-redirect-location", "WebsiteRedirectLocation"],
] as const;

function Metadata(props: Props) {
  const { head } = props;
  const items = [
    ...SYSTEM.flatMap(([label, field]) => (head[field] === undefined ? [] : [{ label, value: head[field] }])),
    ...metadataRows(head.Metadata).map(({ name, value }) => ({ label: `x-amz-meta-${name}`, value: value || "-" })),
  ];
  return (
    <Changed
      {...props}
      title="Metadata"
      value={<KeyValuePairs minColumnWidth={220} columns={2} items={items} />}
      edit={(closing) => <EditMetadata {...props} {...closing} />}
    />
  );
}

function EditMetadata({ object, head, ...closing }: Props & Closing) {
  const [system, setSystem] = useState<Changes>(() =>
    Object.fromEntries(SYSTEM.map(([, field]) => [field, head[field]])),
  );
  const [rows, setRows] = useState(() => metadataRows(head.Metadata));
  const { metadata, problem } = metadataOf(rows);
  return (
    <CopyModal
      {...closing}
      object={object}
      head={head}
      size="large"
      header="Edit metadata"
      saved="Metadata saved."
      problem={problem}
      changes={() => ({ ...system, Metadata: metadata })}
    >
      {SYSTEM.map(([label, field]) => (
        <FormField key={field} label={label}>
          <Input
            value={system[field] ?? ""}
            spellcheck={false}
            onChange={({ detail }) => setSystem({ ...system, [field]: detail.value || undefined })}
          />
        </FormField>
      ))}
      <FormField label="User-defined metadata">
        <MetadataFields rows={rows} onChange={(changed) => setRows([...changed])} />
      </FormField>
    </CopyModal>
  );
}
