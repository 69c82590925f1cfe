/** What S3 does with a bucket's objects by itself: lifecycle rules and replication. */
import { GetBucketReplicationCommand, type ReplicationRule } from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";

import { s3 } from "../../../aws/clients";
import { orNone } from "../../../aws/s3";
import { Copyable } from "../../../ui/Copyable";
import { Lifecycle } from "./Lifecycle";
import { Setting } from "./Setting";

interface Props {
  bucket: string;
}

export function ManagementTab({ bucket }: Props) {
  return (
    <SpaceBetween size="l">
      <Lifecycle bucket={bucket} />
      <Replication bucket={bucket} />
    </SpaceBetween>
  );
}

function Replication({ bucket }: Props) {
  return (
    <Setting
      title="Replication rules"
      description="Copies new objects into other buckets. The rules are set with the AWS CLI: put-bucket-replication."
      keys={[bucket]}
      load={async () => {
        const asked = s3().send(new GetBucketReplicationCommand({ Bucket: bucket }));
        return (await orNone(asked, "ReplicationConfigurationNotFoundError"))?.ReplicationConfiguration ?? null;
      }}
    >
      {(value) =>
        value === null ? (
          <Box textAlign="center">There are no replication rules.</Box>
        ) : (
          <SpaceBetween size="m">
            <div>
              <Box variant="awsui-key-label">IAM role</Box>
              <Copyable text={value.Role ?? "-"} name="role ARN" />
            </div>
            <Table<ReplicationRule>
              variant="embedded"
              items={value.Rules ?? []}
              ariaLabels={{ tableLabel: "Replication rules" }}
              wrapLines
              columnDefinitions={[
                { id: "id", header: "Rule", isRowHeader: true, cell: ({ ID }) => ID ?? "-" },
                { id: "status", header: "Status", cell: ({ Status }) => Status ?? "-" },
                { id: "priority", header: "Priority", cell: ({ Priority }) => Priority ?? "-" },
                {
                  id: "scope",
                  header: "Prefix",
                  cell: ({ Filter, Prefix }) => Filter?.Prefix ?? Filter?.And?.Prefix ?? (Prefix || "Entire bucket"),
                },
                {
                  id: "destination",
                  header: "Destination",
                  cell: ({ Destination }) => <span className="breaks">{Destination?.Bucket}</span>,
                },
              ]}
            />
          </SpaceBetween>
        )
      }
    </Setting>
  );
}
