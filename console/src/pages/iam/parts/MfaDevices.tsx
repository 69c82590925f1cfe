/** The MFA devices of a user or of root: list, assign, resynchronise, remove. */
import {
  DeactivateMFADeviceCommand,
  DeleteVirtualMFADeviceCommand,
  type MFADevice,
  paginateListMFADevices,
} from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { every, useAnswer } from "../../../aws/answers";
import { iam } from "../../../aws/clients";
import { DeleteModal } from "../../../ui/DeleteModal";
import { succeeded } from "../../../ui/notifications";
import { ResourceTable } from "../../../ui/ResourceTable";
import { moment } from "../../../ui/times";
import { AssignMfa } from "./AssignMfa";
import { ResyncMfa } from "./ResyncMfa";
import { type CredentialOwner, ofOwner } from "./credentialOwner";

export function MfaDevices({ owner }: { owner: CredentialOwner }) {
  const [answer, reload] = useAnswer(
    () => every(paginateListMFADevices({ client: iam() }, ofOwner(owner)), (page) => page.MFADevices),
    [owner],
  );
  const [selected, setSelected] = useState<MFADevice[]>([]);
  const [open, setOpen] = useState<"assign" | "remove" | "resync" | null>(null);
  const device = selected[0];
  const close = (): void => {
    setOpen(null);
    setSelected([]);
    reload();
  };
  return (
    <>
      <ResourceTable
        title="Multi-factor authentication (MFA)"
        headingLevel="h2"
        description="Use MFA to increase the security of your environment. Signing in with MFA requires an authentication code from an MFA device. Each user can have a maximum of 8 MFA devices assigned."
        answer={answer}
        reload={reload}
        id={(one) => one.SerialNumber ?? ""}
        selection={{ type: "single", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={device === undefined} onClick={() => setOpen("remove")}>
              Remove
            </Button>
            <Button disabled={device === undefined} onClick={() => setOpen("resync")}>
              Resync
            </Button>
            <Button variant="primary" onClick={() => setOpen("assign")}>
              Assign MFA device
            </Button>
          </SpaceBetween>
        }
        empty={
          <Box textAlign="center">
            <Box variant="p">No MFA devices. Assign an MFA device to improve the security of your environment.</Box>
            <Button onClick={() => setOpen("assign")}>Assign MFA device</Button>
          </Box>
        }
        columns={[
          { id: "type", header: "Type", cell: () => "Virtual" },
          {
            id: "serial",
            header: "Identifier",
            isRowHeader: true,
            cell: ({ SerialNumber }) => <span className="breaks">{SerialNumber}</span>,
          },
          { id: "enabled", header: "Created on", cell: ({ EnableDate }) => moment(EnableDate) },
        ]}
      />
      {open === "assign" && <AssignMfa owner={owner} onClose={close} />}
      {open === "resync" && device !== undefined && (
        <ResyncMfa owner={owner} serial={device.SerialNumber ?? ""} onClose={close} />
      )}
      {open === "remove" && device !== undefined && (
        <DeleteModal
          header="Remove MFA device?"
          verb="Remove"
          act={async () => {
            const { SerialNumber } = device;
            await iam().send(new DeactivateMFADeviceCommand({ UserName: owner.name ?? owner.account, SerialNumber }));
            await iam().send(new DeleteVirtualMFADeviceCommand({ SerialNumber }));
          }}
          onDismiss={() => setOpen(null)}
          onDone={() => {
            succeeded("MFA device removed.");
            close();
          }}
        >
          Codes of <b className="breaks">{device.SerialNumber}</b> are no longer asked for at sign-in, and what requires
          MFA is no longer allowed.
        </DeleteModal>
      )}
    </>
  );
}
