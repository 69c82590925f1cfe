/** The IAM dashboard: what should be done for security, what is in the account, and how its users sign in. */
import {
  CreateAccountAliasCommand,
  DeleteAccountAliasCommand,
  GetAccountSummaryCommand,
  ListAccountAliasesCommand,
  ListMFADevicesCommand,
} from "@aws-sdk/client-iam";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";

import { type Answer, useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { activeAccount, noteAlias, signedIn } from "../../session/session";
import { Answered, Inline } from "../../ui/Answered";
import { Copyable } from "../../ui/Copyable";
import { DeleteModal } from "../../ui/DeleteModal";
import { FailureAlert } from "../../ui/FailureAlert";
import { PageButton, PageLink } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { signInAddress } from "./signInAddress";

type Summary = Partial<Record<string, number>>;

const COUNTED: readonly [string, string, string][] = [
  ["Groups", "User groups", "/iam/groups"],
  ["Users", "Users", "/iam/users"],
  ["Roles", "Roles", "/iam/roles"],
  ["Policies", "Policies", "/iam/policies"],
  ["Providers", "Identity providers", "/iam/identity-providers"],
];

export function Component() {
  const [summary, reload] = useAnswer(
    async (): Promise<Summary> => (await iam().send(new GetAccountSummaryCommand({}))).SummaryMap ?? {},
    [],
  );
  return (
    <SpaceBetween size="l">
      <Header variant="h1">IAM Dashboard</Header>
      <Grid gridDefinition={[{ colspan: { default: 12, s: 8 } }, { colspan: { default: 12, s: 4 } }]}>
        <SpaceBetween size="l">
          <Recommendations summary={summary} />
          <Container header={<Header variant="h2">IAM resources</Header>}>
            <Answered answer={summary} reload={reload} failed="The resources could not be counted">
              {(counts) => (
                <ColumnLayout columns={COUNTED.length} variant="text-grid" minColumnWidth={110}>
                  {COUNTED.map(([key, name, to]) => (
                    <div key={key}>
                      <Box variant="awsui-key-label">{name}</Box>
                      <PageLink
                        to={to}
                        fontSize="display-l"
                        variant="awsui-value-large"
                        ariaLabel={`${name}: ${counts[key] ?? "show"}`}
                      >
                        {counts[key] ?? "–"}
                      </PageLink>
                    </div>
                  ))}
                </ColumnLayout>
              )}
            </Answered>
          </Container>
        </SpaceBetween>
        <SpaceBetween size="l">
          <AccountBox />
          <Container header={<Header variant="h2">Quick links</Header>}>
            <SpaceBetween size="s">
              <PageLink to="/iam/security-credentials">My security credentials</PageLink>
              <PageLink to="/iam/roles/create">Create role</PageLink>
              <PageLink to="/iam/account-settings">Password policy</PageLink>
            </SpaceBetween>
          </Container>
        </SpaceBetween>
      </Grid>
    </SpaceBetween>
  );
}

function Recommendations({ summary }: { summary: Answer<Summary> }) {
  const session = signedIn();
  const isUser = session.kind === "user" && session.role === null;
  const [mine] = useAnswer(
    async () => (isUser ? ((await iam().send(new ListMFADevicesCommand({}))).MFADevices ?? []).length : null),
    [isUser],
  );
  return (
    <Container header={<Header variant="h2">Security recommendations</Header>}>
      <SpaceBetween size="m">
        <Inline answer={summary}>
          {(counts) => (
            <SpaceBetween size="xs">
              <StatusIndicator type={counts["AccountMFAEnabled"] === 1 ? "success" : "warning"}>
                {counts["AccountMFAEnabled"] === 1 ? "Root user has MFA" : "Add MFA for root user"}
              </StatusIndicator>
              <StatusIndicator type={counts["AccountAccessKeysPresent"] === 1 ? "warning" : "success"}>
                {counts["AccountAccessKeysPresent"] === 1
                  ? "Delete the access keys of the root user"
                  : "Root user has no active access keys"}
              </StatusIndicator>
            </SpaceBetween>
          )}
        </Inline>
        {isUser && (
          <Inline answer={mine}>
            {(count) =>
              count === 0 ? (
                <SpaceBetween direction="horizontal" size="s" alignItems="center">
                  <StatusIndicator type="warning">Add MFA for yourself</StatusIndicator>
                  <PageButton to="/iam/security-credentials">Add MFA</PageButton>
                </SpaceBetween>
              ) : (
                <StatusIndicator>Your user, {session.name}, has MFA</StatusIndicator>
              )
            }
          </Inline>
        )}
      </SpaceBetween>
    </Container>
  );
}

function AccountBox() {
  const session = signedIn();
  const account = activeAccount(session);
  const [alias, reload] = useAnswer(
    async () => (await iam().send(new ListAccountAliasesCommand({}))).AccountAliases?.[0] ?? null,
    [account],
  );
  const [open, setOpen] = useState<"edit" | "delete" | null>(null);
  const close = (changed: string | null | undefined): void => {
    setOpen(null);
    if (changed === undefined) return;
    if (session.role === null) noteAlias(changed);
    reload();
  };
  return (
    <Container header={<Header variant="h2">AWS Account</Header>}>
      <KeyValuePairs
        minColumnWidth={220}
        columns={1}
        items={[
          { label: "Account ID", value: <Copyable text={account} name="Account ID" /> },
          {
            label: "Account Alias",
            value: (
              <Inline answer={alias}>
                {(name) => (
                  <SpaceBetween direction="horizontal" size="xs">
                    <span>{name ?? "–"}</span>
                    <Button variant="inline-link" onClick={() => setOpen("edit")}>
                      {name === null ? "Create" : "Edit"}
                    </Button>
                    {name !== null && (
                      <Button variant="inline-link" onClick={() => setOpen("delete")}>
                        Delete
                      </Button>
                    )}
                  </SpaceBetween>
                )}
              </Inline>
            ),
          },
          {
            label: "Sign-in URL for IAM users in this account",
            value: <Copyable text={signInAddress(alias.value)} name="Sign-in URL" />,
          },
        ]}
      />
      {open === "edit" && <AliasModal alias={alias.value ?? ""} onClose={close} />}
      {open === "delete" && (
        <DeleteModal
          header="Delete account alias?"
          act={async () => {
            await iam().send(new DeleteAccountAliasCommand({ AccountAlias: alias.value ?? "" }));
          }}
          onDismiss={() => setOpen(null)}
          onDone={() => {
            succeeded("Account alias deleted.");
            close(null);
          }}
        >
          Users sign in with the account ID again.
        </DeleteModal>
      )}
    </Container>
  );
}

function AliasModal({ alias, onClose }: { alias: string; onClose: (changed?: string) => void }) {
  const [typed, setTyped] = useState(alias);
  const ready = /^[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]$/.test(typed) && !/^\d{12}$/.test(typed);
  const saving = useAction(async () => {
    await iam().send(new CreateAccountAliasCommand({ AccountAlias: typed }));
  });
  const submit = async (): Promise<void> => {
    if (ready && (await saving.run())) {
      succeeded("Account alias saved.");
      onClose(typed);
    }
  };
  return (
    <Modal
      visible
      header={alias === "" ? "Create alias for account" : "Edit alias for account"}
      onDismiss={() => onClose()}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={() => onClose()}>
              Cancel
            </Button>
            <Button variant="primary" disabled={!ready} loading={saving.running} onClick={() => void submit()}>
              Save changes
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <SpaceBetween size="m">
          {saving.error !== null && <FailureAlert error={saving.error} header="The alias was not saved" />}
          <FormField
            label="Preferred alias"
            constraintText="Must be not more than 63 characters. Valid characters are a-z, 0-9, and - (hyphen)."
          >
            <Input value={typed} autoFocus spellcheck={false} onChange={({ detail }) => setTyped(detail.value)} />
          </FormField>
        </SpaceBetween>
      </form>
    </Modal>
  );
}
