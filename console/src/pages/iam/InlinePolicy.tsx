/** Create or edit an inline policy of a user, group or role. */
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { useAction, useAnswer } from "../../aws/answers";
import { hasErrors } from "../../policy/check";
import { Answered } from "../../ui/Answered";
import { FailureAlert } from "../../ui/FailureAlert";
import { pretty } from "../../ui/JsonText";
import { succeeded } from "../../ui/notifications";
import { PolicyEditor, usePolicyFindings } from "../../ui/policy/PolicyEditor";
import { showFirstError } from "../../ui/Revealed";
import { NotFound } from "../home/NotFound";
import { type Holder, holderOf, pageOf } from "./holders";

const TEMPLATE = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Statement1",
      "Effect": "Allow",
      "Action": [],
      "Resource": []
    }
  ]
}`;
const NAME = /^[\w+=,.@-]{1,128}$/;

export function Component() {
  const { kind, name, policy } = useParams();
  const holder = holderOf(kind);
  if (holder === null || name === undefined) return <NotFound />;
  return policy === undefined ? (
    <InlinePolicy holder={holder} name={name} policy={null} stored={TEMPLATE} />
  ) : (
    <Existing holder={holder} name={name} policy={policy} />
  );
}

function Existing({ holder, name, policy }: { holder: Holder; name: string; policy: string }) {
  const [answer, reload] = useAnswer(() => holder.inline(name, policy), [holder.kind, name, policy]);
  return (
    <Answered answer={answer} reload={reload} failed="The policy could not be loaded">
      {(stored) => <InlinePolicy holder={holder} name={name} policy={policy} stored={pretty(stored)} />}
    </Answered>
  );
}

interface Props {
  holder: Holder;
  name: string;
  /** Null while it is being made. */
  policy: string | null;
  stored: string;
}

function InlinePolicy({ holder, name, policy, stored }: Props) {
  const navigate = useNavigate();
  const [text, setText] = useState(stored);
  const [policyName, setPolicyName] = useState(policy ?? "");
  const [tried, setTried] = useState(false);
  const findings = usePolicyFindings(text, "identity");
  const saving = useAction(async () => {
    await holder.putInline(name, policyName, text);
  });
  const page = pageOf(holder, name);
  const badName = NAME.test(policyName) ? "" : "Use 1 to 128 letters, digits and +=,.@-_ characters.";

  const submit = async (): Promise<void> => {
    setTried(true);
    if (badName !== "" || hasErrors(findings)) {
      showFirstError();
      return;
    }
    if (await saving.run()) {
      succeeded(`Policy ${policyName} ${policy === null ? "created" : "saved"}.`);
      void navigate(page);
    }
  };
  return (
    <Form
      header={
        <Header
          variant="h1"
          description={`An inline policy belongs to ${holder.title.toLowerCase()} ${name} and goes with it.`}
        >
          {policy === null ? "Create inline policy" : `Edit ${policy}`}
        </Header>
      }
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={() => void navigate(page)}>
            Cancel
          </Button>
          <Button variant="primary" loading={saving.running} onClick={() => void submit()}>
            {policy === null ? "Create policy" : "Save changes"}
          </Button>
        </SpaceBetween>
      }
      errorText={tried && hasErrors(findings) ? "Correct the errors in the policy first." : undefined}
    >
      <SpaceBetween size="l">
        {saving.error !== null && <FailureAlert error={saving.error} header="The policy was not saved" />}
        <PolicyEditor kind="identity" text={text} onChange={setText} findings={findings} />
        {policy === null && (
          <Container header={<Header variant="h2">Policy details</Header>}>
            <FormField
              label="Policy name"
              description="Enter a meaningful name to identify this policy."
              constraintText="Maximum 128 characters. Use alphanumeric and '+=,.@-_' characters."
              errorText={tried ? badName : ""}
            >
              <Input value={policyName} spellcheck={false} onChange={({ detail }) => setPolicyName(detail.value)} />
            </FormField>
          </Container>
        )}
      </SpaceBetween>
    </Form>
  );
}
