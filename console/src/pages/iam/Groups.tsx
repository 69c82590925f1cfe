/** The user groups of the account. */
import {
  DeleteGroupCommand,
  type Group,
  paginateGetGroup,
  paginateListGroups,
  RemoveUserFromGroupCommand,
} from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { every, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { DeleteModal } from "../../ui/DeleteModal";
import { PageButton, PageLink } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { ResourceTable } from "../../ui/ResourceTable";
import { moment } from "../../ui/times";
import { HOLDERS, pageOf, removePolicies } from "./holders";

export async function deleteGroup(name: string): Promise<void> {
  const members = await every(paginateGetGroup({ client: iam() }, { GroupName: name }), (page) => page.Users);
  for (const { UserName } of members) {
    await iam().send(new RemoveUserFromGroupCommand({ GroupName: name, UserName }));
  }
  await removePolicies(HOLDERS.group, name);
  await iam().send(new DeleteGroupCommand({ GroupName: name }));
}

export function Component() {
  const [answer, reload] = useAnswer(
    () => every(paginateListGroups({ client: iam(), pageSize: 1000 }, {}), (page) => page.Groups),
    [],
  );
  const [selected, setSelected] = useState<Group[]>([]);
  const [deleting, setDeleting] = useState(false);
  const names = selected.map(({ GroupName = "" }) => GroupName);
  return (
    <>
      <ResourceTable
        title="User groups"
        description="A user group is a collection of IAM users. Use groups to specify permissions for a collection of users."
        answer={answer}
        reload={reload}
        id={(group) => group.GroupName ?? ""}
        selection={{ type: "multi", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="refresh" ariaLabel="Refresh" onClick={reload} />
            <Button disabled={selected.length === 0} onClick={() => setDeleting(true)}>
              Delete
            </Button>
            <PageButton variant="primary" to="/iam/groups/create">
              Create group
            </PageButton>
          </SpaceBetween>
        }
        columns={[
          {
            id: "name",
            header: "Group name",
            sortingField: "GroupName",
            isRowHeader: true,
            cell: ({ GroupName = "" }) => <PageLink to={pageOf(HOLDERS.group, GroupName)}>{GroupName}</PageLink>,
          },
          { id: "path", header: "Path", sortingField: "Path", cell: ({ Path }) => Path },
          {
            id: "created",
            header: "Creation time",
            sortingField: "CreateDate",
            cell: (group) => moment(group.CreateDate),
          },
        ]}
      />
      {deleting && (
        <DeleteModal
          header={names.length === 1 ? `Delete ${names[0]}?` : `Delete ${names.length} user groups?`}
          confirmation={names.length === 1 ? (names[0] ?? "") : "delete"}
          act={async () => {
            for (const name of names) await deleteGroup(name);
          }}
          onDismiss={() => setDeleting(false)}
          onDone={() => {
            setDeleting(false);
            setSelected([]);
            succeeded(names.length === 1 ? `User group ${names[0]} deleted.` : `${names.length} user groups deleted.`);
            reload();
          }}
        >
          Its users stay, without the permissions that the group gave them.
        </DeleteModal>
      )}
    </>
  );
}
