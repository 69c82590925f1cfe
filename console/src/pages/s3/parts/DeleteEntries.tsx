/** Delete what was selected in a list: objects, versions, delete markers, folders with all that is in them. */
import type { ObjectIdentifier } from "@aws-sdk/client-s3";

import { succeeded } from "../../../ui/notifications";
import { keysUnder } from "../deletion";
import { type Entry, entryName } from "../listing";
import { DeletionModal } from "./DeletionModal";
import type { Closing } from "./Setting";

const NAMED = 20; // names in the dialog

interface Props extends Closing {
  bucket: string;
  entries: readonly Entry[];
}

async function* source(bucket: string, entries: readonly Entry[]): AsyncGenerator<ObjectIdentifier[]> {
  yield entries
    .filter(({ kind }) => kind !== "folder")
    .map(({ key, versionId }) => ({ Key: key, VersionId: versionId }));
  for (const { key, kind } of entries) if (kind === "folder") yield* keysUnder(bucket, key);
}

export function DeleteEntries({ bucket, entries, ...closing }: Props) {
  const versions = entries.filter(({ versionId }) => versionId !== undefined).length;
  const folders = entries.filter(({ kind }) => kind === "folder").length;
  const what = entries.length === 1 ? (entries[0]?.name ?? "") : `${entries.length} items`;
  return (
    <DeletionModal
      header={`Delete ${what}?`}
      verb="Delete"
      confirmation={versions > 0 ? "permanently delete" : "delete"}
      bucket={bucket}
      source={() => source(bucket, entries)}
      onDone={(deleted) => {
        succeeded(deleted === 1 ? "1 object deleted." : `${deleted} objects deleted.`);
        closing.onDone();
      }}
      onDismiss={closing.onDismiss}
    >
      {versions > 0
        ? "The versions that were selected are deleted for good. A delete marker that is deleted brings back what it hid."
        : "Where the bucket has versioning, a delete marker hides each object and its versions can be restored. Elsewhere it is deleted for good."}
      {folders > 0 && " Of a folder, everything in it is deleted, and what is added to it meanwhile may be."}
      {entries.length > 1 && (
        <ul className="breaks">
          {entries.slice(0, NAMED).map((entry) => (
            <li key={entryName(entry)}>{entryName(entry)}</li>
          ))}
          {entries.length > NAMED && <li>and {entries.length - NAMED} more</li>}
        </ul>
      )}
    </DeletionModal>
  );
}
