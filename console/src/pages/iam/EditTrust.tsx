/** Edit the trust policy of a role. */
import { GetRoleCommand, UpdateAssumeRolePolicyCommand } from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { hasErrors } from "../../policy/check";
import { Answered } from "../../ui/Answered";
import { FailureAlert } from "../../ui/FailureAlert";
import { pretty } from "../../ui/JsonText";
import { succeeded } from "../../ui/notifications";
import { PolicyEditor, usePolicyFindings } from "../../ui/policy/PolicyEditor";
import { decoded, HOLDERS, pageOf } from "./holders";

export function Component() {
  const { name = "" } = useParams();
  const [answer, reload] = useAnswer(
    async () => (await iam().send(new GetRoleCommand({ RoleName: name }))).Role,
    [name],
  );
  return (
    <Answered answer={answer} reload={reload} failed={`Role ${name} could not be loaded`}>
      {(role) => <EditTrust name={name} stored={pretty(decoded(role?.AssumeRolePolicyDocument))} />}
    </Answered>
  );
}

function EditTrust({ name, stored }: { name: string; stored: string }) {
  const navigate = useNavigate();
  const [text, setText] = useState(stored);
  const [tried, setTried] = useState(false);
  const findings = usePolicyFindings(text, "trust");
  const page = pageOf(HOLDERS.role, name);
  const saving = useAction(async () => {
    await iam().send(new UpdateAssumeRolePolicyCommand({ RoleName: name, PolicyDocument: text }));
  });
  const submit = async (): Promise<void> => {
    setTried(true);
    if (!hasErrors(findings) && (await saving.run())) {
      succeeded("Trust policy updated.");
      void navigate(page);
    }
  };
  return (
    <Form
      header={
        <Header variant="h1" description={`Who may assume role ${name}, and under which conditions.`}>
          Edit trust policy
        </Header>
      }
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={() => void navigate(page)}>
            Cancel
          </Button>
          <Button variant="primary" loading={saving.running} onClick={() => void submit()}>
            Update policy
          </Button>
        </SpaceBetween>
      }
      errorText={tried && hasErrors(findings) ? "Correct the errors in the policy first." : undefined}
    >
      <SpaceBetween size="l">
        {saving.error !== null && <FailureAlert error={saving.error} header="The trust policy was not saved" />}
        <PolicyEditor kind="trust" header="Trust policy" text={text} onChange={setText} findings={findings} />
      </SpaceBetween>
    </Form>
  );
}
