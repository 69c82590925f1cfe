/**
 * "Allow this to assume a role in another account": the second half of cross-account access, ready made.
 *
 * The role's account trusts this one; here is said who of this account may use that trust.
 */
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { useAction } from "../../aws/answers";
import { FailureAlert } from "../../ui/FailureAlert";
import { JsonText } from "../../ui/JsonText";
import { succeeded } from "../../ui/notifications";
import { NotFound } from "../home/NotFound";
import { type Holder, holderOf, pageOf } from "./holders";

const ROLE_ARN = /^arn:aws:iam::(\d{12}):role\/((?:[\w+=,.@-]+\/)*([\w+=,.@-]{1,64}))$/;

export function Component() {
  const { kind, name } = useParams();
  const holder = holderOf(kind);
  if (holder === null || name === undefined) return <NotFound />;
  return <AllowAssumeRole holder={holder} name={name} />;
}

function AllowAssumeRole({ holder, name }: { holder: Holder; name: string }) {
  const navigate = useNavigate();
  const [arn, setArn] = useState("");
  const [named, setNamed] = useState<string | null>(null);
  const [tried, setTried] = useState(false);
  const found = ROLE_ARN.exec(arn.trim());
  const policyName = named ?? (found === null ? "" : `AssumeRole-${found[3] ?? ""}-${found[1] ?? ""}`);
  const document = JSON.stringify(
    {
      Version: "2012-10-17",
      Statement: {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Resource: found === null ? "the ARN of the role" : arn.trim(),
      },
    },
    null,
    2,
  );
  const badArn = found === null ? "Enter the ARN of a role: arn:aws:iam::111122223333:role/RoleName" : "";
  const badName = /^[\w+=,.@-]{1,128}$/.test(policyName) ? "" : "Use letters, digits and +=,.@-_ characters.";
  const saving = useAction(async () => {
    await holder.putInline(name, policyName, document);
  });
  const page = pageOf(holder, name);

  const submit = async (): Promise<void> => {
    setTried(true);
    if (badArn !== "" || badName !== "") return;
    if (await saving.run()) {
      succeeded(`${holder.title} ${name} may now assume ${arn.trim()}.`);
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
        header={
          <Header
            variant="h1"
            description={`Adds an inline policy to ${holder.title.toLowerCase()} ${name}. The role's own account must trust this one as well.`}
          >
            Allow this to assume a role in another account
          </Header>
        }
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button formAction="none" variant="link" onClick={() => void navigate(page)}>
              Cancel
            </Button>
            <Button variant="primary" formAction="submit" loading={saving.running}>
              Allow
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {saving.error !== null && <FailureAlert error={saving.error} header="The policy was not created" />}
          <Container>
            <SpaceBetween size="l">
              <FormField
                label="Role ARN"
                description="The administrator of the other account finds it on the role's page."
                errorText={tried ? badArn : ""}
              >
                <Input
                  value={arn}
                  autoFocus
                  spellcheck={false}
                  placeholder="arn:aws:iam::111122223333:role/RoleName"
                  onChange={({ detail }) => setArn(detail.value)}
                />
              </FormField>
              <FormField label="Policy name" errorText={tried && badArn === "" ? badName : ""}>
                <Input value={policyName} spellcheck={false} onChange={({ detail }) => setNamed(detail.value)} />
              </FormField>
              <FormField label="Policy" stretch>
                <JsonText text={document} label="Policy that is created" />
              </FormField>
            </SpaceBetween>
          </Container>
          {holder.kind === "role" && (
            <Alert type="info">A role that assumes a role chains them: such a session lasts one hour at most.</Alert>
          )}
        </SpaceBetween>
      </Form>
    </form>
  );
}
