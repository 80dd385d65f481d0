import { readPrintedAmount, readPrintedNumber } from "./printedNumber.ts";

/** One row of an op profile's run order. */
export interface ProfileRow {
  type: string;
  /** Tensor or delegate name without the `:index` that ends it. */
  name: string;
  /** The index behind the name: a graph op's, or a delegate's own; null when there is none. */
  node: number | null;
  firstMs: number;
  /** Mean of a call. */
  averageMs: number;
  /** Calls in an inference. */
  timesCalled: number;
  /** It was run by a delegate, and its index is the delegate's own. */
  delegated: boolean;
}

/** A row with what only checks it: its share of the summed time and that of all rows so far; null where nothing was timed. */
export interface PrintedRow extends ProfileRow {
  percent: number | null;
  cumulatedPercent: number | null;
  /** The name as printed, which no other row of its table has. */
  key: string;
  /** It has the `start` column of 2.2 to 2.9. */
  withStart: boolean;
}

/** A row of the summary by node type. */
export interface ProfileTypeSummary {
  type: string;
  count: number;
  averageMs: number;
}

interface Cells {
  /** Everything before the numbers. */
  type: string;
  numbers: string[];
  name: string;
  withStart: boolean;
}

/**
 * Reads a row of either layout, with or without the `start` column of 2.2 to 2.9; null when it is none or damaged. Tables on
 * stdout separate by tabs. A CSV's types and names hold commas themselves, so there the two percentages in the middle are
 * what is fixed; a decimal comma leaves them without the numbers that must stand around them.
 */
export function readProfileRow(line: string): PrintedRow | null {
  const cells = line.startsWith("\t") ? splitTabs(line) : splitCommas(line);
  if (!cells) return null;
  const [first, average, percent, cumulated, memory, called] = cells.numbers;
  const firstMs = readPrintedAmount(first);
  const averageMs = readPrintedAmount(average);
  const timesCalled = readPrintedAmount(called);
  const share = readPercent(percent);
  const cumulatedShare = readPercent(cumulated);
  if (firstMs === null || averageMs === null || timesCalled === null || !Number.isInteger(timesCalled))
    return null;
  if (share === undefined || cumulatedShare === undefined || readPrintedNumber(memory) === null) return null;
  const named = /^(\[?)(.*?)\]?:(\d{1,9})$/s.exec(cells.name);
  const name = named ? named[2]! : cells.name;
  return {
    type: cells.type,
    name,
    node: named ? Number(named[3]) : null,
    firstMs,
    averageMs,
    timesCalled,
    delegated: !named?.[1] && name.startsWith("Delegate/"),
    percent: share,
    cumulatedPercent: cumulatedShare,
    key: cells.name,
    withStart: cells.withStart,
  };
}

/** Reads a row of the summary by node type in either layout; null when it is none. */
export function readSummaryRow(line: string): ProfileTypeSummary | null {
  const cells = line.startsWith("\t")
    ? line
        .split("\t")
        .map((cell) => cell.trim())
        .slice(1)
    : line.split(", ");
  if (cells.length < 7 || cells.length > 100) return null;
  const [count, average, percent, cumulated, , called] = cells.slice(-6);
  const whole = readPrintedAmount(count);
  const averageMs = readPrintedAmount(average);
  if (whole === null || averageMs === null || readPrintedAmount(called) === null) return null;
  if (readPercent(percent) === undefined || readPercent(cumulated) === undefined) return null;
  return { type: cells.slice(0, -6).join(", ").trim(), count: whole, averageMs };
}

// More fields than any row has; past this a line is no row.
const mostFields = 4000;

function splitTabs(line: string): Cells | null {
  const cells = line.split("\t", mostFields).map((cell) => cell.trim());
  // The line begins with a tab; `[start]` makes one more.
  if (cells.length !== 9 && cells.length !== 10) return null;
  if (cells.length === 10 && readPrintedNumber(cells[2]) === null) return null;
  return {
    type: cells[1]!,
    numbers: cells.slice(-7, -1),
    name: cells.at(-1)!,
    withStart: cells.length === 10,
  };
}

function splitCommas(line: string): Cells | null {
  const fields = line.split(", ", mostFields);
  // Where a percentage stands behind two times and another behind it; names may hold a percent sign but not all of this.
  const isRow = (at: number): boolean =>
    readPercent(fields[at]) !== undefined &&
    readPercent(fields[at + 1]) !== undefined &&
    readPrintedAmount(fields[at - 1]) !== null &&
    readPrintedAmount(fields[at - 2]) !== null;
  let found = -1;
  for (let at = 3; at + 4 < fields.length; at++) {
    if (!isRow(at)) continue;
    if (found >= 0) return null;
    found = at;
  }
  if (found < 0) return null;
  // No operator's name ends in a number of its own: one more before the two times is the start.
  const withStart = found >= 4 && readPrintedAmount(fields[found - 3]) !== null;
  const typeEnd = withStart ? found - 3 : found - 2;
  return {
    type: fields.slice(0, typeEnd).join(", ").trim(),
    numbers: fields.slice(found - 2, found + 4),
    // Newer versions print the commas of a name as tabs.
    name: fields
      .slice(found + 4)
      .join(", ")
      .replaceAll("\t", ",")
      .trim(),
    withStart,
  };
}

/** Undefined for what is no percentage, null for the one of nothing (`-nan%`). */
function readPercent(text: string | undefined): number | null | undefined {
  if (!text?.endsWith("%")) return undefined;
  const value = readPrintedNumber(text.slice(0, -1));
  if (value !== null) return value;
  return /^[+-]?(?:nan|inf)$/i.test(text.slice(0, -1)) ? null : undefined;
}
