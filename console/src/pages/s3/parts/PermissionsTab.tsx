/** Who may reach a bucket: Block Public Access, its policy, Object Ownership, its ACL, CORS. */
import {
  DeleteBucketCorsCommand,
  DeleteBucketPolicyCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  PutBucketCorsCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";

import { s3 } from "../../../aws/clients";
import { orNone } from "../../../aws/s3";
import { checkPolicy } from "../../../policy/check";
import { pretty } from "../../../ui/JsonText";
import { useCatalogue } from "../../../ui/policy/PolicyEditor";
import { checkCors, readCors } from "../corsRules";
import { Acl } from "./Acl";
import { BlockPublicAccess, blockOf, BLOCKS, type PublicAccessBlock } from "./BlockPublicAccess";
import { EditModal } from "./EditModal";
import { JsonSetting } from "./JsonSetting";
import { Ownership, type OwnershipChoice, OWNERSHIPS } from "./Ownership";
import { type Closing, Setting } from "./Setting";

interface Props {
  bucket: string;
}

export function PermissionsTab({ bucket }: Props) {
  return (
    <SpaceBetween size="l">
      <PublicAccess bucket={bucket} />
      <Policy bucket={bucket} />
      <ObjectOwnership bucket={bucket} />
      <Setting
        title="Access control list (ACL)"
        description="Grants basic read and write permissions to other AWS accounts, where ACLs are not disabled."
        keys={[bucket]}
        load={() => s3().send(new GetBucketAclCommand({ Bucket: bucket }))}
      >
        {(acl) => <Acl acl={acl} />}
      </Setting>
      <Cors bucket={bucket} />
    </SpaceBetween>
  );
}

function PublicAccess({ bucket }: Props) {
  return (
    <Setting<PublicAccessBlock>
      title="Block public access (bucket settings)"
      description="Public access is granted by ACLs and bucket policies. These settings overrule them."
      keys={[bucket]}
      load={async () => {
        const asked = s3().send(new GetPublicAccessBlockCommand({ Bucket: bucket }));
        return blockOf((await orNone(asked, "NoSuchPublicAccessBlockConfiguration"))?.PublicAccessBlockConfiguration);
      }}
      edit={(value, closing) => <EditPublicAccess bucket={bucket} value={value} {...closing} />}
    >
      {(value) => (
        <ul className="plain-list">
          {BLOCKS.map(({ id, label }) => (
            <li key={id}>
              <StatusIndicator type={value[id] ? "success" : "warning"}>
                {label}: {value[id] ? "On" : "Off"}
              </StatusIndicator>
            </li>
          ))}
        </ul>
      )}
    </Setting>
  );
}

function EditPublicAccess({ bucket, value, ...closing }: Props & Closing & { value: PublicAccessBlock }) {
  const [chosen, setChosen] = useState(value);
  return (
    <EditModal
      {...closing}
      size="large"
      header="Edit Block public access"
      saved="Block public access settings saved."
      save={async () => {
        await s3().send(new PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration: chosen }));
      }}
    >
      <BlockPublicAccess value={chosen} onChange={setChosen} />
    </EditModal>
  );
}

function Policy({ bucket }: Props) {
  const catalogue = useCatalogue();
  return (
    <JsonSetting
      title="Bucket policy"
      description="Grants or denies access to the bucket and its objects, for this account and for others."
      empty="There is no bucket policy."
      bucket={bucket}
      load={async () => {
        const asked = s3().send(new GetBucketPolicyCommand({ Bucket: bucket }));
        const text = (await orNone(asked, "NoSuchBucketPolicy"))?.Policy;
        return text === undefined ? null : pretty(text);
      }}
      template={policyTemplate(bucket)}
      check={(text) => checkPolicy(text, "bucket", catalogue, bucket)}
      save={async (text) => {
        await s3().send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: text }));
      }}
      remove={async () => {
        await s3().send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
      }}
      loss="Whoever has access through it alone loses it, and what it denies is denied no longer."
    />
  );
}

function policyTemplate(bucket: string): string {
  const Statement = [
    {
      Sid: "Statement1",
      Effect: "Allow",
      Principal: { AWS: [] },
      Action: [],
      Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    },
  ];
  return JSON.stringify({ Version: "2012-10-17", Statement }, null, 2);
}

function ObjectOwnership({ bucket }: Props) {
  return (
    <Setting<OwnershipChoice | null>
      title="Object Ownership"
      description="Who owns objects that other accounts upload, and whether access control lists count."
      keys={[bucket]}
      load={async () => {
        const asked = s3().send(new GetBucketOwnershipControlsCommand({ Bucket: bucket }));
        const told = await orNone(asked, "OwnershipControlsNotFoundError");
        return told?.OwnershipControls?.Rules?.[0]?.ObjectOwnership ?? null;
      }}
      edit={(value, closing) => <EditOwnership bucket={bucket} value={value} {...closing} />}
    >
      {(value) => {
        const { label, description } = OWNERSHIPS.find((one) => one.value === (value ?? "ObjectWriter")) ?? {};
        return (
          <>
            <Box fontWeight="bold">{label ?? value}</Box>
            {description}
          </>
        );
      }}
    </Setting>
  );
}

function EditOwnership({ bucket, value, ...closing }: Props & Closing & { value: OwnershipChoice | null }) {
  const [chosen, setChosen] = useState<OwnershipChoice>(value ?? "ObjectWriter");
  return (
    <EditModal
      {...closing}
      header="Edit Object Ownership"
      saved="Object Ownership saved."
      save={async () => {
        await s3().send(
          new PutBucketOwnershipControlsCommand({
            Bucket: bucket,
            OwnershipControls: { Rules: [{ ObjectOwnership: chosen }] },
          }),
        );
      }}
    >
      <Ownership value={chosen} onChange={setChosen} />
    </EditModal>
  );
}

const CORS_TEMPLATE = JSON.stringify(
  [
    {
      AllowedHeaders: ["*"],
      AllowedMethods: ["GET"],
      AllowedOrigins: ["https://www.example.com"],
      ExposeHeaders: [],
      MaxAgeSeconds: 3000,
    },
  ],
  null,
  2,
);

function Cors({ bucket }: Props) {
  return (
    <JsonSetting
      title="Cross-origin resource sharing (CORS)"
      description="Lets web pages of other origins read and write the bucket."
      empty="There is no CORS configuration."
      bucket={bucket}
      load={async () => {
        const asked = s3().send(new GetBucketCorsCommand({ Bucket: bucket }));
        const rules = (await orNone(asked, "NoSuchCORSConfiguration"))?.CORSRules;
        return rules === undefined ? null : JSON.stringify(rules, null, 2);
      }}
      template={CORS_TEMPLATE}
      check={checkCors}
      save={async (text) => {
        await s3().send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: readCors(text) } }));
      }}
      remove={async () => {
        await s3().send(new DeleteBucketCorsCommand({ Bucket: bucket }));
      }}
      loss="Web pages of other origins can use the bucket no longer."
    />
  );
}
