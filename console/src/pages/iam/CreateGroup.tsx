/** Create user group: its name, users and policies on one page, as in AWS's console. */
import { AddUserToGroupCommand, CreateGroupCommand, type Policy, type User } from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate } from "react-router";

import { useAction } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { FailureAlert } from "../../ui/FailureAlert";
import { succeeded } from "../../ui/notifications";
import { type Missing, partlyDone } from "../../ui/partial";
import { showFirstError } from "../../ui/Revealed";
import { HOLDERS, pageOf } from "./holders";
import { useManagedPolicies } from "./managedPolicies";
import { PolicyPicker } from "./parts/PolicyPicker";
import { UserPicker } from "./parts/UserPicker";

export function Component() {
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [users, setUsers] = useState<User[]>([]);
  const [policies, setPolicies] = useState<Policy[]>([]);
  const [tried, setTried] = useState(false);
  const [answer, reload] = useManagedPolicies();
  const badName = /^[\w+=,.@-]{1,128}$/.test(name) ? "" : "Use 1 to 128 letters, digits and +=,.@-_ characters.";

  const creation = useAction(async () => {
    await iam().send(new CreateGroupCommand({ GroupName: name }));
    const failed: Missing[] = [];
    for (const { UserName = "" } of users) {
      await iam()
        .send(new AddUserToGroupCommand({ GroupName: name, UserName }))
        .catch((error: unknown) => failed.push({ what: `user ${UserName}`, error }));
    }
    for (const { Arn = "", PolicyName = "" } of policies) {
      await HOLDERS.group
        .attach(name, Arn)
        .catch((error: unknown) => failed.push({ what: `policy ${PolicyName}`, error }));
    }
    if (failed.length === 0) succeeded(`User group ${name} created.`);
    else partlyDone(`User group ${name} created`, "Not added", failed);
  });
  const submit = async (): Promise<void> => {
    setTried(true);
    if (badName !== "") showFirstError();
    else if (await creation.run()) void navigate(pageOf(HOLDERS.group, name));
  };
  return (
    <Form
      header={<Header variant="h1">Create user group</Header>}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={() => void navigate("/iam/groups")}>
            Cancel
          </Button>
          <Button variant="primary" loading={creation.running} onClick={() => void submit()}>
            Create user group
          </Button>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {creation.error !== null && <FailureAlert error={creation.error} header="The user group was not created" />}
        <Container header={<Header variant="h2">Name the group</Header>}>
          <FormField
            label="User group name"
            description="Enter a meaningful name to identify this group."
            constraintText="Maximum 128 characters. Use alphanumeric and '+=,.@-_' characters."
            errorText={tried ? badName : ""}
          >
            <Input value={name} spellcheck={false} onChange={({ detail }) => setName(detail.value)} />
          </FormField>
        </Container>
        <UserPicker
          title="Add users to the group - optional"
          description="An IAM user is an entity that you create to represent the person or application that uses it."
          selected={users}
          onChange={setUsers}
        />
        <PolicyPicker
          title="Attach permissions policies - optional"
          description="You can attach up to 10 policies to this user group. All the users in this group get the permissions."
          answer={answer}
          reload={reload}
          selected={policies}
          onChange={setPolicies}
        />
      </SpaceBetween>
    </Form>
  );
}
