/**
 * Switching roles as AWS's console does: AssumeRole by the identity that signed in, whatever role is in use, without
 * session policies, for as long as the role and the sign-in allow (the server's default for console sessions).
 */
import { AssumeRoleCommand } from "@aws-sdk/client-sts";

import { type RecentRole, remember } from "./recentRoles";
import { actAs, signedIn } from "./session";

/** The colours of AWS's console, as its switch-role links write them. */
export const COLORS: readonly { value: string; name: string }[] = [
  { value: "", name: "None" },
  { value: "F2B0A9", name: "Red" },
  { value: "FBBF93", name: "Orange" },
  { value: "FAD791", name: "Yellow" },
  { value: "B7CA9D", name: "Green" },
  { value: "99BCE3", name: "Blue" },
];

/** What a switch-role link asks for; what it cannot mean is left out. */
export function readSwitchQuery(query: URLSearchParams): RecentRole {
  const color = (query.get("color") ?? "").toUpperCase();
  return {
    account: (query.get("account") ?? "").replaceAll("-", ""),
    roleName: query.get("roleName") ?? "",
    displayName: query.get("displayName") ?? "",
    color: /^[0-9A-F]{6}$/.test(color) ? color : "",
  };
}

/** The link that others can use to switch to a role. */
export function switchRoleLink(account: string, roleName: string): string {
  return `${location.origin}/-/console/switchrole?${new URLSearchParams({ roleName, account }).toString()}`;
}

/** Become the role. Raises what AssumeRole answers. */
export async function switchRole(role: RecentRole): Promise<void> {
  const session = signedIn();
  // The clients are large, and the frame of every page comes through here: they are loaded when one is used.
  const { stsAsOneself } = await import("../aws/clients");
  const answer = await stsAsOneself().send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${role.account}:role/${role.roleName.replace(/^\//, "")}`,
      // Session names have at least two characters, user names one.
      RoleSessionName: session.name.padEnd(2, "_"),
    }),
  );
  const given = answer.Credentials;
  if (given?.AccessKeyId === undefined || given.SecretAccessKey === undefined || given.SessionToken === undefined) {
    throw new Error("AssumeRole answered without credentials.");
  }
  const named = { ...role, displayName: role.displayName || `${role.roleName} @ ${role.account}` };
  remember(session, named);
  actAs({
    ...named,
    credentials: {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      sessionToken: given.SessionToken,
      expires: given.Expiration?.getTime() ?? session.credentials.expires,
    },
  });
}
