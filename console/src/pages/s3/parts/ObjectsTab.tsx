/** What stands under a prefix, page by page; where files are dropped, and from where objects are opened and deleted. */
import { PutObjectCommand } from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import FormField from "@cloudscape-design/components/form-field";
import Icon from "@cloudscape-design/components/icon";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import Toggle from "@cloudscape-design/components/toggle";
import { useState } from "react";
import { useHref, useNavigate } from "react-router";

import { useAction, usePages } from "../../../aws/answers";
import { s3 } from "../../../aws/clients";
import { FailureAlert } from "../../../ui/FailureAlert";
import { keepFilter, keptFilter } from "../../../ui/keptFilter";
import { PageButton, PageLink } from "../../../ui/links";
import { PagedTable } from "../../../ui/PagedTable";
import { moment } from "../../../ui/times";
import { arn, bucketPage, folderKey, folders, objectPage, s3Uri, uploadPage } from "../addresses";
import { chooseFiles } from "../chosenFiles";
import { downloadObject } from "../download";
import { type Entry, entryName, listPage } from "../listing";
import { sizeText } from "../sizes";
import { copyText } from "./copyText";
import { DeleteEntries } from "./DeleteEntries";
import { Dropzone } from "./Dropzone";
import { EditModal } from "./EditModal";
import { PresignModal } from "./PresignModal";
import type { Closing } from "./Setting";

interface Props {
  bucket: string;
  prefix: string;
}

export function ObjectsTab({ bucket, prefix }: Props) {
  // Another folder, another search, nothing selected.
  return <Objects key={`${bucket}/${prefix}`} bucket={bucket} prefix={prefix} />;
}

function Objects({ bucket, prefix }: Props) {
  const navigate = useNavigate();
  const [search, setSearch] = useState(() => String(keptFilter("prefix") ?? ""));
  const [typed, setTyped] = useState(search);
  const [versions, setVersions] = useState(() => keptFilter("versions") === true);
  const [selected, setSelected] = useState<Entry[]>([]);
  const [open, setOpen] = useState<"delete" | "folder" | "presign" | null>(null);
  const pages = usePages<Entry>(
    (token) => listPage({ bucket, prefix, search, versions }, token),
    [bucket, prefix, search, versions],
  );
  const downloading = useAction((entry: Entry) =>
    downloadObject({ Bucket: bucket, Key: entry.key, VersionId: entry.versionId }),
  );
  const one = selected.length === 1 ? selected[0] : undefined;
  const object = one?.kind === "object" ? one : undefined;
  const reset = (): void => {
    setSelected([]);
    setOpen(null);
  };
  const choose = (id: string): void => {
    if (one === undefined) return;
    const place = { bucket, key: one.key };
    if (id === "uri") void copyText(s3Uri(place), "S3 URI");
    else if (id === "arn") void copyText(arn(place), "ARN");
    else if (id === "open") void navigate(objectPage(place, one.versionId));
    else if (id === "presign") setOpen("presign");
  };
  return (
    <Dropzone
      onFiles={(files) => {
        chooseFiles(files);
        void navigate(uploadPage(bucket, prefix));
      }}
    >
      <SpaceBetween size="m">
        <Trail bucket={bucket} prefix={prefix} />
        {downloading.error !== null && (
          <FailureAlert
            error={downloading.error}
            header="The object was not downloaded"
            onDismiss={downloading.clear}
          />
        )}
        <PagedTable<Entry>
          title="Objects"
          headingLevel="h2"
          description="Files and folders can be dropped here to upload them."
          pages={pages}
          id={entryName}
          columns={columns(bucket, versions)}
          selection={{ type: "multi", selected, onChange: setSelected }}
          empty={<Empty searched={search !== ""} bucket={bucket} prefix={prefix} />}
          filter={
            <SpaceBetween direction="horizontal" size="m">
              <TextFilter
                filteringText={typed}
                filteringAriaLabel="Find objects by prefix"
                filteringPlaceholder="Find objects by prefix"
                onChange={({ detail }) => setTyped(detail.filteringText)}
                onDelayedChange={({ detail }) => {
                  setSearch(detail.filteringText);
                  keepFilter("prefix", detail.filteringText);
                  setSelected([]);
                }}
              />
              <Toggle
                checked={versions}
                onChange={({ detail }) => {
                  setVersions(detail.checked);
                  keepFilter("versions", detail.checked);
                  setSelected([]);
                }}
              >
                Show versions
              </Toggle>
            </SpaceBetween>
          }
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button
                iconName="refresh"
                ariaLabel="Refresh"
                onClick={() => {
                  setSelected([]);
                  pages.reload();
                }}
              />
              <Button
                disabled={object === undefined}
                loading={downloading.running}
                iconName="download"
                onClick={() => object !== undefined && void downloading.run(object)}
              >
                Download
              </Button>
              <Button disabled={selected.length === 0} onClick={() => setOpen("delete")}>
                Delete
              </Button>
              <ButtonDropdown
                disabled={one === undefined}
                expandToViewport
                items={[
                  { id: "uri", text: "Copy S3 URI" },
                  { id: "arn", text: "Copy ARN" },
                  { id: "open", text: "Open", disabled: object === undefined },
                  { id: "presign", text: "Share with a presigned URL", disabled: object === undefined },
                ]}
                onItemClick={({ detail }) => choose(detail.id)}
              >
                Actions
              </ButtonDropdown>
              <Button onClick={() => setOpen("folder")}>Create folder</Button>
              <PageButton variant="primary" iconName="upload" to={uploadPage(bucket, prefix)}>
                Upload
              </PageButton>
            </SpaceBetween>
          }
        />
      </SpaceBetween>
      {open === "delete" && (
        <DeleteEntries
          bucket={bucket}
          entries={selected}
          onDone={() => {
            reset();
            pages.reload();
          }}
          onDismiss={() => {
            reset();
            pages.reload();
          }}
        />
      )}
      {open === "folder" && (
        <CreateFolder
          bucket={bucket}
          prefix={prefix}
          onDone={() => {
            setOpen(null);
            pages.reload();
          }}
          onDismiss={() => setOpen(null)}
        />
      )}
      {open === "presign" && object !== undefined && (
        <PresignModal
          object={{ Bucket: bucket, Key: object.key, VersionId: object.versionId }}
          onDismiss={() => setOpen(null)}
        />
      )}
    </Dropzone>
  );
}

