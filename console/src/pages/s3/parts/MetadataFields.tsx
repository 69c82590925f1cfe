/** Rows of user-defined metadata. */
import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Input from "@cloudscape-design/components/input";

import type { MetadataRow } from "../metadata";

interface Props {
  rows: readonly MetadataRow[];
  onChange: (rows: readonly MetadataRow[]) => void;
}

export function MetadataFields({ rows, onChange }: Props) {
  const change = (index: number, news: Partial<MetadataRow>): void =>
    onChange(rows.map((row, at) => (at === index ? { ...row, ...news } : row)));
  return (
    <AttributeEditor
      items={rows}
      addButtonText="Add metadata"
      removeButtonText="Remove"
      empty="No user-defined metadata"
      onAddButtonClick={() => onChange([...rows, { name: "", value: "" }])}
      onRemoveButtonClick={({ detail }) => onChange(rows.filter((_, at) => at !== detail.itemIndex))}
      definition={[
        {
          label: "Name",
          control: ({ name }, index) => (
            <Input value={name} spellcheck={false} onChange={({ detail }) => change(index, { name: detail.value })} />
          ),
        },
        {
          label: "Value",
          control: ({ value }, index) => (
            <Input value={value} spellcheck={false} onChange={({ detail }) => change(index, { value: detail.value })} />
          ),
        },
      ]}
    />
  );
}
