/** One object, or one version of it. */
import type { HeadObjectOutput } from "@aws-sdk/client-s3";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { type ReactNode, useState } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";

import { useAction, useAnswer } from "../../aws/answers";
import { headObject, type ObjectId } from "../../aws/s3";
import { Answered } from "../../ui/Answered";
import { FailureAlert } from "../../ui/FailureAlert";
import { arn, bucketPage, checkKey, nameOf, parent, s3Uri } from "./addresses";
import { downloadObject } from "./download";
import type { Entry } from "./listing";
import { copyText } from "./parts/copyText";
import { DeleteEntries } from "./parts/DeleteEntries";
import { ObjectAcl } from "./parts/ObjectAcl";
import { ObjectProperties } from "./parts/ObjectProperties";
import { Trail } from "./parts/ObjectsTab";
import { ObjectVersions } from "./parts/ObjectVersions";
import { PresignModal } from "./parts/PresignModal";
import { Preview } from "./parts/Preview";

export function Component() {
  const { bucket = "" } = useParams();
  const [query] = useSearchParams();
  const object: ObjectId = {
    Bucket: bucket,
    Key: query.get("key") ?? "",
    VersionId: query.get("versionId") ?? undefined,
  };
  return <Detail key={JSON.stringify(object)} object={object} />;
}

function Detail({ object }: { object: ObjectId }) {
  const navigate = useNavigate();
  const [query, setQuery] = useSearchParams();
  const [answer, reload] = useAnswer(async () => {
    checkKey(object.Key);
    return headObject(object);
  }, [object]);
  const [open, setOpen] = useState<"presign" | "delete" | null>(null);
  const downloading = useAction(() => downloadObject(object));
  const { Bucket: bucket, Key: key } = object;
  const withHead = (draw: (head: HeadObjectOutput) => ReactNode): ReactNode => (
    <Answered answer={answer} reload={reload} failed="The object could not be loaded">
      {draw}
    </Answered>
  );
  const choose = (id: string): void => {
    if (id === "uri") void copyText(s3Uri({ bucket, key }), "S3 URI");
    else if (id === "arn") void copyText(arn({ bucket, key }), "ARN");
    else if (id === "presign" || id === "delete") setOpen(id);
  };
  return (
    <SpaceBetween size="l">
      <Trail bucket={bucket} prefix={parent(key)} object={nameOf(key)} />
      <Header
        variant="h1"
        description={object.VersionId && <span className="breaks">Version {object.VersionId}</span>}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              variant="primary"
              iconName="download"
              loading={downloading.running}
              onClick={() => void downloading.run()}
            >
              Download
            </Button>
            <ButtonDropdown
              expandToViewport
              items={[
                { id: "uri", text: "Copy S3 URI" },
                { id: "arn", text: "Copy ARN" },
                { id: "presign", text: "Share with a presigned URL" },
                { id: "delete", text: object.VersionId === undefined ? "Delete" : "Delete this version" },
              ]}
              onItemClick={({ detail }) => choose(detail.id)}
            >
              Object actions
            </ButtonDropdown>
          </SpaceBetween>
        }
      >
        <span className="breaks">{nameOf(key)}</span>
      </Header>
      {downloading.error !== null && (
        <FailureAlert error={downloading.error} header="The object was not downloaded" onDismiss={downloading.clear} />
      )}
      <Tabs
        ariaLabel="Object"
        activeTabId={query.get("tab") ?? "properties"}
        onChange={({ detail }) => {
          const next = new URLSearchParams(query);
          next.set("tab", detail.activeTabId);
          setQuery(next);
        }}
        tabs={[
          {
            id: "properties",
            label: "Properties",
            content: withHead((head) => <ObjectProperties object={object} head={head} reload={reload} />),
          },
          {
            id: "preview",
            label: "Preview",
            content: withHead((head) => <Preview object={object} head={head} />),
          },
          { id: "permissions", label: "Permissions", content: <ObjectAcl object={object} /> },
          { id: "versions", label: "Versions", content: <ObjectVersions object={object} onChange={reload} /> },
        ]}
      />
      {open === "presign" && <PresignModal object={object} onDismiss={() => setOpen(null)} />}
      {open === "delete" && (
        <DeleteEntries
          bucket={bucket}
          entries={[entryOf(object)]}
          onDone={() => void navigate(bucketPage(bucket, parent(key)))}
          onDismiss={() => setOpen(null)}
        />
      )}
    </SpaceBetween>
  );
}

function entryOf({ Key, VersionId }: ObjectId): Entry {
  return { kind: "object", key: Key, name: nameOf(Key), versionId: VersionId };
}
