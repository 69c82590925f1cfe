/**
 * Activity: the event history of CloudTrail, page by page.
 *
 * LookupEvents takes a time range and one attribute. Everything else is looked for in the events that were loaded, and
 * the page says so.
 */
import type { LookupAttributeKey } from "@aws-sdk/client-cloudtrail";
import { useCollection } from "@cloudscape-design/collection-hooks";
import Autosuggest from "@cloudscape-design/components/autosuggest";
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import DateRangePicker, { type DateRangePickerProps } from "@cloudscape-design/components/date-range-picker";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Pagination from "@cloudscape-design/components/pagination";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useEffect, useState } from "react";
import { useLocation, useSearchParams } from "react-router";

import { useAction, useAnswer } from "../../aws/answers";
import { signedIn } from "../../session/session";
import { FailureAlert } from "../../ui/FailureAlert";
import { keepFilter, keptFilter } from "../../ui/keptFilter";
import { PageLink } from "../../ui/links";
import { moment } from "../../ui/times";
import { eventPage, isCrossAccount, type Lookup, lookUp, type TrailEvent, wasRefused } from "./events";
import { Outcome } from "./Outcome";

const ATTRIBUTES: readonly { value: LookupAttributeKey | ""; label: string; placeholder?: string }[] = [
  { value: "", label: "None" },
  { value: "EventName", label: "Event name", placeholder: "AssumeRole" },
  { value: "Username", label: "User name", placeholder: "alice" },
  { value: "ResourceName", label: "Resource name", placeholder: "arn:aws:iam::111122223333:role/Reader" },
  { value: "ResourceType", label: "Resource type", placeholder: "AWS::IAM::Role" },
  { value: "EventSource", label: "Event source", placeholder: "iam.amazonaws.com" },
  { value: "EventId", label: "Event ID" },
  { value: "AccessKeyId", label: "AWS access key", placeholder: "AKIAIOSFODNN7EXAMPLE" },
  { value: "ReadOnly", label: "Read-only", placeholder: "true or false" },
];

type View = "all" | "refused" | "accounts" | "door";
const VIEWS: readonly { value: View; label: string; shows: (event: TrailEvent) => boolean }[] = [
  { value: "all", label: "All events", shows: () => true },
  { value: "refused", label: "Refused", shows: wasRefused },
  { value: "accounts", label: "Across accounts", shows: isCrossAccount },
  { value: "door", label: "Refused at the door", shows: ({ atTheDoor }) => atTheDoor },
];
const GLOBAL = "us-east-1"; // where the events of IAM, Organizations and the sign-in page are

const RANGES: DateRangePickerProps.RelativeOption[] = [
  { key: "30m", amount: 30, unit: "minute", type: "relative" },
  { key: "1h", amount: 1, unit: "hour", type: "relative" },
  { key: "12h", amount: 12, unit: "hour", type: "relative" },
  { key: "1d", amount: 1, unit: "day", type: "relative" },
  { key: "7d", amount: 7, unit: "day", type: "relative" },
];

interface Asked {
  region: string;
  attribute: LookupAttributeKey | "";
  value: string;
  range: DateRangePickerProps.Value | null;
  view: View;
}

/** The lookup is in the address, so that going back from an event shows the same events again. */
export function Component() {
  const [query, setQuery] = useSearchParams();
  const { key } = useLocation();
  const asked = readQuery(query);
  return (
    <SpaceBetween size="l">
      <LookupForm key={`form ${key}`} asked={asked} onAsk={(next) => setQuery(queryOf(next))} />
      <Events key={key} asked={asked} />
    </SpaceBetween>
  );
}

function readQuery(query: URLSearchParams): Asked {
  const view = query.get("view");
  return {
    region: query.get("region") ?? signedIn().region,
    attribute: ATTRIBUTES.find(({ value }) => value === query.get("attribute"))?.value ?? "",
    value: query.get("value") ?? "",
    range: readRange(query),
    view: VIEWS.find(({ value }) => value === view)?.value ?? "all",
  };
}

function readRange(query: URLSearchParams): DateRangePickerProps.Value | null {
  const [start, end] = [query.get("start"), query.get("end")];
  if (start !== null && end !== null) return { type: "absolute", startDate: start, endDate: end };
  const [amount, unit = ""] = (query.get("last") ?? "").split(" ");
  return /^[1-9]\d{0,4}$/.test(amount ?? "") && unit in SECONDS
    ? { type: "relative", amount: Number(amount), unit: unit as DateRangePickerProps.TimeUnit }
    : null;
}

