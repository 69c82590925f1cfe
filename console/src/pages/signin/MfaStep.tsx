/** The code of an MFA device. */
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

export function MfaStep({ send, challenge, onCancel }: Props) {
  const [code, setCode] = useState("");
  const [sending, setSending] = useState(false);
  const [message, setMessage] = useState<string | null>(null);
  const digits = code.replaceAll(/\s/g, "");

  const submit = async (): Promise<void> => {
    if (!/^\d{6}$/.test(digits)) {
      setMessage("Enter the 6 digits that your device shows.");
      return;
    }
    setSending(true);
    setMessage(null);
    const refused = await send({ challenge, mfaCode: digits });
    if (refused === null) return;
    setCode("");
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
      <Form
        header={
          <Header
            variant="h1"
            description="Your account is secured using multi-factor authentication (MFA). To finish signing in, turn on or view your MFA device and type the authentication code below."
          >
            Multi-factor authentication
          </Header>
        }
      >
        <SpaceBetween size="m">
          {message !== null && (
            <Alert type="error" header="Authentication failed">
              {message}
            </Alert>
          )}
          <FormField label="MFA code">
            <Input
              value={code}
              name="mfaCode"
              autoComplete="one-time-code"
              inputMode="numeric"
              autoFocus
              onChange={({ detail }) => setCode(detail.value)}
            />
          </FormField>
          <Button variant="primary" formAction="submit" fullWidth loading={sending} loadingText="Signing in">
            Submit
          </Button>
          <Button formAction="none" fullWidth onClick={onCancel}>
            Cancel
          </Button>
        </SpaceBetween>
      </Form>
    </form>
  );
}
