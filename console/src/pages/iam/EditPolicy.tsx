/** Edit a customer managed policy: each save is a new version. */
import {
  CreatePolicyVersionCommand,
  DeletePolicyVersionCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  paginateListPolicyVersions,
  type PolicyVersion,
} from "@aws-sdk/client-iam";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { every, useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { hasErrors } from "../../policy/check";
import { Answered } from "../../ui/Answered";
import { FailureAlert } from "../../ui/FailureAlert";
import { pretty } from "../../ui/JsonText";
import { succeeded } from "../../ui/notifications";
import { PolicyEditor, usePolicyFindings } from "../../ui/policy/PolicyEditor";
import { decoded } from "./holders";
import { policyPage } from "./managedPolicies";

const MOST_VERSIONS = 5;

interface Stored {
  name: string;
  document: string;
  versions: PolicyVersion[];
}

async function load(arn: string): Promise<Stored> {
  const client = iam();
  const { Policy } = await client.send(new GetPolicyCommand({ PolicyArn: arn }));
  const [version, versions] = await Promise.all([
    client.send(new GetPolicyVersionCommand({ PolicyArn: arn, VersionId: Policy?.DefaultVersionId })),
    every(paginateListPolicyVersions({ client }, { PolicyArn: arn }), (page) => page.Versions),
  ]);
  return { name: Policy?.PolicyName ?? "", document: pretty(decoded(version.PolicyVersion?.Document)), versions };
}

export function Component() {
  const { arn = "" } = useParams();
  const [answer, reload] = useAnswer(() => load(arn), [arn]);
  return (
    <Answered answer={answer} reload={reload} failed="The policy could not be loaded">
      {(stored) => <EditPolicy arn={arn} stored={stored} />}
    </Answered>
  );
}

function EditPolicy({ arn, stored }: { arn: string; stored: Stored }) {
  const navigate = useNavigate();
  const [text, setText] = useState(stored.document);
  const [asDefault, setAsDefault] = useState(true);
  const [tried, setTried] = useState(false);
  const findings = usePolicyFindings(text, "identity");
  const full = stored.versions.length >= MOST_VERSIONS;
  const oldest = stored.versions
    .filter(({ IsDefaultVersion }) => IsDefaultVersion !== true)
    .toSorted((one, other) => (one.CreateDate?.getTime() ?? 0) - (other.CreateDate?.getTime() ?? 0))[0];
  const saving = useAction(async () => {
    if (full) await iam().send(new DeletePolicyVersionCommand({ PolicyArn: arn, VersionId: oldest?.VersionId }));
    await iam().send(new CreatePolicyVersionCommand({ PolicyArn: arn, PolicyDocument: text, SetAsDefault: asDefault }));
  });
  const submit = async (): Promise<void> => {
    setTried(true);
    if (!hasErrors(findings) && (await saving.run())) {
      succeeded(`Policy ${stored.name} updated.`);
      void navigate(policyPage(arn));
    }
  };
  return (
    <Form
      header={<Header variant="h1">Modify permissions in {stored.name}</Header>}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={() => void navigate(policyPage(arn))}>
            Cancel
          </Button>
          <Button variant="primary" loading={saving.running} onClick={() => void submit()}>
            Save changes
          </Button>
        </SpaceBetween>
      }
      errorText={tried && hasErrors(findings) ? "Correct the errors in the policy first." : undefined}
    >
      <SpaceBetween size="l">
        {saving.error !== null && <FailureAlert error={saving.error} header="The policy was not saved" />}
        <PolicyEditor kind="identity" text={text} onChange={setText} findings={findings} />
        {full && (
          <Alert type="warning">
            The policy has five versions, the most there can be. Saving deletes the oldest that is not the default,{" "}
            {oldest?.VersionId}.
          </Alert>
        )}
        <Checkbox checked={asDefault} onChange={({ detail }) => setAsDefault(detail.checked)}>
          Set this new version as the default
        </Checkbox>
      </SpaceBetween>
    </Form>
  );
}
