/** One managed policy: its document, who has it, its tags and versions. */
import {
  DeletePolicyVersionCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  paginateListEntitiesForPolicy,
  paginateListPolicyTags,
  paginateListPolicyVersions,
  type Policy,
  type PolicyVersion,
  SetDefaultPolicyVersionCommand,
  TagPolicyCommand,
  UntagPolicyCommand,
} from "@aws-sdk/client-iam";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs, { type TabsProps } from "@cloudscape-design/components/tabs";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { every, useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { Answered } from "../../ui/Answered";
import { Copyable } from "../../ui/Copyable";
import { DeleteModal } from "../../ui/DeleteModal";
import { FailureAlert } from "../../ui/FailureAlert";
import { JsonText, pretty } from "../../ui/JsonText";
import { PageButton, PageLink } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { ResourceTable } from "../../ui/ResourceTable";
import { moment } from "../../ui/times";
import { decoded, type Holder, HOLDERS, pageOf } from "./holders";
import { isAwsManaged, policyPage, policyType } from "./managedPolicies";
import { TagsTab } from "./parts/Tags";
import { deletePolicy } from "./Policies";

export function Component() {
  const { arn = "" } = useParams();
  const [answer, reload] = useAnswer(
    async () => (await iam().send(new GetPolicyCommand({ PolicyArn: arn }))).Policy,
    [arn],
  );
  return (
    <Answered answer={answer} reload={reload} failed="The policy could not be loaded">
      {(policy) => (policy === undefined ? null : <PolicyPage policy={policy} reload={reload} />)}
    </Answered>
  );
}

function PolicyPage({ policy, reload }: { policy: Policy; reload: () => void }) {
  const navigate = useNavigate();
  const arn = policy.Arn ?? "";
  const name = policy.PolicyName ?? "";
  const own = !isAwsManaged(arn);
  const [deleting, setDeleting] = useState(false);
  const tabs: TabsProps.Tab[] = [
    {
      id: "permissions",
      label: "Permissions",
      content: <Document arn={arn} version={policy.DefaultVersionId ?? "v1"} editable={own} />,
    },
    { id: "entities", label: "Entities attached", content: <Entities arn={arn} /> },
  ];
  if (own) {
    tabs.push(
      { id: "tags", label: "Tags", content: <PolicyTags arn={arn} /> },
      { id: "versions", label: "Policy versions", content: <Versions arn={arn} onChange={reload} /> },
    );
  }
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={policy.Description}
        actions={own ? <Button onClick={() => setDeleting(true)}>Delete</Button> : undefined}
      >
        {name}
      </Header>
      <Container header={<Header variant="h2">Policy details</Header>}>
        <KeyValuePairs
          minColumnWidth={220}
          columns={2}
          items={[
            { label: "Type", value: policyType(arn) },
            { label: "ARN", value: <Copyable text={arn} name="ARN" /> },
            { label: "Creation time", value: moment(policy.CreateDate) },
            { label: "Edited time", value: moment(policy.UpdateDate) },
          ]}
        />
      </Container>
      <Tabs ariaLabel="Policy" tabs={tabs} />
      {deleting && (
        <DeleteModal
          header={`Delete ${name}?`}
          confirmation={name}
          act={() => deletePolicy(arn)}
          onDismiss={() => setDeleting(false)}
          onDone={() => {
            succeeded(`Policy ${name} deleted.`);
            void navigate("/iam/policies");
          }}
        >
          It is detached from every user, group and role that has it, which lose what it allows, and all its versions
          go.
        </DeleteModal>
      )}
    </SpaceBetween>
  );
}

function Document({ arn, version, editable }: { arn: string; version: string; editable: boolean }) {
  const [answer, reload] = useAnswer(
    () => iam().send(new GetPolicyVersionCommand({ PolicyArn: arn, VersionId: version })),
    [arn, version],
  );
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={`Version ${version}, the default`}
          actions={editable ? <PageButton to={`${policyPage(arn)}/edit`}>Edit</PageButton> : undefined}
        >
          Permissions defined in this policy
        </Header>
      }
    >
      <Answered answer={answer} reload={reload} failed="The document could not be loaded">
        {(told) => <JsonText text={pretty(decoded(told.PolicyVersion?.Document))} label="Policy document" />}
      </Answered>
    </Container>
  );
}

interface Entity {
  holder: Holder;
  name: string;
  as: string;
}

async function entitiesOf(arn: string, usage: "PermissionsPolicy" | "PermissionsBoundary"): Promise<Entity[]> {
  const as = usage === "PermissionsPolicy" ? "Permissions policy" : "Permissions boundary";
  return every(
    paginateListEntitiesForPolicy({ client: iam() }, { PolicyArn: arn, PolicyUsageFilter: usage }),
    (page): Entity[] => [
      ...(page.PolicyUsers ?? []).map(({ UserName = "" }) => ({ holder: HOLDERS.user, name: UserName, as })),
      ...(page.PolicyGroups ?? []).map(({ GroupName = "" }) => ({ holder: HOLDERS.group, name: GroupName, as })),
      ...(page.PolicyRoles ?? []).map(({ RoleName = "" }) => ({ holder: HOLDERS.role, name: RoleName, as })),
    ],
  );
}

