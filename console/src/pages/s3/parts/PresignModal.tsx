/** A link that lets anybody read one object for a time. */
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { useAction } from "../../../aws/answers";
import type { ObjectId } from "../../../aws/s3";
import { activeCredentials, signedIn } from "../../../session/session";
import { Copyable } from "../../../ui/Copyable";
import { FailureAlert } from "../../../ui/FailureAlert";
import { moment } from "../../../ui/times";
import { nameOf } from "../addresses";
import { presigned } from "../download";

const UNITS = [
  { value: "60", label: "Minutes" },
  { value: "3600", label: "Hours" },
];
const LONGEST = 12 * 3600; // s; as AWS's console, whose sessions end then

interface Props {
  object: ObjectId;
  onDismiss: () => void;
}

export function PresignModal({ object, onDismiss }: Props) {
  const [amount, setAmount] = useState("15");
  const [unit, setUnit] = useState(UNITS[0]);
  const [made, setMade] = useState<{ link: string; until: Date } | null>(null);
  const [tried, setTried] = useState(false);
  const { expires } = activeCredentials(signedIn());
  const seconds = Number(amount) * Number(unit?.value ?? 60);
  const problem =
    Number.isInteger(seconds) && seconds >= 1 && seconds <= LONGEST ? "" : "Enter a whole number, at most 12 hours.";
  const making = useAction(async () => {
    const link = await presigned(object, seconds);
    setMade({ link, until: new Date(Math.min(Date.now() + seconds * 1000, expires)) });
  });
  const submit = (): void => {
    setTried(true);
    if (problem === "") void making.run();
  };
  return (
    <Modal
      visible
      header={`Share ${nameOf(object.Key)} with a presigned URL`}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              {made === null ? "Cancel" : "Close"}
            </Button>
            {made === null && (
              <Button variant="primary" loading={making.running} onClick={submit}>
                Create presigned URL
              </Button>
            )}
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {making.error !== null && <FailureAlert error={making.error} header="The link was not made" />}
        {made === null ? (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              submit();
            }}
          >
            <SpaceBetween size="m">
              <Alert type="info">
                Whoever has the link can read the object as you until it expires. It ends with your session at the
                latest: {moment(new Date(expires))}.
              </Alert>
              <FormField label="Time until the presigned URL expires" errorText={tried ? problem : ""}>
                <SpaceBetween direction="horizontal" size="xs">
                  <Input
                    value={amount}
                    inputMode="numeric"
                    ariaLabel="Time until the presigned URL expires"
                    onChange={({ detail }) => setAmount(detail.value)}
                  />
                  <Select
                    ariaLabel="Unit"
                    selectedOption={unit ?? null}
                    options={UNITS}
                    onChange={({ detail }) => setUnit(UNITS.find(({ value }) => value === detail.selectedOption.value))}
                  />
                </SpaceBetween>
              </FormField>
            </SpaceBetween>
          </form>
        ) : (
          <>
            <Box>Works until {moment(made.until)}.</Box>
            <Copyable text={made.link} name="Presigned URL" />
          </>
        )}
      </SpaceBetween>
    </Modal>
  );
}
