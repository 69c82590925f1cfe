/** The roles of the account. */
import { DeleteRoleCommand, paginateListRoles, type Role } from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { every, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { trustedEntities } from "../../policy/trust";
import { DeleteModal } from "../../ui/DeleteModal";
import { PageButton, PageLink } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { ResourceTable } from "../../ui/ResourceTable";
import { moment } from "../../ui/times";
import { decoded, HOLDERS, pageOf, removePolicies } from "./holders";

export async function deleteRole(name: string): Promise<void> {
  await removePolicies(HOLDERS.role, name);
  await iam().send(new DeleteRoleCommand({ RoleName: name }));
}

export function Component() {
  const [answer, reload] = useAnswer(
    () => every(paginateListRoles({ client: iam(), pageSize: 1000 }, {}), (page) => page.Roles),
    [],
  );
  const [selected, setSelected] = useState<Role[]>([]);
  const [deleting, setDeleting] = useState(false);
  const names = selected.map(({ RoleName = "" }) => RoleName);
  return (
    <>
      <ResourceTable
        title="Roles"
        description="An IAM role is an identity you can create that has specific permissions with credentials that are valid for short durations. Roles can be assumed by entities that you trust."
        answer={answer}
        reload={reload}
        id={(role) => role.RoleName ?? ""}
        selection={{ type: "multi", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="refresh" ariaLabel="Refresh" onClick={reload} />
            <Button disabled={selected.length === 0} onClick={() => setDeleting(true)}>
              Delete
            </Button>
            <PageButton variant="primary" to="/iam/roles/create">
              Create role
            </PageButton>
          </SpaceBetween>
        }
        columns={[
          {
            id: "name",
            header: "Role name",
            sortingField: "RoleName",
            isRowHeader: true,
            cell: ({ RoleName = "" }) => <PageLink to={pageOf(HOLDERS.role, RoleName)}>{RoleName}</PageLink>,
          },
          {
            id: "trusted",
            header: "Trusted entities",
            cell: (role) => trustedEntities(decoded(role.AssumeRolePolicyDocument)).join(", ") || "-",
          },
          {
            id: "created",
            header: "Creation time",
            sortingField: "CreateDate",
            cell: (role) => moment(role.CreateDate),
          },
        ]}
      />
      {deleting && (
        <DeleteModal
          header={names.length === 1 ? `Delete ${names[0]}?` : `Delete ${names.length} roles?`}
          confirmation={names.length === 1 ? (names[0] ?? "") : "delete"}
          act={async () => {
            for (const name of names) await deleteRole(name);
          }}
          onDismiss={() => setDeleting(false)}
          onDone={() => {
            setDeleting(false);
            setSelected([]);
            succeeded(names.length === 1 ? `Role ${names[0]} deleted.` : `${names.length} roles deleted.`);
            reload();
          }}
        >
          Delete {names.length === 1 ? `role ${names[0]}` : "these roles"} permanently? Inline policies go with it,
          managed policies are detached, and its sessions end at once.
        </DeleteModal>
      )}
    </>
  );
}
