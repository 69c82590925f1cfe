/** The table of lists that are too long to load whole: one page at a time, as the API gives them. See `usePages`. */
import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import type { ReactNode } from "react";

import type { Pages } from "../aws/answers";
import { FailureAlert } from "./FailureAlert";

export interface PagedTableProps<Item> {
  title: string;
  description?: ReactNode;
  pages: Pages<Item>;
  columns: TableProps.ColumnDefinition<Item>[];
  id: (item: Item) => string;
  filter?: ReactNode;
  actions?: ReactNode;
  selection?: {
    type: "single" | "multi";
    selected: Item[];
    onChange: (selected: Item[]) => void;
  };
  empty?: ReactNode;
  headingLevel?: "h1" | "h2" | "h3";
}

export function PagedTable<Item>(props: PagedTableProps<Item>) {
  const { title, pages, id, selection } = props;
  const nouns = title.toLowerCase();
  const { answer } = pages;
  return (
    <Table<Item>
      variant="container"
      items={answer.value?.items ?? []}
      trackBy={id}
      columnDefinitions={props.columns}
      loading={answer.status === "loading"}
      loadingText={`Loading ${nouns}`}
      empty={
        answer.status === "failed" ? (
          <FailureAlert error={answer.error} onRetry={pages.reload} header={`The ${nouns} could not be loaded`} />
        ) : (
          (props.empty ?? <Box textAlign="center">No {nouns}</Box>)
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
        allItemsSelectionLabel: () => `Select all ${nouns} of this page`,
        itemSelectionLabel: (_, item) => `Select ${id(item)}`,
      }}
      header={
        <Header variant={props.headingLevel ?? "h1"} description={props.description} actions={props.actions}>
          {title}
        </Header>
      }
      filter={props.filter}
      pagination={
        <Pagination
          currentPageIndex={pages.number}
          pagesCount={pages.count}
          openEnd={pages.openEnd}
          disabled={answer.status === "loading"}
          onChange={({ detail }) => pages.goTo(detail.currentPageIndex)}
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
