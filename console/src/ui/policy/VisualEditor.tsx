/** The visual editor: a policy put together from choices, statement by statement. */
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

import { emptyStatement, isVisual, readVisual, type VisualPolicy, writeVisual } from "../../policy/visual";
import { Loading } from "../Answered";
import { JsonText } from "../JsonText";
import { useCatalogue } from "./PolicyEditor";
import { StatementEditor } from "./StatementEditor";

const EMPTY: VisualPolicy = { version: "2012-10-17", policyId: null, statements: [] };

interface Props {
  text: string;
  onChange: (text: string) => void;
}

export default function VisualEditor({ text, onChange }: Props) {
  // The statements keep their identity while they are edited, so the text is read once.
  const [policy, setPolicy] = useState<VisualPolicy>(() => {
    const read = readVisual(text) ?? EMPTY;
    return read.statements.length > 0 ? read : { ...read, statements: [emptyStatement()] };
  });
  const catalogue = useCatalogue();
  if (catalogue === null) return <Loading />;

  const change = (statements: VisualPolicy["statements"]): void => {
    const next = { ...policy, statements };
    setPolicy(next);
    onChange(writeVisual(next));
  };
  return (
    <SpaceBetween size="m">
      {policy.statements.map((statement, index) => {
        const remove = (): void => change(policy.statements.filter(({ id }) => id !== statement.id));
        if (!isVisual(statement)) {
          return (
            <Alert key={statement.id} type="info" header="This statement can be edited as JSON only">
              <JsonText text={JSON.stringify(statement.json, null, 2)} label={`Statement ${index + 1}`} />
            </Alert>
          );
        }
        return (
          <StatementEditor
            key={statement.id}
            number={index + 1}
            statement={statement}
            catalogue={catalogue}
            onChange={(changed) => change(policy.statements.map((one) => (one.id === changed.id ? changed : one)))}
            onRemove={policy.statements.length > 1 ? remove : undefined}
          />
        );
      })}
      <Button iconName="add-plus" onClick={() => change([...policy.statements, emptyStatement()])}>
        Add more permissions
      </Button>
    </SpaceBetween>
  );
}
