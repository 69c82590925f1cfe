/** The users of the account. */
import {
  DeactivateMFADeviceCommand,
  DeleteAccessKeyCommand,
  DeleteLoginProfileCommand,
  DeleteSigningCertificateCommand,
  DeleteSSHPublicKeyCommand,
  DeleteUserCommand,
  DeleteVirtualMFADeviceCommand,
  ListAccessKeysCommand,
  ListMFADevicesCommand,
  ListSigningCertificatesCommand,
  ListSSHPublicKeysCommand,
  paginateListGroupsForUser,
  paginateListUsers,
  RemoveUserFromGroupCommand,
  type User,
} from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { every, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { failureOf } from "../../aws/errors";
import { DeleteModal } from "../../ui/DeleteModal";
import { PageButton, PageLink } from "../../ui/links";
import { succeeded } from "../../ui/notifications";
import { ResourceTable } from "../../ui/ResourceTable";
import { ago } from "../../ui/times";
import { HOLDERS, pageOf, removePolicies } from "./holders";

/** DeleteUser wants a user without anything: this takes everything away first, as AWS's console does. */
export async function deleteUser(name: string): Promise<void> {
  const of = { UserName: name };
  const client = iam();
  await client.send(new DeleteLoginProfileCommand(of)).catch((error: unknown) => {
    if (failureOf(error).code !== "NoSuchEntity") throw error;
  });
  for (const { AccessKeyId } of (await client.send(new ListAccessKeysCommand(of))).AccessKeyMetadata ?? []) {
    await client.send(new DeleteAccessKeyCommand({ ...of, AccessKeyId }));
  }
  for (const { SerialNumber } of (await client.send(new ListMFADevicesCommand(of))).MFADevices ?? []) {
    await client.send(new DeactivateMFADeviceCommand({ ...of, SerialNumber }));
    await client.send(new DeleteVirtualMFADeviceCommand({ SerialNumber }));
  }
  for (const { SSHPublicKeyId } of (await client.send(new ListSSHPublicKeysCommand(of))).SSHPublicKeys ?? []) {
    await client.send(new DeleteSSHPublicKeyCommand({ ...of, SSHPublicKeyId }));
  }
  for (const { CertificateId } of (await client.send(new ListSigningCertificatesCommand(of))).Certificates ?? []) {
    await client.send(new DeleteSigningCertificateCommand({ ...of, CertificateId }));
  }
  for (const { GroupName } of await every(paginateListGroupsForUser({ client }, of), (page) => page.Groups)) {
    await client.send(new RemoveUserFromGroupCommand({ ...of, GroupName }));
  }
  await removePolicies(HOLDERS.user, name);
  await client.send(new DeleteUserCommand(of));
}

export function Component() {
  const [answer, reload] = useAnswer(
    () => every(paginateListUsers({ client: iam(), pageSize: 1000 }, {}), (page) => page.Users),
    [],
  );
  const [selected, setSelected] = useState<User[]>([]);
  const [deleting, setDeleting] = useState(false);
  const names = selected.map(({ UserName = "" }) => UserName);
  return (
    <>
      <ResourceTable
        title="Users"
        description="An IAM user is an identity with long-term credentials that is used to interact with AWS in an account."
        answer={answer}
        reload={reload}
        id={(user) => user.UserName ?? ""}
        selection={{ type: "multi", selected, onChange: setSelected }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="refresh" ariaLabel="Refresh" onClick={reload} />
            <Button disabled={selected.length === 0} onClick={() => setDeleting(true)}>
              Delete
            </Button>
            <PageButton variant="primary" to="/iam/users/create">
              Create user
            </PageButton>
          </SpaceBetween>
        }
        columns={[
          {
            id: "name",
            header: "User name",
            sortingField: "UserName",
            isRowHeader: true,
            cell: ({ UserName = "" }) => <PageLink to={pageOf(HOLDERS.user, UserName)}>{UserName}</PageLink>,
          },
          { id: "path", header: "Path", sortingField: "Path", cell: ({ Path }) => Path },
          {
            id: "used",
            header: "Console last sign-in",
            sortingField: "PasswordLastUsed",
            cell: (user) => ago(user.PasswordLastUsed),
          },
          { id: "created", header: "Created", sortingField: "CreateDate", cell: (user) => ago(user.CreateDate) },
        ]}
      />
      {deleting && (
        <DeleteModal
          header={names.length === 1 ? `Delete ${names[0]}?` : `Delete ${names.length} users?`}
          confirmation={names.length === 1 ? (names[0] ?? "") : "delete"}
          act={async () => {
            for (const name of names) await deleteUser(name);
          }}
          onDismiss={() => setDeleting(false)}
          onDone={() => {
            setDeleting(false);
            setSelected([]);
            succeeded(names.length === 1 ? `User ${names[0]} deleted.` : `${names.length} users deleted.`);
            reload();
          }}
        >
          Delete {names.length === 1 ? `user ${names[0]}` : "these users"} permanently? Passwords, access keys, MFA
          devices and inline policies go with it.
        </DeleteModal>
      )}
    </>
  );
}
