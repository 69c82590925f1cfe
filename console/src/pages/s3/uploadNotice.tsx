/** The message above the pages while files are uploaded, and what became of them when all are through. */
import { PageLink } from "../../ui/links";
import { dismiss, notify } from "../../ui/notifications";
import { isUnderWay, type Upload, uploadsNow, useUploads, whenUploadsChange } from "./uploads";

const ID = "uploads";

let stop: (() => void) | null = null;

/** Shows it until no upload is under way any more. */
export function announceUploads(): void {
  notify({ id: ID, type: "in-progress", content: <Progress />, sticky: true });
  stop ??= whenUploadsChange(() => {
    const uploads = uploadsNow();
    if (uploads.some(isUnderWay)) return;
    stop?.();
    stop = null;
    dismiss(ID);
    const failed = count(uploads, "failed");
    notify({
      id: ID,
      type: failed > 0 ? "error" : count(uploads, "done") > 0 ? "success" : "info",
      content: <Outcome done={count(uploads, "done")} failed={failed} cancelled={count(uploads, "cancelled")} />,
    });
  });
}

function count(uploads: readonly Upload[], state: Upload["state"]): number {
  return uploads.filter((one) => one.state === state).length;
}

function Progress() {
  const uploads = useUploads();
  const underWay = uploads.filter(isUnderWay).length;
  if (underWay === 0) return <>Files are being uploaded as the identity that began it.</>;
  return (
    <>
      Uploading: {uploads.length - underWay} of {uploads.length} files are through.{" "}
      <PageLink to="/s3/uploads" color="inverted" variant="primary">
        View uploads
      </PageLink>
    </>
  );
}

function Outcome({ done, failed, cancelled }: { done: number; failed: number; cancelled: number }) {
  const parts = [
    ...(done > 0 ? [`${done} uploaded`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
  ];
  return (
    <>
      Uploads: {parts.join(", ")}.{" "}
      <PageLink to="/s3/uploads" color="inverted" variant="primary">
        View uploads
      </PageLink>
    </>
  );
}
