/**
 * The sign-in page while nobody is signed in, else the console; each loads only what it needs.
 *
 * Pages are made anew when the credentials change: nothing that one identity saw stays on screen for another.
 */
import I18nProvider from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import { lazy, Suspense, useEffect } from "react";

import { activeCredentials, useSession } from "../session/session";
import { dismissAll } from "../ui/notifications";
import { Starting } from "./Starting";

const SignIn = lazy(() => import("../pages/signin/SignIn"));
const SignedInFrame = lazy(() => import("./SignedInFrame"));

export function Frame() {
  return (
    <I18nProvider locale="en" messages={[messages]}>
      <FrameOrSignIn />
    </I18nProvider>
  );
}

function FrameOrSignIn() {
  const session = useSession();
  const nobody = session === null;
  useEffect(() => {
    if (nobody) dismissAll();
  }, [nobody]);
  if (session === null) {
    return (
      <Suspense fallback={<Starting />}>
        <SignIn />
      </Suspense>
    );
  }
  return (
    <Suspense fallback={<Starting />}>
      <SignedInFrame key={activeCredentials(session).accessKeyId} />
    </Suspense>
  );
}
