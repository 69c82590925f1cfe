/** The actions of a service by access level, with a search over names and descriptions. */
import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import SpaceBetween from "@cloudscape-design/components/space-between";
import TextFilter from "@cloudscape-design/components/text-filter";
import TokenGroup from "@cloudscape-design/components/token-group";
import { useState } from "react";

import type { CatalogueAction, CatalogueService } from "../../policy/catalogue";

interface Props {
  service: CatalogueService;
  /** Names and patterns without the service. */
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

const LEVELS = ["List", "Read", "Write", "Permissions management", "Tagging"];

export function ActionPicker({ service, chosen, onChange }: Props) {
  const [search, setSearch] = useState("");
  const folded = new Set(chosen.map((one) => one.toLowerCase()));
  const isChosen = ({ name }: CatalogueAction): boolean => folded.has(name.toLowerCase());
  const all = folded.has("*");
  const patterns = chosen.filter((one) => one.includes("*") || one.includes("?"));
  const wanted = search.trim().toLowerCase();
  const matching = service.actions.filter(
    ({ name, description }) => name.toLowerCase().includes(wanted) || description.toLowerCase().includes(wanted),
  );
  const set = (names: string[], on: boolean): void => {
    const changed = new Set(names.map((name) => name.toLowerCase()));
    const rest = chosen.filter((one) => !changed.has(one.toLowerCase()));
    onChange(on ? [...rest, ...names] : rest);
  };

  return (
    <FormField
      label="Actions allowed or denied"
      description="Specify actions from the service to be allowed or denied."
      stretch
    >
      <SpaceBetween size="xs">
        <Checkbox checked={all} onChange={({ detail }) => set(["*"], detail.checked)}>
          All actions ({service.prefix}:*)
        </Checkbox>
        {patterns.filter((one) => one !== "*").length > 0 && (
          <TokenGroup
            items={patterns
              .filter((one) => one !== "*")
              .map((one) => ({ label: `${service.prefix}:${one}`, dismissLabel: `Remove ${one}` }))}
            onDismiss={({ detail }) => {
              const pattern = patterns.filter((one) => one !== "*")[detail.itemIndex];
              if (pattern !== undefined) set([pattern], false);
            }}
          />
        )}
        <TextFilter
          filteringText={search}
          filteringAriaLabel="Filter actions"
          filteringPlaceholder="Filter actions"
          countText={wanted === "" ? "" : `${matching.length} matches`}
          onChange={({ detail }) => setSearch(detail.filteringText)}
        />
        {LEVELS.map((level) => {
          const actions = matching.filter((action) => action.level === level);
          if (actions.length === 0) return null;
          const count = actions.filter(isChosen).length;
          return (
            <ExpandableSection
              key={`${level} ${wanted === "" ? "" : "searched"}`}
              headerText={`${level} ${all ? "(All)" : `(${count}/${actions.length})`}`}
              defaultExpanded={wanted !== ""}
            >
              <SpaceBetween size="xs">
                <Checkbox
                  checked={all || count === actions.length}
                  indeterminate={!all && count > 0 && count < actions.length}
                  disabled={all}
                  onChange={({ detail }) =>
                    set(
                      actions.map(({ name }) => name),
                      detail.checked,
                    )
                  }
                >
                  All {level.toLowerCase()} actions
                </Checkbox>
                <ColumnLayout columns={2}>
                  {actions.map((action) => (
                    <Checkbox
                      key={action.name}
                      checked={all || isChosen(action)}
                      disabled={all}
                      description={action.description}
                      onChange={({ detail }) => set([action.name], detail.checked)}
                    >
                      {action.name}
                    </Checkbox>
                  ))}
                </ColumnLayout>
              </SpaceBetween>
            </ExpandableSection>
          );
        })}
        {matching.length === 0 && <Box>No actions match.</Box>}
      </SpaceBetween>
    </FormField>
  );
}
