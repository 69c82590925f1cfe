/** The first step: who, and the password. */
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useSearchParams } from "react-router";

import type { Send } from "./SignIn";

const ACCOUNT = "isthmus.account"; // the account of the last sign-in, if the user wants it remembered

interface Props {
  send: Send;
  /** What ended an earlier try. */
  message?: string | undefined;
}

export function PasswordStep({ send, message: earlier }: Props) {
  const [query] = useSearchParams();
  const kept = localStorage.getItem(ACCOUNT);
  const [root, setRoot] = useState(false);
  const [account, setAccount] = useState(query.get("account") ?? kept ?? "");
  const [remember, setRemember] = useState(kept !== null);
  const [user, setUser] = useState(query.get("username") ?? "");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [visible, setVisible] = useState(false);
  const [tried, setTried] = useState(false);
  const [sending, setSending] = useState(false);
  const [message, setMessage] = useState<string | null>(earlier ?? null);

  const missing = {
    account: !root && account.trim() === "" ? "Enter the account ID or alias." : "",
    user: !root && user.trim() === "" ? "Enter the IAM user name." : "",
    email: root && email.trim() === "" ? "Enter the e-mail address of the root user." : "",
    password: password === "" ? "Enter the password." : "",
  };

  const submit = async (): Promise<void> => {
    setTried(true);
    if (Object.values(missing).some(Boolean) || sending) return;
    setSending(true);
    setMessage(null);
    if (remember && !root) localStorage.setItem(ACCOUNT, account.trim());
    else localStorage.removeItem(ACCOUNT);
    const refused = await send(root ? { email, password } : { account, user, password });
    if (refused === null) return;
    setPassword("");
    setTried(false);
    setSending(false);
    setMessage(refused);
  };

  const problem = (name: keyof typeof missing): string => (tried ? missing[name] : "");
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
            description={
              root
                ? "Account owner that performs tasks requiring unrestricted access"
                : "User within an account that performs daily tasks"
            }
          >
            {root ? "Root user sign in" : "IAM user sign in"}
          </Header>
        }
      >
        <SpaceBetween size="m">
          {message !== null && (
            <Alert type="error" header="Authentication failed">
              {message}
            </Alert>
          )}
          {root ? (
            <FormField label="Root user email address" errorText={problem("email")}>
              <Input
                value={email}
                type="email"
                name="email"
                autoComplete="username"
                inputMode="email"
                autoFocus
                onChange={({ detail }) => setEmail(detail.value)}
              />
            </FormField>
          ) : (
            <SpaceBetween size="m">
              <FormField label="Account ID or alias" errorText={problem("account")}>
                <Input
                  value={account}
                  name="account"
                  autoComplete="organization"
                  spellcheck={false}
                  autoFocus={account === ""}
                  onChange={({ detail }) => setAccount(detail.value)}
                />
              </FormField>
              <Checkbox checked={remember} onChange={({ detail }) => setRemember(detail.checked)}>
                Remember this account
              </Checkbox>
              <FormField label="IAM user name" errorText={problem("user")}>
                <Input
                  value={user}
                  name="username"
                  autoComplete="username"
                  spellcheck={false}
                  autoFocus={account !== ""}
                  onChange={({ detail }) => setUser(detail.value)}
                />
              </FormField>
            </SpaceBetween>
          )}
          <FormField label="Password" errorText={problem("password")}>
            <Input
              value={password}
              type={visible ? "text" : "password"}
              name="password"
              autoComplete="current-password"
              spellcheck={false}
              onChange={({ detail }) => setPassword(detail.value)}
            />
          </FormField>
          <Checkbox checked={visible} onChange={({ detail }) => setVisible(detail.checked)}>
            Show password
          </Checkbox>
          <Button variant="primary" formAction="submit" fullWidth loading={sending} loadingText="Signing in">
            Sign in
          </Button>
          <Button
            formAction="none"
            fullWidth
            onClick={() => {
              setRoot(!root);
              setTried(false);
              setMessage(null);
            }}
          >
            {root ? "Sign in as IAM user" : "Sign in using root user email"}
          </Button>
        </SpaceBetween>
      </Form>
    </form>
  );
}
