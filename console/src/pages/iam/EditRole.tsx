/** Edit a role's description and the length of its sessions. */
import { GetRoleCommand, UpdateRoleCommand } from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { Answered } from "../../ui/Answered";
import { FailureAlert } from "../../ui/FailureAlert";
import { succeeded } from "../../ui/notifications";
import { duration } from "../../ui/times";
import { HOLDERS, pageOf } from "./holders";

const OFFERED = [1, 2, 4, 8, 12].map((hours) => ({ value: String(hours * 3600), label: duration(hours * 3600) }));
const CUSTOM = { value: "custom", label: "Custom duration" };

export function Component() {
  const { name = "" } = useParams();
  const [answer, reload] = useAnswer(
    async () => (await iam().send(new GetRoleCommand({ RoleName: name }))).Role,
    [name],
  );
  return (
    <Answered answer={answer} reload={reload} failed={`Role ${name} could not be loaded`}>
      {(role) => (
        <EditRole name={name} description={role?.Description ?? ""} seconds={role?.MaxSessionDuration ?? 3600} />
      )}
    </Answered>
  );
}

interface Props {
  name: string;
  description: string;
  seconds: number;
}

function EditRole({ name, description: before, seconds }: Props) {
  const navigate = useNavigate();
  const [description, setDescription] = useState(before);
  const [choice, setChoice] = useState(OFFERED.find(({ value }) => value === String(seconds)) ?? CUSTOM);
  const [custom, setCustom] = useState(String(seconds));
  const wanted = Number(choice === CUSTOM ? custom : choice.value);
  const bad = Number.isInteger(wanted) && wanted >= 3600 && wanted <= 43_200 ? "" : "Enter 3600 to 43200 seconds.";
  const page = pageOf(HOLDERS.role, name);
  const saving = useAction(async () => {
    await iam().send(new UpdateRoleCommand({ RoleName: name, Description: description, MaxSessionDuration: wanted }));
  });
  const submit = async (): Promise<void> => {
    if (bad === "" && (await saving.run())) {
      succeeded("Role updated.");
      void navigate(page);
    }
  };
  return (
    <form
      className="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Form
        header={<Header variant="h1">Edit {name}</Header>}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button formAction="none" variant="link" onClick={() => void navigate(page)}>
              Cancel
            </Button>
            <Button variant="primary" formAction="submit" loading={saving.running}>
              Save changes
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {saving.error !== null && <FailureAlert error={saving.error} header="The role was not saved" />}
          <Container>
            <SpaceBetween size="l">
              <FormField label="Description" constraintText="Maximum 1000 characters.">
                <Textarea value={description} rows={3} onChange={({ detail }) => setDescription(detail.value)} />
              </FormField>
              <FormField
                label="Maximum session duration"
                description="How long a session of this role may last, if whoever assumes it asks for that."
              >
                <Select
                  selectedOption={choice}
                  options={[...OFFERED, CUSTOM]}
                  onChange={({ detail }) =>
                    setChoice(OFFERED.find(({ value }) => value === detail.selectedOption.value) ?? CUSTOM)
                  }
                />
              </FormField>
              {choice === CUSTOM && (
                <FormField label="Custom duration (seconds)" errorText={bad}>
                  <Input value={custom} inputMode="numeric" onChange={({ detail }) => setCustom(detail.value)} />
                </FormField>
              )}
            </SpaceBetween>
          </Container>
        </SpaceBetween>
      </Form>
    </form>
  );
}
