/** The access keys of a user or of root. */
import {
  type AccessKeyLastUsed,
  type AccessKeyMetadata,
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  GetAccessKeyLastUsedCommand,
  ListAccessKeysCommand,
  UpdateAccessKeyCommand,
} from "@aws-sdk/client-iam";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";

import { useAction, useAnswer } from "../../../aws/answers";
import { iam } from "../../../aws/clients";
import { DeleteModal } from "../../../ui/DeleteModal";
import { FailureAlert } from "../../../ui/FailureAlert";
import { Copyable } from "../../../ui/Copyable";
import { succeeded } from "../../../ui/notifications";
import { ResourceTable } from "../../../ui/ResourceTable";
import { ago, moment } from "../../../ui/times";
import { csvOf, saveCsv } from "../csv";
import { SecretShown } from "./SecretShown";
import { type CredentialOwner, ofOwner } from "./credentialOwner";

interface Key extends AccessKeyMetadata {
  used: AccessKeyLastUsed | undefined;
}

async function keysOf(owner: CredentialOwner): Promise<Key[]> {
  const answer = await iam().send(new ListAccessKeysCommand(ofOwner(owner)));
  return Promise.all(
    (answer.AccessKeyMetadata ?? []).map(async (key) => ({
      ...key,
      // Of use, but no reason to show no keys.
      used: await iam()
        .send(new GetAccessKeyLastUsedCommand({ AccessKeyId: key.AccessKeyId }))
        .then(
          ({ AccessKeyLastUsed: used }) => used,
          () => undefined,
        ),
    })),
  );
}

export function AccessKeys({ owner }: { owner: CredentialOwner }) {
  const [answer, reload] = useAnswer(() => keysOf(owner), [owner]);
  const [selected, setSelected] = useState<Key[]>([]);
  const [open, setOpen] = useState<"create" | "delete" | null>(null);
  const key = selected[0];
  const switching = useAction(async (of: Key) => {
    const Status = of.Status === "Active" ? "Inactive" : "Active";
    await iam().send(new UpdateAccessKeyCommand({ ...ofOwner(owner), AccessKeyId: of.AccessKeyId, Status }));
    succeeded(`Access key ${Status === "Active" ? "activated" : "deactivated"}.`);
    setSelected([]);
    reload();
  });
  const close = (): void => {
    setOpen(null);
    setSelected([]);
    reload();
  };
  return (
    <SpaceBetween size="s">
      {switching.error !== null && <FailureAlert error={switching.error} onDismiss={switching.clear} />}
      <ResourceTable
        title="Access keys"
        headingLevel="h2"
        description="Use access keys to send programmatic calls from the AWS CLI and SDKs. You can have a maximum of two access keys (active or inactive) at a time."
        answer={answer}
        reload={reload}
        id={(one) => one.AccessKeyId ?? ""}
        selection={{ type: "single", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              disabled={key === undefined}
              loading={switching.running}
              onClick={() => key !== undefined && void switching.run(key)}
            >
              {key?.Status === "Inactive" ? "Activate" : "Deactivate"}
            </Button>
            <Button disabled={key === undefined} onClick={() => setOpen("delete")}>
              Delete
            </Button>
            <Button variant="primary" onClick={() => setOpen("create")}>
              Create access key
            </Button>
          </SpaceBetween>
        }
        columns={[
          { id: "id", header: "Access key ID", isRowHeader: true, cell: ({ AccessKeyId }) => AccessKeyId },
          {
            id: "status",
            header: "Status",
            cell: ({ Status }) => (
              <StatusIndicator type={Status === "Active" ? "success" : "stopped"}>{Status}</StatusIndicator>
            ),
          },
          { id: "created", header: "Created on", cell: ({ CreateDate }) => moment(CreateDate) },
          { id: "used", header: "Last used", cell: ({ used }) => ago(used?.LastUsedDate) },
          { id: "service", header: "Last used service", cell: ({ used }) => used?.ServiceName ?? "-" },
        ]}
      />
      {open === "create" && <CreateKey owner={owner} onClose={close} />}
      {open === "delete" && key !== undefined && (
        <DeleteModal
          header="Delete access key?"
          confirmation={key.AccessKeyId ?? ""}
          act={async () => {
            await iam().send(new DeleteAccessKeyCommand({ ...ofOwner(owner), AccessKeyId: key.AccessKeyId }));
          }}
          onDismiss={() => setOpen(null)}
          onDone={() => {
            succeeded("Access key deleted.");
            close();
          }}
        >
          Programs that use it are refused from now on. Deactivate it first to see whether any still do.
        </DeleteModal>
      )}
    </SpaceBetween>
  );
}

function CreateKey({ owner, onClose }: { owner: CredentialOwner; onClose: () => void }) {
  const [made, setMade] = useState<{ id: string; secret: string } | null>(null);
  const creation = useAction(async () => {
    const { AccessKey } = await iam().send(new CreateAccessKeyCommand(ofOwner(owner)));
    setMade({ id: AccessKey?.AccessKeyId ?? "", secret: AccessKey?.SecretAccessKey ?? "" });
  });
  const save = ({ id, secret }: { id: string; secret: string }): void => {
    const file = owner.name === null ? "rootkey.csv" : `${owner.name}_accessKeys.csv`;
    saveCsv(
      file,
      csvOf([
        ["Access key ID", "Secret access key"],
        [id, secret],
      ]),
    );
  };
  return (
    <Modal
      visible
      size="medium"
      header={made === null ? "Create access key" : "Retrieve access keys"}
      onDismiss={onClose}
      footer={
        <Box float="right">
          {made === null ? (
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" onClick={onClose}>
                Cancel
              </Button>
              <Button variant="primary" loading={creation.running} onClick={() => void creation.run()}>
                Create access key
              </Button>
            </SpaceBetween>
          ) : (
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="download" onClick={() => save(made)}>
                Download .csv file
              </Button>
              <Button variant="primary" onClick={onClose}>
                Done
              </Button>
            </SpaceBetween>
          )}
        </Box>
      }
    >
      <SpaceBetween size="m">
        {creation.error !== null && <FailureAlert error={creation.error} header="The access key was not created" />}
        {made === null ? (
          <Box>
            An access key is a long-term credential of {owner.name ?? "the root user"}. Where you can, use roles and
            their temporary credentials instead.
          </Box>
        ) : (
          <SpaceBetween size="m">
            <Alert type="warning">
              This is the only time that the secret access key can be viewed or copied. You cannot recover it later.
            </Alert>
            <KeyValuePairs
              minColumnWidth={220}
              columns={1}
              items={[
                { label: "Access key", value: <Copyable text={made.id} name="Access key" /> },
                { label: "Secret access key", value: <SecretShown secret={made.secret} name="secret access key" /> },
              ]}
            />
          </SpaceBetween>
        )}
      </SpaceBetween>
    </Modal>
  );
}