function Entities({ arn }: { arn: string }) {
  const [answer, reload] = useAnswer(
    async () => [...(await entitiesOf(arn, "PermissionsPolicy")), ...(await entitiesOf(arn, "PermissionsBoundary"))],
    [arn],
  );
  const [selected, setSelected] = useState<Entity[]>([]);
  const [detaching, setDetaching] = useState(false);
  const attached = selected.filter(({ as }) => as === "Permissions policy");
  return (
    <>
      <ResourceTable
        title="Attached entities"
        headingLevel="h2"
        answer={answer}
        reload={reload}
        id={({ holder, name, as }) => `${holder.title} ${name} (${as})`}
        searchText={({ name }) => name}
        selection={{ type: "multi", selected, onChange: setSelected }}
        actions={
          <Button disabled={attached.length === 0} onClick={() => setDetaching(true)}>
            Detach
          </Button>
        }
        columns={[
          {
            id: "name",
            header: "Name",
            sortingField: "name",
            isRowHeader: true,
            cell: ({ holder, name }) => <PageLink to={pageOf(holder, name)}>{name}</PageLink>,
          },
          { id: "kind", header: "Entity type", cell: ({ holder }) => holder.title },
          { id: "as", header: "Attached as", cell: ({ as }) => as },
        ]}
      />
      {detaching && (
        <DeleteModal
          header="Detach policy?"
          verb="Detach policy"
          act={async () => {
            for (const { holder, name } of attached) await holder.detach(name, arn);
          }}
          onDismiss={() => setDetaching(false)}
          onDone={() => {
            setDetaching(false);
            setSelected([]);
            succeeded("Policy detached.");
            reload();
          }}
        >
          {attached.map(({ name }) => name).join(", ")} will lose what this policy allows.
        </DeleteModal>
      )}
    </>
  );
}

function Versions({ arn, onChange }: { arn: string; onChange: () => void }) {
  const [answer, reload] = useAnswer(
    () => every(paginateListPolicyVersions({ client: iam() }, { PolicyArn: arn }), (page) => page.Versions),
    [arn],
  );
  const [selected, setSelected] = useState<PolicyVersion[]>([]);
  const [shown, setShown] = useState<string | null>(null);
  const [deleting, setDeleting] = useState(false);
  const version = selected[0];
  const changed = (): void => {
    setSelected([]);
    reload();
    onChange();
  };
  const choosing = useAction(async (VersionId: string | undefined) => {
    await iam().send(new SetDefaultPolicyVersionCommand({ PolicyArn: arn, VersionId }));
    succeeded(`Version ${VersionId} is the default now.`);
    changed();
  });
  return (
    <SpaceBetween size="s">
      {choosing.error !== null && <FailureAlert error={choosing.error} onDismiss={choosing.clear} />}
      <ResourceTable
        title="Policy versions"
        headingLevel="h2"
        description="A policy can have up to five versions. The default one is in effect."
        answer={answer}
        reload={reload}
        id={({ VersionId = "" }) => VersionId}
        selection={{ type: "single", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={version === undefined || version.IsDefaultVersion} onClick={() => setDeleting(true)}>
              Delete
            </Button>
            <Button
              disabled={version === undefined || version.IsDefaultVersion}
              loading={choosing.running}
              onClick={() => void choosing.run(version?.VersionId)}
            >
              Set as default
            </Button>
          </SpaceBetween>
        }
        columns={[
          {
            id: "version",
            header: "Version",
            isRowHeader: true,
            cell: ({ VersionId = "", IsDefaultVersion }) => (
              <Button variant="inline-link" onClick={() => setShown(VersionId)}>
                {`Version ${VersionId.slice(1)}${IsDefaultVersion === true ? " (Default)" : ""}`}
              </Button>
            ),
          },
          { id: "created", header: "Creation time", cell: ({ CreateDate }) => moment(CreateDate) },
        ]}
      />
      {shown !== null && (
        <Modal visible size="large" header={`Version ${shown.slice(1)}`} onDismiss={() => setShown(null)}>
          <Document arn={arn} version={shown} editable={false} />
        </Modal>
      )}
      {deleting && version !== undefined && (
        <DeleteModal
          header={`Delete version ${version.VersionId?.slice(1)}?`}
          act={async () => {
            await iam().send(new DeletePolicyVersionCommand({ PolicyArn: arn, VersionId: version.VersionId }));
          }}
          onDismiss={() => setDeleting(false)}
          onDone={() => {
            setDeleting(false);
            succeeded("Version deleted.");
            changed();
          }}
        >
          <Box>It is not in effect; it can no longer be made the default.</Box>
        </DeleteModal>
      )}
    </SpaceBetween>
  );
}

function PolicyTags({ arn }: { arn: string }) {
  const [answer, reload] = useAnswer(
    () => every(paginateListPolicyTags({ client: iam() }, { PolicyArn: arn }), (page) => page.Tags),
    [arn],
  );
  return (
    <TagsTab
      answer={answer}
      reload={reload}
      what="policy"
      save={async (set, remove) => {
        if (remove.length > 0) await iam().send(new UntagPolicyCommand({ PolicyArn: arn, TagKeys: remove }));
        if (set.length > 0) await iam().send(new TagPolicyCommand({ PolicyArn: arn, Tags: set }));
      }}
    />
  );
}
