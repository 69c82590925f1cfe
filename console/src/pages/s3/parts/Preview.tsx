/** The content of an object, shown as what it is and never run; see `preview`. */
import type { HeadObjectOutput } from "@aws-sdk/client-s3";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { type RefCallback, useCallback, useMemo, useState } from "react";

import { useAnswer } from "../../../aws/answers";
import type { ObjectId } from "../../../aws/s3";
import { Answered } from "../../../ui/Answered";
import { JsonText, pretty } from "../../../ui/JsonText";
import { csvRows } from "../../iam/csv";
import { nameOf } from "../addresses";
import { type Content, imageType, isTooLarge, type PreviewKind, previewKind, readContent } from "../preview";
import { sizeText } from "../sizes";

interface Props {
  object: ObjectId;
  head: HeadObjectOutput;
}

export function Preview({ object, head }: Props) {
  const kind = previewKind(object.Key, head.ContentType);
  const size = head.ContentLength ?? 0;
  return (
    <Container header={<Header variant="h2">Preview</Header>}>
      {kind === null ? (
        <Box textAlign="center">There is no preview of objects of this type. Download it to see it.</Box>
      ) : isTooLarge(kind, size) ? (
        <Box textAlign="center">{sizeText(size)} are too much for a preview. Download the object to see it.</Box>
      ) : (
        <Shown object={object} head={head} kind={kind} />
      )}
    </Container>
  );
}

function Shown({ object, head, kind }: Props & { kind: PreviewKind }) {
  const encoded = !["", "aws-chunked"].includes(head.ContentEncoding ?? "");
  const [answer, reload] = useAnswer(
    () => readContent(object, kind, head.ContentLength ?? 0, encoded),
    [object, kind, head.ETag],
  );
  return (
    <Answered answer={answer} reload={reload} failed="The object could not be read">
      {(content) => (
        <SpaceBetween size="s">
          {content.cut && <Alert type="info">Only the first {sizeText(content.bytes.length)} are shown.</Alert>}
          <Drawn object={object} contentType={head.ContentType} kind={kind} content={content} />
        </SpaceBetween>
      )}
    </Answered>
  );
}

interface DrawnProps {
  object: ObjectId;
  contentType: string | undefined;
  kind: PreviewKind;
  content: Content;
}

function Drawn({ object, contentType, kind, content }: DrawnProps) {
  const name = nameOf(object.Key);
  if (kind === "image") return <Picture name={name} bytes={content.bytes} type={imageType(object.Key, contentType)} />;
  if (kind === "svg") return <Vector name={name} bytes={content.bytes} />;
  if (kind === "pdf") return <Pdf name={name} bytes={content.bytes} />;
  const text = new TextDecoder().decode(content.bytes);
  if (kind === "table") return <Cells name={name} text={text} tabs={/\.tsv$/i.test(object.Key)} cut={content.cut} />;
  if (kind === "json") return <JsonText label={`Content of ${name}`} text={content.cut ? text : pretty(text)} />;
  return (
    // Long lines scroll, so the keyboard must be able to get here.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="preview-text" aria-label={`Content of ${name}`} tabIndex={0}>
      {text}
    </pre>
  );
}

/** Gives an element the bytes as its source, for as long as it is there. */
function useSource(bytes: Uint8Array<ArrayBuffer>, type: string): RefCallback<HTMLImageElement | HTMLIFrameElement> {
  return useCallback(
    (element) => {
      const address = URL.createObjectURL(new Blob([bytes], { type }));
      if (element !== null) element.src = address;
      return () => URL.revokeObjectURL(address);
    },
    [bytes, type],
  );
}

function Picture({ name, bytes, type }: { name: string; bytes: Uint8Array<ArrayBuffer>; type: string }) {
  const source = useSource(bytes, type);
  const [broken, setBroken] = useState(false);
  if (broken) return <Alert type="warning">This is no picture that the browser can show.</Alert>;
  return <img className="preview-image" ref={source} alt={name} onError={() => setBroken(true)} />;
}

function Vector({ name, bytes }: { name: string; bytes: Uint8Array<ArrayBuffer> }) {
  const address = useMemo(() => `data:image/svg+xml,${encodeURIComponent(new TextDecoder().decode(bytes))}`, [bytes]);
  return <img className="preview-image" src={address} alt={name} />;
}

function Pdf({ name, bytes }: { name: string; bytes: Uint8Array<ArrayBuffer> }) {
  const source = useSource(bytes, "application/pdf");
  // Browsers show no PDF in a sandbox. Their viewers are one themselves, and the type of the blob is set here.
  // oxlint-disable-next-line react/iframe-missing-sandbox
  return <iframe className="preview-pdf" ref={source} title={`Content of ${name}`} />;
}

const ROWS = 200;
const COLUMNS = 50;

function Cells({ name, text, tabs, cut }: { name: string; text: string; tabs: boolean; cut: boolean }) {
  const [head = [], ...rows] = useMemo(() => {
    // The last line of what was cut is half of one.
    const whole = cut ? text.slice(0, text.lastIndexOf("\n") + 1) : text;
    return csvRows(whole.replace(/^\uFEFF/, ""), tabs ? "\t" : ",");
  }, [text, tabs, cut]);
  const shown = rows.slice(0, ROWS);
  return (
    <Table
      variant="embedded"
      items={shown}
      ariaLabels={{ tableLabel: `Content of ${name}` }}
      empty="No rows"
      columnDefinitions={head.slice(0, COLUMNS).map((title, index) => ({
        id: String(index),
        header: title || `Column ${index + 1}`,
        isRowHeader: index === 0,
        cell: (row: string[]) => row[index] ?? "",
      }))}
      footer={
        rows.length > ROWS || head.length > COLUMNS
          ? `${shown.length} of ${rows.length} rows, ${Math.min(head.length, COLUMNS)} of ${head.length} columns`
          : undefined
      }
    />
  );
}
