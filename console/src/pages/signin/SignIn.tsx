/**
 * The sign-in page, in AWS's words: an IAM user or the root user, then a code of the MFA device, then a new password,
 * each where it is asked for.
 *
 * A password is in a field and in one request; it is never stored, and the field goes with the step.
 */
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { useSessionEnded } from "../../session/session";
import { signIn, type SignInAnswer, type SignInRequest } from "../../session/signIn";
import { ChangePasswordStep } from "./ChangePasswordStep";
import { MfaStep } from "./MfaStep";
import { PasswordStep } from "./PasswordStep";

/** Sends a step; resolves to a message when it was refused. */
export type Send = (request: SignInRequest) => Promise<string | null>;

type Step = { step: "password"; message?: string } | { step: "mfa" | "changePassword"; challenge: string };

export default function SignIn() {
  const [step, setStep] = useState<Step>({ step: "password" });
  const ended = useSessionEnded();

  const send: Send = async (request) => {
    let answer: SignInAnswer;
    try {
      answer = await signIn(request);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === "SignInExpired") {
        setStep({ step: "password", message });
        return null;
      }
      return code === undefined ? "The server did not answer. Try again in a moment." : message;
    }
    if (answer.next !== "done") setStep({ step: answer.next, challenge: answer.challenge });
    return null;
  };

  const cancel = (): void => setStep({ step: "password" });
  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <SpaceBetween size="l">
          <Box textAlign="center" fontSize="display-l" fontWeight="bold">
            Isthmus
          </Box>
          {ended && step.step === "password" && (
            <Alert type="info" header="Your session has ended">
              You were signed out. Sign in again to go on where you were.
            </Alert>
          )}
          <Container>
            {step.step === "password" && <PasswordStep send={send} message={step.message} />}
            {step.step === "mfa" && <MfaStep send={send} challenge={step.challenge} onCancel={cancel} />}
            {step.step === "changePassword" && (
              <ChangePasswordStep send={send} challenge={step.challenge} onCancel={cancel} />
            )}
          </Container>
        </SpaceBetween>
      </div>
    </main>
  );
}
