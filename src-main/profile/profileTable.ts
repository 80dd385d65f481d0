import { readCountLine } from "./countLine.ts";
import { type OutputLine, readLines } from "./outputLine.ts";
import {
  type PrintedRow,
  type ProfileRow,
  type ProfileTypeSummary,
  readProfileRow,
  readSummaryRow,
} from "./profileRow.ts";

export type { ProfileRow, ProfileTypeSummary } from "./profileRow.ts";

/** The op profile of the measured inferences. */
export interface OpProfile {
  /** The primary graph's rows in run order. */
  rows: ProfileRow[];
  /** Rows that lie inside of one of those: other subgraphs', and a delegate's own (2.10 to 2.11). */
  innerRows: (ProfileRow & { section: string })[];
  /** The primary graph's summary by node type. */
  summary: ProfileTypeSummary[];
  /** Mean of an inference's summed op times, as the report tells it; null when it does not. */
  totalMs: number | null;
  /** Lines of the run order that could not be read. */
  skipped: number;
  /** What could not be read, is missing or contradicts itself, in words. */
  problems: string[];
}

type Report = "none" | "initialisation" | "inferences";
type Table = "none" | "run order" | "summary" | "other";

interface Section {
  title: string;
  /** The run order is over: what follows repeats it. */
  closed: boolean;
  rows: Map<string, PrintedRow>;
  summary: ProfileTypeSummary[];
  totalMs: number | null;
  executed: number | null;
  summed: boolean;
  header: boolean;
  /** Whether its rows have a `start` column; null before the header or first row tells. */
  withStart: boolean | null;
}

/**
 * Reads the op profile from the tool's CSV report or from its tables on stdout: several tables with title lines, of which the
 * initialisation's and those that repeat the run order are passed over. A CSV may come whole on stdout as well.
 */
export function parseProfile(text: string): OpProfile {
  const reader = new ProfileReader();
  const { cut } = readLines(text, (line) => reader.read(line));
  return reader.finish(cut);
}

/** The run order of the measured inferences; unreadable rows are skipped and counted. */
export function parseProfileCsv(text: string): { rows: ProfileRow[]; skipped: number } {
  const { rows, skipped } = parseProfile(text);
  return { rows, skipped };
}

// Networks have thousands of ops at most; past this a report is not one.
const mostRows = 200_000;

class ProfileReader {
  private report: Report = "none";
  private table: Table = "none";
  private titled = false;
  /** The text is the tool's whole stdout from its beginning. */
  private begun = false;
  /** Titles stand where they cannot: any table may be another than it seems. */
  private doubted = false;
  private sections: Section[] = [];
  private untitledTables = 0;
  private skipped = 0;
  private rowCount = 0;
  private readonly problems = new Set<string>();

  read(line: OutputLine): void {
    const { text } = line;
    if (line.logcat) return;
    if (text === "STARTING!") this.begun = true;
    if (this.readTitle(text)) return;
    // A log message between two rows is no row.
    if (line.severity !== null || text === "" || this.report === "initialisation") return;
    const section = this.sections.at(-1);
    if (!section) return;
    if (!line.whole) this.noteCutLine();
    else if (this.readFooter(section, text)) return;
    else if (this.table === "run order") this.readRow(section, text);
    else if (this.table === "summary") this.readSummary(section, text);
  }

  finish(cut: boolean): OpProfile {
    if (cut) this.problems.add("the op profile is longer than a benchmark's: the rest was left out");
    const untitled = !this.titled && this.sections.length > 0 && !(this.untitledTables === 1 && this.begun);
    const initial = this.sections.some(({ rows }) => [...rows.values()].some(isInitialisation));
    if (this.doubted || untitled || initial) {
      this.problems.add(
        "the op profile's titles are lost or out of order: it cannot be told which table is which",
      );
      this.sections = [];
    }
    const [primary, ...others] = this.sections;
    if (!primary) this.problems.add("there is no op profile of the inferences");
    for (const section of this.sections) this.check(section);
    return {
      rows: primary ? [...primary.rows.values()].map(describeRow) : [],
      innerRows: others.flatMap(({ title, rows }) =>
        [...rows.values()].map((row) => ({ ...describeRow(row), section: title })),
      ),
      summary: primary?.summary ?? [],
      totalMs: primary?.totalMs ?? null,
      skipped: this.skipped,
      problems: [...this.problems],
    };
  }

