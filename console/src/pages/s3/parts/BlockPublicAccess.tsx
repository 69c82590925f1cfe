/** The four settings of Block Public Access (S3 User Guide, "Blocking public access to your Amazon S3 storage"). */
import type { PublicAccessBlockConfiguration } from "@aws-sdk/client-s3";
import Alert from "@cloudscape-design/components/alert";
import Checkbox from "@cloudscape-design/components/checkbox";
import SpaceBetween from "@cloudscape-design/components/space-between";

export type PublicAccessBlock = Record<keyof PublicAccessBlockConfiguration, boolean>;

export const BLOCK_ALL: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

export const BLOCKS: readonly { id: keyof PublicAccessBlock; label: string; description: string }[] = [
  {
    id: "BlockPublicAcls",
    label: "Block public access granted through new access control lists (ACLs)",
    description: "New public ACLs, on the bucket or on objects, are refused.",
  },
  {
    id: "IgnorePublicAcls",
    label: "Block public access granted through any access control lists (ACLs)",
    description: "ACLs that grant public access have no effect.",
  },
  {
    id: "BlockPublicPolicy",
    label: "Block public access granted through new public bucket policies",
    description: "New bucket policies that grant public access are refused.",
  },
  {
    id: "RestrictPublicBuckets",
    label: "Block public and cross-account access through any public bucket policies",
    description: "A public bucket policy lets in nobody but the account itself and services.",
  },
];

/** What was read, with a "no" for what is not there. */
export function blockOf(given: PublicAccessBlockConfiguration | undefined): PublicAccessBlock {
  return {
    BlockPublicAcls: given?.BlockPublicAcls === true,
    IgnorePublicAcls: given?.IgnorePublicAcls === true,
    BlockPublicPolicy: given?.BlockPublicPolicy === true,
    RestrictPublicBuckets: given?.RestrictPublicBuckets === true,
  };
}

interface Props {
  value: PublicAccessBlock;
  onChange: (value: PublicAccessBlock) => void;
}

export function BlockPublicAccess({ value, onChange }: Props) {
  const on = BLOCKS.filter(({ id }) => value[id]).length;
  const all = on === BLOCKS.length;
  return (
    <SpaceBetween size="s">
      <Checkbox
        checked={all}
        indeterminate={on > 0 && !all}
        onChange={({ detail }) => {
          const checked = detail.checked;
          onChange({
            BlockPublicAcls: checked,
            IgnorePublicAcls: checked,
            BlockPublicPolicy: checked,
            RestrictPublicBuckets: checked,
          });
        }}
      >
        Block all public access
      </Checkbox>
      <div className="indented">
        <SpaceBetween size="xs">
          {BLOCKS.map(({ id, label, description }) => (
            <Checkbox
              key={id}
              checked={value[id]}
              description={description}
              onChange={({ detail }) => onChange({ ...value, [id]: detail.checked })}
            >
              {label}
            </Checkbox>
          ))}
        </SpaceBetween>
      </div>
      {!all && (
        <Alert type="warning">
          With a policy or ACL that says so, this bucket and the objects in it can become public. Turn all of it on
          unless you need public access, as for a website.
        </Alert>
      )}
    </SpaceBetween>
  );
}
