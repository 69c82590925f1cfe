/** The managed policies: AWS's and the account's own. */
import {
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  paginateListEntitiesForPolicy,
  paginateListPolicyVersions,
  type Policy,
} from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { type Answer, every } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { DeleteModal } from "../../ui/DeleteModal";
import { keepFilter, keptFilter } from "../../ui/keptFilter";
import { PageButton, PageLink } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { ResourceTable } from "../../ui/ResourceTable";
import { HOLDERS } from "./holders";
import { isAwsManaged, policyPage, policyType, useManagedPolicies } from "./managedPolicies";

const TYPES = [
  { value: "all", label: "All types" },
  { value: "customer", label: "Customer managed" },
  { value: "aws", label: "AWS managed" },
];

/** DeletePolicy wants a policy with one version that is attached nowhere: this sees to it, as AWS's console does. */
export async function deletePolicy(arn: string): Promise<void> {
  const client = iam();
  for await (const page of paginateListEntitiesForPolicy({ client }, { PolicyArn: arn })) {
    for (const { UserName = "" } of page.PolicyUsers ?? []) await HOLDERS.user.detach(UserName, arn);
    for (const { GroupName = "" } of page.PolicyGroups ?? []) await HOLDERS.group.detach(GroupName, arn);
    for (const { RoleName = "" } of page.PolicyRoles ?? []) await HOLDERS.role.detach(RoleName, arn);
  }
  const versions = await every(paginateListPolicyVersions({ client }, { PolicyArn: arn }), (page) => page.Versions);
  for (const { VersionId, IsDefaultVersion } of versions) {
    if (IsDefaultVersion !== true) await client.send(new DeletePolicyVersionCommand({ PolicyArn: arn, VersionId }));
  }
  await client.send(new DeletePolicyCommand({ PolicyArn: arn }));
}

export function Component() {
  const [answer, reload] = useManagedPolicies();
  const [type, setType] = useState(() => String(keptFilter("type") ?? "all"));
  const [selected, setSelected] = useState<Policy[]>([]);
  const [deleting, setDeleting] = useState(false);
  const own = selected.filter(({ Arn }) => !isAwsManaged(Arn));
  const shown: Answer<Policy[]> =
    answer.status === "ready" && type !== "all"
      ? { status: "ready", value: answer.value.filter(({ Arn }) => (type === "aws") === isAwsManaged(Arn)) }
      : answer;
  return (
    <>
      <ResourceTable
        title="Policies"
        description="A policy is an object in AWS that defines permissions."
        answer={shown}
        reload={reload}
        id={({ Arn = "" }) => Arn}
        name={({ PolicyName = "" }) => PolicyName}
        searchPlaceholder="Search by policy name"
        selection={{ type: "multi", selected, onChange: setSelected }}
        filters={
          <Select
            ariaLabel="Filter by type"
            selectedOption={TYPES.find(({ value }) => value === type) ?? null}
            options={TYPES}
            onChange={({ detail }) => {
              setType(detail.selectedOption.value ?? "all");
              keepFilter("type", detail.selectedOption.value);
            }}
          />
        }
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="refresh" ariaLabel="Refresh" onClick={reload} />
            <Button disabled={own.length === 0 || own.length !== selected.length} onClick={() => setDeleting(true)}>
              Delete
            </Button>
            <PageButton variant="primary" to="/iam/policies/create">
              Create policy
            </PageButton>
          </SpaceBetween>
        }
        columns={[
          {
            id: "name",
            header: "Policy name",
            sortingField: "PolicyName",
            isRowHeader: true,
            cell: ({ PolicyName, Arn = "" }) => <PageLink to={policyPage(Arn)}>{PolicyName}</PageLink>,
          },
          { id: "type", header: "Type", cell: ({ Arn }) => policyType(Arn) },
          {
            id: "used",
            header: "Used as",
            cell: ({ AttachmentCount = 0, PermissionsBoundaryUsageCount = 0 }) =>
              used(AttachmentCount, PermissionsBoundaryUsageCount),
          },
          { id: "description", header: "Description", cell: ({ Description }) => Description ?? "-" },
        ]}
      />
      {deleting && (
        <DeleteModal
          header={own.length === 1 ? `Delete ${own[0]?.PolicyName}?` : `Delete ${own.length} policies?`}
          confirmation={own.length === 1 ? (own[0]?.PolicyName ?? "") : "delete"}
          act={async () => {
            for (const { Arn = "" } of own) await deletePolicy(Arn);
          }}
          onDismiss={() => setDeleting(false)}
          onDone={() => {
            setDeleting(false);
            setSelected([]);
            succeeded(own.length === 1 ? "Policy deleted." : `${own.length} policies deleted.`);
            reload();
          }}
        >
          It is detached from every user, group and role that has it, which lose what it allows, and all its versions
          go.
        </DeleteModal>
      )}
    </>
  );
}

function used(attachments: number, boundaries: number): string {
  const parts = [
    ...(attachments > 0 ? [`Permissions policy (${attachments})`] : []),
    ...(boundaries > 0 ? [`Permissions boundary (${boundaries})`] : []),
  ];
  return parts.length === 0 ? "None" : parts.join(", ");
}
