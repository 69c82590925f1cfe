/** Switch Role: the form of AWS's console, also where a switch-role link leads. */
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";

import { useAction } from "../../aws/answers";
import { useSession } from "../../session/session";
import { COLORS, readSwitchQuery, switchRole } from "../../session/switchRole";
import { FailureAlert } from "../../ui/FailureAlert";
import { succeeded } from "../../ui/notifications";

export function Component() {
  const [query] = useSearchParams();
  // Another link, another form.
  return <SwitchRole key={query.toString()} />;
}

function SwitchRole() {
  const session = useSession();
  const navigate = useNavigate();
  const { state } = useLocation() as { state: { error?: unknown } | null };
  const [query] = useSearchParams();
  const [role, setRole] = useState(() => readSwitchQuery(query));
  const [tried, setTried] = useState(false);
  const change = useAction(switchRole);
  const account = role.account.replaceAll(/[-\s]/g, "");
  const badAccount = /^\d{12}$/.test(account) ? "" : "Enter the 12 digits of the account ID.";
  const badRole = /^[\w+=,.@/-]+$/.test(role.roleName) ? "" : "Enter the name of the role.";
  const color = COLORS.find(({ value }) => value === role.color) ?? { value: role.color, name: `#${role.color}` };

  const submit = async (): Promise<void> => {
    setTried(true);
    if (badAccount !== "" || badRole !== "") return;
    if (await change.run({ ...role, account, displayName: role.displayName.trim() })) {
      succeeded(`You now act as the role ${role.roleName} of account ${account}.`);
      void navigate("/");
    }
  };

  if (session?.kind === "root") {
    return (
      <Alert type="info" header="The root user cannot switch roles">
        Sign in as an IAM user to switch roles.
      </Alert>
    );
  }
  return (
    <form
      className="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Form
        header={
          <Header
            variant="h1"
            description="Switching roles enables you to manage resources across accounts using a single user. When you switch roles, you temporarily take on the permissions assigned to the new role. When you exit the role, you give up those permissions and get your original permissions back."
          >
            Switch Role
          </Header>
        }
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button formAction="none" variant="link" onClick={() => void navigate("/")}>
              Cancel
            </Button>
            <Button variant="primary" formAction="submit" loading={change.running} loadingText="Switching role">
              Switch Role
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {change.error !== null || state?.error !== undefined ? (
            <FailureAlert error={change.error ?? state?.error} header="The role was not switched" />
          ) : null}
          <Container>
            <SpaceBetween size="l">
              <FormField
                label="Account ID"
                description="The 12-digit account number of the account that owns the role."
                errorText={tried ? badAccount : ""}
              >
                <Input
                  value={role.account}
                  name="account"
                  inputMode="numeric"
                  onChange={({ detail }) => setRole({ ...role, account: detail.value })}
                />
              </FormField>
              <FormField
                label="IAM role name"
                description="The name of the role that you want to assume, with its path if it has one."
                errorText={tried ? badRole : ""}
              >
                <Input
                  value={role.roleName}
                  name="roleName"
                  spellcheck={false}
                  onChange={({ detail }) => setRole({ ...role, roleName: detail.value })}
                />
              </FormField>
              <FormField
                label={
                  <span>
                    Display name <i>- optional</i>
                  </span>
                }
                description="This name is shown in the bar while the role is in use."
              >
                <Input
                  value={role.displayName}
                  name="displayName"
                  onChange={({ detail }) => setRole({ ...role, displayName: detail.value })}
                />
              </FormField>
              <FormField
                label={
                  <span>
                    Display color <i>- optional</i>
                  </span>
                }
              >
                <Select
                  selectedOption={{ value: color.value, label: color.name }}
                  options={COLORS.map(({ value, name }) => ({ value, label: name }))}
                  onChange={({ detail }) => setRole({ ...role, color: detail.selectedOption.value ?? "" })}
                />
              </FormField>
            </SpaceBetween>
          </Container>
          <Box variant="small">You switch from the user you signed in as, whatever role is in use now.</Box>
        </SpaceBetween>
      </Form>
    </form>
  );
}
