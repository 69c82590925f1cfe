/** The question to the policy simulator: who, what, on what, and with which context keys. */
import { paginateListGroups, paginateListRoles, paginateListUsers } from "@aws-sdk/client-iam";
import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Autosuggest, { type AutosuggestProps } from "@cloudscape-design/components/autosuggest";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useMemo, useState } from "react";

import { every, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { GLOBAL_KEYS } from "../../policy/catalogue";
import { useCatalogue } from "../../ui/policy/PolicyEditor";
import { type Decision, ownerOf, policySource } from "./decision";
import type { Question } from "./simulate";

/** Keys that the simulator fills from the principal and the resource by itself. */
const OWN_KEYS =
  /^(?:aws:(?:principal|userid|username|resource(?:account|org)|tokenissuetime|assumedroot|source(?:identity|account|arn))|s3:resourceaccount)/i;

/** Keys that tell the moment: a question is of now. */
const CLOCK: Record<string, () => string[]> = {
  "aws:currenttime": () => [new Date().toISOString().replace(/\.\d+/, "")],
  "aws:epochtime": () => [String(Math.floor(Date.now() / 1000))],
};

/** The question that a decision answers; an empty one. */
export function questionOf(decision: Decision | null): Question {
  return {
    principal: decision === null ? "" : (policySource(decision.principal) ?? ""),
    action: decision?.action ?? "",
    resource: decision?.resource ?? "",
    conditions: (decision?.conditions ?? [])
      .filter(({ key, values }) => values.length > 0 && !OWN_KEYS.test(key))
      .map((one) => ({ ...one, values: CLOCK[one.key]?.() ?? one.values })),
    resourcePolicy: "",
    owner: decision === null ? "" : ownerOf(decision),
  };
}

interface Props {
  question: Question;
  onChange: (question: Question) => void;
  onAsk: () => void;
}

const ENTITY = /^arn:[\w-]+:iam::\d{12}:(?:user|group|role)\/\S+$/;

export function SimulateForm({ question, onChange, onAsk }: Props) {
  const [tried, setTried] = useState(false);
  const principals = usePrincipals();
  const actions = useActions();
  const { principal, action, resource, conditions, owner } = question;
  const problems = {
    principal: ENTITY.test(principal.trim()) ? "" : "Enter the ARN of a user, group or role.",
    action: /^[\w-]+:\w+$/.test(action.trim()) ? "" : "Enter a service and an action, like s3:GetObject.",
    resource: resource.trim() === "*" || resource.trim().startsWith("arn:") ? "" : "Enter an ARN, or *.",
    owner: owner === "" || /^\d{12}$/.test(owner) ? "" : "Enter the 12 digits of the account ID.",
  };
  const shown = (problem: string): string => (tried ? problem : "");
  const setCondition = (index: number, change: Partial<Question["conditions"][number]>): void =>
    onChange({ ...question, conditions: conditions.map((one, at) => (at === index ? { ...one, ...change } : one)) });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (Object.values(problems).every((problem) => problem === "")) onAsk();
      }}
    >
      <Form
        actions={
          <Button variant="primary" formAction="submit">
            Explain
          </Button>
        }
      >
        <Container>
          <SpaceBetween size="l">
            <FormField
              label="Principal"
              description="A user, group or role of this account; or one of another account, for what the policies here say of it."
              errorText={shown(problems.principal)}
              stretch
            >
              <Autosuggest
                value={principal}
                options={principals}
                enteredTextLabel={(text) => `Use: ${text}`}
                placeholder="arn:aws:iam::111122223333:user/alice"
                empty="No principals found"
                onChange={({ detail }) => onChange({ ...question, principal: detail.value })}
              />
            </FormField>
            <FormField label="Action" errorText={shown(problems.action)} stretch>
              <Autosuggest
                value={action}
                options={action.length < 2 ? NO_OPTIONS : actions}
                enteredTextLabel={(text) => `Use: ${text}`}
                placeholder="s3:GetObject"
                empty="Type to find actions"
                onChange={({ detail }) => onChange({ ...question, action: detail.value })}
              />
            </FormField>
            <FormField label="Resource" errorText={shown(problems.resource)} stretch>
              <Input
                value={resource}
                spellcheck={false}
                placeholder="arn:aws:s3:::reports/2026.csv"
                onChange={({ detail }) => onChange({ ...question, resource: detail.value })}
              />
            </FormField>
            <FormField
              label={
                <span>
                  Context keys <i>- optional</i>
                </span>
              }
              description="What the principal itself brings is filled in."
              stretch
            >
              <AttributeEditor
                items={conditions}
                addButtonText="Add context key"
                removeButtonText="Remove"
                empty="No context keys"
                onAddButtonClick={() =>
                  onChange({ ...question, conditions: [...conditions, { key: "", values: [""] }] })
                }
                onRemoveButtonClick={({ detail }) =>
                  onChange({ ...question, conditions: conditions.filter((_, at) => at !== detail.itemIndex) })
                }
                definition={[
                  {
                    label: "Key",
                    control: ({ key }, index) => (
                      <Autosuggest
                        value={key}
                        options={KEYS}
                        ariaLabel="Key"
                        enteredTextLabel={(text) => `Use: ${text}`}
                        onChange={({ detail }) => setCondition(index, { key: detail.value })}
                      />
                    ),
                  },
                  {
                    label: "Values, one a line",
                    control: ({ values }, index) => (
                      <Textarea
                        value={values.join("\n")}
                        rows={Math.max(values.length, 1)}
                        spellcheck={false}
                        ariaLabel="Values, one a line"
                        onChange={({ detail }) => setCondition(index, { values: detail.value.split("\n") })}
                      />
                    ),
                  },
                ]}
              />
            </FormField>
            <ExpandableSection headerText="The other side - optional">
              <SpaceBetween size="l">
                <FormField
                  label="Account that owns the resource"
                  description="The account in the ARN, else this one."
                  errorText={shown(problems.owner)}
                >
                  <Input
                    value={owner}
                    inputMode="numeric"
                    onChange={({ detail }) => onChange({ ...question, owner: detail.value.replaceAll(/[-\s]/g, "") })}
                  />
                </FormField>
                <FormField
                  label="Resource policy"
                  description="Of a bucket, role or key of this account the policy is read. To try another one, or that of another account, enter it."
                  stretch
                >
                  <Textarea
                    value={question.resourcePolicy}
                    rows={6}
                    spellcheck={false}
                    onChange={({ detail }) => onChange({ ...question, resourcePolicy: detail.value })}
                  />
                </FormField>
              </SpaceBetween>
            </ExpandableSection>
          </SpaceBetween>
        </Container>
      </Form>
    </form>
  );
}

