/** One role: its ARN and switch-role link, permissions, whom it trusts, tags, and the end of its sessions. */
import { GetRoleCommand, paginateListRoleTags, type Role, TagRoleCommand, UntagRoleCommand } from "@aws-sdk/client-iam";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { every, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { activeAccount, signedIn } from "../../session/session";
import { switchRoleLink } from "../../session/switchRole";
import { Answered } from "../../ui/Answered";
import { Copyable } from "../../ui/Copyable";
import { DeleteModal } from "../../ui/DeleteModal";
import { JsonText, pretty } from "../../ui/JsonText";
import { PageButton } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { ago, duration, moment } from "../../ui/times";
import { decoded, HOLDERS, pageOf } from "./holders";
import { PermissionsTab } from "./parts/PermissionsTab";
import { TagsTab } from "./parts/Tags";
import { deleteRole } from "./Roles";

export function Component() {
  const { name = "" } = useParams();
  const [answer, reload] = useAnswer(
    async () => (await iam().send(new GetRoleCommand({ RoleName: name }))).Role,
    [name],
  );
  return (
    <Answered answer={answer} reload={reload} failed={`Role ${name} could not be loaded`}>
      {(role) => (role === undefined ? null : <RolePage role={role} />)}
    </Answered>
  );
}

function RolePage({ role }: { role: Role }) {
  const navigate = useNavigate();
  const name = role.RoleName ?? "";
  const page = pageOf(HOLDERS.role, name);
  const [deleting, setDeleting] = useState(false);
  const switchable = `${(role.Path ?? "/").slice(1)}${name}`;
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={role.Description}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => setDeleting(true)}>Delete</Button>
          </SpaceBetween>
        }
      >
        {name}
      </Header>
      <Container
        header={
          <Header variant="h2" actions={<PageButton to={`${page}/edit`}>Edit</PageButton>}>
            Summary
          </Header>
        }
      >
        <KeyValuePairs
          minColumnWidth={220}
          columns={2}
          items={[
            { label: "Creation date", value: moment(role.CreateDate) },
            { label: "ARN", value: <Copyable text={role.Arn ?? ""} name="ARN" /> },
            { label: "Last activity", value: ago(role.RoleLastUsed?.LastUsedDate) },
            {
              label: "Link to switch roles in console",
              value: <Copyable text={switchRoleLink(activeAccount(signedIn()), switchable)} name="Switch-role link" />,
            },
            { label: "Maximum session duration", value: duration(role.MaxSessionDuration ?? 3600) },
          ]}
        />
      </Container>
      <Tabs
        ariaLabel="Role"
        tabs={[
          {
            id: "permissions",
            label: "Permissions",
            content: <PermissionsTab holder={HOLDERS.role} name={name} boundary={role.PermissionsBoundary ?? null} />,
          },
          {
            id: "trust",
            label: "Trust relationships",
            content: (
              <Container
                header={
                  <Header
                    variant="h2"
                    description="Entities that can assume this role under specified conditions."
                    actions={<PageButton to={`${page}/trust`}>Edit trust policy</PageButton>}
                  >
                    Trusted entities
                  </Header>
                }
              >
                <JsonText text={pretty(decoded(role.AssumeRolePolicyDocument))} label="Trust policy" />
              </Container>
            ),
          },
          { id: "tags", label: "Tags", content: <RoleTags name={name} /> },
          { id: "revoke", label: "Revoke sessions", content: <RevokeSessions name={name} /> },
        ]}
      />
      {deleting && (
        <DeleteModal
          header={`Delete ${name}?`}
          confirmation={name}
          act={() => deleteRole(name)}
          onDismiss={() => setDeleting(false)}
          onDone={() => {
            succeeded(`Role ${name} deleted.`);
            void navigate("/iam/roles");
          }}
        >
          Delete role {name} permanently? Inline policies go with it, managed policies are detached, and its sessions
          end at once.
        </DeleteModal>
      )}
    </SpaceBetween>
  );
}

function RoleTags({ name }: { name: string }) {
  const [answer, reload] = useAnswer(
    () => every(paginateListRoleTags({ client: iam() }, { RoleName: name }), (page) => page.Tags),
    [name],
  );
  return (
    <TagsTab
      answer={answer}
      reload={reload}
      what="role"
      save={async (set, remove) => {
        if (remove.length > 0) await iam().send(new UntagRoleCommand({ RoleName: name, TagKeys: remove }));
        if (set.length > 0) await iam().send(new TagRoleCommand({ RoleName: name, Tags: set }));
      }}
    />
  );
}

/** AWS's way to end sessions: a deny for tokens issued before now (IAM User Guide, "Revoking temporary credentials"). */
function RevokeSessions({ name }: { name: string }) {
  const [asking, setAsking] = useState(false);
  return (
    <Container header={<Header variant="h2">Revoke all active sessions</Header>}>
      <SpaceBetween size="m">
        <Alert type="warning">
          If you choose Revoke active sessions, IAM attaches an inline policy named AWSRevokeOlderSessions to this role.
          This policy denies all access to users currently assuming this role. You can undo this action later by
          removing the inline policy.
        </Alert>
        <Box>
          <Button onClick={() => setAsking(true)}>Revoke active sessions</Button>
        </Box>
      </SpaceBetween>
      {asking && (
        <DeleteModal
          header="Revoke active sessions?"
          verb="Revoke active sessions"
          act={async () => {
            const document = {
              Version: "2012-10-17",
              Statement: [
                {
                  Effect: "Deny",
                  Action: ["*"],
                  Resource: ["*"],
                  Condition: { DateLessThan: { "aws:TokenIssueTime": new Date().toISOString() } },
                },
              ],
            };
            await HOLDERS.role.putInline(name, "AWSRevokeOlderSessions", JSON.stringify(document));
          }}
          onDismiss={() => setAsking(false)}
          onDone={() => {
            setAsking(false);
            succeeded(`The sessions of role ${name} that exist now can do nothing any more.`);
          }}
        >
          Everybody who acts as {name} now must assume it anew.
        </DeleteModal>
      )}
    </Container>
  );
}
