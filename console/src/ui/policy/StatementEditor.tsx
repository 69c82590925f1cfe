/** One statement of the visual editor: service, effect, actions, resources, conditions. */
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";

import type { Catalogue } from "../../policy/catalogue";
import { globOf } from "../../policy/check";
import type { VisualStatement } from "../../policy/visual";
import { ActionPicker } from "./ActionPicker";
import { ConditionList } from "./ConditionList";
import { ResourcePicker } from "./ResourcePicker";

interface Props {
  number: number;
  statement: VisualStatement;
  catalogue: Catalogue;
  onChange: (statement: VisualStatement) => void;
  onRemove: (() => void) | undefined;
}

export function StatementEditor({ number, statement, catalogue, onChange, onRemove }: Props) {
  const service = catalogue.services.find(({ prefix }) => prefix === statement.service);
  const patterns = statement.actions.map((action) => globOf(action));
  const actions = (service?.actions ?? []).filter(({ name }) => patterns.some((pattern) => pattern.test(name)));
  const keys = [
    ...catalogue.globalKeys,
    ...(service?.keys ?? []).filter(({ name }) => actions.some((action) => action.keys.includes(name))),
  ];
  const update = (change: Partial<VisualStatement>): void => onChange({ ...statement, ...change });
  return (
    <Container
      header={
        <Header
          variant="h3"
          actions={
            onRemove && (
              <Button onClick={onRemove} ariaLabel={`Remove statement ${number}`}>
                Remove
              </Button>
            )
          }
        >
          {service === undefined ? `Statement ${number}` : `${service.name} (${statement.service})`}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <FormField
          label="Service"
          description="Specify what actions can be performed on specific resources in a service."
        >
          <Select
            placeholder="Choose a service"
            filteringType="auto"
            selectedOption={service === undefined ? null : { value: service.prefix, label: service.name }}
            options={catalogue.services.map(({ prefix, name }) => ({
              value: prefix,
              label: name,
              description: prefix,
            }))}
            onChange={({ detail }) =>
              update({ service: detail.selectedOption.value ?? "", actions: [], resources: [] })
            }
          />
        </FormField>
        {service !== undefined && (
          <SpaceBetween size="l">
            <FormField label="Effect">
              <RadioGroup
                value={statement.effect}
                items={[
                  { value: "Allow", label: "Allow" },
                  { value: "Deny", label: "Deny" },
                ]}
                onChange={({ detail }) => update({ effect: detail.value === "Deny" ? "Deny" : "Allow" })}
              />
            </FormField>
            <ActionPicker
              service={service}
              chosen={statement.actions}
              onChange={(chosen) => update({ actions: chosen })}
            />
            <ResourcePicker
              service={service}
              actions={actions}
              resources={statement.resources}
              onChange={(resources) => update({ resources })}
            />
            <ExpandableSection
              headerText={`Request conditions - optional${statement.conditions.length > 0 ? ` (${statement.conditions.length})` : ""}`}
              defaultExpanded={statement.conditions.length > 0}
            >
              <ConditionList
                conditions={statement.conditions}
                keys={keys}
                onChange={(conditions) => update({ conditions })}
              />
            </ExpandableSection>
          </SpaceBetween>
        )}
      </SpaceBetween>
    </Container>
  );
}
