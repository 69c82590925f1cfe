/** The credentials of a user, or one's own: password, MFA devices, access keys. */
import Alert from "@cloudscape-design/components/alert";
import SpaceBetween from "@cloudscape-design/components/space-between";

import { AccessKeys } from "./AccessKeys";
import { ConsoleAccess } from "./ConsoleAccess";
import type { CredentialOwner } from "./credentialOwner";
import { MfaDevices } from "./MfaDevices";

export function SecurityCredentials({ owner }: { owner: CredentialOwner }) {
  return (
    <SpaceBetween size="l">
      {owner.name === null && (
        <Alert type="warning">
          You are signed in as the root user. Use it only for what needs it, and do not make access keys for it.
        </Alert>
      )}
      {owner.name !== null && <ConsoleAccess user={owner.name} oneself={owner.oneself} />}
      <MfaDevices owner={owner} />
      <AccessKeys owner={owner} />
    </SpaceBetween>
  );
}
