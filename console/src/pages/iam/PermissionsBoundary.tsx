/** Set, change or remove the permissions boundary of a user or role. */
import {
  DeleteRolePermissionsBoundaryCommand,
  DeleteUserPermissionsBoundaryCommand,
  GetRoleCommand,
  GetUserCommand,
  type Policy,
  PutRolePermissionsBoundaryCommand,
  PutUserPermissionsBoundaryCommand,
} from "@aws-sdk/client-iam";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { Answered } from "../../ui/Answered";
import { FailureAlert } from "../../ui/FailureAlert";
import { succeeded } from "../../ui/notifications";
import { NotFound } from "../home/NotFound";
import { type Holder, holderOf, pageOf } from "./holders";
import { useManagedPolicies } from "./managedPolicies";
import { PolicyPicker } from "./parts/PolicyPicker";

export function Component() {
  const { kind, name } = useParams();
  const holder = holderOf(kind);
  if (holder === null || holder.kind === "group" || name === undefined) return <NotFound />;
  return <PermissionsBoundary holder={holder} name={name} />;
}

function PermissionsBoundary({ holder, name }: { holder: Holder; name: string }) {
  const navigate = useNavigate();
  const isRole = holder.kind === "role";
  const [present, reloadPresent] = useAnswer(async () => {
    const boundary = isRole
      ? (await iam().send(new GetRoleCommand({ RoleName: name }))).Role?.PermissionsBoundary
      : (await iam().send(new GetUserCommand({ UserName: name }))).User?.PermissionsBoundary;
    return boundary?.PermissionsBoundaryArn ?? null;
  }, [holder.kind, name]);
  const [selected, setSelected] = useState<Policy[]>([]);
  const [answer, reload] = useManagedPolicies();
  const page = pageOf(holder, name);
  const saving = useAction(async (arn: string | null) => {
    if (arn === null && isRole) await iam().send(new DeleteRolePermissionsBoundaryCommand({ RoleName: name }));
    else if (arn === null) await iam().send(new DeleteUserPermissionsBoundaryCommand({ UserName: name }));
    else if (isRole)
      await iam().send(new PutRolePermissionsBoundaryCommand({ RoleName: name, PermissionsBoundary: arn }));
    else await iam().send(new PutUserPermissionsBoundaryCommand({ UserName: name, PermissionsBoundary: arn }));
  });
  const submit = async (arn: string | null): Promise<void> => {
    if (await saving.run(arn)) {
      succeeded(arn === null ? "Permissions boundary removed." : "Permissions boundary set.");
      void navigate(page);
    }
  };
  const chosen = selected[0]?.Arn;
  return (
    <Form
      header={
        <Header
          variant="h1"
          description={`The most that ${holder.title.toLowerCase()} ${name} may ever do. It does not grant any permissions by itself.`}
        >
          Set permissions boundary
        </Header>
      }
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={() => void navigate(page)}>
            Cancel
          </Button>
          {typeof present.value === "string" && (
            <Button loading={saving.running} onClick={() => void submit(null)}>
              Remove boundary
            </Button>
          )}
          <Button
            variant="primary"
            disabled={chosen === undefined}
            loading={saving.running}
            onClick={() => void submit(chosen ?? null)}
          >
            Set boundary
          </Button>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {saving.error !== null && <FailureAlert error={saving.error} header="The boundary was not changed" />}
        <Answered answer={present} reload={reloadPresent} failed="The present boundary could not be loaded">
          {(arn) => (arn === null ? null : <Alert type="info">The present boundary is {arn}.</Alert>)}
        </Answered>
        <PolicyPicker
          title="Permissions policies"
          description="Choose the policy that is the boundary."
          single
          answer={answer}
          reload={reload}
          selected={selected}
          onChange={setSelected}
        />
      </SpaceBetween>
    </Form>
  );
}
