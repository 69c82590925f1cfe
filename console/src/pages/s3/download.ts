/**
 * Links that read an object without credentials of one's own: presigned, signed here, for as long as they are wanted and
 * the session lasts (S3 User Guide, "Download and upload objects with presigned URLs").
 */
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

import { s3 } from "../../aws/clients";
import { mayRead, type ObjectId } from "../../aws/s3";
import { attachment, checkKey } from "./addresses";

const AT_ONCE = 60; // seconds between the signature and the browser's request

/** The browser saves the object under its name. Raises what keeps the caller from reading it. */
export async function downloadObject(object: ObjectId): Promise<void> {
  checkKey(object.Key);
  // A browser shows a refused download as nothing, or as XML.
  await mayRead(object);
  const link = document.createElement("a");
  link.href = await presigned(object, AT_ONCE, attachment(object.Key));
  link.download = "";
  link.click();
}

/** A link for so many seconds. */
export function presigned(object: ObjectId, seconds: number, disposition?: string): Promise<string> {
  return getSignedUrl(s3(), new GetObjectCommand({ ...object, ResponseContentDisposition: disposition }), {
    expiresIn: seconds,
  });
}
