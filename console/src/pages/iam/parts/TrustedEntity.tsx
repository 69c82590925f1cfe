/** Whom a role trusts: the first step of Create role. */
import {
  GetOpenIDConnectProviderCommand,
  ListOpenIDConnectProvidersCommand,
  ListSAMLProvidersCommand,
} from "@aws-sdk/client-iam";
import Alert from "@cloudscape-design/components/alert";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tiles from "@cloudscape-design/components/tiles";
import { useState } from "react";

import { useAnswer } from "../../../aws/answers";
import { iam } from "../../../aws/clients";
import type { Finding } from "../../../policy/check";
import { issuerOf, type Trust } from "../../../policy/trust";
import { activeAccount, signedIn } from "../../../session/session";
import { FailureAlert } from "../../../ui/FailureAlert";
import { PolicyEditor } from "../../../ui/policy/PolicyEditor";

export const CUSTOM_TRUST = `{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Statement1",
            "Effect": "Allow",
            "Principal": {},
            "Action": "sts:AssumeRole"
        }
    ]
}`;

const TYPES: { value: Trust["type"]; label: string; description: string }[] = [
  {
    value: "service",
    label: "AWS service",
    description: "Allow AWS services like EC2, Lambda, or others to perform actions in this account.",
  },
  {
    value: "account",
    label: "AWS account",
    description:
      "Allow entities in other AWS accounts belonging to you or a 3rd party to perform actions in this account.",
  },
  {
    value: "web-identity",
    label: "Web identity",
    description:
      "Allows users federated by the specified external web identity provider to assume this role to perform actions in this account.",
  },
  {
    value: "saml",
    label: "SAML 2.0 federation",
    description: "Allow users federated with SAML 2.0 from a corporate directory to perform actions in this account.",
  },
  {
    value: "custom",
    label: "Custom trust policy",
    description: "Create a custom trust policy to enable others to perform actions in this account.",
  },
];

const SERVICES = ["ec2", "lambda", "ecs-tasks", "s3", "cloudtrail", "glue", "batchoperations.s3"].map((name) => ({
  value: `${name}.amazonaws.com`,
  label: `${name}.amazonaws.com`,
}));

/** What keeps the step from being left; null if nothing does. The trust policy itself is checked elsewhere. */
export function trustProblem(trust: Trust): string | null {
  if (trust.type === "account" && !/^\d{12}$/.test(trust.account)) return "Account ID is a 12-digit number.";
  if (trust.type === "account" && trust.externalId !== null && !/^[\w+=,.@:/-]{2,1224}$/.test(trust.externalId)) {
    return "The external ID has 2 to 1224 letters, digits and +=,.@:/-_ characters.";
  }
  if (trust.type === "web-identity" && (trust.provider === "" || trust.audience === "")) {
    return "Choose an identity provider and an audience.";
  }
  if (trust.type === "saml" && trust.provider === "") return "Choose a SAML 2.0 provider.";
  return null;
}

interface Props {
  trust: Trust;
  onChange: (trust: Trust) => void;
  findings: readonly Finding[];
  tried: boolean;
}

export function TrustedEntity({ trust, onChange, findings, tried }: Props) {
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Trusted entity type</Header>}>
        <Tiles
          ariaLabel="Trusted entity type"
          value={trust.type}
          columns={3}
          items={TYPES}
          onChange={({ detail }) => onChange({ ...trust, type: detail.value as Trust["type"], provider: "" })}
        />
      </Container>
      {trust.type === "account" && <AccountTrust trust={trust} onChange={onChange} tried={tried} />}
      {trust.type === "service" && (
        <Container
          header={
            <Header
              variant="h2"
              description="Allow an AWS service like EC2, Lambda, or others to perform actions in this account. No service of this server assumes roles by itself."
            >
              Use case
            </Header>
          }
        >
          <FormField label="Service or use case">
            <Select
              selectedOption={SERVICES.find(({ value }) => value === trust.service) ?? null}
              options={SERVICES}
              onChange={({ detail }) => onChange({ ...trust, service: detail.selectedOption.value ?? "" })}
            />
          </FormField>
        </Container>
      )}
      {trust.type === "web-identity" && <WebIdentityTrust trust={trust} onChange={onChange} />}
      {trust.type === "saml" && <SamlTrust trust={trust} onChange={onChange} />}
      {trust.type === "custom" && (
        <PolicyEditor
          kind="trust"
          header="Custom trust policy"
          description="Create a custom trust policy to enable others to perform actions in this account."
          text={trust.document}
          findings={findings}
          onChange={(document) => onChange({ ...trust, document })}
        />
      )}
    </SpaceBetween>
  );
}

type PartProps = Pick<Props, "trust" | "onChange">;

