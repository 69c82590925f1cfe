// One act of the AWS SDK for JavaScript v3 upon one bucket, as tests/stock/s3_commands.py asks for it:
//
//     node client.mjs put KEY FILE | get KEY FILE | list PREFIX | copy KEY KEY | delete KEY | presign KEY
//
// BUCKET, ROLE_ARN and AWS's own variables for the endpoint and the keys of the member come in the environment; the
// role is assumed here, by the SDK. What is asked for goes to stdout; an error's name and message to stderr, status 1.

import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const PART = 8 * 1024 * 1024; // bytes; what is not longer goes up as one object
const { BUCKET: Bucket, ROLE_ARN: RoleArn } = process.env;

async function assumedRole() {
  const answer = await new STSClient({ maxAttempts: 1 }).send(
    new AssumeRoleCommand({ RoleArn, RoleSessionName: "javascript" }),
  );
  const { AccessKeyId, SecretAccessKey, SessionToken } = answer.Credentials;
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

const acts = {
  async put(client, Key, file) {
    const params = { Bucket, Key, Body: createReadStream(file, { highWaterMark: PART }) };
    await new Upload({ client, params, partSize: PART }).done();
  },
  async get(client, Key, file) {
    const answer = await client.send(new GetObjectCommand({ Bucket, Key }));
    await pipeline(answer.Body, createWriteStream(file));
  },
  async list(client, Prefix) {
    for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
      for (const { Key } of page.Contents ?? []) console.log(Key);
    }
  },
  async copy(client, source, Key) {
    await client.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${source}` }));
  },
  async delete(client, Key) {
    await client.send(new DeleteObjectCommand({ Bucket, Key }));
  },
  async presign(client, Key) {
    console.log(await getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 }));
  },
};

try {
  const [act, ...words] = process.argv.slice(2);
  const client = new S3Client({ credentials: await assumedRole(), forcePathStyle: true, maxAttempts: 1 });
  await acts[act](client, ...words);
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
