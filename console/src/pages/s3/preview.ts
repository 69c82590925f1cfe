/**
 * What of an object can be shown without running any of it.
 *
 * Text, tables and the source of HTML are text nodes. Pictures are images of types that have no scripts; an SVG is one
 * of a `data:` URL, in which browsers run nothing and which, opened in a tab of its own, is of no origin. A PDF is a
 * blob of that very type in the browser's own viewer. The stored Content-Type is never handed on.
 */
import { GetObjectCommand } from "@aws-sdk/client-s3";

import { s3 } from "../../aws/clients";
import { type ObjectId } from "../../aws/s3";

export type PreviewKind = "text" | "json" | "table" | "image" | "svg" | "pdf";

const MIB = 1024 * 1024;
/** How much of an object is read: of a text its beginning, of the others all or nothing. */
const LIMITS: Record<PreviewKind, number> = {
  text: MIB / 4,
  json: MIB / 4,
  table: MIB,
  image: 25 * MIB,
  svg: MIB,
  pdf: 50 * MIB,
};
const IMAGES: Record<string, string> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  bmp: "image/bmp",
  ico: "image/x-icon",
};
const TEXTS =
  /^(?:txt|text|log|md|rst|html?|xhtml|xml|css|js|mjs|ts|tsx|jsx|py|rb|go|rs|c|h|cpp|java|kt|sh|bat|ps1|sql|ya?ml|toml|ini|cfg|conf|env|properties|ndjson|jsonl|tf|diff|patch|tex)$/;

/** How an object can be shown, by the end of its key, else by its type; null when it cannot. */
export function previewKind(key: string, contentType = ""): PreviewKind | null {
  const end = /\.(\w+)$/.exec(key)?.[1]?.toLowerCase() ?? "";
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  if (end in IMAGES) return "image";
  if (end === "svg" || type === "image/svg+xml") return "svg";
  if (end === "pdf" || type === "application/pdf") return "pdf";
  if (["csv", "tsv"].includes(end) || ["text/csv", "text/tab-separated-values"].includes(type)) return "table";
  if (end === "json" || type === "application/json") return "json";
  if (TEXTS.test(end)) return "text";
  if (Object.values(IMAGES).includes(type)) return "image";
  return type.startsWith("text/") || type === "application/xml" ? "text" : null;
}

/** The type of a picture's blob: one of a fixed list, whatever was stored. */
export function imageType(key: string, contentType = ""): string {
  const end = /\.(\w+)$/.exec(key)?.[1]?.toLowerCase() ?? "";
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  return IMAGES[end] ?? (Object.values(IMAGES).includes(type) ? type : "image/png");
}

export function isTooLarge(kind: PreviewKind, size: number): boolean {
  return size > LIMITS[kind] && ["image", "svg", "pdf"].includes(kind);
}

export interface Content {
  bytes: Uint8Array<ArrayBuffer>;
  /** Whether there is more of the object than that. */
  cut: boolean;
}

/** The object, or the beginning of it that is shown. */
export async function readContent(
  object: ObjectId,
  kind: PreviewKind,
  size: number,
  encoded: boolean,
): Promise<Content> {
  const cut = size > LIMITS[kind];
  // Of what has a Content-Encoding a part cannot be decoded.
  const Range = cut && !encoded ? `bytes=0-${LIMITS[kind] - 1}` : undefined;
  const { Body } = await s3().send(new GetObjectCommand({ ...object, Range }));
  const bytes = new Uint8Array((await Body?.transformToByteArray()) ?? []);
  return { bytes: bytes.slice(0, LIMITS[kind]), cut };
}
