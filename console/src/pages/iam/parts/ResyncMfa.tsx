/** Resynchronise an MFA device whose clock is off. */
import { ResyncMFADeviceCommand } from "@aws-sdk/client-iam";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { useAction } from "../../../aws/answers";
import { iam } from "../../../aws/clients";
import { FailureAlert } from "../../../ui/FailureAlert";
import { succeeded } from "../../../ui/notifications";
import type { CredentialOwner } from "./credentialOwner";

interface Props {
  owner: CredentialOwner;
  serial: string;
  onClose: () => void;
}

export function ResyncMfa({ owner, serial, onClose }: Props) {
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const ready = /^\d{6}$/.test(first) && /^\d{6}$/.test(second);
  const saving = useAction(async () => {
    await iam().send(
      new ResyncMFADeviceCommand({
        UserName: owner.name ?? owner.account,
        SerialNumber: serial,
        AuthenticationCode1: first,
        AuthenticationCode2: second,
      }),
    );
  });
  const submit = async (): Promise<void> => {
    if (ready && (await saving.run())) {
      succeeded("MFA device resynchronised.");
      onClose();
    }
  };
  return (
    <Modal
      visible
      header="Resync MFA device"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" disabled={!ready} loading={saving.running} onClick={() => void submit()}>
              Resync
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {saving.error !== null && <FailureAlert error={saving.error} header="The device was not resynchronised" />}
        <Box>Type two consecutive codes of the device.</Box>
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
    </Modal>
  );
}
