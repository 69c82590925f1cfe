/** The buckets of the account, and the way to those of others: by name, since no call lists them. */
import { type Bucket, DeleteBucketCommand, paginateListBuckets } from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate } from "react-router";

import { every, useAnswer } from "../../aws/answers";
import { s3 } from "../../aws/clients";
import { DeleteModal } from "../../ui/DeleteModal";
import { PageButton, PageLink } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { ResourceTable } from "../../ui/ResourceTable";
import { moment } from "../../ui/times";
import { arn, bucketPage, parsePlace } from "./addresses";
import { versionsUnder } from "./deletion";
import { copyText } from "./parts/copyText";
import { DeletionModal } from "./parts/DeletionModal";
import { forgetBucket, recentBuckets, rememberBucket } from "./recentBuckets";

export function Component() {
  const [answer, reload] = useAnswer(
    () => every(paginateListBuckets({ client: s3() }, {}), (page) => page.Buckets),
    [],
  );
  const [selected, setSelected] = useState<Bucket[]>([]);
  const [open, setOpen] = useState<"empty" | "delete" | null>(null);
  const name = selected[0]?.Name ?? "";
  const changed = (): void => {
    setOpen(null);
    setSelected([]);
    reload();
  };
  return (
    <SpaceBetween size="l">
      <ResourceTable
        title="Buckets"
        description="Buckets are containers for data stored in S3."
        answer={answer}
        reload={reload}
        id={({ Name = "" }) => Name}
        searchPlaceholder="Find buckets by name"
        selection={{ type: "single", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="refresh" ariaLabel="Refresh" onClick={reload} />
            <Button disabled={name === ""} onClick={() => void copyText(arn({ bucket: name, key: "" }), "ARN")}>
              Copy ARN
            </Button>
            <Button disabled={name === ""} onClick={() => setOpen("empty")}>
              Empty
            </Button>
            <Button disabled={name === ""} onClick={() => setOpen("delete")}>
              Delete
            </Button>
            <PageButton variant="primary" to="/s3/bucket/create">
              Create bucket
            </PageButton>
          </SpaceBetween>
        }
        columns={[
          {
            id: "name",
            header: "Name",
            sortingField: "Name",
            isRowHeader: true,
            cell: ({ Name = "" }) => <PageLink to={bucketPage(Name)}>{Name}</PageLink>,
          },
          { id: "region", header: "AWS Region", sortingField: "BucketRegion", cell: (one) => one.BucketRegion ?? "-" },
          {
            id: "created",
            header: "Creation date",
            sortingField: "CreationDate",
            cell: ({ CreationDate }) => moment(CreationDate),
          },
        ]}
      />
      <OtherBuckets />
      {open === "empty" && (
        <DeletionModal
          header={`Empty bucket ${name}?`}
          verb="Empty"
          confirmation="permanently delete"
          bucket={name}
          source={() => versionsUnder(name, "")}
          onDone={(deleted) => {
            succeeded(`Bucket ${name} emptied: ${deleted} object versions and delete markers deleted.`);
            changed();
          }}
          onDismiss={changed}
        >
          All objects in the bucket are deleted, with all their versions. This cannot be undone.
        </DeletionModal>
      )}
      {open === "delete" && (
        <DeleteModal
          header={`Delete bucket ${name}?`}
          confirmation={name}
          act={async () => {
            await s3().send(new DeleteBucketCommand({ Bucket: name }));
          }}
          onDismiss={() => setOpen(null)}
          onDone={() => {
            succeeded(`Bucket ${name} deleted.`);
            changed();
          }}
        >
          A bucket must be empty to be deleted. Its name is free for anybody then, and may never be yours again.
        </DeleteModal>
      )}
    </SpaceBetween>
  );
}

function OtherBuckets() {
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const [tried, setTried] = useState(false);
  const [recent, setRecent] = useState(recentBuckets);
  const place = parsePlace(typed);
  const submit = (): void => {
    setTried(true);
    if (place === null) return;
    rememberBucket(place.bucket);
    void navigate(bucketPage(place.bucket, place.key === "" || place.key.endsWith("/") ? place.key : `${place.key}/`));
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="A bucket of another account does not appear in the list. Its name is enough to open it, if you may."
        >
          Open a bucket by name
        </Header>
      }
    >
      <SpaceBetween size="m">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <FormField
            label="Bucket name"
            description="A name, an S3 URI or an ARN, with a folder if you like."
            errorText={tried && place === null ? "Enter the name of a bucket: my-bucket, s3://my-bucket/reports/" : ""}
            secondaryControl={
              <Button formAction="none" onClick={submit}>
                Open
              </Button>
            }
          >
            <Input value={typed} spellcheck={false} onChange={({ detail }) => setTyped(detail.value)} />
          </FormField>
        </form>
        {recent.length > 0 && (
          <div>
            <Box variant="awsui-key-label">Opened lately</Box>
            <ul className="recent-buckets">
              {recent.map((name) => (
                <li key={name}>
                  <PageLink to={bucketPage(name)}>{name}</PageLink>
                  <Button
                    variant="inline-icon"
                    iconName="close"
                    ariaLabel={`Forget ${name}`}
                    onClick={() => {
                      forgetBucket(name);
                      setRecent(recentBuckets());
                    }}
                  />
                </li>
              ))}
            </ul>
          </div>
        )}
      </SpaceBetween>
    </Container>
  );
}
