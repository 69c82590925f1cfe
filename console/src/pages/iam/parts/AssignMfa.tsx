/**
 * Assign an MFA device: name it, show its QR code to an authenticator app, prove it with two consecutive codes.
 *
 * The device exists from the moment the code is shown; cancelling deletes it again.
 */
import {
  CreateVirtualMFADeviceCommand,
  DeleteVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
} from "@aws-sdk/client-iam";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect, useState } from "react";

import { useAction } from "../../../aws/answers";
import { iam } from "../../../aws/clients";
import { FailureAlert } from "../../../ui/FailureAlert";
import { succeeded } from "../../../ui/notifications";
import { SecretShown } from "./SecretShown";
import type { CredentialOwner } from "./credentialOwner";

interface Device {
  serial: string;
  seed: string;
  /** An address of the QR code's image. */
  picture: string;
}

interface Props {
  owner: CredentialOwner;
  onClose: () => void;
}

export function AssignMfa({ owner, onClose }: Props) {
  const [name, setName] = useState(owner.name ?? "root-account-mfa-device");
  const [device, setDevice] = useState<Device | null>(null);
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const badName = /^[\w+=,.@-]{1,226}$/.test(name) ? "" : "Use 1 to 226 letters, digits and +=,.@-_ characters.";
  const bothCodes = /^\d{6}$/.test(first) && /^\d{6}$/.test(second);

  const creation = useAction(async () => {
    const answer = await iam().send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: name }));
    const made = answer.VirtualMFADevice;
    setDevice({
      serial: made?.SerialNumber ?? "",
      seed: new TextDecoder().decode(made?.Base32StringSeed),
      picture: URL.createObjectURL(new Blob([new Uint8Array(made?.QRCodePNG ?? [])], { type: "image/png" })),
    });
  });
  const enabling = useAction(async (made: Device) => {
    await iam().send(
      new EnableMFADeviceCommand({
        UserName: owner.name ?? owner.account,
        SerialNumber: made.serial,
        AuthenticationCode1: first,
        AuthenticationCode2: second,
      }),
    );
  });
  const picture = device?.picture;
  useEffect(() => (picture === undefined ? undefined : () => URL.revokeObjectURL(picture)), [picture]);

  const cancel = (): void => {
    // A device that nobody proved is of no use; that it cannot be deleted now is no reason to stay here.
    if (device !== null) {
      iam()
        .send(new DeleteVirtualMFADeviceCommand({ SerialNumber: device.serial }))
        .catch(() => undefined);
    }
    onClose();
  };
  const submit = async (): Promise<void> => {
    if (device === null) {
      if (badName === "") await creation.run();
    } else if (bothCodes && (await enabling.run(device))) {
      succeeded("MFA device assigned. It is asked for from the next sign-in on.");
      onClose();
    }
  };
  return (
    <Modal
      visible
      size="medium"
      header={device === null ? "Select MFA device" : "Set up device"}
      onDismiss={cancel}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={cancel}>
              Cancel
            </Button>
            <Button
              variant="primary"
              disabled={device === null ? badName !== "" : !bothCodes}
              loading={creation.running || enabling.running}
              onClick={() => void submit()}
            >
              {device === null ? "Next" : "Add MFA"}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <SpaceBetween size="m">
          {creation.error !== null && <FailureAlert error={creation.error} header="The device was not created" />}
          {enabling.error !== null && <FailureAlert error={enabling.error} header="The device was not assigned" />}
          {device === null ? (
            <FormField
              label="Device name"
              description="Enter a meaningful name to identify this device. It is an authenticator app on your mobile device or computer."
              constraintText="Maximum 226 characters. Use alphanumeric and '+=,.@-_' characters."
              errorText={badName}
            >
              <Input value={name} autoFocus spellcheck={false} onChange={({ detail }) => setName(detail.value)} />
            </FormField>
          ) : (
            <SpaceBetween size="m">
              <Box>
                Install a compatible application such as an authenticator app, open it, choose to add an account and
                scan this QR code.
              </Box>
              <div className="qr-code">
                <img src={device.picture} alt="QR code of the device" />
              </div>
              <FormField label="Or type in this secret key">
                <SecretShown secret={device.seed} name="secret key" />
              </FormField>
              <Box>
                Type two consecutive MFA codes below. Enter a code from your app, wait 30 seconds, and enter another.
              </Box>
              <FormField label="MFA code 1">
                <Input
                  value={first}
                  inputMode="numeric"
                  autoComplete="off"
                  autoFocus
                  onChange={({ detail }) => setFirst(detail.value.trim())}
                />
              </FormField>
              <FormField label="MFA code 2">
                <Input
                  value={second}
                  inputMode="numeric"
                  autoComplete="off"
                  onChange={({ detail }) => setSecond(detail.value.trim())}
                />
              </FormField>
            </SpaceBetween>
          )}
          <input type="submit" hidden />
        </SpaceBetween>
      </form>
    </Modal>
  );
}
