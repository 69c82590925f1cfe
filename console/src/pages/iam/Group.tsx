/** One user group: its users and permissions. */
import {
  AddUserToGroupCommand,
  type Group,
  GetGroupCommand,
  paginateGetGroup,
  RemoveUserFromGroupCommand,
  UpdateGroupCommand,
  type User,
} from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { every, useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { Answered } from "../../ui/Answered";
import { Copyable } from "../../ui/Copyable";
import { DeleteModal } from "../../ui/DeleteModal";
import { FailureAlert } from "../../ui/FailureAlert";
import { PageLink } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { ResourceTable } from "../../ui/ResourceTable";
import { ago, moment } from "../../ui/times";
import { deleteGroup } from "./Groups";
import { HOLDERS, pageOf } from "./holders";
import { PermissionsTab } from "./parts/PermissionsTab";
import { RenameModal } from "./parts/RenameModal";
import { UserPicker } from "./parts/UserPicker";

export function Component() {
  const { name = "" } = useParams();
  const [answer, reload] = useAnswer(
    async () => (await iam().send(new GetGroupCommand({ GroupName: name, MaxItems: 1 }))).Group,
    [name],
  );
  return (
    <Answered answer={answer} reload={reload} failed={`User group ${name} could not be loaded`}>
      {(group) => (group === undefined ? null : <GroupPage group={group} />)}
    </Answered>
  );
}

function GroupPage({ group }: { group: Group }) {
  const navigate = useNavigate();
  const name = group.GroupName ?? "";
  const [deleting, setDeleting] = useState(false);
  const [renaming, setRenaming] = useState(false);
  return (
    <SpaceBetween size="l">
      <Header variant="h1" actions={<Button onClick={() => setDeleting(true)}>Delete</Button>}>
        {name}
      </Header>
      <Container
        header={
          <Header variant="h2" actions={<Button onClick={() => setRenaming(true)}>Edit</Button>}>
            Summary
          </Header>
        }
      >
        <KeyValuePairs
          minColumnWidth={220}
          columns={3}
          items={[
            { label: "User group name", value: name },
            { label: "Creation time", value: moment(group.CreateDate) },
            { label: "ARN", value: <Copyable text={group.Arn ?? ""} name="ARN" /> },
          ]}
        />
      </Container>
      <Tabs
        ariaLabel="User group"
        tabs={[
          { id: "users", label: "Users", content: <Members group={name} /> },
          { id: "permissions", label: "Permissions", content: <PermissionsTab holder={HOLDERS.group} name={name} /> },
        ]}
      />
      {renaming && (
        <RenameModal
          what="User group name"
          name={name}
          most={128}
          act={async (changed) => {
            await iam().send(new UpdateGroupCommand({ GroupName: name, NewGroupName: changed }));
          }}
          onDismiss={() => setRenaming(false)}
          onDone={(changed) => void navigate(pageOf(HOLDERS.group, changed))}
        />
      )}
      {deleting && (
        <DeleteModal
          header={`Delete ${name}?`}
          confirmation={name}
          act={() => deleteGroup(name)}
          onDismiss={() => setDeleting(false)}
          onDone={() => {
            succeeded(`User group ${name} deleted.`);
            void navigate("/iam/groups");
          }}
        >
          Its users stay, without the permissions that the group gave them.
        </DeleteModal>
      )}
    </SpaceBetween>
  );
}

function Members({ group }: { group: string }) {
  const [answer, reload] = useAnswer(
    () => every(paginateGetGroup({ client: iam(), pageSize: 1000 }, { GroupName: group }), (page) => page.Users),
    [group],
  );
  const [selected, setSelected] = useState<User[]>([]);
  const [adding, setAdding] = useState<User[] | null>(null);
  const [removing, setRemoving] = useState(false);
  const addition = useAction(async (users: User[]) => {
    for (const { UserName } of users) await iam().send(new AddUserToGroupCommand({ GroupName: group, UserName }));
  });

  if (adding !== null) {
    const submit = async (): Promise<void> => {
      const done = await addition.run(adding);
      reload();
      if (done) {
        succeeded(`${adding.length === 1 ? "User" : `${adding.length} users`} added to ${group}.`);
        setAdding(null);
      }
    };
    return (
      <SpaceBetween size="m">
        {addition.error !== null && <FailureAlert error={addition.error} header="Not all users were added" />}
        <UserPicker
          title={`Other users in this account`}
          selected={adding}
          onChange={setAdding}
          without={(answer.value ?? []).map(({ UserName = "" }) => UserName)}
        />
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={() => setAdding(null)}>
            Cancel
          </Button>
          <Button
            variant="primary"
            disabled={adding.length === 0}
            loading={addition.running}
            onClick={() => void submit()}
          >
            Add users
          </Button>
        </SpaceBetween>
      </SpaceBetween>
    );
  }
  return (
    <>
      <ResourceTable
        title="Users in this group"
        headingLevel="h2"
        answer={answer}
        reload={reload}
        id={(user) => user.UserName ?? ""}
        selection={{ type: "multi", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0} onClick={() => setRemoving(true)}>
              Remove
            </Button>
            <Button variant="primary" onClick={() => setAdding([])}>
              Add users
            </Button>
          </SpaceBetween>
        }
        columns={[
          {
            id: "name",
            header: "User name",
            sortingField: "UserName",
            isRowHeader: true,
            cell: ({ UserName = "" }) => <PageLink to={pageOf(HOLDERS.user, UserName)}>{UserName}</PageLink>,
          },
          { id: "created", header: "Created", sortingField: "CreateDate", cell: (user) => ago(user.CreateDate) },
        ]}
      />
      {removing && (
        <DeleteModal
          header={`Remove ${selected.length === 1 ? (selected[0]?.UserName ?? "") : `${selected.length} users`} from ${group}?`}
          verb="Remove"
          act={async () => {
            for (const { UserName } of selected) {
              await iam().send(new RemoveUserFromGroupCommand({ GroupName: group, UserName }));
            }
          }}
          onDismiss={() => setRemoving(false)}
          onDone={() => {
            setRemoving(false);
            setSelected([]);
            succeeded(`Removed from ${group}.`);
            reload();
          }}
        >
          They lose the permissions that the group gave them.
        </DeleteModal>
      )}
    </>
  );
}
