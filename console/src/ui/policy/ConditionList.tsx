/** The conditions of a statement: key, operator, values. */
import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Autosuggest from "@cloudscape-design/components/autosuggest";
import Select from "@cloudscape-design/components/select";
import Textarea from "@cloudscape-design/components/textarea";

import type { CatalogueKey } from "../../policy/catalogue";
import { OPERATORS } from "../../policy/operators";
import type { VisualCondition } from "../../policy/visual";

interface Props {
  conditions: VisualCondition[];
  keys: CatalogueKey[];
  onChange: (conditions: VisualCondition[]) => void;
}

const FIRST: Readonly<Record<string, string>> = {
  Bool: "Bool",
  Numeric: "NumericEquals",
  Date: "DateGreaterThan",
  IPAddress: "IpAddress",
  ARN: "ArnLike",
  ArrayOfString: "ForAnyValue:StringEquals",
};
const NAMES = Object.keys(OPERATORS);
const ALL = [
  ...NAMES,
  ...NAMES.filter((name) => name !== "Null").map((name) => `${name}IfExists`),
  ...["ForAllValues", "ForAnyValue"].flatMap((set) =>
    NAMES.filter((name) => name !== "Null").map((name) => `${set}:${name}`),
  ),
];

export function ConditionList({ conditions, keys, onChange }: Props) {
  const change = (index: number, part: Partial<VisualCondition>): void =>
    onChange(conditions.map((one, place) => (place === index ? { ...one, ...part } : one)));
  return (
    <AttributeEditor
      items={conditions}
      addButtonText="Add another condition"
      removeButtonText="Remove"
      removeButtonAriaLabel={(item) => `Remove condition ${item.key}`}
      empty="No conditions: the statement applies to every request."
      onAddButtonClick={() => onChange([...conditions, { operator: "StringEquals", key: "", values: [""] }])}
      onRemoveButtonClick={({ detail }) => onChange(conditions.filter((_, index) => index !== detail.itemIndex))}
      definition={[
        {
          label: "Condition key",
          control: (item, index) => (
            <Autosuggest
              value={item.key}
              ariaLabel="Condition key"
              placeholder="aws:SourceIp"
              enteredTextLabel={(value) => `Use: ${value}`}
              options={keys.map(({ name, description }) => ({ value: name, description }))}
              onChange={({ detail }) => {
                const type = keys.find(({ name }) => name === detail.value)?.type;
                const operator = type === undefined ? item.operator : (FIRST[type] ?? "StringEquals");
                change(index, { key: detail.value, operator });
              }}
            />
          ),
        },
        {
          label: "Operator",
          control: (item, index) => (
            <Select
              ariaLabel="Operator"
              filteringType="auto"
              selectedOption={{ value: item.operator, label: item.operator }}
              options={ALL.map((value) => ({ value, label: value }))}
              onChange={({ detail }) => change(index, { operator: detail.selectedOption.value ?? "" })}
            />
          ),
        },
        {
          label: "Values, one a line",
          control: (item, index) => (
            <Textarea
              ariaLabel="Values, one a line"
              rows={Math.max(1, item.values.length)}
              value={item.values.join("\n")}
              onChange={({ detail }) => change(index, { values: detail.value.split("\n") })}
            />
          ),
        },
      ]}
    />
  );
}
