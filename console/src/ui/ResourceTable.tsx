/**
 * The table of all list pages: search, sorting, pages, selection, and its loading, empty and error states.
 *
 * It is for lists that are loaded whole. Lists of any length (objects, events) use `PagedTable`.
 */
import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { type ReactNode, useEffect } from "react";

import type { Answer } from "../aws/answers";
import { FailureAlert } from "./FailureAlert";
import { keepFilter, keptFilter } from "./keptFilter";

export interface ResourceTableProps<Item> {
  /** What the items are, plural: "Roles". */
  title: string;
  description?: ReactNode;
  answer: Answer<Item[]>;
  reload: () => void;
  columns: TableProps.ColumnDefinition<Item>[];
  /** What identifies an item. */
  id: (item: Item) => string;
  /** What an item is called; the id by default. Two items may have one name. */
  name?: (item: Item) => string;
  /** The text that the search looks into; the name by default. */
  searchText?: (item: Item) => string;
  searchPlaceholder?: string;
  filters?: ReactNode;
  actions?: ReactNode;
  selection?: {
    type: "single" | "multi";
    selected: Item[];
    onChange: (selected: Item[]) => void;
  };
  empty?: ReactNode;
  pageSize?: number;
  variant?: TableProps["variant"];
  headingLevel?: "h1" | "h2" | "h3";
  /** The column that items are sorted by at first; the first by default. */
  sortedBy?: number;
}

export function ResourceTable<Item>(props: ResourceTableProps<Item>) {
  const { title, answer, columns, id, name = id, searchText = name, selection } = props;
  const loaded = answer.value ?? [];
  const first = columns[props.sortedBy ?? 0];
  const { items, filteredItemsCount, collectionProps, filterProps, paginationProps } = useCollection(loaded, {
    filtering: {
      defaultFilteringText: String(keptFilter(title) ?? ""),
      filteringFunction: (item, text) => searchText(item).toLowerCase().includes(text.toLowerCase().trim()),
      empty: props.empty ?? <Box textAlign="center">No {title.toLowerCase()}</Box>,
      noMatch: <Box textAlign="center">No matches</Box>,
    },
    pagination: { pageSize: props.pageSize ?? 20 },
    sorting:
      first?.sortingField !== undefined || first?.sortingComparator !== undefined
        ? { defaultState: { sortingColumn: first } }
        : {},
  });
  const { filteringText } = filterProps;
  useEffect(() => {
    if (filteringText !== "" || keptFilter(title) !== undefined) keepFilter(title, filteringText);
  }, [title, filteringText]);
  const nouns = title.toLowerCase();
  return (
    <Table<Item>
      {...collectionProps}
      variant={props.variant ?? "container"}
      items={items}
      trackBy={id}
      columnDefinitions={columns}
      loading={answer.status === "loading"}
      loadingText={`Loading ${nouns}`}
      empty={
        answer.status === "failed" ? (
          <FailureAlert error={answer.error} onRetry={props.reload} header={`The ${nouns} could not be loaded`} />
        ) : (
          collectionProps.empty
        )
      }
      {...(selection && {
        selectionType: selection.type,
        selectedItems: selection.selected,
        onSelectionChange: ({ detail }) => selection.onChange(detail.selectedItems),
      })}
      ariaLabels={{
        tableLabel: title,
        selectionGroupLabel: `Selection of ${nouns}`,
        allItemsSelectionLabel: () => `Select all ${nouns}`,
        itemSelectionLabel: (_, item) => `Select ${name(item)}`,
      }}
      header={
        <Header
          variant={props.headingLevel ?? "h1"}
          counter={
            answer.status !== "ready"
              ? undefined
              : selection !== undefined && selection.selected.length > 0
                ? `(${selection.selected.length}/${loaded.length})`
                : `(${loaded.length})`
          }
          description={props.description}
          actions={props.actions}
        >
          {title}
        </Header>
      }
      filter={
        <SpaceBetween direction="horizontal" size="xs">
          <TextFilter
            {...filterProps}
            filteringAriaLabel={`Search ${nouns}`}
            filteringPlaceholder={props.searchPlaceholder ?? `Search ${nouns}`}
            countText={`${filteredItemsCount ?? 0} ${filteredItemsCount === 1 ? "match" : "matches"}`}
          />
          {props.filters}
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