function queryOf({ region, attribute, value, range, view }: Asked): Record<string, string> {
  return {
    region,
    ...(attribute !== "" && { attribute, value }),
    ...(view !== "all" && { view }),
    ...(range?.type === "absolute" && { start: range.startDate, end: range.endDate }),
    ...(range?.type === "relative" && { last: `${range.amount} ${range.unit}` }),
  };
}

function LookupForm({ asked, onAsk }: { asked: Asked; onAsk: (asked: Asked) => void }) {
  const [form, setForm] = useState(asked);
  const attribute = ATTRIBUTES.find(({ value }) => value === form.attribute) ?? { value: "" as const, label: "None" };
  const door = form.view === "door";
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        // Attempts at the door are calls of AssumeRole: the server looks for those.
        onAsk(door ? { ...form, attribute: "EventName", value: "AssumeRole" } : { ...form, value: form.value.trim() });
      }}
    >
      <Form
        header={
          <Header
            variant="h1"
            description="The management events of the last 90 days, of this account, recorded by CloudTrail."
          >
            Event history
          </Header>
        }
        actions={
          <Button variant="primary" formAction="submit">
            Look up
          </Button>
        }
      >
        <Container>
          <div className="lookup">
            <FormField label="View">
              <Select
                selectedOption={VIEWS.find(({ value }) => value === form.view) ?? null}
                options={VIEWS.map(({ value, label }) => ({ value, label }))}
                onChange={({ detail }) => setForm({ ...form, view: detail.selectedOption.value as View })}
              />
            </FormField>
            <FormField label="Lookup attribute">
              <Select
                disabled={door}
                selectedOption={attribute}
                options={ATTRIBUTES.map(({ value, label }) => ({ value, label }))}
                onChange={({ detail }) =>
                  setForm({ ...form, attribute: detail.selectedOption.value as LookupAttributeKey | "" })
                }
              />
            </FormField>
            <FormField label="Value">
              <Input
                disabled={door || form.attribute === ""}
                value={form.value}
                spellcheck={false}
                placeholder={attribute.placeholder ?? ""}
                onChange={({ detail }) => setForm({ ...form, value: detail.value })}
              />
            </FormField>
            <FormField label="Time range">
              <DateRangePicker
                value={form.range}
                relativeOptions={RANGES}
                isValidRange={(range) =>
                  range?.type === "absolute" && (range.startDate === "" || range.endDate === "")
                    ? { valid: false, errorMessage: "Choose a start and an end." }
                    : { valid: true }
                }
                placeholder="The last 90 days"
                expandToViewport
                onChange={({ detail }) => setForm({ ...form, range: detail.value })}
              />
            </FormField>
            <FormField label="Region" description={`IAM, Organizations and sign-in: ${GLOBAL}.`}>
              <Autosuggest
                value={form.region}
                options={[...new Set([signedIn().region, GLOBAL])].map((value) => ({ value }))}
                enteredTextLabel={(text) => `Use: ${text}`}
                onChange={({ detail }) => setForm({ ...form, region: detail.value.trim() })}
              />
            </FormField>
          </div>
        </Container>
      </Form>
    </form>
  );
}

