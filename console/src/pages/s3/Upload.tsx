/** Choose files and folders, say what the objects shall be like, and upload them. */
import type { ChecksumAlgorithm, StorageClass } from "@aws-sdk/client-s3";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useRef, useState } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";

import { ResourceTable } from "../../ui/ResourceTable";
import { type EditedTag, enteredTags, NO_TAGS, TagFields } from "../iam/parts/Tags";
import { bucketPage, keyProblem, s3Uri } from "./addresses";
import { takeChosenFiles } from "./chosenFiles";
import { type ChosenFile, pickedFiles } from "./droppedFiles";
import { metadataOf, type MetadataRow } from "./metadata";
import { Dropzone } from "./parts/Dropzone";
import { type EncryptionChoice, Encryption, encryptionProblem, SSE_S3 } from "./parts/Encryption";
import { MetadataFields } from "./parts/MetadataFields";
import { STORAGE_CLASSES } from "./parts/storageClasses";
import type { UploadSettings } from "./sendFile";
import { sizeText } from "./sizes";
import { announceUploads } from "./uploadNotice";
import { upload } from "./uploads";

const CHECKSUMS: readonly ChecksumAlgorithm[] = ["CRC64NVME", "CRC32", "CRC32C", "SHA256", "SHA1"];

export function Component() {
  const { bucket = "" } = useParams();
  const [query] = useSearchParams();
  const prefix = query.get("prefix") ?? "";
  const navigate = useNavigate();
  const [files, setFiles] = useState<ChosenFile[]>(takeChosenFiles);
  const [selected, setSelected] = useState<ChosenFile[]>([]);
  const [storageClass, setStorageClass] = useState<StorageClass>("STANDARD");
  const [checksum, setChecksum] = useState<ChecksumAlgorithm>("CRC64NVME");
  const [encryption, setEncryption] = useState<EncryptionChoice | null>(null);
  const [tags, setTags] = useState<readonly EditedTag[]>(NO_TAGS);
  const [metadata, setMetadata] = useState<readonly MetadataRow[]>([]);
  const [tried, setTried] = useState(false);
  const total = files.reduce((sum, { file }) => sum + file.size, 0);
  const badKeys = files.filter(({ path }) => keyProblem(prefix + path) !== null);
  const badKey = encryption === null ? "" : encryptionProblem(encryption);
  const read = metadataOf(metadata);
  const problem = files.length === 0 ? "Add files or a folder first." : badKey || read.problem;

  const add = (more: ChosenFile[]): void => {
    // Another file of the same path takes the place of the first, as an object would.
    setFiles((before) => [...new Map([...before, ...more].map((one) => [one.path, one])).values()]);
  };
  const submit = (): void => {
    setTried(true);
    if (problem !== "" || badKeys.length > 0) return;
    const settings: UploadSettings = {
      StorageClass: storageClass,
      ChecksumAlgorithm: checksum,
      ...(read.metadata === undefined ? {} : { Metadata: read.metadata }),
      ...(encryption === null ? {} : { ServerSideEncryption: encryption.algorithm }),
      ...(encryption === null || encryption.algorithm === "AES256" || encryption.key === ""
        ? {}
        : { SSEKMSKeyId: encryption.key }),
      Tagging: taggingOf(tags),
    };
    upload(
      bucket,
      files.map(({ file, path }) => ({ file, key: prefix + path })),
      settings,
    );
    announceUploads();
    void navigate("/s3/uploads", { state: { from: bucketPage(bucket, prefix) } });
  };
  return (
    <Dropzone onFiles={add}>
      <Form
        header={
          <Header variant="h1" description="Drop files and folders anywhere on this page, or choose them.">
            Upload
          </Header>
        }
        errorText={tried && problem !== "" ? problem : undefined}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={() => void navigate(bucketPage(bucket, prefix))}>
              Cancel
            </Button>
            <Button variant="primary" onClick={submit}>
              Upload
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          <ResourceTable
            title="Files and folders"
            headingLevel="h2"
            description={`${sizeText(total)} in total, to ${s3Uri({ bucket, key: prefix })}`}
            answer={{ status: "ready", value: files }}
            reload={() => undefined}
            id={({ path }) => path}
            selection={{ type: "multi", selected, onChange: setSelected }}
            pageSize={10}
            empty={<Box textAlign="center">No files were added yet.</Box>}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  disabled={selected.length === 0}
                  onClick={() => {
                    setFiles(files.filter((one) => !selected.includes(one)));
                    setSelected([]);
                  }}
                >
                  Remove
                </Button>
                <PickButton text="Add files" onFiles={add} />
                <PickButton text="Add folder" folder onFiles={add} />
              </SpaceBetween>
            }
            columns={[
              { id: "path", header: "Name", isRowHeader: true, sortingField: "path", cell: ({ path }) => path },
              { id: "size", header: "Size", cell: ({ file }) => sizeText(file.size) },
              { id: "type", header: "Type", cell: ({ file }) => file.type || "-" },
            ]}
          />
          {badKeys.length > 0 && (
            <Alert type="error" header="These cannot be uploaded with a browser">
              {badKeys.map(({ path }) => `${path}: ${keyProblem(prefix + path)?.problem}`).join(" ")}
            </Alert>
          )}
          <Container>
            <ExpandableSection headerText="Properties - optional" variant="footer">
              <SpaceBetween size="l">
                <FormField label="Storage class">
                  <Select
                    selectedOption={{ value: storageClass, label: storageClass }}
                    options={STORAGE_CLASSES.map((value) => ({ value, label: value }))}
                    onChange={({ detail }) => setStorageClass(detail.selectedOption.value as StorageClass)}
                  />
                </FormField>
                <FormField
                  label="Checksum"
                  description="It is computed in this browser and compared by the server with what arrives."
                >
                  <Select
                    selectedOption={{ value: checksum, label: checksum }}
                    options={CHECKSUMS.map((value) => ({ value, label: value }))}
                    onChange={({ detail }) => setChecksum(detail.selectedOption.value as ChecksumAlgorithm)}
                  />
                </FormField>
                <FormField label="Server-side encryption">
                  <Select
                    selectedOption={ENCRYPTIONS[encryption === null ? 0 : 1] ?? null}
                    options={ENCRYPTIONS}
                    onChange={({ detail }) => setEncryption(detail.selectedOption.value === "own" ? SSE_S3 : null)}
                  />
                </FormField>
                {encryption !== null && (
                  <Encryption value={encryption} onChange={setEncryption} errorText={tried ? badKey : ""} />
                )}
                <FormField label="Tags">
                  <TagFields tags={tags} onChange={setTags} />
                </FormField>
                <FormField label="Metadata" description="User-defined: stored as x-amz-meta-NAME.">
                  <MetadataFields rows={metadata} onChange={setMetadata} />
                </FormField>
              </SpaceBetween>
            </ExpandableSection>
          </Container>
        </SpaceBetween>
      </Form>
    </Dropzone>
  );
}

const ENCRYPTIONS = [
  { value: "bucket", label: "As the bucket's default encryption says" },
  { value: "own", label: "Choose for these objects" },
];

function taggingOf(tags: readonly EditedTag[]): string | undefined {
  const entered = enteredTags(tags);
  return entered && new URLSearchParams(entered.map(({ Key = "", Value = "" }) => [Key, Value])).toString();
}

function PickButton({
  text,
  folder,
  onFiles,
}: {
  text: string;
  folder?: boolean;
  onFiles: (files: ChosenFile[]) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={text}
        multiple
        {...(folder === true ? { webkitdirectory: "" } : {})}
        onChange={(event) => {
          onFiles(pickedFiles(event.target.files));
          event.target.value = "";
        }}
      />
      <Button onClick={() => input.current?.click()}>{text}</Button>
    </>
  );
}
