/** The versions and delete markers of one key: opened, restored by a copy, deleted. */
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { type ListPage, useAction, usePages } from "../../../aws/answers";
import type { ObjectId } from "../../../aws/s3";
import { FailureAlert } from "../../../ui/FailureAlert";
import { PageLink } from "../../../ui/links";
import { succeeded } from "../../../ui/notifications";
import { PagedTable } from "../../../ui/PagedTable";
import { moment } from "../../../ui/times";
import { objectPage } from "../addresses";
import { restoreVersion } from "../copying";
import { downloadObject } from "../download";
import { type Entry, listVersionsOf } from "../listing";
import { sizeText } from "../sizes";
import { CopyProgress, useCopy } from "./Copying";
import { DeleteEntries } from "./DeleteEntries";

interface Props {
  object: ObjectId;
  /** The current version is another one now. */
  onChange: () => void;
}

export function ObjectVersions({ object, onChange }: Props) {
  const { Bucket: bucket, Key: key } = object;
  const [selected, setSelected] = useState<Entry[]>([]);
  const [deleting, setDeleting] = useState(false);
  const pages = usePages<Entry>((token): Promise<ListPage<Entry>> => listVersionsOf(bucket, key, token), [bucket, key]);
  const one = selected.length === 1 ? selected[0] : undefined;
  const version = one?.kind === "object" ? one : undefined;
  const changed = (): void => {
    setSelected([]);
    setDeleting(false);
    pages.reload();
    onChange();
  };
  const copy = useCopy((following, { versionId, size, storageClass }: Entry) =>
    restoreVersion({ Bucket: bucket, Key: key, VersionId: versionId }, size, storageClass, following),
  );
  const restoring = useAction(async (entry: Entry) => {
    const { versionId } = entry;
    await copy.run(entry);
    succeeded(`Version ${versionId} restored: a copy of it is the current version.`);
    changed();
  });
  const downloading = useAction(({ versionId }: Entry) =>
    downloadObject({ Bucket: bucket, Key: key, VersionId: versionId }),
  );
  const error = restoring.error ?? downloading.error;
  const cancelled = error instanceof DOMException && error.name === "AbortError";
  return (
    <SpaceBetween size="s">
      {error !== null && !cancelled && <FailureAlert error={error} header="It was not done" />}
      {copy.share !== null && (
        <SpaceBetween size="xs">
          <CopyProgress share={copy.share} />
          <Button onClick={copy.cancel}>Cancel copy</Button>
        </SpaceBetween>
      )}
      <PagedTable<Entry>
        title="Versions"
        headingLevel="h2"
        description="To restore a version is to copy it over the current one. Nothing is lost by it."
        pages={pages}
        id={({ versionId = "" }) => versionId}
        selection={{ type: "multi", selected, onChange: setSelected }}
        empty={<Box textAlign="center">No versions</Box>}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="refresh" ariaLabel="Refresh" onClick={pages.reload} />
            <Button
              disabled={version === undefined}
              loading={downloading.running}
              onClick={() => version !== undefined && void downloading.run(version)}
            >
              Download version
            </Button>
            <Button disabled={selected.length === 0} onClick={() => setDeleting(true)}>
              Delete versions
            </Button>
            <Button
              disabled={version === undefined || version.latest === true}
              loading={restoring.running}
              onClick={() => version !== undefined && void restoring.run(version)}
            >
              Restore
            </Button>
          </SpaceBetween>
        }
        columns={[
          {
            id: "version",
            header: "Version ID",
            isRowHeader: true,
            cell: ({ kind, versionId = "", latest }) => (
              <>
                {kind === "object" ? (
                  <PageLink to={objectPage({ bucket, key }, versionId)}>{versionId}</PageLink>
                ) : (
                  versionId
                )}
                {latest === true && <Box variant="small"> (current version)</Box>}
              </>
            ),
          },
          { id: "type", header: "Type", cell: ({ kind }) => (kind === "marker" ? "Delete marker" : "Object") },
          { id: "modified", header: "Last modified", cell: ({ modified }) => moment(modified) },
          { id: "size", header: "Size", cell: ({ kind, size }) => (kind === "object" ? sizeText(size) : "-") },
          { id: "class", header: "Storage class", cell: ({ storageClass }) => storageClass ?? "-" },
        ]}
      />
      {deleting && (
        <DeleteEntries bucket={bucket} entries={selected} onDone={changed} onDismiss={() => setDeleting(false)} />
      )}
    </SpaceBetween>
  );
}
