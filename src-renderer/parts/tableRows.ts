/** Filtering, sorting and writing out the rows of a table. */
import Papa from "papaparse";

export type CellValue = string | number | null;

/** A column of a table over rows of one type. */
export interface Column<Row> {
  key: string;
  title: string;
  /** CSS width; columns without one share what is left. */
  width?: string;
  /** The least width in pixels of a column without a width. */
  least?: number;
  numeric?: boolean;
  /** What is sorted, filtered and exported, in the unit the title or `unit` names. */
  value: (row: Row) => CellValue;
  /** What is shown instead of the bare value. */
  show?: (row: Row) => string;
  /** Unit of the exported number, e.g. `ms`. */
  unit?: string;
  /** Drawn by the table's `cell` snippet. */
  drawn?: boolean;
  /** Left out when the table is narrow. */
  minor?: boolean;
  /** What the column means, told on hovering its title. */
  hint?: string;
}

export interface Sorting {
  key: string;
  descending: boolean;
}

/** What a cell reads as. */
export function showCell<Row>(column: Column<Row>, row: Row): string {
  if (column.show) return column.show(row);
  const value = column.value(row);
  if (value === null) return "–";
  return typeof value === "number" ? formatPlain(value) : value;
}

function formatPlain(value: number): string {
  const digits = Number.isInteger(value) ? 0 : Math.max(0, 3 - Math.ceil(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.min(digits, 6) });
}

/** The text a row is found by, lower case: what its columns of words say. Numbers are for sorting, not for finding. */
export function indexRow<Row>(columns: readonly Column<Row>[], row: Row): string {
  let text = "";
  for (const column of columns) {
    if (column.numeric) continue;
    const value = column.value(row);
    text += `${typeof value === "string" ? value : showCell(column, row)}\n`;
  }
  return text.toLowerCase();
}

/** The places of the rows whose text holds every word of the filter, in their order. */
export function filterRows(texts: readonly string[], filter: string): number[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const found: number[] = [];
  texts.forEach((text, index) => {
    if (words.every((word) => text.includes(word))) found.push(index);
  });
  return found;
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** The rows by a column's value; equal ones keep their order and missing ones come last either way. */
export function sortRows<Row>(rows: readonly Row[], column: Column<Row>, descending: boolean): Row[] {
  const sign = descending ? -1 : 1;
  return rows
    .map((row) => ({ row, value: column.value(row) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
      if (typeof a.value === "number" && typeof b.value === "number") return sign * (a.value - b.value);
      return sign * collator.compare(String(a.value), String(b.value));
    })
    .map((entry) => entry.row);
}

/** The rows as CSV with a header line; text that a spreadsheet would run as a formula is quoted away. */
export function writeCsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const fields = columns.map((column) => (column.unit ? `${column.title} (${column.unit})` : column.title));
  const data = rows.map((row) => columns.map((column) => column.value(row) ?? ""));
  return Papa.unparse({ fields, data }, { escapeFormulae: true, newline: "\n" }) + "\n";
}

/** The row that a key leads to from the active one, with `page` rows on a screen; undefined for a key that leads nowhere. */
export function findRow(key: string, active: number, page: number, rows: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: rows - 1,
  };
  return steps[key];
}
