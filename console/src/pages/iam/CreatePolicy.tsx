/** Create policy: specify permissions, then review and create. */
import { CreatePolicyCommand } from "@aws-sdk/client-iam";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import Wizard from "@cloudscape-design/components/wizard";
import { useState } from "react";
import { useNavigate } from "react-router";

import { useAction } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { hasErrors } from "../../policy/check";
import { FailureAlert } from "../../ui/FailureAlert";
import { JsonText } from "../../ui/JsonText";
import { succeeded } from "../../ui/notifications";
import { PolicyEditor, usePolicyFindings } from "../../ui/policy/PolicyEditor";
import { showFirstError } from "../../ui/Revealed";
import { policyPage } from "./managedPolicies";
import { type EditedTag, enteredTags, NO_TAGS, TagFields } from "./parts/Tags";

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

export function Component() {
  const navigate = useNavigate();
  const [step, setStep] = useState(0);
  const [text, setText] = useState(TEMPLATE);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [tags, setTags] = useState<readonly EditedTag[]>(NO_TAGS);
  const [tried, setTried] = useState(false);
  const findings = usePolicyFindings(text, "identity");
  const broken = hasErrors(findings);
  const badName = /^[\w+=,.@-]{1,128}$/.test(name) ? "" : "Use 1 to 128 letters, digits and +=,.@-_ characters.";
  const creation = useAction(async () => {
    const answer = await iam().send(
      new CreatePolicyCommand({
        PolicyName: name,
        PolicyDocument: text,
        Description: description === "" ? undefined : description,
        Tags: enteredTags(tags),
      }),
    );
    succeeded(`Policy ${name} created.`);
    void navigate(policyPage(answer.Policy?.Arn ?? ""));
  });
  const submit = (): void => {
    setTried(true);
    if (badName === "" && !broken) void creation.run();
    else showFirstError();
  };
  return (
    <Wizard
      activeStepIndex={step}
      i18nStrings={{
        stepNumberLabel: (number) => `Step ${number}`,
        collapsedStepsLabel: (number, count) => `Step ${number} of ${count}`,
        cancelButton: "Cancel",
        previousButton: "Previous",
        nextButton: "Next",
        submitButton: "Create policy",
      }}
      isLoadingNextStep={creation.running}
      onCancel={() => void navigate("/iam/policies")}
      onNavigate={({ detail }) => {
        const forward = detail.requestedStepIndex > step;
        setTried(forward && broken);
        if (!forward || !broken) setStep(detail.requestedStepIndex);
      }}
      onSubmit={submit}
      steps={[
        {
          title: "Specify permissions",
          description:
            "Add permissions by selecting services, actions, resources, and conditions. Build permission statements using the JSON editor.",
          errorText: tried && broken ? "Correct the errors in the policy first." : null,
          content: <PolicyEditor kind="identity" text={text} onChange={setText} findings={findings} />,
        },
        {
          title: "Review and create",
          description: "Review the permissions, specify details, and tags.",
          content: (
            <SpaceBetween size="l">
              {creation.error !== null && <FailureAlert error={creation.error} header="The policy was not created" />}
              <Container header={<Header variant="h2">Policy details</Header>}>
                <SpaceBetween size="l">
                  <FormField
                    label="Policy name"
                    description="Enter a meaningful name to identify this policy."
                    constraintText="Maximum 128 characters. Use alphanumeric and '+=,.@-_' characters."
                    errorText={tried ? badName : ""}
                  >
                    <Input value={name} spellcheck={false} onChange={({ detail }) => setName(detail.value)} />
                  </FormField>
                  <FormField
                    label="Description - optional"
                    description="Add a short explanation for this policy."
                    constraintText="Maximum 1,000 characters."
                  >
                    <Textarea value={description} rows={2} onChange={({ detail }) => setDescription(detail.value)} />
                  </FormField>
                </SpaceBetween>
              </Container>
              <Container header={<Header variant="h2">Permissions defined in this policy</Header>}>
                <JsonText text={text} label="Permissions defined in this policy" />
              </Container>
              <Container header={<Header variant="h2">Add tags - optional</Header>}>
                <TagFields tags={tags} onChange={setTags} />
              </Container>
            </SpaceBetween>
          ),
        },
      ]}
    />
  );
}
