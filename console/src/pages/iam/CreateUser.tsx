/** Create user: AWS's wizard, ending with the password that is shown once. */
import {
  AddUserToGroupCommand,
  CreateLoginProfileCommand,
  CreateUserCommand,
  type Group,
  type Policy,
} from "@aws-sdk/client-iam";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import Wizard from "@cloudscape-design/components/wizard";
import { useState } from "react";
import { useNavigate } from "react-router";

import { useAction } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { Copyable } from "../../ui/Copyable";
import { FailureAlert } from "../../ui/FailureAlert";
import { succeeded } from "../../ui/notifications";
import { type Missing, partlyDone } from "../../ui/partial";
import { showFirstError } from "../../ui/Revealed";
import { csvOf, saveCsv } from "./csv";
import { HOLDERS, pageOf } from "./holders";
import { policyType, useManagedPolicies } from "./managedPolicies";
import { GENERATED, PasswordFields } from "./parts/PasswordFields";
import { type PermissionChoice, PermissionOptions } from "./parts/PermissionOptions";
import { PolicyPicker } from "./parts/PolicyPicker";
import { SecretShown } from "./parts/SecretShown";
import { type EditedTag, enteredTags, NO_TAGS, TagFields } from "./parts/Tags";
import { generatedPassword } from "./passwords";
import { signInAddress } from "./signInAddress";

const CHANGE_PASSWORD = "arn:aws:iam::aws:policy/IAMUserChangePassword";