const NO_OPTIONS: AutosuggestProps.Options = [];
const KEYS: AutosuggestProps.Options = GLOBAL_KEYS.filter(({ name }) => !name.includes("$")).map(({ name }) => ({
  value: name,
}));

/** The users, groups and roles of the account; what may not be listed is left out. */
function usePrincipals(): AutosuggestProps.Options {
  const [answer] = useAnswer(async () => {
    const client = { client: iam(), pageSize: 1000 };
    const found = await Promise.allSettled([
      every(paginateListUsers(client, {}), (page) => page.Users),
      every(paginateListRoles(client, {}), (page) => page.Roles),
      every(paginateListGroups(client, {}), (page) => page.Groups),
    ]);
    return found.map((one) => (one.status === "fulfilled" ? one.value.map(({ Arn }) => Arn ?? "") : []));
  }, []);
  const [users = [], roles = [], groups = []] = answer.value ?? [];
  return [
    { label: "Users", options: users.map((value) => ({ value })) },
    { label: "Roles", options: roles.map((value) => ({ value })) },
    { label: "User groups", options: groups.map((value) => ({ value })) },
  ].filter(({ options }) => options.length > 0);
}

function useActions(): AutosuggestProps.Options {
  const catalogue = useCatalogue();
  return useMemo(
    () =>
      (catalogue?.services ?? []).flatMap(({ prefix, actions }) =>
        actions.map(({ name }) => ({ value: `${prefix}:${name}` })),
      ),
    [catalogue],
  );
}
