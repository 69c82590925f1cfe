/** One identity provider. */
import {
  AddClientIDToOpenIDConnectProviderCommand,
  GetOpenIDConnectProviderCommand,
  type GetOpenIDConnectProviderCommandOutput,
  GetSAMLProviderCommand,
  RemoveClientIDFromOpenIDConnectProviderCommand,
  type Tag,
  TagOpenIDConnectProviderCommand,
  TagSAMLProviderCommand,
  UntagOpenIDConnectProviderCommand,
  UntagSAMLProviderCommand,
} from "@aws-sdk/client-iam";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import TokenGroup from "@cloudscape-design/components/token-group";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { Answered } from "../../ui/Answered";
import { Copyable } from "../../ui/Copyable";
import { DeleteModal } from "../../ui/DeleteModal";
import { FailureAlert } from "../../ui/FailureAlert";
import { succeeded } from "../../ui/notifications";
import { moment } from "../../ui/times";
import { deleteProvider, providerName } from "./IdentityProviders";
import { TagsTab } from "./parts/Tags";

export function Component() {
  const { arn = "" } = useParams();
  const navigate = useNavigate();
  const [deleting, setDeleting] = useState(false);
  const name = providerName(arn);
  return (
    <SpaceBetween size="l">
      <Header variant="h1" actions={<Button onClick={() => setDeleting(true)}>Delete</Button>}>
        {name}
      </Header>
      {arn.includes(":saml-provider/") ? <Saml arn={arn} /> : <OpenIdConnect arn={arn} />}
      {deleting && (
        <DeleteModal
          header={`Delete ${name}?`}
          confirmation="delete"
          act={() => deleteProvider(arn)}
          onDismiss={() => setDeleting(false)}
          onDone={() => {
            succeeded("Identity provider deleted.");
            void navigate("/iam/identity-providers");
          }}
        >
          Roles that trust the provider can no longer be assumed through it.
        </DeleteModal>
      )}
    </SpaceBetween>
  );
}

function OpenIdConnect({ arn }: { arn: string }) {
  const of = { OpenIDConnectProviderArn: arn };
  const [answer, reload] = useAnswer(() => iam().send(new GetOpenIDConnectProviderCommand(of)), [arn]);
  return (
    <Answered answer={answer} reload={reload} failed="The provider could not be loaded">
      {(provider) => (
        <SpaceBetween size="l">
          <Container header={<Header variant="h2">Summary</Header>}>
            <KeyValuePairs
              minColumnWidth={220}
              columns={2}
              items={[
                { label: "Provider", value: provider.Url ?? "-" },
                { label: "Provider type", value: "OpenID Connect" },
                { label: "Creation time", value: moment(provider.CreateDate) },
                { label: "ARN", value: <Copyable text={arn} name="ARN" /> },
                { label: "Thumbprints", value: (provider.ThumbprintList ?? []).join(", ") || "-" },
              ]}
            />
          </Container>
          <Audiences arn={arn} provider={provider} reload={reload} />
          <TagsTab
            answer={{ status: "ready", value: provider.Tags ?? [] }}
            reload={reload}
            what="provider"
            save={async (set: Tag[], remove: string[]) => {
              if (remove.length > 0) {
                await iam().send(new UntagOpenIDConnectProviderCommand({ ...of, TagKeys: remove }));
              }
              if (set.length > 0) await iam().send(new TagOpenIDConnectProviderCommand({ ...of, Tags: set }));
            }}
          />
        </SpaceBetween>
      )}
    </Answered>
  );
}

interface AudiencesProps {
  arn: string;
  provider: GetOpenIDConnectProviderCommandOutput;
  reload: () => void;
}

function Audiences({ arn, provider, reload }: AudiencesProps) {
  const [added, setAdded] = useState("");
  const audiences = provider.ClientIDList ?? [];
  const change = useAction(async (audience: string, add: boolean) => {
    const given = { OpenIDConnectProviderArn: arn, ClientID: audience };
    if (add) await iam().send(new AddClientIDToOpenIDConnectProviderCommand(given));
    else await iam().send(new RemoveClientIDFromOpenIDConnectProviderCommand(given));
    setAdded("");
    reload();
  });
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={`(${audiences.length})`}
          description="Also known as client ID: for whom tokens are made out."
        >
          Audiences
        </Header>
      }
    >
      <SpaceBetween size="s">
        {change.error !== null && <FailureAlert error={change.error} header="The audiences were not changed" />}
        <TokenGroup
          items={audiences.map((label) => ({ label, dismissLabel: `Remove ${label}`, disabled: change.running }))}
          onDismiss={({ detail }) => void change.run(audiences[detail.itemIndex] ?? "", false)}
        />
        {audiences.length === 0 && <Box>No audiences: no token of this provider is accepted.</Box>}
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (added !== "") void change.run(added, true);
          }}
        >
          <SpaceBetween direction="horizontal" size="xs">
            <Input
              value={added}
              ariaLabel="Audience to add"
              placeholder="sts.amazonaws.com"
              spellcheck={false}
              onChange={({ detail }) => setAdded(detail.value.trim())}
            />
            <Button formAction="submit" loading={change.running}>
              Add audience
            </Button>
          </SpaceBetween>
        </form>
      </SpaceBetween>
    </Container>
  );
}

function Saml({ arn }: { arn: string }) {
  const of = { SAMLProviderArn: arn };
  const [answer, reload] = useAnswer(() => iam().send(new GetSAMLProviderCommand(of)), [arn]);
  return (
    <Answered answer={answer} reload={reload} failed="The provider could not be loaded">
      {(provider) => (
        <SpaceBetween size="l">
          <Container header={<Header variant="h2">Summary</Header>}>
            <KeyValuePairs
              minColumnWidth={220}
              columns={2}
              items={[
                { label: "Provider type", value: "SAML" },
                { label: "Creation time", value: moment(provider.CreateDate) },
                { label: "Valid until", value: moment(provider.ValidUntil) },
                { label: "ARN", value: <Copyable text={arn} name="ARN" /> },
              ]}
            />
          </Container>
          <TagsTab
            answer={{ status: "ready", value: provider.Tags ?? [] }}
            reload={reload}
            what="provider"
            save={async (set: Tag[], remove: string[]) => {
              if (remove.length > 0) await iam().send(new UntagSAMLProviderCommand({ ...of, TagKeys: remove }));
              if (set.length > 0) await iam().send(new TagSAMLProviderCommand({ ...of, Tags: set }));
            }}
          />
        </SpaceBetween>
      )}
    </Answered>
  );
}