export function Component() {
  const navigate = useNavigate();
  const [step, setStep] = useState(0);
  const [tried, setTried] = useState(false);
  const [name, setName] = useState("");
  const [withConsole, setConsole] = useState(false);
  const [choice, setChoice] = useState(GENERATED);
  const [how, setHow] = useState<PermissionChoice>("groups");
  const [groups, setGroups] = useState<Group[]>([]);
  const [policies, setPolicies] = useState<Policy[]>([]);
  const [boundary, setBoundary] = useState<Policy[]>([]);
  const [tags, setTags] = useState<readonly EditedTag[]>(NO_TAGS);
  const [password, setPassword] = useState<string | null>(null);
  const [answer, reload] = useManagedPolicies();
  const badName = /^[\w+=,.@-]{1,64}$/.test(name) ? "" : "Use 1 to 64 letters, digits and +=,.@-_ characters.";
  const bad = badName !== "" || (withConsole && choice.custom && choice.password === "");
  const given = [
    ...(how === "groups" ? groups.map((group) => ({ name: group.GroupName ?? "", type: "Group" })) : []),
    ...(how === "policies"
      ? policies.map(({ PolicyName = "", Arn }) => ({ name: PolicyName, type: policyType(Arn) }))
      : []),
    ...(withConsole && choice.mustChange ? [{ name: "IAMUserChangePassword", type: "AWS managed" }] : []),
  ];

  const creation = useAction(async () => {
    const client = iam();
    await client.send(
      new CreateUserCommand({ UserName: name, PermissionsBoundary: boundary[0]?.Arn, Tags: enteredTags(tags) }),
    );
    const failed: Missing[] = [];
    const attempt = (what: string, done: Promise<unknown>): Promise<unknown> =>
      done.catch((error: unknown) => failed.push({ what, error }));
    let secret: string | null = null;
    if (withConsole) {
      const chosen = choice.custom ? choice.password : generatedPassword();
      await attempt(
        "the password",
        client
          .send(
            new CreateLoginProfileCommand({
              UserName: name,
              Password: chosen,
              PasswordResetRequired: choice.mustChange,
            }),
          )
          .then(() => (secret = chosen)),
      );
      if (choice.mustChange) await attempt("IAMUserChangePassword", HOLDERS.user.attach(name, CHANGE_PASSWORD));
    }
    for (const { GroupName } of how === "groups" ? groups : []) {
      await attempt(`group ${GroupName}`, client.send(new AddUserToGroupCommand({ GroupName, UserName: name })));
    }
    for (const { Arn = "", PolicyName } of how === "policies" ? policies : []) {
      await attempt(`policy ${PolicyName}`, HOLDERS.user.attach(name, Arn));
    }
    if (failed.length === 0) succeeded(`User ${name} created.`);
    else partlyDone(`User ${name} created`, "Not set", failed);
    setPassword(secret);
    if (secret === null) void navigate(pageOf(HOLDERS.user, name));
  });

  if (password !== null) return <RetrievePassword name={name} password={password} />;
  return (
    <Wizard
      activeStepIndex={step}
      i18nStrings={{
        stepNumberLabel: (number) => `Step ${number}`,
        collapsedStepsLabel: (number, count) => `Step ${number} of ${count}`,
        cancelButton: "Cancel",
        previousButton: "Previous",
        nextButton: "Next",
        submitButton: "Create user",
      }}
      isLoadingNextStep={creation.running}
      onCancel={() => void navigate("/iam/users")}
      onNavigate={({ detail }) => {
        setTried(bad);
        if (detail.requestedStepIndex < step || !bad) setStep(detail.requestedStepIndex);
        else showFirstError();
      }}
      onSubmit={() => void creation.run()}
      steps={[
        {
          title: "Specify user details",
          content: (
            <Container header={<Header variant="h2">User details</Header>}>
              <SpaceBetween size="l">
                <FormField
                  label="User name"
                  constraintText="The user name can have up to 64 characters. Valid characters: A-Z, a-z, 0-9, and + = , . @ _ - (hyphen)"
                  errorText={tried ? badName : ""}
                >
                  <Input value={name} spellcheck={false} onChange={({ detail }) => setName(detail.value)} />
                </FormField>
                <Checkbox
                  checked={withConsole}
                  description="Without it the user can use access keys only, which are made on its page."
                  onChange={({ detail }) => setConsole(detail.checked)}
                >
                  Provide user access to the Management Console - optional
                </Checkbox>
                {withConsole && <PasswordFields choice={choice} onChange={setChoice} tried={tried} />}
              </SpaceBetween>
            </Container>
          ),
        },
        {
          title: "Set permissions",
          content: (
            <SpaceBetween size="l">
              <PermissionOptions choice={how} onChoice={setHow} groups={groups} onGroups={setGroups} />
              {how === "policies" && (
                <PolicyPicker answer={answer} reload={reload} selected={policies} onChange={setPolicies} />
              )}
              <ExpandableSection variant="container" headerText="Set permissions boundary - optional">
                <PolicyPicker
                  title="Permissions boundary"
                  description="Choose a policy that limits the permissions of the user. It does not grant any by itself."
                  single
                  answer={answer}
                  reload={reload}
                  selected={boundary}
                  onChange={setBoundary}
                />
              </ExpandableSection>
            </SpaceBetween>
          ),
        },
        {
          title: "Review and create",
          content: (
            <SpaceBetween size="l">
              {creation.error !== null && <FailureAlert error={creation.error} header="The user was not created" />}
              <Container header={<Header variant="h2">User details</Header>}>
                <KeyValuePairs
                  minColumnWidth={220}
                  columns={3}
                  items={[
                    { label: "User name", value: name },
                    {
                      label: "Console password type",
                      value: withConsole ? (choice.custom ? "Custom password" : "Autogenerated") : "None",
                    },
                    { label: "Require password reset", value: withConsole && choice.mustChange ? "Yes" : "No" },
                  ]}
                />
              </Container>
              <Table
                header={<Header variant="h2">Permissions summary</Header>}
                items={given}
                trackBy={({ name: what, type }) => `${type} ${what}`}
                empty="No permissions"
                columnDefinitions={[
                  { id: "name", header: "Name", cell: (one) => one.name, isRowHeader: true },
                  { id: "type", header: "Type", cell: ({ type }) => type },
                ]}
              />
              <Container header={<Header variant="h2">Tags - optional</Header>}>
                <TagFields tags={tags} onChange={setTags} />
              </Container>
            </SpaceBetween>
          ),
        },
      ]}
    />
  );
}

function RetrievePassword({ name, password }: { name: string; password: string }) {
  const navigate = useNavigate();
  const address = signInAddress();
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description="You can view the user's password below. This is the only time you can view this password."
      >
        Retrieve password
      </Header>
      <Container header={<Header variant="h2">Console sign-in details</Header>}>
        <KeyValuePairs
          minColumnWidth={220}
          columns={1}
          items={[
            { label: "Console sign-in URL", value: <Copyable text={address} name="Console sign-in URL" /> },
            { label: "User name", value: <Copyable text={name} name="User name" /> },
            { label: "Console password", value: <SecretShown secret={password} name="Console password" /> },
          ]}
        />
      </Container>
      <Alert type="warning">Give it to the user in a safe way. It is not kept anywhere.</Alert>
      <SpaceBetween direction="horizontal" size="xs">
        <Button
          iconName="download"
          onClick={() =>
            saveCsv(
              `${name}_credentials.csv`,
              csvOf([
                ["User name", "Password", "Console sign-in URL"],
                [name, password, address],
              ]),
            )
          }
        >
          Download .csv file
        </Button>
        <Button variant="primary" onClick={() => void navigate(pageOf(HOLDERS.user, name))}>
          View user
        </Button>
      </SpaceBetween>
    </SpaceBetween>
  );
}
