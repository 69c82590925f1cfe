/** Sessions end: a notice before, and a clear word when it has happened. */
import { useEffect } from "react";

import { notify } from "../ui/notifications";
import { actAs, end, type RoleInUse, useSession } from "./session";

const NOTICE = 5 * 60_000; // ms before the end
const LONGEST_TIMER = 2 ** 31 - 1;

/** Watches the session in use: while a component that calls this is shown. */
export function useExpiry(): void {
  const session = useSession();
  useEffect(() => {
    if (session === null) return;
    const own = session.credentials.expires;
    const { role } = session;
    const timers = [
      at(own - NOTICE, () => {
        notify({
          id: "session-ends",
          type: "warning",
          header: "Your session ends soon",
          content: `You will be signed out at ${clock(own)}. Finish what you are doing, then sign out and in again.`,
          sticky: true,
        });
      }),
      at(own, () => end(true)),
    ];
    if (role !== null) {
      timers.push(at(role.credentials.expires, () => leaveRole(role)));
    }
    return () => timers.forEach(clearTimeout);
  }, [session]);
}

/** The role's credentials are good for nothing any more: act as oneself again. */
export function leaveRole(role: RoleInUse): void {
  actAs(null);
  notify({
    id: "role-ended",
    type: "info",
    header: `Your session as ${role.roleName} has ended`,
    content: "You act as yourself again. Switch to the role anew to go on.",
    sticky: true,
  });
}

function at(moment: number, act: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(act, Math.min(Math.max(moment - Date.now(), 0), LONGEST_TIMER));
}

function clock(moment: number): string {
  return new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
