/** Account settings: the password policy. */
import {
  DeleteAccountPasswordPolicyCommand,
  GetAccountPasswordPolicyCommand,
  type PasswordPolicy,
  UpdateAccountPasswordPolicyCommand,
} from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import TextContent from "@cloudscape-design/components/text-content";
import { useState } from "react";

import { useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { failureOf } from "../../aws/errors";
import { Answered } from "../../ui/Answered";
import { FailureAlert } from "../../ui/FailureAlert";
import { succeeded } from "../../ui/notifications";

async function load(): Promise<PasswordPolicy | null> {
  try {
    return (await iam().send(new GetAccountPasswordPolicyCommand({}))).PasswordPolicy ?? null;
  } catch (error) {
    if (failureOf(error).code === "NoSuchEntity") return null;
    throw error;
  }
}

export function Component() {
  const [answer, reload] = useAnswer(load, []);
  const [editing, setEditing] = useState(false);
  return (
    <SpaceBetween size="l">
      <Header variant="h1">Account settings</Header>
      <Container
        header={
          <Header
            variant="h2"
            description="Configure the password requirements for the IAM users."
            actions={
              editing ? undefined : (
                <Button disabled={answer.status !== "ready"} onClick={() => setEditing(true)}>
                  Edit
                </Button>
              )
            }
          >
            Password policy
          </Header>
        }
      >
        <Answered answer={answer} reload={reload} failed="The password policy could not be loaded">
          {(policy) =>
            editing ? (
              <EditPolicy
                policy={policy}
                onClose={(saved) => {
                  setEditing(false);
                  if (saved) reload();
                }}
              />
            ) : (
              <Rules policy={policy} />
            )
          }
        </Answered>
      </Container>
    </SpaceBetween>
  );
}

function Rules({ policy }: { policy: PasswordPolicy | null }) {
  const rules =
    policy === null
      ? [
          "Password minimum length is 8 characters",
          "Include a minimum of three of the following mix of character types: uppercase, lowercase, numbers, and ! @ # $ % ^ & * ( ) _ + - = [ ] { } | '",
          "Must not be identical to your account name or email address",
          "Passwords do not expire",
        ]
      : [
          `Password minimum length is ${policy.MinimumPasswordLength} characters`,
          ...(policy.RequireUppercaseCharacters === true ? ["Require at least one uppercase letter (A-Z)"] : []),
          ...(policy.RequireLowercaseCharacters === true ? ["Require at least one lowercase letter (a-z)"] : []),
          ...(policy.RequireNumbers === true ? ["Require at least one number"] : []),
          ...(policy.RequireSymbols === true ? ["Require at least one non-alphanumeric character"] : []),
          policy.ExpirePasswords === true
            ? `Passwords expire in ${policy.MaxPasswordAge} day(s)`
            : "Passwords do not expire",
          ...(policy.HardExpiry === true ? ["Password expiration requires administrator reset"] : []),
          ...(policy.AllowUsersToChangePassword === true ? ["Allow users to change their own password"] : []),
          ...(policy.PasswordReusePrevention === undefined
            ? []
            : [`Prevent password reuse from the past ${policy.PasswordReusePrevention} changes`]),
        ];
  return (
    <TextContent>
      <p>This account uses the {policy === null ? "default" : "following custom"} password policy:</p>
      <ul>
        {rules.map((rule) => (
          <li key={rule}>{rule}</li>
        ))}
      </ul>
    </TextContent>
  );
}

type Numbers = "MinimumPasswordLength" | "MaxPasswordAge" | "PasswordReusePrevention";

function EditPolicy({ policy, onClose }: { policy: PasswordPolicy | null; onClose: (saved: boolean) => void }) {
  const [custom, setCustom] = useState(policy !== null);
  const [flags, setFlags] = useState({
    RequireUppercaseCharacters: policy?.RequireUppercaseCharacters ?? false,
    RequireLowercaseCharacters: policy?.RequireLowercaseCharacters ?? false,
    RequireNumbers: policy?.RequireNumbers ?? false,
    RequireSymbols: policy?.RequireSymbols ?? false,
    HardExpiry: policy?.HardExpiry ?? false,
    AllowUsersToChangePassword: policy?.AllowUsersToChangePassword ?? true,
  });
  const [length, setLength] = useState(String(policy?.MinimumPasswordLength ?? 8));
  const [age, setAge] = useState(policy?.MaxPasswordAge === undefined ? "" : String(policy.MaxPasswordAge));
  const [reuse, setReuse] = useState(
    policy?.PasswordReusePrevention === undefined ? "" : String(policy.PasswordReusePrevention),
  );
  const bad: Record<Numbers, string> = {
    MinimumPasswordLength: within(length, 6, 128) ? "" : "Enter 6 to 128.",
    MaxPasswordAge: age === "" || within(age, 1, 1095) ? "" : "Enter 1 to 1095 days, or nothing.",
    PasswordReusePrevention: reuse === "" || within(reuse, 1, 24) ? "" : "Enter 1 to 24 passwords, or nothing.",
  };
  const saving = useAction(async () => {
    if (custom) {
      await iam().send(
        new UpdateAccountPasswordPolicyCommand({
          ...flags,
          HardExpiry: age !== "" && flags.HardExpiry,
          MinimumPasswordLength: Number(length),
          MaxPasswordAge: age === "" ? undefined : Number(age),
          PasswordReusePrevention: reuse === "" ? undefined : Number(reuse),
        }),
      );
    } else if (policy !== null) await iam().send(new DeleteAccountPasswordPolicyCommand({}));
  });
  const submit = async (): Promise<void> => {
    if (custom && Object.values(bad).some((problem) => problem !== "")) return;
    if (await saving.run()) {
      succeeded("Password policy saved.");
      onClose(true);
    }
  };
  const flag = (name: keyof typeof flags, text: string, disabled = false): React.ReactNode => (
    <Checkbox
      checked={flags[name]}
      disabled={disabled}
      onChange={({ detail }) => setFlags({ ...flags, [name]: detail.checked })}
    >
      {text}
    </Checkbox>
  );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <SpaceBetween size="l">
        {saving.error !== null && <FailureAlert error={saving.error} header="The password policy was not saved" />}
        <RadioGroup
          ariaLabel="Password policy"
          value={custom ? "custom" : "default"}
          items={[
            { value: "default", label: "IAM default", description: "Apply default password requirements." },
            { value: "custom", label: "Custom", description: "Apply customized password requirements." },
          ]}
          onChange={({ detail }) => setCustom(detail.value === "custom")}
        />
        {custom && (
          <SpaceBetween size="m">
            <FormField
              label="Password minimum length"
              constraintText="Needs to be between 6 and 128."
              errorText={bad.MinimumPasswordLength}
            >
              <Input value={length} inputMode="numeric" onChange={({ detail }) => setLength(detail.value)} />
            </FormField>
            <FormField label="Password strength">
              <SpaceBetween size="xs">
                {flag(
                  "RequireUppercaseCharacters",
                  "Require at least one uppercase letter from the Latin alphabet (A-Z)",
                )}
                {flag(
                  "RequireLowercaseCharacters",
                  "Require at least one lowercase letter from the Latin alphabet (a-z)",
                )}
                {flag("RequireNumbers", "Require at least one number")}
                {flag(
                  "RequireSymbols",
                  "Require at least one non-alphanumeric character ( ! @ # $ % ^ & * ( ) _ + - = [ ] { } | ' )",
                )}
              </SpaceBetween>
            </FormField>
            <FormField
              label="Expire password in days - optional"
              constraintText="Empty for passwords that do not expire."
              errorText={bad.MaxPasswordAge}
            >
              <Input value={age} inputMode="numeric" onChange={({ detail }) => setAge(detail.value)} />
            </FormField>
            {flag("HardExpiry", "Password expiration requires administrator reset", age === "")}
            {flag("AllowUsersToChangePassword", "Allow users to change their own password")}
            <FormField
              label="Prevent password reuse - optional"
              constraintText="How many earlier passwords may not be used again."
              errorText={bad.PasswordReusePrevention}
            >
              <Input value={reuse} inputMode="numeric" onChange={({ detail }) => setReuse(detail.value)} />
            </FormField>
          </SpaceBetween>
        )}
        <SpaceBetween direction="horizontal" size="xs">
          <Button formAction="none" variant="link" onClick={() => onClose(false)}>
            Cancel
          </Button>
          <Button variant="primary" formAction="submit" loading={saving.running}>
            Save changes
          </Button>
        </SpaceBetween>
      </SpaceBetween>
    </form>
  );
}

function within(text: string, least: number, most: number): boolean {
  const number = Number(text);
  return /^\d+$/.test(text) && number >= least && number <= most;
}
