/** Add permissions: attach managed policies; for users also by adding them to a group. */
import { AddUserToGroupCommand, type Group, type Policy } from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { FailureAlert } from "../../ui/FailureAlert";
import { succeeded } from "../../ui/notifications";
import { NotFound } from "../home/NotFound";
import { type Holder, holderOf, pageOf } from "./holders";
import { useManagedPolicies } from "./managedPolicies";
import { PermissionOptions, type PermissionChoice } from "./parts/PermissionOptions";
import { PolicyPicker } from "./parts/PolicyPicker";

export function Component() {
  const { kind, name } = useParams();
  const holder = holderOf(kind);
  if (holder === null || name === undefined) return <NotFound />;
  return <AddPermissions holder={holder} name={name} />;
}

function AddPermissions({ holder, name }: { holder: Holder; name: string }) {
  const navigate = useNavigate();
  const [choice, setChoice] = useState<PermissionChoice>(holder.kind === "user" ? "groups" : "policies");
  const [policies, setPolicies] = useState<Policy[]>([]);
  const [groups, setGroups] = useState<Group[]>([]);
  const [answer, reload] = useManagedPolicies();
  const [attached] = useAnswer(() => holder.attached(name), [holder.kind, name]);
  const page = pageOf(holder, name);
  const count = choice === "policies" ? policies.length : groups.length;
  const saving = useAction(async () => {
    if (choice === "policies") for (const { Arn = "" } of policies) await holder.attach(name, Arn);
    else for (const { GroupName } of groups) await iam().send(new AddUserToGroupCommand({ GroupName, UserName: name }));
  });
  const submit = async (): Promise<void> => {
    if (await saving.run()) {
      succeeded(`Permissions added to ${holder.title.toLowerCase()} ${name}.`);
      void navigate(page);
    }
  };
  const title = holder.kind === "user" ? "Add permissions" : `Attach policy to ${name}`;
  return (
    <Form
      header={<Header variant="h1">{title}</Header>}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={() => void navigate(page)}>
            Cancel
          </Button>
          <Button variant="primary" disabled={count === 0} loading={saving.running} onClick={() => void submit()}>
            Add permissions
          </Button>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {saving.error !== null && <FailureAlert error={saving.error} header="Not all permissions were added" />}
        {holder.kind === "user" && (
          <PermissionOptions choice={choice} onChoice={setChoice} groups={groups} onGroups={setGroups} />
        )}
        {choice === "policies" && (
          <PolicyPicker
            answer={answer}
            reload={reload}
            selected={policies}
            onChange={setPolicies}
            without={(attached.value ?? []).map(({ PolicyArn = "" }) => PolicyArn)}
          />
        )}
      </SpaceBetween>
    </Form>
  );
}
