/** Object Ownership: whether ACLs count, and whose objects are that others upload. */
import type { ObjectOwnership } from "@aws-sdk/client-s3";
import RadioGroup from "@cloudscape-design/components/radio-group";

export type OwnershipChoice = ObjectOwnership;

export const OWNERSHIPS: readonly { value: OwnershipChoice; label: string; description: string }[] = [
  {
    value: "BucketOwnerEnforced",
    label: "Bucket owner enforced",
    description: "ACLs are disabled. All objects are owned by this account; access is granted by policies alone.",
  },
  {
    value: "BucketOwnerPreferred",
    label: "Bucket owner preferred",
    description:
      "ACLs count. Objects uploaded with the bucket-owner-full-control ACL are owned by the bucket's account.",
  },
  {
    value: "ObjectWriter",
    label: "Object writer",
    description: "ACLs count. Objects stay with the account that uploads them.",
  },
];

interface Props {
  value: OwnershipChoice;
  onChange: (value: OwnershipChoice) => void;
}

export function Ownership({ value, onChange }: Props) {
  return (
    <RadioGroup
      ariaLabel="Object Ownership"
      value={value}
      items={[...OWNERSHIPS]}
      onChange={({ detail }) => onChange(detail.value as OwnershipChoice)}
    />
  );
}
