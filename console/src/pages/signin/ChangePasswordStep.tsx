/** A password that must be changed before anything else. */
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import type { Send } from "./SignIn";

interface Props {
  send: Send;
  challenge: string;
  onCancel: () => void;
}

export function ChangePasswordStep({ send, challenge, onCancel }: Props) {
  const [old, setOld] = useState("");
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const [tried, setTried] = useState(false);
  const [sending, setSending] = useState(false);
  const [message, setMessage] = useState<string | null>(null);

  const submit = async (): Promise<void> => {
    setTried(true);
    if (old === "" || first === "" || first !== second) return;
    setSending(true);
    setMessage(null);
    const refused = await send({ challenge, oldPassword: old, newPassword: first });
    if (refused === null) return;
    setSending(false);
    setMessage(refused);
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Form header={<Header variant="h1">You must change your password to continue</Header>}>
        <SpaceBetween size="m">
          {message !== null && (
            <Alert type="error" header="The password was not changed">
              <span className="breaks">{message}</span>
            </Alert>
          )}
          <FormField label="Old password" errorText={tried && old === "" ? "Enter the old password." : ""}>
            <Input
              value={old}
              type="password"
              name="old-password"
              autoComplete="current-password"
              autoFocus
              onChange={({ detail }) => setOld(detail.value)}
            />
          </FormField>
          <FormField label="New password" errorText={tried && first === "" ? "Enter a new password." : ""}>
            <Input
              value={first}
              type="password"
              name="new-password"
              autoComplete="new-password"
              onChange={({ detail }) => setFirst(detail.value)}
            />
          </FormField>
          <FormField
            label="Retype new password"
            errorText={tried && first !== second ? "The two passwords differ." : ""}
          >
            <Input
              value={second}
              type="password"
              name="retyped-password"
              autoComplete="new-password"
              onChange={({ detail }) => setSecond(detail.value)}
            />
          </FormField>
          <Button variant="primary" formAction="submit" fullWidth loading={sending} loadingText="Changing password">
            Confirm password change
          </Button>
          <Button formAction="none" fullWidth onClick={onCancel}>
            Cancel
          </Button>
        </SpaceBetween>
      </Form>
    </form>
  );
}