function AccountTrust({ trust, onChange, tried }: PartProps & { tried: boolean }) {
  const own = activeAccount(signedIn());
  const [another, setAnother] = useState(trust.account !== own);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Allow entities in other AWS accounts belonging to you or a 3rd party to perform actions in this account."
        >
          An AWS account
        </Header>
      }
    >
      <SpaceBetween size="l">
        <RadioGroup
          ariaLabel="An AWS account"
          value={another ? "another" : "this"}
          items={[
            { value: "this", label: `This account (${own})` },
            { value: "another", label: "Another AWS account" },
          ]}
          onChange={({ detail }) => {
            setAnother(detail.value === "another");
            onChange({ ...trust, account: detail.value === "another" ? "" : own });
          }}
        />
        {another && (
          <FormField
            label="Account ID"
            description="Identifier of the account that can use this role"
            constraintText="Account ID is a 12-digit number."
            errorText={tried && !/^\d{12}$/.test(trust.account) ? "Account ID is a 12-digit number." : ""}
          >
            <Input
              value={trust.account}
              inputMode="numeric"
              onChange={({ detail }) => onChange({ ...trust, account: detail.value.replaceAll(/[-\s]/g, "") })}
            />
          </FormField>
        )}
        <FormField label="Options">
          <SpaceBetween size="s">
            <Checkbox
              checked={trust.externalId !== null}
              description="You can increase the security of your role by requiring an optional external identifier, which prevents “confused deputy” attacks. This is recommended if you do not own or have administrative access to the account that can assume this role. To assume this role, users must be in the trusted account and provide this exact external ID."
              onChange={({ detail }) => onChange({ ...trust, externalId: detail.checked ? "" : null })}
            >
              Require external ID (Best practice when a third party will assume this role)
            </Checkbox>
            {trust.externalId !== null && (
              <SpaceBetween size="s">
                <FormField label="External ID">
                  <Input
                    value={trust.externalId}
                    spellcheck={false}
                    onChange={({ detail }) => onChange({ ...trust, externalId: detail.value })}
                  />
                </FormField>
                <Alert type="warning">
                  <b>Important:</b> The console does not support using an external ID with the Switch Role feature. If
                  you select this option, entities in the trusted account must use the API, CLI, or a custom federation
                  proxy to make cross-account sts:AssumeRole calls.
                </Alert>
              </SpaceBetween>
            )}
            <Checkbox
              checked={trust.mfa}
              description="Requires that the assuming entity use multi-factor authentication."
              onChange={({ detail }) => onChange({ ...trust, mfa: detail.checked })}
            >
              Require MFA
            </Checkbox>
          </SpaceBetween>
        </FormField>
      </SpaceBetween>
    </Container>
  );
}

function WebIdentityTrust({ trust, onChange }: PartProps) {
  const [providers, reload] = useAnswer(
    async () => (await iam().send(new ListOpenIDConnectProvidersCommand({}))).OpenIDConnectProviderList ?? [],
    [],
  );
  const [provider] = useAnswer(
    async () =>
      trust.provider === ""
        ? null
        : await iam().send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: trust.provider })),
    [trust.provider],
  );
  const audiences = (provider.value?.ClientIDList ?? []).map((value) => ({ value, label: value }));
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Allow users federated by the specified external web identity provider to assume this role. Add an identity provider first if there is none."
        >
          Web identity
        </Header>
      }
    >
      <SpaceBetween size="l">
        {providers.status === "failed" && <FailureAlert error={providers.error} onRetry={reload} />}
        <FormField label="Identity provider">
          <Select
            placeholder="Choose provider"
            statusType={providers.status === "loading" ? "loading" : "finished"}
            empty="No identity providers"
            selectedOption={trust.provider === "" ? null : { value: trust.provider, label: issuerOf(trust.provider) }}
            options={(providers.value ?? []).map(({ Arn = "" }) => ({ value: Arn, label: issuerOf(Arn) }))}
            onChange={({ detail }) => onChange({ ...trust, provider: detail.selectedOption.value ?? "", audience: "" })}
          />
        </FormField>
        <FormField label="Audience" description="The client ID that tokens for this role are made out to.">
          <Select
            placeholder="Choose audience"
            disabled={trust.provider === ""}
            statusType={provider.status === "loading" ? "loading" : "finished"}
            selectedOption={trust.audience === "" ? null : { value: trust.audience, label: trust.audience }}
            options={audiences}
            onChange={({ detail }) => onChange({ ...trust, audience: detail.selectedOption.value ?? "" })}
          />
        </FormField>
        <Alert type="info">
          Everybody who gets a token for this audience from the provider is trusted. Restrict the subject (
          {issuerOf(trust.provider) || "issuer"}:sub) in the trust policy once the role exists.
        </Alert>
      </SpaceBetween>
    </Container>
  );
}

function SamlTrust({ trust, onChange }: PartProps) {
  const [providers, reload] = useAnswer(
    async () => (await iam().send(new ListSAMLProvidersCommand({}))).SAMLProviderList ?? [],
    [],
  );
  return (
    <Container header={<Header variant="h2">SAML 2.0 federation</Header>}>
      <SpaceBetween size="l">
        {providers.status === "failed" && <FailureAlert error={providers.error} onRetry={reload} />}
        <FormField label="SAML 2.0–based provider">
          <Select
            placeholder="Choose provider"
            statusType={providers.status === "loading" ? "loading" : "finished"}
            empty="No SAML providers"
            selectedOption={trust.provider === "" ? null : { value: trust.provider, label: trust.provider }}
            options={(providers.value ?? []).map(({ Arn = "" }) => ({ value: Arn, label: Arn }))}
            onChange={({ detail }) => onChange({ ...trust, provider: detail.selectedOption.value ?? "" })}
          />
        </FormField>
      </SpaceBetween>
    </Container>
  );
}
