/** Console sign-in of a user: whether it has a password, setting one, taking it away; changing one's own. */
import {
  ChangePasswordCommand,
  CreateLoginProfileCommand,
  DeleteLoginProfileCommand,
  GetLoginProfileCommand,
  type LoginProfile,
  UpdateLoginProfileCommand,
} from "@aws-sdk/client-iam";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { useAction, useAnswer } from "../../../aws/answers";
import { iam } from "../../../aws/clients";
import { failureOf } from "../../../aws/errors";
import { Answered } from "../../../ui/Answered";
import { Copyable } from "../../../ui/Copyable";
import { DeleteModal } from "../../../ui/DeleteModal";
import { FailureAlert } from "../../../ui/FailureAlert";
import { succeeded } from "../../../ui/notifications";
import { moment } from "../../../ui/times";
import { generatedPassword } from "../passwords";
import { signInAddress } from "../signInAddress";
import { GENERATED, PasswordFields } from "./PasswordFields";
import { SecretShown } from "./SecretShown";

/** The login profile; null where the user has none. */
export async function loginProfile(user: string): Promise<LoginProfile | null> {
  try {
    return (await iam().send(new GetLoginProfileCommand({ UserName: user }))).LoginProfile ?? null;
  } catch (error) {
    if (failureOf(error).code === "NoSuchEntity") return null;
    throw error;
  }
}

type Open = "set" | "remove" | "change" | null;

export function ConsoleAccess({ user, oneself }: { user: string; oneself: boolean }) {
  const [answer, reload] = useAnswer(() => loginProfile(user), [user]);
  const [open, setOpen] = useState<Open>(null);
  const close = (): void => {
    setOpen(null);
    reload();
  };
  const enabled = answer.value !== undefined && answer.value !== null;
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {oneself && enabled && <Button onClick={() => setOpen("change")}>Update console password</Button>}
              {enabled && <Button onClick={() => setOpen("remove")}>Disable console access</Button>}
              <Button disabled={answer.status !== "ready"} onClick={() => setOpen("set")}>
                {enabled ? "Reset password" : "Enable console access"}
              </Button>
            </SpaceBetween>
          }
        >
          Console sign-in
        </Header>
      }
    >
      <Answered answer={answer} reload={reload} failed="Whether console access is enabled could not be loaded">
        {(profile) => (
          <KeyValuePairs
            minColumnWidth={220}
            columns={3}
            items={[
              {
                label: "Console sign-in link",
                value: <Copyable text={signInAddress()} name="Console sign-in link" />,
              },
              {
                label: "Console password",
                value: profile === null ? "Not enabled" : `Set ${moment(profile.CreateDate)}`,
              },
              {
                label: "Must change it at next sign-in",
                value: profile?.PasswordResetRequired === true ? "Yes" : "No",
              },
            ]}
          />
        )}
      </Answered>
      {open === "set" && <SetPassword user={user} exists={enabled} onClose={close} />}
      {open === "change" && <ChangePassword onClose={close} />}
      {open === "remove" && (
        <DeleteModal
          header={`Disable console access of ${user}?`}
          verb="Disable access"
          act={async () => {
            await iam().send(new DeleteLoginProfileCommand({ UserName: user }));
          }}
          onDismiss={() => setOpen(null)}
          onDone={() => {
            succeeded(`${user} can no longer sign in to the console.`);
            close();
          }}
        >
          The password is deleted. A session that exists lasts until it ends; access keys stay.
        </DeleteModal>
      )}
    </Container>
  );
}

function SetPassword({ user, exists, onClose }: { user: string; exists: boolean; onClose: () => void }) {
  const [choice, setChoice] = useState(GENERATED);
  const [tried, setTried] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const saving = useAction(async () => {
    const password = choice.custom ? choice.password : generatedPassword();
    const given = { UserName: user, Password: password, PasswordResetRequired: choice.mustChange };
    if (exists) await iam().send(new UpdateLoginProfileCommand(given));
    else await iam().send(new CreateLoginProfileCommand(given));
    setSecret(password);
  });
  const submit = (): void => {
    setTried(true);
    if (!choice.custom || choice.password !== "") void saving.run();
  };
  return (
    <Modal
      visible
      header={exists ? `Reset password of ${user}` : `Enable console access of ${user}`}
      onDismiss={onClose}
      footer={
        <Box float="right">
          {secret === null ? (
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" onClick={onClose}>
                Cancel
              </Button>
              <Button variant="primary" loading={saving.running} onClick={submit}>
                {exists ? "Reset password" : "Enable console access"}
              </Button>
            </SpaceBetween>
          ) : (
            <Button variant="primary" onClick={onClose}>
              Close
            </Button>
          )}
        </Box>
      }
    >
      <SpaceBetween size="m">
        {saving.error !== null && <FailureAlert error={saving.error} header="The password was not set" />}
        {secret === null ? (
          <PasswordFields choice={choice} onChange={setChoice} tried={tried} />
        ) : (
          <SpaceBetween size="m">
            <Alert type="success">This is the only time you can view this password.</Alert>
            <KeyValuePairs
              minColumnWidth={220}
              columns={1}
              items={[
                { label: "User name", value: user },
                { label: "Console password", value: <SecretShown secret={secret} name="Console password" /> },
              ]}
            />
          </SpaceBetween>
        )}
      </SpaceBetween>
    </Modal>
  );
}

function ChangePassword({ onClose }: { onClose: () => void }) {
  const [old, setOld] = useState("");
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const saving = useAction(async () => {
    await iam().send(new ChangePasswordCommand({ OldPassword: old, NewPassword: first }));
  });
  const ready = old !== "" && first !== "" && first === second;
  const submit = async (): Promise<void> => {
    if (ready && (await saving.run())) {
      succeeded("Your password was changed.");
      onClose();
    }
  };
  return (
    <Modal
      visible
      header="Update console password"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" disabled={!ready} loading={saving.running} onClick={() => void submit()}>
              Change password
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
          {saving.error !== null && <FailureAlert error={saving.error} header="The password was not changed" />}
          <FormField label="Current password">
            <Input
              value={old}
              type="password"
              autoComplete="current-password"
              autoFocus
              onChange={({ detail }) => setOld(detail.value)}
            />
          </FormField>
          <FormField label="New password">
            <Input
              value={first}
              type="password"
              autoComplete="new-password"
              onChange={({ detail }) => setFirst(detail.value)}
            />
          </FormField>
          <FormField
            label="Confirm new password"
            errorText={second !== "" && first !== second ? "The two passwords differ." : ""}
          >
            <Input
              value={second}
              type="password"
              autoComplete="new-password"
              onChange={({ detail }) => setSecond(detail.value)}
            />
          </FormField>
          {/* Enter submits a form that has such a button. */}
          <input type="submit" hidden />
        </SpaceBetween>
      </form>
    </Modal>
  );
}
