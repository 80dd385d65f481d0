import Table from "cli-table3";

/** Prints one JSON document, the only thing on stdout under --json. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function printLine(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** A column of a table: its heading, and whether it holds numbers. */
export interface Column {
  head: string;
  numeric?: boolean;
}

/** Prints a table as plain text: headings, then rows; numbers to the right. */
export function printTable(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
  printLine(renderTable(columns, rows));
}

/** The text of a table, without trailing spaces. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map((column) => column.head),
    colAligns: columns.map((column) => (column.numeric ? "right" : "left")),
    chars: plainChars,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2, compact: true },
  });
  for (const row of rows) table.push(row.map(showControls));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

// Names come from files of strangers: what a terminal would act on is shown, not sent.
function showControls(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

const plainChars = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};