function columns(bucket: string, versions: boolean): TableProps.ColumnDefinition<Entry>[] {
  return [
    { id: "name", header: "Name", isRowHeader: true, cell: (entry) => <EntryLink bucket={bucket} entry={entry} /> },
    { id: "type", header: "Type", cell: typeText },
    ...(versions
      ? [
          {
            id: "version",
            header: "Version ID",
            cell: ({ versionId, latest }: Entry) => (
              <>
                {versionId ?? "-"} {latest === true && <Box variant="small">(current)</Box>}
              </>
            ),
          },
        ]
      : []),
    { id: "modified", header: "Last modified", cell: ({ modified }) => moment(modified) },
    { id: "size", header: "Size", cell: ({ kind, size }) => (kind === "object" ? sizeText(size) : "-") },
    {
      id: "class",
      header: "Storage class",
      cell: ({ kind, storageClass }) => (kind === "object" ? storageClass : "-"),
    },
  ];
}

function EntryLink({ bucket, entry }: { bucket: string; entry: Entry }) {
  const name = <span className="breaks">{entry.name}</span>;
  if (entry.kind === "marker") return <StatusIndicator type="stopped">{name} (delete marker)</StatusIndicator>;
  const to =
    entry.kind === "folder" ? bucketPage(bucket, entry.key) : objectPage({ bucket, key: entry.key }, entry.versionId);
  return (
    <>
      <Icon name={entry.kind === "folder" ? "folder" : "file"} /> <PageLink to={to}>{name}</PageLink>
    </>
  );
}

function typeText({ kind, name }: Entry): string {
  if (kind === "folder") return "Folder";
  if (kind === "marker") return "Delete marker";
  return /\.([^./]+)$/.exec(name)?.[1] ?? "-";
}

function Empty({ searched, bucket, prefix }: { searched: boolean; bucket: string; prefix: string }) {
  return (
    <Box textAlign="center">
      <SpaceBetween size="s">
        <b>{searched ? "Nothing here begins like that" : "No objects"}</b>
        {!searched && <PageButton to={uploadPage(bucket, prefix)}>Upload files</PageButton>}
      </SpaceBetween>
    </Box>
  );
}

/** Where one is within the bucket; `object` is the name of the object that is open. */
export function Trail({ bucket, prefix, object }: Props & { object?: string }) {
  const navigate = useNavigate();
  const base = useHref("/").replace(/\/$/, "");
  return (
    <BreadcrumbGroup
      ariaLabel="Folders"
      items={[
        ...[{ name: bucket, prefix: "" }, ...folders(prefix)].map((step) => ({
          text: step.name,
          href: base + bucketPage(bucket, step.prefix),
        })),
        ...(object === undefined ? [] : [{ text: object, href: "#" }]),
      ]}
      onFollow={(event) => {
        event.preventDefault();
        void navigate(event.detail.href.slice(base.length));
      }}
    />
  );
}

function CreateFolder({ bucket, prefix, ...closing }: Props & Closing) {
  const [name, setName] = useState("");
  const made = folderKey(prefix, name);
  return (
    <EditModal
      {...closing}
      header="Create folder"
      verb="Create folder"
      saved={`Folder ${name} created.`}
      problem={"problem" in made ? made.problem : ""}
      save={async () => {
        if ("key" in made) await s3().send(new PutObjectCommand({ Bucket: bucket, Key: made.key, ContentLength: 0 }));
      }}
    >
      <FormField
        label="Folder name"
        description='Folders are objects of no bytes whose keys end with "/". Keys under them do not need them.'
      >
        <Input value={name} autoFocus spellcheck={false} onChange={({ detail }) => setName(detail.value)} />
      </FormField>
    </EditModal>
  );
}
