/**
 * `/-/signin`: a password and a one-time code become temporary credentials.
 *
 * The exchange has up to three steps. Each answer but the last carries a `challenge`, which stands for what was proved
 * so far, so that the page forgets the password with the first answer.
 */
import { begin, type Session } from "./session";

export type SignInRequest =
  | { account: string; user: string; password: string }
  | { email: string; password: string }
  | { challenge: string; mfaCode: string }
  | { challenge: string; newPassword: string; oldPassword: string };

export type SignInAnswer =
  { next: "mfa" | "changePassword"; challenge: string } | { next: "done"; hasMfaDevice: boolean };

/** A refused sign-in; the message is for people. */
export class SignInRefused extends Error {
  override name = "SignInRefused";

  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

interface Signed {
  next: "done";
  hasMfaDevice: boolean;
  session: Omit<Session, "role" | "credentials"> & {
    credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string; expiration: string };
  };
}

/** One step; at the last the session begins. Raises SignInRefused, TypeError when the server does not answer. */
export async function signIn(request: SignInRequest): Promise<SignInAnswer> {
  const response = await fetch("/-/signin", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
    credentials: "omit",
    cache: "no-store",
  });
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const refusal = (answer ?? {}) as { code?: string; message?: string };
    throw new SignInRefused(
      refusal.message ?? `The server answered ${response.status}. Try again later.`,
      refusal.code ?? "Unavailable",
    );
  }
  const step = answer as SignInAnswer | Signed;
  if (step.next !== "done" || !("session" in step)) return step;
  const { credentials, ...who } = step.session;
  const { expiration, ...keys } = credentials;
  begin({ ...who, credentials: { ...keys, expires: Date.parse(expiration) }, role: null });
  return { next: "done", hasMfaDevice: step.hasMfaDevice };
}
