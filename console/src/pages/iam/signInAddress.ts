/** The address at which the users of the account in use sign in: with its alias, or with its id. */
import { activeAccount, signedIn } from "../../session/session";

export function signInAddress(alias?: string | null): string {
  const session = signedIn();
  const known = session.role === null ? session.accountAlias : null;
  const account = (alias === undefined ? known : alias) ?? activeAccount(session);
  return `${location.origin}/-/console/signin?account=${encodeURIComponent(account)}`;
}
