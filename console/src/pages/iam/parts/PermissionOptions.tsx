/** How a user gets permissions: by groups or by policies of its own. */
import { type Group, paginateListGroups } from "@aws-sdk/client-iam";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tiles from "@cloudscape-design/components/tiles";

import { every, useAnswer } from "../../../aws/answers";
import { iam } from "../../../aws/clients";
import { PageButton } from "../../../ui/links";
import { ResourceTable } from "../../../ui/ResourceTable";
import { moment } from "../../../ui/times";

export type PermissionChoice = "groups" | "policies";

interface Props {
  choice: PermissionChoice;
  onChoice: (choice: PermissionChoice) => void;
  groups: Group[];
  onGroups: (groups: Group[]) => void;
}

export function PermissionOptions({ choice, onChoice, groups, onGroups }: Props) {
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Permissions options</Header>}>
        <Tiles
          ariaLabel="Permissions options"
          value={choice}
          columns={2}
          items={[
            {
              value: "groups",
              label: "Add user to group",
              description:
                "Add user to an existing group, or create a new group. We recommend using groups to manage user permissions by job function.",
            },
            {
              value: "policies",
              label: "Attach policies directly",
              description:
                "Attach a managed policy directly to a user. As a best practice, we recommend attaching policies to a group instead.",
            },
          ]}
          onChange={({ detail }) => onChoice(detail.value === "groups" ? "groups" : "policies")}
        />
      </Container>
      {choice === "groups" && <GroupPicker selected={groups} onChange={onGroups} />}
    </SpaceBetween>
  );
}

function GroupPicker({ selected, onChange }: { selected: Group[]; onChange: (groups: Group[]) => void }) {
  const [answer, reload] = useAnswer(
    () => every(paginateListGroups({ client: iam(), pageSize: 1000 }, {}), (page) => page.Groups),
    [],
  );
  return (
    <ResourceTable
      title="User groups"
      headingLevel="h2"
      answer={answer}
      reload={reload}
      id={(group) => group.GroupName ?? ""}
      selection={{ type: "multi", selected, onChange }}
      pageSize={10}
      actions={<PageButton to="/iam/groups/create">Create group</PageButton>}
      columns={[
        {
          id: "name",
          header: "Group name",
          sortingField: "GroupName",
          isRowHeader: true,
          cell: (group) => group.GroupName,
        },
        {
          id: "created",
          header: "Creation time",
          sortingField: "CreateDate",
          cell: (group) => moment(group.CreateDate),
        },
      ]}
    />
  );
}
