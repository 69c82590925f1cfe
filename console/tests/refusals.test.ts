// @vitest-environment node
import { HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { HttpResponse } from "@smithy/core/protocols";
import { expect, test } from "vitest";

import { failureOf, keepEncodedMessage, keepErrorDetails } from "../src/aws/errors";

test("a middleware keeps the encoded authorization message of XML and of JSON answers", async () => {
  for (const body of [
    "<Error><EncodedAuthorizationMessage>AbC-_1</EncodedAuthorizationMessage></Error>",
    '{"__type":"AccessDeniedException","EncodedAuthorizationMessage":"AbC-_1"}',
  ]) {
    type Handler = (request: object) => Promise<{ response: Response200 }>;
    interface Response200 {
      statusCode: number;
      body: unknown;
    }
    let wrap: ((next: Handler) => Handler) | null = null;
    const stack = { add: (middleware: typeof wrap) => (wrap = middleware) };
    const message = keepEncodedMessage({ middlewareStack: stack });
    const answer = { response: { statusCode: 200, body: body as unknown } };
    const wrapped = (wrap as unknown as (next: Handler) => Handler)(() => Promise.resolve(answer));
    await wrapped({});
    expect(message()).toBe("AbC-_1");
    expect(new TextDecoder().decode(answer.response.body as Uint8Array)).toBe(body);
  }
});

/** What HeadObject fails with where the server answers without a body. */
function asked(statusCode: number): Promise<unknown> {
  const headers = { "x-amz-request-id": "0123456789ABCDEF" };
  const handle = (): Promise<unknown> =>
    Promise.resolve({ response: new HttpResponse({ statusCode, headers, body: new Uint8Array() }) });
  const settings = { region: "us-east-1", endpoint: "http://127.0.0.1", forcePathStyle: true };
  const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "not-a-secret" };
  const requestHandler = { handle } as never;
  const client = keepErrorDetails(new S3Client({ ...settings, credentials, requestHandler, maxAttempts: 1 }));
  return client.send(new HeadObjectCommand({ Bucket: "b", Key: "k" })).catch((error: unknown) => error);
}

test("a refusal without a body is one, with its request ID", async () => {
  const refused = failureOf(await asked(403));
  expect([refused.code, refused.message, refused.requestId]).toEqual([
    "AccessDenied",
    "Access Denied",
    "0123456789ABCDEF",
  ]);
  expect(refused.denial).not.toBeNull();
  expect(failureOf(await asked(404)).denial).toBeNull();
  expect(failureOf(await asked(503)).denial).toBeNull();
});
