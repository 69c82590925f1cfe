/** The roles that a user switched to lately, remembered in this browser: names and colours, nothing secret. */
import type { ButtonDropdownProps } from "@cloudscape-design/components/button-dropdown";

import { dashed } from "./accountId";
import type { Session } from "./session";

export interface RecentRole {
  account: string;
  roleName: string;
  displayName: string;
  color: string;
}

/** What the id of a menu item of a recent role starts with; the query of its switch-role link follows. */
export const RECENT_ROLE = "recent:";

const MOST = 5; // as many as AWS's console shows

function key(session: Session): string {
  return `isthmus.roles.${session.arn}`;
}

function read(session: Session): RecentRole[] {
  try {
    return JSON.parse(localStorage.getItem(key(session)) ?? "[]") as RecentRole[];
  } catch {
    return [];
  }
}

export function remember(session: Session, role: RecentRole): void {
  const others = read(session).filter((one) => one.account !== role.account || one.roleName !== role.roleName);
  localStorage.setItem(key(session), JSON.stringify([role, ...others].slice(0, MOST)));
}

/** The query of the switch-role link, in AWS's shape. */
export function switchQuery(role: RecentRole): string {
  return new URLSearchParams({ ...role }).toString();
}

export function recentRoles(session: Session): ButtonDropdownProps.Item[] {
  return read(session).map((role) => ({
    id: RECENT_ROLE + switchQuery(role),
    text: role.displayName,
    secondaryText: `${role.roleName} @ ${dashed(role.account)}`,
  }));
}
