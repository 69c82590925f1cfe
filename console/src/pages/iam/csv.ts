/** CSV with a head line (RFC 4180) as one record a line. */
export function parseCsv(text: string): Record<string, string>[] {
  const [head, ...lines] = csvRows(text);
  return lines.map((line) => Object.fromEntries((head ?? []).map((name, index) => [name, line[index] ?? ""])));
}

/** The cells of each line. `delimiter` is one character: `,` or a tab. */
export function csvRows(text: string, delimiter = ","): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  let last = 0;
  const cell = new RegExp(String.raw`(?:"((?:[^"]|"")*)"|([^${delimiter}\r\n]*))(${delimiter}|\r?\n|$)`, "g");
  for (const match of text.matchAll(cell)) {
    if (match.index < last || (match.index === text.length && line.length === 0)) continue;
    last = match.index + match[0].length;
    line.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] !== delimiter) {
      lines.push(line);
      line = [];
    }
  }
  return lines;
}

/** Lines of cells as CSV: a cell that could be read otherwise is quoted. */
export function csvOf(lines: readonly (readonly string[])[]): string {
  return lines.map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The browser saves the text as a file of this name; it is in no address and kept nowhere else. */
export function saveCsv(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
