/** The table in which users are chosen. */
import { paginateListUsers, type User } from "@aws-sdk/client-iam";

import { every, useAnswer } from "../../../aws/answers";
import { iam } from "../../../aws/clients";
import { ResourceTable } from "../../../ui/ResourceTable";
import { ago } from "../../../ui/times";

interface Props {
  title: string;
  description?: string;
  selected: User[];
  onChange: (selected: User[]) => void;
  /** Names that are not offered. */
  without?: readonly string[];
}

export function UserPicker({ title, description, selected, onChange, without = NONE }: Props) {
  const [answer, reload] = useAnswer(
    () => every(paginateListUsers({ client: iam(), pageSize: 1000 }, {}), (page) => page.Users),
    [],
  );
  return (
    <ResourceTable
      title={title}
      description={description}
      headingLevel="h2"
      answer={
        answer.status === "ready"
          ? { status: "ready", value: answer.value.filter(({ UserName = "" }) => !without.includes(UserName)) }
          : answer
      }
      reload={reload}
      id={(user) => user.UserName ?? ""}
      selection={{ type: "multi", selected, onChange }}
      pageSize={10}
      empty="No users"
      columns={[
        {
          id: "name",
          header: "User name",
          sortingField: "UserName",
          isRowHeader: true,
          cell: ({ UserName }) => UserName,
        },
        { id: "created", header: "Created", sortingField: "CreateDate", cell: (user) => ago(user.CreateDate) },
      ]}
    />
  );
}

const NONE: readonly string[] = [];
