/** The identity providers of the account: OpenID Connect and SAML. */
import {
  DeleteOpenIDConnectProviderCommand,
  DeleteSAMLProviderCommand,
  ListOpenIDConnectProvidersCommand,
  ListSAMLProvidersCommand,
} from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { DeleteModal } from "../../ui/DeleteModal";
import { PageButton, PageLink } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { ResourceTable } from "../../ui/ResourceTable";
import { moment } from "../../ui/times";

export interface Provider {
  arn: string;
  name: string;
  type: "OpenID Connect" | "SAML";
  created: Date | undefined;
}

export function providerName(arn: string): string {
  return arn.replace(/^.*:(?:oidc|saml)-provider\//, "");
}

export function providerPage(arn: string): string {
  return `/iam/identity-providers/details/${encodeURIComponent(arn)}`;
}

export async function deleteProvider(arn: string): Promise<void> {
  if (arn.includes(":saml-provider/")) await iam().send(new DeleteSAMLProviderCommand({ SAMLProviderArn: arn }));
  else await iam().send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn }));
}

async function load(): Promise<Provider[]> {
  const [oidc, saml] = await Promise.all([
    iam().send(new ListOpenIDConnectProvidersCommand({})),
    iam().send(new ListSAMLProvidersCommand({})),
  ]);
  return [
    ...(oidc.OpenIDConnectProviderList ?? []).map(({ Arn = "" }) => ({
      arn: Arn,
      name: providerName(Arn),
      type: "OpenID Connect" as const,
      created: undefined,
    })),
    ...(saml.SAMLProviderList ?? []).map(({ Arn = "", CreateDate }) => ({
      arn: Arn,
      name: providerName(Arn),
      type: "SAML" as const,
      created: CreateDate,
    })),
  ];
}

export function Component() {
  const [answer, reload] = useAnswer(load, []);
  const [selected, setSelected] = useState<Provider[]>([]);
  const [deleting, setDeleting] = useState(false);
  const names = selected.map(({ name }) => name);
  return (
    <>
      <ResourceTable
        title="Identity providers"
        description="Use an identity provider (IdP) to manage your user identities outside of AWS, but grant the user identities permissions to use AWS resources in your account."
        answer={answer}
        reload={reload}
        id={({ name }) => name}
        selection={{ type: "multi", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="refresh" ariaLabel="Refresh" onClick={reload} />
            <Button disabled={selected.length === 0} onClick={() => setDeleting(true)}>
              Delete
            </Button>
            <PageButton variant="primary" to="/iam/identity-providers/create">
              Add provider
            </PageButton>
          </SpaceBetween>
        }
        columns={[
          {
            id: "name",
            header: "Provider",
            sortingField: "name",
            isRowHeader: true,
            cell: ({ name, arn }) => <PageLink to={providerPage(arn)}>{name}</PageLink>,
          },
          { id: "type", header: "Type", sortingField: "type", cell: ({ type }) => type },
          { id: "created", header: "Creation time", cell: ({ created }) => moment(created) },
        ]}
      />
      {deleting && (
        <DeleteModal
          header={names.length === 1 ? `Delete ${names[0]}?` : `Delete ${names.length} identity providers?`}
          confirmation="delete"
          act={async () => {
            for (const { arn } of selected) await deleteProvider(arn);
          }}
          onDismiss={() => setDeleting(false)}
          onDone={() => {
            setDeleting(false);
            setSelected([]);
            succeeded("Deleted.");
            reload();
          }}
        >
          Roles that trust the provider can no longer be assumed through it.
        </DeleteModal>
      )}
    </>
  );
}
