/** User-defined metadata as rows of a form (S3 User Guide, "Working with object metadata": at most 2 KB). */

export interface MetadataRow {
  name: string;
  value: string;
}

const MOST = 2048;

/** The metadata of the rows, undefined for none; `problem` is "" or what must be corrected. */
export function metadataOf(rows: readonly MetadataRow[]): {
  metadata: Record<string, string> | undefined;
  problem: string;
} {
  const entered = rows
    .map(({ name, value }) => ({ name: name.trim().toLowerCase(), value }))
    .filter(({ name, value }) => name !== "" || value !== "");
  const size = entered.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
  const strange = entered.find(({ name, value }) => !/^[\w.-]+$/.test(name) || !/^[\x20-\x7e]*$/.test(value));
  const names = new Set(entered.map(({ name }) => name));
  const problem =
    strange !== undefined
      ? `Metadata "${strange.name}": names have letters, digits, dots and hyphens, values ASCII characters.`
      : names.size < entered.length
        ? "A name of metadata stands there twice."
        : size > MOST
          ? "Metadata has at most 2 KB."
          : "";
  const metadata = Object.fromEntries(entered.map(({ name, value }) => [name, value]));
  return { metadata: entered.length === 0 ? undefined : metadata, problem };
}

export function metadataRows(metadata: Record<string, string> | undefined): MetadataRow[] {
  return Object.entries(metadata ?? {}).map(([name, value]) => ({ name, value }));
}
