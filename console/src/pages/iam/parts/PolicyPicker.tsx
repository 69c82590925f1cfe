/** The table in which managed policies are chosen: search, type, the document of each on demand. */
import type { Policy } from "@aws-sdk/client-iam";
import { GetPolicyVersionCommand } from "@aws-sdk/client-iam";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";
import Select from "@cloudscape-design/components/select";
import { useState } from "react";

import { type Answer, useAnswer } from "../../../aws/answers";
import { iam } from "../../../aws/clients";
import { Answered } from "../../../ui/Answered";
import { JsonText, pretty } from "../../../ui/JsonText";
import { ResourceTable } from "../../../ui/ResourceTable";
import { decoded } from "../holders";
import { isAwsManaged, policyType } from "../managedPolicies";

const TYPES = [
  { value: "all", label: "All types" },
  { value: "customer", label: "Customer managed" },
  { value: "aws", label: "AWS managed" },
];

interface Props {
  answer: Answer<Policy[]>;
  reload: () => void;
  selected: Policy[];
  onChange: (selected: Policy[]) => void;
  title?: string;
  description?: string;
  single?: boolean;
  /** ARNs that are not offered, since they are attached already. */
  without?: readonly string[];
}

export function PolicyPicker(props: Props) {
  const [type, setType] = useState("all");
  const [shown, setShown] = useState<Policy | null>(null);
  const { answer, without = [] } = props;
  const offered: Answer<Policy[]> =
    answer.status === "ready"
      ? {
          status: "ready",
          value: answer.value.filter(
            ({ Arn }) => !without.includes(Arn ?? "") && (type === "all" || (type === "aws") === isAwsManaged(Arn)),
          ),
        }
      : answer;
  return (
    <>
      <ResourceTable
        title={props.title ?? "Permissions policies"}
        description={props.description ?? "Choose one or more policies to attach."}
        headingLevel="h2"
        answer={offered}
        reload={props.reload}
        id={({ Arn = "" }) => Arn}
        name={({ PolicyName = "" }) => PolicyName}
        searchPlaceholder="Search by policy name"
        selection={{
          type: props.single === true ? "single" : "multi",
          selected: props.selected,
          onChange: props.onChange,
        }}
        pageSize={10}
        filters={
          <Select
            ariaLabel="Filter by type"
            selectedOption={TYPES.find(({ value }) => value === type) ?? null}
            options={TYPES}
            onChange={({ detail }) => setType(detail.selectedOption.value ?? "all")}
          />
        }
        columns={[
          {
            id: "name",
            header: "Policy name",
            cell: (policy) => (
              <Button variant="inline-link" onClick={() => setShown(policy)}>
                {policy.PolicyName}
              </Button>
            ),
            sortingField: "PolicyName",
            isRowHeader: true,
          },
          { id: "type", header: "Type", cell: (policy) => policyType(policy.Arn) },
          { id: "description", header: "Description", cell: (policy) => policy.Description ?? "-" },
        ]}
      />
      {shown !== null && <DocumentModal policy={shown} onDismiss={() => setShown(null)} />}
    </>
  );
}

function DocumentModal({ policy, onDismiss }: { policy: Policy; onDismiss: () => void }) {
  const [answer, reload] = useAnswer(
    () => iam().send(new GetPolicyVersionCommand({ PolicyArn: policy.Arn, VersionId: policy.DefaultVersionId })),
    [policy.Arn, policy.DefaultVersionId],
  );
  return (
    <Modal visible size="large" header={policy.PolicyName} onDismiss={onDismiss}>
      <Box variant="p">{policy.Description}</Box>
      <Answered answer={answer} reload={reload} failed="The policy could not be loaded">
        {({ PolicyVersion }) => <JsonText text={pretty(decoded(PolicyVersion?.Document))} label="Policy document" />}
      </Answered>
    </Modal>
  );
}
