/**
 * The Permissions tab of users, groups and roles: their policies, how to add some, and the boundary.
 */
import type { AttachedPermissionsBoundary, AttachedPolicy } from "@aws-sdk/client-iam";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";

import { useAnswer } from "../../../aws/answers";
import { DeleteModal } from "../../../ui/DeleteModal";
import { PageLink } from "../../../ui/links";
import { succeeded } from "../../../ui/notifications";
import { ResourceTable } from "../../../ui/ResourceTable";
import { type Holder, pageOf } from "../holders";
import { policyPage, policyType } from "../managedPolicies";

/** A policy of an entity: attached, inline, or by a group. */
interface Permission {
  name: string;
  /** Null for an inline policy. */
  arn: string | null;
  via: string;
}

interface Props {
  holder: Holder;
  name: string;
  /** Undefined for groups, which have none. */
  boundary?: AttachedPermissionsBoundary | null;
  /** Names of the groups whose policies a user has too. */
  inherited?: () => Promise<{ group: string; attached: AttachedPolicy[]; inline: string[] }[]>;
  children?: ReactNode;
}

export function PermissionsTab({ holder, name, boundary, inherited, children }: Props) {
  const navigate = useNavigate();
  const [selected, setSelected] = useState<Permission[]>([]);
  const [removing, setRemoving] = useState(false);
  const page = pageOf(holder, name);
  const [answer, reload] = useAnswer(async (): Promise<Permission[]> => {
    const [attached, inline, groups] = await Promise.all([
      holder.attached(name),
      holder.inlineNames(name),
      inherited?.() ?? [],
    ]);
    const direct = [
      ...attached.map(({ PolicyName = "", PolicyArn = "" }) => ({ name: PolicyName, arn: PolicyArn, via: "Directly" })),
      ...inline.map((policy) => ({ name: policy, arn: null, via: "Inline" })),
    ];
    const byGroups = groups.flatMap((group) => [
      ...group.attached.map(({ PolicyName = "", PolicyArn = "" }) => ({
        name: PolicyName,
        arn: PolicyArn,
        via: `Group ${group.group}`,
      })),
      ...group.inline.map((policy) => ({ name: policy, arn: null, via: `Group ${group.group} (inline)` })),
    ]);
    return [...direct, ...byGroups];
  }, [holder.kind, name]);
  const own = selected.filter(({ via }) => via === "Directly" || via === "Inline");

  const go = (id: string): void => void navigate(`${page}/${id}`);
  return (
    <SpaceBetween size="l">
      <ResourceTable
        title="Permissions policies"
        headingLevel="h2"
        description="You can attach managed policies and embed inline policies."
        answer={answer}
        reload={reload}
        id={(policy) => `${policy.arn ?? policy.name} (${policy.via})`}
        name={(policy) => `${policy.name} (${policy.via})`}
        searchText={(policy) => policy.name}
        selection={{ type: "multi", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="refresh" ariaLabel="Refresh" onClick={reload} />
            <Button disabled={own.length === 0} onClick={() => setRemoving(true)}>
              Remove
            </Button>
            <ButtonDropdown
              items={[
                { id: "add-permissions", text: holder.kind === "user" ? "Add permissions" : "Attach policies" },
                { id: "create-inline-policy", text: "Create inline policy" },
                { id: "allow-assume-role", text: "Allow this to assume a role in another account" },
              ]}
              expandToViewport
              onItemClick={({ detail }) => go(detail.id)}
            >
              Add permissions
            </ButtonDropdown>
          </SpaceBetween>
        }
        columns={[
          {
            id: "name",
            header: "Policy name",
            isRowHeader: true,
            sortingField: "name",
            cell: (policy) => <PermissionLink policy={policy} page={page} />,
          },
          {
            id: "type",
            header: "Type",
            cell: ({ arn, via }) =>
              arn === null ? (via === "Inline" ? "Customer inline" : "Inline") : policyType(arn),
          },
          { id: "via", header: "Attached via", cell: ({ via }) => via },
        ]}
        empty={
          <Box textAlign="center">
            <Box variant="p">No permissions policies</Box>
            <Button onClick={() => go("allow-assume-role")}>Allow this to assume a role in another account</Button>
          </Box>
        }
      />
      {boundary !== undefined && <Boundary boundary={boundary} page={page} />}
      {children}
      {removing && (
        <DeleteModal
          header={own.length === 1 ? `Remove ${own[0]?.name}?` : `Remove ${own.length} policies?`}
          verb="Remove"
          act={async () => {
            for (const policy of own) {
              await (policy.arn === null ? holder.deleteInline(name, policy.name) : holder.detach(name, policy.arn));
            }
          }}
          onDismiss={() => setRemoving(false)}
          onDone={() => {
            setRemoving(false);
            setSelected([]);
            succeeded(own.length === 1 ? "Policy removed." : "Policies removed.");
            reload();
          }}
        >
          Managed policies are detached and stay; inline policies are deleted. {holder.title} {name} loses what they
          allow at once.
        </DeleteModal>
      )}
    </SpaceBetween>
  );
}

function PermissionLink({ policy, page }: { policy: Permission; page: string }) {
  if (policy.arn !== null) return <PageLink to={policyPage(policy.arn)}>{policy.name}</PageLink>;
  if (policy.via !== "Inline") return policy.name;
  return <PageLink to={`${page}/edit-inline-policy/${encodeURIComponent(policy.name)}`}>{policy.name}</PageLink>;
}

function Boundary({ boundary, page }: { boundary: AttachedPermissionsBoundary | null; page: string }) {
  const navigate = useNavigate();
  const arn = boundary?.PermissionsBoundaryArn;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Set a permissions boundary to control the maximum permissions. It does not grant any by itself."
          actions={
            <Button onClick={() => void navigate(`${page}/permissions-boundary`)}>
              {arn === undefined ? "Set permissions boundary" : "Change boundary"}
            </Button>
          }
        >
          Permissions boundary {arn === undefined ? "(not set)" : "(set)"}
        </Header>
      }
    >
      {arn === undefined ? "-" : <PageLink to={policyPage(arn)}>{arn}</PageLink>}
    </Container>
  );
}
