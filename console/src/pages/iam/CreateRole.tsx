/** Create role: AWS's wizard, step by step and in its words. */
import { CreateRoleCommand, type Policy } from "@aws-sdk/client-iam";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import Textarea from "@cloudscape-design/components/textarea";
import Wizard from "@cloudscape-design/components/wizard";
import { useState } from "react";
import { useNavigate } from "react-router";

import { useAction } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { hasErrors } from "../../policy/check";
import { type Trust, trustPolicy } from "../../policy/trust";
import { activeAccount, signedIn } from "../../session/session";
import { FailureAlert } from "../../ui/FailureAlert";
import { JsonText } from "../../ui/JsonText";
import { succeeded } from "../../ui/notifications";
import { type Missing, partlyDone } from "../../ui/partial";
import { usePolicyFindings } from "../../ui/policy/PolicyEditor";
import { showFirstError } from "../../ui/Revealed";
import { HOLDERS, pageOf } from "./holders";
import { policyType, useManagedPolicies } from "./managedPolicies";
import { PolicyPicker } from "./parts/PolicyPicker";
import { type EditedTag, enteredTags, NO_TAGS, TagFields } from "./parts/Tags";
import { CUSTOM_TRUST, TrustedEntity, trustProblem } from "./parts/TrustedEntity";

const NAME = /^[\w+=,.@-]{1,64}$/;

export function Component() {
  const navigate = useNavigate();
  const [step, setStep] = useState(0);
  const [trust, setTrust] = useState<Trust>({
    type: "account",
    account: activeAccount(signedIn()),
    externalId: null,
    mfa: false,
    service: "ec2.amazonaws.com",
    provider: "",
    audience: "",
    document: CUSTOM_TRUST,
  });
  const [policies, setPolicies] = useState<Policy[]>([]);
  const [boundary, setBoundary] = useState<Policy[]>([]);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [tags, setTags] = useState<readonly EditedTag[]>(NO_TAGS);
  const [tried, setTried] = useState(false);
  const [answer, reload] = useManagedPolicies();
  const document = trustPolicy(trust);
  const findings = usePolicyFindings(document, "trust");
  const problem = trustProblem(trust) ?? (hasErrors(findings) ? "Correct the errors in the trust policy first." : null);
  const badName = NAME.test(name) ? "" : "Use 1 to 64 letters, digits and +=,.@-_ characters.";

  const creation = useAction(async () => {
    await iam().send(
      new CreateRoleCommand({
        RoleName: name,
        AssumeRolePolicyDocument: document,
        Description: description === "" ? undefined : description,
        PermissionsBoundary: boundary[0]?.Arn,
        Tags: enteredTags(tags),
      }),
    );
    const failed: Missing[] = [];
    for (const policy of policies) {
      await HOLDERS.role
        .attach(name, policy.Arn ?? "")
        .catch((error: unknown) => failed.push({ what: policy.PolicyName ?? "", error }));
    }
    // The role is there now, and on its page what failed can be repeated.
    if (failed.length === 0) succeeded(`Role ${name} created.`);
    else partlyDone(`Role ${name} created`, "Not attached", failed);
  });

  const submit = async (): Promise<void> => {
    setTried(true);
    if (badName !== "" || problem !== null) {
      showFirstError();
      return;
    }
    if (await creation.run()) void navigate(pageOf(HOLDERS.role, name));
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
        submitButton: "Create role",
        optional: "optional",
      }}
      isLoadingNextStep={creation.running}
      onCancel={() => void navigate("/iam/roles")}
      onNavigate={({ detail }) => {
        const forward = detail.requestedStepIndex > step;
        setTried(forward && problem !== null);
        if (!forward || problem === null) setStep(detail.requestedStepIndex);
        else showFirstError();
      }}
      onSubmit={() => void submit()}
      steps={[
        {
          title: "Select trusted entity",
          errorText: tried ? problem : null,
          content: <TrustedEntity trust={trust} onChange={setTrust} findings={findings} tried={tried} />,
        },
        {
          title: "Add permissions",
          isOptional: true,
          content: (
            <SpaceBetween size="l">
              <PolicyPicker
                answer={answer}
                reload={reload}
                selected={policies}
                onChange={setPolicies}
                description="Choose one or more policies to attach to your new role."
              />
              <ExpandableSection variant="container" headerText="Set permissions boundary - optional">
                <PolicyPicker
                  title="Permissions boundary"
                  description="Choose a policy that limits the permissions of the role. It does not grant any by itself."
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
          title: "Name, review, and create",
          errorText: tried && problem !== null ? problem : null,
          content: (
            <SpaceBetween size="l">
              {creation.error !== null && <FailureAlert error={creation.error} header="The role was not created" />}
              <Container header={<Header variant="h2">Role details</Header>}>
                <SpaceBetween size="l">
                  <FormField
                    label="Role name"
                    description="Enter a meaningful name to identify this role."
                    constraintText="Maximum 64 characters. Use alphanumeric and '+=,.@-_' characters."
                    errorText={tried ? badName : ""}
                  >
                    <Input value={name} spellcheck={false} onChange={({ detail }) => setName(detail.value)} />
                  </FormField>
                  <FormField
                    label="Description"
                    description="Add a short explanation for this role."
                    constraintText="Maximum 1000 characters."
                    errorText={description.length > 1000 ? "Use at most 1000 characters." : ""}
                  >
                    <Textarea value={description} rows={2} onChange={({ detail }) => setDescription(detail.value)} />
                  </FormField>
                </SpaceBetween>
              </Container>
              <Container header={<Header variant="h2">Step 1: Select trusted entities</Header>}>
                <FormField label="Trust policy" stretch>
                  <JsonText text={document} label="Trust policy" />
                </FormField>
              </Container>
              <PolicySummary policies={policies} boundary={boundary[0]} />
              <Container header={<Header variant="h2">Step 3: Add tags - optional</Header>}>
                <TagFields tags={tags} onChange={setTags} />
              </Container>
            </SpaceBetween>
          ),
        },
      ]}
    />
  );
}

function PolicySummary({ policies, boundary }: { policies: Policy[]; boundary: Policy | undefined }) {
  const rows = [
    ...policies.map((policy) => ({ policy, as: "Permissions policy" })),
    ...(boundary === undefined ? [] : [{ policy: boundary, as: "Permissions boundary" }]),
  ];
  return (
    <Table
      header={<Header variant="h2">Step 2: Add permissions</Header>}
      items={rows}
      trackBy={({ policy, as }) => `${as} ${policy.Arn}`}
      empty="No permissions are attached"
      columnDefinitions={[
        { id: "name", header: "Policy name", cell: ({ policy }) => policy.PolicyName, isRowHeader: true },
        { id: "type", header: "Type", cell: ({ policy }) => policyType(policy.Arn) },
        { id: "as", header: "Attached as", cell: ({ as }) => as },
      ]}
    />
  );
}
