/** One user: permissions, groups, tags and credentials. */
import {
  AddUserToGroupCommand,
  GetUserCommand,
  type Group,
  ListMFADevicesCommand,
  paginateListGroupsForUser,
  paginateListUserTags,
  RemoveUserFromGroupCommand,
  TagUserCommand,
  UntagUserCommand,
  UpdateUserCommand,
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
import { activeAccount, signedIn } from "../../session/session";
import { Answered, Inline } from "../../ui/Answered";
import { Copyable } from "../../ui/Copyable";
import { DeleteModal } from "../../ui/DeleteModal";
import { FailureAlert } from "../../ui/FailureAlert";
import { PageLink } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { ResourceTable } from "../../ui/ResourceTable";
import { ago, moment } from "../../ui/times";
import { HOLDERS, pageOf } from "./holders";
import { loginProfile } from "./parts/ConsoleAccess";
import { PermissionOptions } from "./parts/PermissionOptions";
import { PermissionsTab } from "./parts/PermissionsTab";
import { RenameModal } from "./parts/RenameModal";
import { SecurityCredentials } from "./parts/SecurityCredentials";
import { TagsTab } from "./parts/Tags";
import { deleteUser } from "./Users";

export function Component() {
  const { name = "" } = useParams();
  const [answer, reload] = useAnswer(
    async () => (await iam().send(new GetUserCommand({ UserName: name }))).User,
    [name],
  );
  return (
    <Answered answer={answer} reload={reload} failed={`User ${name} could not be loaded`}>
      {(user) => (user === undefined ? null : <UserPage user={user} />)}
    </Answered>
  );
}

function groupsOf(name: string): Promise<Group[]> {
  return every(paginateListGroupsForUser({ client: iam() }, { UserName: name }), (page) => page.Groups);
}

function UserPage({ user }: { user: User }) {
  const navigate = useNavigate();
  const name = user.UserName ?? "";
  const session = signedIn();
  const [open, setOpen] = useState<"delete" | "rename" | null>(null);
  const [access] = useAnswer(async () => {
    const [profile, devices] = await Promise.all([
      loginProfile(name),
      iam().send(new ListMFADevicesCommand({ UserName: name })),
    ]);
    const mfa = (devices.MFADevices ?? []).length > 0;
    return profile === null ? "Disabled" : mfa ? "Enabled with MFA" : "Enabled without MFA";
  }, [name]);
  return (
    <SpaceBetween size="l">
      <Header variant="h1" actions={<Button onClick={() => setOpen("delete")}>Delete</Button>}>
        {name}
      </Header>
      <Container
        header={
          <Header variant="h2" actions={<Button onClick={() => setOpen("rename")}>Edit</Button>}>
            Summary
          </Header>
        }
      >
        <KeyValuePairs
          minColumnWidth={220}
          columns={2}
          items={[
            { label: "ARN", value: <Copyable text={user.Arn ?? ""} name="ARN" /> },
            { label: "Console access", value: <Inline answer={access}>{(told) => told}</Inline> },
            { label: "Created", value: moment(user.CreateDate) },
            { label: "Last console sign-in", value: ago(user.PasswordLastUsed) },
          ]}
        />
      </Container>
      <Tabs
        ariaLabel="User"
        tabs={[
          {
            id: "permissions",
            label: "Permissions",
            content: (
              <PermissionsTab
                holder={HOLDERS.user}
                name={name}
                boundary={user.PermissionsBoundary ?? null}
                inherited={async () =>
                  Promise.all(
                    (await groupsOf(name)).map(async ({ GroupName: group = "" }) => ({
                      group,
                      attached: await HOLDERS.group.attached(group),
                      inline: await HOLDERS.group.inlineNames(group),
                    })),
                  )
                }
              />
            ),
          },
          { id: "groups", label: "Groups", content: <Groups user={name} /> },
          { id: "tags", label: "Tags", content: <UserTags name={name} /> },
          {
            id: "credentials",
            label: "Security credentials",
            content: (
              <SecurityCredentials
                owner={{
                  name,
                  account: activeAccount(session),
                  oneself: session.role === null && session.arn === user.Arn,
                }}
              />
            ),
          },
        ]}
      />
      {open === "rename" && (
        <RenameModal
          what="User name"
          name={name}
          most={64}
          act={async (changed) => {
            await iam().send(new UpdateUserCommand({ UserName: name, NewUserName: changed }));
          }}
          onDismiss={() => setOpen(null)}
          onDone={(changed) => void navigate(pageOf(HOLDERS.user, changed))}
        />
      )}
      {open === "delete" && (
        <DeleteModal
          header={`Delete ${name}?`}
          confirmation={name}
          act={() => deleteUser(name)}
          onDismiss={() => setOpen(null)}
          onDone={() => {
            succeeded(`User ${name} deleted.`);
            void navigate("/iam/users");
          }}
        >
          Delete user {name} permanently? Its password, access keys, MFA devices and inline policies go with it.
        </DeleteModal>
      )}
    </SpaceBetween>
  );
}

function Groups({ user }: { user: string }) {
  const [answer, reload] = useAnswer(() => groupsOf(user), [user]);
  const [selected, setSelected] = useState<Group[]>([]);
  const [adding, setAdding] = useState<Group[] | null>(null);
  const [removing, setRemoving] = useState(false);
  const addition = useAction(async (groups: Group[]) => {
    for (const { GroupName } of groups) await iam().send(new AddUserToGroupCommand({ GroupName, UserName: user }));
  });
  if (adding !== null) {
    const submit = async (): Promise<void> => {
      const done = await addition.run(adding);
      reload();
      if (done) {
        succeeded(`${user} added to ${adding.map(({ GroupName }) => GroupName).join(", ")}.`);
        setAdding(null);
      }
    };
    return (
      <SpaceBetween size="m">
        {addition.error !== null && <FailureAlert error={addition.error} header="The user was not added" />}
        <PermissionOptions choice="groups" onChoice={() => undefined} groups={adding} onGroups={setAdding} />
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
            Add user to group(s)
          </Button>
        </SpaceBetween>
      </SpaceBetween>
    );
  }
  return (
    <>
      <ResourceTable
        title="User groups membership"
        headingLevel="h2"
        description="A user group is a collection of IAM users. A user can be a member of up to 10 groups at a time."
        answer={answer}
        reload={reload}
        id={(group) => group.GroupName ?? ""}
        selection={{ type: "multi", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0} onClick={() => setRemoving(true)}>
              Remove
            </Button>
            <Button variant="primary" onClick={() => setAdding([])}>
              Add user to groups
            </Button>
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
        ]}
      />
      {removing && (
        <DeleteModal
          header={`Remove ${user} from ${selected.length === 1 ? (selected[0]?.GroupName ?? "") : `${selected.length} groups`}?`}
          verb="Remove"
          act={async () => {
            for (const { GroupName } of selected) {
              await iam().send(new RemoveUserFromGroupCommand({ GroupName, UserName: user }));
            }
          }}
          onDismiss={() => setRemoving(false)}
          onDone={() => {
            setRemoving(false);
            setSelected([]);
            succeeded("Removed.");
            reload();
          }}
        >
          {user} loses the permissions that it has by membership.
        </DeleteModal>
      )}
    </>
  );
}

function UserTags({ name }: { name: string }) {
  const [answer, reload] = useAnswer(
    () => every(paginateListUserTags({ client: iam() }, { UserName: name }), (page) => page.Tags),
    [name],
  );
  return (
    <TagsTab
      answer={answer}
      reload={reload}
      what="user"
      save={async (set, remove) => {
        if (remove.length > 0) await iam().send(new UntagUserCommand({ UserName: name, TagKeys: remove }));
        if (set.length > 0) await iam().send(new TagUserCommand({ UserName: name, Tags: set }));
      }}
    />
  );
}