function Events({ asked }: { asked: Asked }) {
  const view = VIEWS.find(({ value }) => value === asked.view);
  const [lookup] = useState<Lookup>(() => ({
    region: asked.region,
    attribute: asked.attribute === "" ? null : asked.attribute,
    value: asked.value,
    ...bounds(asked.range),
  }));
  const [first, reload] = useAnswer(() => lookUp(lookup, undefined), []);
  const [more, setMore] = useState<{ events: TrailEvent[]; next: string | undefined } | null>(null);
  const loading = useAction(async () => {
    const page = await lookUp(lookup, (more ?? first.value)?.next);
    setMore((before) => ({ events: [...(before?.events ?? []), ...page.events], next: page.next }));
  });
  const loaded = [...(first.value?.events ?? []), ...(more?.events ?? [])];
  const next = (more ?? first.value)?.next;
  const { items, filteredItemsCount, collectionProps, filterProps, paginationProps } = useCollection(
    loaded.filter((event) => view?.shows(event) ?? true),
    {
      filtering: {
        // The record has all: request ID, error code, address, shared event ID …
        filteringFunction: (event, text) => event.text.toLowerCase().includes(text.toLowerCase().trim()),
        defaultFilteringText: String(keptFilter("events") ?? ""),
        empty: <Nothing view={asked.view} more={next !== undefined} />,
        noMatch: <Box textAlign="center">No loaded event matches</Box>,
      },
      pagination: { pageSize: 50 },
      sorting: {},
    },
  );
  const { filteringText } = filterProps;
  useEffect(() => {
    if (filteringText !== "" || keptFilter("events") !== undefined) keepFilter("events", filteringText);
  }, [filteringText]);
  return (
    <Table<TrailEvent>
      {...collectionProps}
      variant="container"
      items={items}
      trackBy="id"
      columnDefinitions={COLUMNS}
      loading={first.status === "loading"}
      loadingText="Loading events"
      empty={
        first.status === "failed" ? (
          <FailureAlert error={first.error} onRetry={reload} header="The events could not be loaded" />
        ) : (
          collectionProps.empty
        )
      }
      ariaLabels={{ tableLabel: "Events" }}
      header={
        <Header
          variant="h2"
          counter={first.status === "ready" ? `(${loaded.length}${next === undefined ? "" : "+"})` : undefined}
          description={
            next === undefined
              ? "All events of this lookup are loaded."
              : `The ${loaded.length} newest events of this lookup are loaded; views and search look at these alone.`
          }
          actions={
            <Button
              disabled={next === undefined}
              loading={loading.running}
              loadingText="Loading events"
              onClick={() => void loading.run()}
            >
              Load more
            </Button>
          }
        >
          Events
        </Header>
      }
      filter={
        <SpaceBetween size="xs">
          <TextFilter
            {...filterProps}
            filteringAriaLabel="Search loaded events"
            filteringPlaceholder="Request ID, error code, address, shared event ID"
            countText={`${filteredItemsCount ?? 0} ${filteredItemsCount === 1 ? "match" : "matches"}`}
          />
          {loading.error !== null && <FailureAlert error={loading.error} header="No more events were loaded" />}
        </SpaceBetween>
      }
      pagination={
        <Pagination
          {...paginationProps}
          ariaLabels={{
            nextPageLabel: "Next page",
            previousPageLabel: "Previous page",
            pageLabel: (number) => `Page ${number}`,
          }}
        />
      }
    />
  );
}

function Nothing({ view, more }: { view: View; more: boolean }) {
  return (
    <Box textAlign="center">
      {more ? "None among the loaded events" : "No events"}
      {view === "door" && (
        <Box variant="p">
          Refused attempts of other accounts to assume roles of this one are recorded when an advanced event selector of
          a trail asks for them.
        </Box>
      )}
    </Box>
  );
}

const COLUMNS: TableProps.ColumnDefinition<TrailEvent>[] = [
  {
    id: "name",
    header: "Event name",
    isRowHeader: true,
    cell: (event) => <PageLink to={eventPage(event)}>{event.name}</PageLink>,
  },
  { id: "time", header: "Event time", minWidth: 160, cell: ({ time }) => moment(time) },
  { id: "user", header: "User name", cell: ({ userName, caller }) => userName || caller || "-" },
  { id: "source", header: "Event source", cell: ({ source }) => source },
  { id: "outcome", header: "Outcome", cell: (event) => <Outcome event={event} /> },
  {
    id: "marks",
    header: "Accounts",
    minWidth: 170,
    cell: (event) => (
      <>
        {event.atTheDoor && <Badge color="severity-medium">At the door</Badge>}{" "}
        {isCrossAccount(event) && (
          <Badge color="blue">{event.caller === event.recipient ? "To another account" : "From another account"}</Badge>
        )}
      </>
    ),
  },
  {
    id: "resource",
    header: "Resource",
    cell: ({ resources: [first, ...others] }) =>
      first === undefined ? "-" : `${first.name}${others.length === 0 ? "" : ` and ${others.length} more`}`,
  },
];

const SECONDS: Record<string, number> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
  month: 30 * 86_400,
  year: 365 * 86_400,
};

/** The moments between which a range is. */
function bounds(range: DateRangePickerProps.Value | null): { start: Date | undefined; end: Date | undefined } {
  if (range === null) return { start: undefined, end: undefined };
  if (range.type === "absolute") return { start: new Date(range.startDate), end: new Date(range.endDate) };
  const seconds = range.amount * (SECONDS[range.unit] ?? 0);
  return { start: new Date(Date.now() - seconds * 1000), end: undefined };
}