  private readTitle(text: string): boolean {
    switch (text.charCodeAt(0)) {
      case 61: // =
        return this.readTableTitle(text);
      case 79: // O
        if (!text.startsWith("Operator-wise Profiling Info")) return false;
        if (this.report === "inferences" && this.titled) {
          if (this.sections.some(({ rows }) => rows.size > 0)) this.doubted = true;
          return true;
        }
        if (this.untitledTables > 0) this.doubted = true;
        this.report = "inferences";
        this.titled = true;
        this.sections = [startSection("")];
        this.table = "none";
        return true;
      case 80: // P
        if (text.startsWith("Profiling Info for Benchmark Initialization")) {
          if (!this.titled || this.report !== "inferences") {
            this.report = "initialisation";
            this.titled = true;
          } else this.doubted = true;
          return true;
        }
        return /^Primary graph (?:\(name: .*\) )?profile:/.test(text) && this.startPrimary();
      case 83: {
        // S
        const match = /^(Subgraph \(index: \d{1,6}(?:, name: .*)?\)) profile:/.exec(text);
        return match !== null && this.startInner(match[1]!);
      }
      case 68: // D
        return /^Delegate internal: ?$/.test(text) && this.startInner("Delegate internal");
      default:
        return false;
    }
  }

  private startPrimary(): boolean {
    if (this.sections.some(({ rows }) => rows.size > 0)) this.startInner("out of order");
    return true;
  }

  private startInner(title: string): boolean {
    if (this.report !== "inferences") return true;
    if (this.sections.length < 1000 && this.sections.at(-1)?.title !== title)
      this.sections.push(startSection(title));
    this.table = "none";
    return true;
  }

  private readTableTitle(text: string): boolean {
    const match = /^={5,60} ([\w ]{1,60}) ={5,60}$/.exec(text.trimEnd());
    if (!match) {
      // A damaged title must not let the table behind it pass for the one before.
      if (!text.startsWith("=====")) return false;
      this.problems.add(`the op profile has an unreadable title: ${JSON.stringify(text.slice(0, 80))}`);
      this.close();
      this.table = "other";
      return true;
    }
    const title = match[1]!;
    if (title === "Run Order" && this.report === "none") {
      // Versions before 2.2 have one table and no title above it.
      this.untitledTables++;
      if (this.sections.length === 0) this.sections = [startSection("")];
    }
    const section = this.sections.at(-1);
    if (title === "Run Order") {
      this.table = "run order";
      if (section && section.rows.size > 0 && !section.closed)
        this.problems.add("a table of the op profile begins twice");
    } else {
      this.close();
      this.table = title === "Summary by node type" ? "summary" : "other";
    }
    if (this.table === "run order" && section?.closed) {
      this.problems.add("the op profile has a second run order that nothing explains");
      this.table = "other";
    }
    return true;
  }

  private close(): void {
    const section = this.sections.at(-1);
    if (section && section.rows.size > 0) section.closed = true;
  }

  private readFooter(section: Section, text: string): boolean {
    const nodes = /^Number of nodes executed: (\d{1,9})\s*$/.exec(text);
    if (nodes) {
      section.executed = Number(nodes[1]);
      this.close();
      this.table = "other";
      return true;
    }
    // Of other subgraphs it begins with their title.
    const timings = /^(?:Subgraph \(.*\) )?Timings \(microseconds\): /.exec(text);
    if (timings) {
      const counts = readCountLine(text.slice(timings[0].length));
      if (!counts?.counts) this.problems.add("the sum of the op times cannot be read");
      else if (section.summed && section.totalMs !== counts.counts.averageMs) {
        this.problems.add("the sum of the op times is told twice and differently");
        section.totalMs = null;
      } else section.totalMs = counts.counts.averageMs;
      section.summed = true;
      this.table = "none";
      return true;
    }
    return /^Memory \(bytes\): |^\d{1,9} nodes observed/.test(text);
  }

  private readRow(section: Section, text: string): void {
    // Headers stand once above a table: a second one is that of the table whose title was lost.
    if (isHeader(text)) {
      if (section.header && section.rows.size > 0) {
        this.problems.add("a title of the op profile is missing");
        this.close();
        this.table = "other";
      }
      section.header = true;
      section.withStart ??= /\[start\]|, start,/.test(text);
      return;
    }
    const row = readProfileRow(text);
    if (row) section.withStart ??= row.withStart;
    if (!row || row.withStart !== section.withStart) {
      this.skip(`a row of the op profile cannot be read: ${JSON.stringify(text.slice(0, 160))}`);
      return;
    }
    const same = section.rows.get(row.key);
    if (same) this.problems.add(`the op profile tells ${JSON.stringify(row.key.slice(0, 120))} twice`);
    else if (++this.rowCount <= mostRows) section.rows.set(row.key, row);
  }

  private noteCutLine(): void {
    if (this.table === "run order") this.skipped++;
    this.problems.add("the op profile ends inside a line");
  }

  private skip(why: string): void {
    this.skipped++;
    // One example is enough: megabytes of damaged rows need no list.
    if (this.skipped === 1) this.problems.add(why);
  }

  private readSummary(section: Section, text: string): void {
    const row = isHeader(text) ? null : readSummaryRow(text);
    if (row && section.summary.length < mostRows) section.summary.push(row);
  }

