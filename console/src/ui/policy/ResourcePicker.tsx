/** The resources of a statement: all, or ARNs that are put together from the types that its actions take. */
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import TokenGroup from "@cloudscape-design/components/token-group";
import { useState } from "react";

import type { CatalogueAction, CatalogueResource, CatalogueService } from "../../policy/catalogue";
import { filled, placesOf } from "../../policy/visual";
import { activeAccount, signedIn } from "../../session/session";

interface Props {
  service: CatalogueService;
  /** The actions that the statement names. */
  actions: CatalogueAction[];
  resources: string[];
  onChange: (resources: string[]) => void;
}

export function ResourcePicker({ service, actions, resources, onChange }: Props) {
  const [adding, setAdding] = useState<CatalogueResource | null>(null);
  const [specific, setSpecific] = useState(() => !(resources.length === 1 && resources[0] === "*"));
  const taken = new Set(actions.flatMap((action) => action.resources));
  // The plainest first: a bucket before an access point.
  const types = service.resources
    .filter(({ name }) => taken.has(name))
    .toSorted((one, other) => one.arn.length - other.arn.length);
  const add = (arn: string): void => {
    setAdding(null);
    if (!resources.includes(arn)) onChange([...resources.filter((one) => one !== "*"), arn]);
  };
  return (
    <FormField label="Resources" description="Specify resource ARNs for these actions." stretch>
      <SpaceBetween size="xs">
        <RadioGroup
          value={specific ? "specific" : "all"}
          items={[
            { value: "all", label: "All", description: '"*"' },
            { value: "specific", label: "Specific" },
          ]}
          onChange={({ detail }) => {
            setSpecific(detail.value === "specific");
            onChange(detail.value === "specific" ? resources.filter((one) => one !== "*") : ["*"]);
          }}
        />
        {specific && (
          <SpaceBetween size="xs">
            <ButtonDropdown
              items={[
                ...types.map(({ name, arn }) => ({ id: name, text: name, secondaryText: arn })),
                { id: "", text: "Another ARN" },
              ]}
              expandToViewport
              onItemClick={({ detail }) =>
                setAdding(types.find(({ name }) => name === detail.id) ?? { name: "", arn: "${ARN}" })
              }
            >
              Add ARNs
            </ButtonDropdown>
            <TokenGroup
              alignment="vertical"
              items={resources.map((arn) => ({ label: arn, dismissLabel: `Remove ${arn}` }))}
              onDismiss={({ detail }) => onChange(resources.filter((_, index) => index !== detail.itemIndex))}
            />
            {resources.length === 0 && <Box variant="small">Add an ARN: a statement needs a resource.</Box>}
          </SpaceBetween>
        )}
        {adding !== null && <ArnModal type={adding} onAdd={add} onDismiss={() => setAdding(null)} />}
      </SpaceBetween>
    </FormField>
  );
}

interface ArnModalProps {
  type: CatalogueResource;
  onAdd: (arn: string) => void;
  onDismiss: () => void;
}

function ArnModal({ type, onAdd, onDismiss }: ArnModalProps) {
  const session = signedIn();
  const [given, setGiven] = useState<Record<string, string>>({
    Account: activeAccount(session),
    Region: session.region,
    ARN: "",
  });
  const arn = filled(type.arn, given);
  const places = placesOf(type.arn).filter((place) => place !== "Partition");
  return (
    <Modal
      visible
      header="Specify ARN"
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" onClick={() => onAdd(arn)}>
              Add ARNs
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onAdd(arn);
        }}
      >
        <SpaceBetween size="m">
          {places.map((place, index) => (
            <FormField key={place} label={words(place)} description="Empty means any (*).">
              <Input
                value={given[place] ?? ""}
                autoFocus={index === 0}
                placeholder="*"
                spellcheck={false}
                onChange={({ detail }) => setGiven({ ...given, [place]: detail.value })}
              />
            </FormField>
          ))}
          <FormField label="Resource ARN">
            <Box variant="code">
              <span className="breaks">{arn}</span>
            </Box>
          </FormField>
        </SpaceBetween>
      </form>
    </Modal>
  );
}

/** `RoleNameWithPath` as "Role name with path". */
function words(place: string): string {
  const spaced = place.replaceAll(/([a-z])([A-Z])/g, "$1 $2");
  return place === "ARN" ? place : spaced[0] + spaced.slice(1).toLowerCase();
}
