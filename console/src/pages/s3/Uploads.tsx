/** The uploads of this tab: how far each is, and how to stop it or try again. */
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { useLocation } from "react-router";

import { failureOf } from "../../aws/errors";
import { FailureAlert } from "../../ui/FailureAlert";
import { PageButton, PageLink } from "../../ui/links";
import { ResourceTable } from "../../ui/ResourceTable";
import { bucketPage, objectPage, parent, s3Uri } from "./addresses";
import { sizeText } from "./sizes";
import { announceUploads } from "./uploadNotice";
import { cancel, forget, isUnderWay, retry, type Upload, useUploads } from "./uploads";

export function Component() {
  const uploads = useUploads();
  const { state } = useLocation() as { state: { from?: string } | null };
  const [selected, setSelected] = useState<Upload[]>([]);
  const last = uploads.at(-1);
  const back = state?.from ?? (last === undefined ? "/s3" : bucketPage(last.bucket, parent(last.key)));
  const ids = new Set(selected.map(({ id }) => id));
  const chosen = uploads.filter(({ id }) => ids.has(id));
  const again = chosen.filter(({ state: now }) => now === "failed" || now === "cancelled");
  const underWay = uploads.filter(isUnderWay);
  const over = uploads.filter((one) => !isUnderWay(one));
  const failed = uploads.filter(({ error }) => error !== null);
  return (
    <SpaceBetween size="l">
      {failed[0] !== undefined && (
        <FailureAlert
          inBackground
          error={failed[0].error}
          header={failed.length === 1 ? "1 file was not uploaded" : `${failed.length} files were not uploaded`}
        />
      )}
      {uploads.length > 0 && <Total uploads={uploads} />}
      <ResourceTable
        title="Uploads"
        description="They go on while you use other pages, until this tab is closed."
        answer={{ status: "ready", value: uploads }}
        reload={() => undefined}
        id={({ bucket, key }) => s3Uri({ bucket, key })}
        searchText={({ key }) => key}
        searchPlaceholder="Find uploads by key"
        selection={{ type: "multi", selected: chosen, onChange: setSelected }}
        empty={
          <Box textAlign="center">
            <SpaceBetween size="xs">
              <b>No uploads</b>
              <span>Open a bucket and choose Upload.</span>
            </SpaceBetween>
          </Box>
        }
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={over.length === 0} onClick={() => forget(over.map(({ id }) => id))}>
              Clear finished
            </Button>
            <Button
              disabled={again.length === 0}
              onClick={() => {
                retry(again.map(({ id }) => id));
                announceUploads();
              }}
            >
              Retry
            </Button>
            <Button
              disabled={!chosen.some(isUnderWay)}
              onClick={() => cancel(chosen.filter(isUnderWay).map(({ id }) => id))}
            >
              Cancel selected
            </Button>
            <Button disabled={underWay.length === 0} onClick={() => cancel(underWay.map(({ id }) => id))}>
              Cancel all
            </Button>
            <PageButton variant="primary" to={back}>
              Open folder
            </PageButton>
          </SpaceBetween>
        }
        columns={[
          {
            id: "key",
            header: "Name",
            isRowHeader: true,
            cell: (one) =>
              one.state === "done" ? (
                <PageLink to={objectPage(one)}>{one.key}</PageLink>
              ) : (
                <span className="breaks">{one.key}</span>
              ),
          },
          { id: "bucket", header: "Bucket", cell: ({ bucket }) => bucket },
          { id: "size", header: "Size", cell: ({ size }) => sizeText(size) },
          { id: "status", header: "Status", cell: (one) => <Status upload={one} /> },
        ]}
      />
    </SpaceBetween>
  );
}

function Total({ uploads }: { uploads: readonly Upload[] }) {
  const counted = uploads.filter(({ state }) => state !== "cancelled");
  const size = counted.reduce((sum, one) => sum + one.size, 0);
  const sent = counted.reduce((sum, one) => sum + one.sent, 0);
  const done = counted.filter(({ state }) => state === "done").length;
  const failed = counted.filter(({ state }) => state === "failed").length;
  const underWay = counted.some(isUnderWay);
  return (
    <Container>
      <ProgressBar
        label="Total"
        value={percent(sent, size, !underWay && failed === 0)}
        additionalInfo={`${done} of ${counted.length} files, ${sizeText(sent)} of ${sizeText(size)}`}
        status={underWay ? "in-progress" : failed > 0 ? "error" : "success"}
        resultText={
          failed > 0
            ? `${failed} failed, ${done} uploaded`
            : counted.length === 0
              ? "Cancelled"
              : `${done} of ${counted.length} files uploaded`
        }
      />
    </Container>
  );
}

function Status({ upload }: { upload: Upload }) {
  const { state, sent, size, error } = upload;
  if (state === "done") return <StatusIndicator type="success">Succeeded</StatusIndicator>;
  if (state === "cancelled") return <StatusIndicator type="stopped">Cancelled</StatusIndicator>;
  if (state === "waiting") return <StatusIndicator type="pending">Waiting</StatusIndicator>;
  if (state === "failed") {
    const { denial, message, code } = failureOf(error);
    return (
      <StatusIndicator type="error">
        {denial?.action == null ? `${code}: ${message}` : `Access denied to ${denial.action}`}
      </StatusIndicator>
    );
  }
  return <ProgressBar ariaLabel={`Progress of ${upload.key}`} value={percent(sent, size, false)} />;
}

function percent(sent: number, size: number, whole: boolean): number {
  return whole || size === 0 ? (whole ? 100 : 0) : Math.floor((sent / size) * 100);
}