  private check(section: Section): void {
    const rows = [...section.rows.values()];
    const where = section.title === "" ? "the op profile" : `the op profile's ${section.title}`;
    if (rows.length === 0) {
      this.problems.add(`${where} has no rows`);
      section.totalMs = null;
      return;
    }
    if (section.executed === null || !section.summed)
      this.problems.add(`${where} is not whole: it ends early`);
    else if (section.executed !== rows.length)
      this.problems.add(`${where} has ${rows.length} of ${section.executed} rows`);
    if (section.executed !== null && rows.length > section.executed) {
      // Which are too many cannot be told, and each would be counted twice.
      this.skipped += rows.length;
      section.rows.clear();
      section.totalMs = null;
      return;
    }
    const sumMs = rows.reduce((sum, row) => sum + row.averageMs * Math.max(1, row.timesCalled), 0);
    const toldMs = section.totalMs;
    if (toldMs !== null && Math.abs(sumMs - toldMs) > 0.2 * toldMs + 0.001 * rows.length) {
      this.problems.add(
        `the op times of ${where} add up to ${round(sumMs)} ms, but it tells a sum of ${round(toldMs)} ms`,
      );
      section.totalMs = null;
    }
    const broken = countBreaks(rows);
    if (broken > 0) this.problems.add(`rows of ${where} are missing, doubled or out of order`);
    const odd = findOddRows(rows, section.title.startsWith("Subgraph"));
    if (odd.length === 0) return;
    // A time that its own row contradicts is not given.
    this.skipped += odd.length;
    this.problems.add(`${odd.length} times of ${where} do not fit their share of the whole`);
    for (const { key } of odd) section.rows.delete(key);
  }
}

/** Places where the running sum of shares, which each row repeats, does not go on from row to row up to 100 %. */
function countBreaks(rows: readonly PrintedRow[]): number {
  let broken = 0;
  let before = 0;
  for (const { percent, cumulatedPercent } of rows) {
    if (percent === null || cumulatedPercent === null) continue;
    if (Math.abs(cumulatedPercent - before - percent) > 0.02) broken++;
    before = cumulatedPercent;
  }
  return before > 0 && Math.abs(before - 100) > 0.5 ? broken + 1 : broken;
}

/** Rows whose time is not their share of the whole; in a subgraph that not every inference calls alike, calls are cut to an integer. */
function findOddRows(rows: readonly PrintedRow[], uneven: boolean): PrintedRow[] {
  const perPercent = findMillisecondsPerPercent(rows);
  if (perPercent === undefined) return [];
  return rows.filter((row) => {
    if (row.percent === null) return false;
    // Tables on stdout print three decimals.
    const tolerance = 0.0006 * Math.max(1, row.timesCalled) + perPercent * 0.0006 + 0.02 * callsMs(row);
    const least = callsMs(row) - tolerance;
    const most = (uneven ? row.averageMs * (row.timesCalled + 1) : callsMs(row)) + tolerance;
    const expected = perPercent * row.percent;
    return expected < (uneven && row.timesCalled === 0 ? 0 : least) || expected > most;
  });
}

/** What most of the time agrees on: the median of the rows' ratios, weighted by their shares. */
function findMillisecondsPerPercent(rows: readonly PrintedRow[]): number | undefined {
  const timed = rows
    .filter(({ percent }) => percent !== null && percent > 0)
    .map((row) => ({ ratio: callsMs(row) / row.percent!, percent: row.percent! }))
    .sort((a, b) => a.ratio - b.ratio);
  const half = timed.reduce((sum, { percent }) => sum + percent, 0) / 2;
  let sum = 0;
  return timed.find(({ percent }) => (sum += percent) >= half)?.ratio;
}

function startSection(title: string): Section {
  return {
    title,
    closed: false,
    rows: new Map(),
    summary: [],
    totalMs: null,
    executed: null,
    summed: false,
    header: false,
    withStart: null,
  };
}

function callsMs(row: ProfileRow): number {
  return row.averageMs * Math.max(1, row.timesCalled);
}

// The initialisation's rows are named after its parts and their subgraph, not after a node.
function isInitialisation({ type, key }: PrintedRow): boolean {
  return /^(?:ModifyGraphWithDelegate|AllocateTensors)$/.test(type) && key.startsWith(`${type}/`);
}

function isHeader(text: string): boolean {
  return /^(?:node type, |\s{0,80}\[[Nn]ode type\])/.test(text);
}

function round(ms: number): number {
  return Number(ms.toPrecision(4));
}

function describeRow({
  type,
  name,
  node,
  firstMs,
  averageMs,
  timesCalled,
  delegated,
}: ProfileRow): ProfileRow {
  return { type, name, node, firstMs, averageMs, timesCalled, delegated };
}
