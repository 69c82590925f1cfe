/** An access control list, to read. */
import type { GetBucketAclOutput, Grant } from "@aws-sdk/client-s3";
import Table from "@cloudscape-design/components/table";

const GROUPS: Record<string, string> = {
  "http://acs.amazonaws.com/groups/global/AllUsers": "Everyone (public access)",
  "http://acs.amazonaws.com/groups/global/AuthenticatedUsers": "Authenticated users (anyone with an AWS account)",
  "http://acs.amazonaws.com/groups/s3/LogDelivery": "S3 log delivery group",
};

export function Acl({ acl }: { acl: Pick<GetBucketAclOutput, "Owner" | "Grants"> }) {
  return (
    <Table<Grant>
      variant="embedded"
      items={acl.Grants ?? []}
      ariaLabels={{ tableLabel: "Access control list" }}
      wrapLines
      empty="The ACL grants nothing."
      columnDefinitions={[
        {
          id: "grantee",
          header: "Grantee",
          isRowHeader: true,
          cell: ({ Grantee }) => <span className="breaks">{granteeText(Grantee, acl.Owner?.ID)}</span>,
        },
        { id: "permission", header: "Permission", cell: ({ Permission }) => Permission ?? "-" },
      ]}
    />
  );
}

function granteeText(grantee: Grant["Grantee"], owner: string | undefined): string {
  if (grantee?.URI !== undefined) return GROUPS[grantee.URI] ?? grantee.URI;
  const id = grantee?.ID ?? grantee?.EmailAddress ?? "-";
  return `${id === owner ? "Owner" : "Other AWS account"}: canonical ID ${id}`;
}
