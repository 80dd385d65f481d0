import type { Aggregate } from "../lab/contract.ts";
import { readPrintedAmount } from "./printedNumber.ts";

/** A phase's `count=…` line, or what is wrong with it. */
export interface CountLine {
  counts: Aggregate | null;
  /** The first run of the phase; 0 when there was none. */
  firstMs: number | null;
  problem: string | null;
}

const percentiles = ["p5", "median", "p95"];

/**
 * Reads a phase's statistics, printed in µs, from their line; null when the line is another one. A line that is not whole or
 * contradicts itself (an average outside of the extremes) gives no numbers, only its problem.
 */
export function readCountLine(line: string): CountLine | null {
  if (!line.startsWith("count=")) return null;
  const damaged = (why: string): CountLine => ({
    counts: null,
    firstMs: null,
    problem: `${why}: ${JSON.stringify(line.slice(0, 160))}`,
  });
  const same = line.includes("(all same)");
  const fields = readFields(line.replace("(all same)", "").trimEnd());
  if (!fields) return damaged("a count line is damaged");
  const count = fields.get("count");
  if (count === undefined || !Number.isInteger(count)) return damaged("a count line is damaged");
  const told = percentiles.filter((name) => fields.has(name)).length;
  const needed =
    count === 0 ? [] : same || count === 1 ? ["curr"] : ["first", "curr", "min", "max", "avg", "std"];
  if (needed.some((name) => !fields.has(name)) || (told !== 0 && told !== percentiles.length))
    return damaged("a count line is not whole");
  const contradiction = findContradiction(fields, count);
  if (contradiction) return damaged(`a count line contradicts itself (${contradiction})`);
  const ms = (name: string): number | null => {
    const us = fields.get(name);
    return us === undefined ? null : us / 1000;
  };
  // One run, and runs that all took the same, print only the current value.
  const only = count === 1 || same ? ms("curr") : null;
  return {
    counts: {
      count,
      averageMs: ms("avg") ?? only,
      minMs: ms("min") ?? only,
      maxMs: ms("max") ?? only,
      stdMs: ms("std") ?? (only === null ? null : 0),
      medianMs: ms("median") ?? only,
      p5Ms: ms("p5") ?? only,
      p95Ms: ms("p95") ?? only,
    },
    firstMs: count === 0 ? 0 : (ms("first") ?? only),
    problem: null,
  };
}

/** The statistics of a `count=…` line; null for any other line and for a damaged one. */
export function parseCounts(line: string): Aggregate | null {
  return readCountLine(line)?.counts ?? null;
}

function readFields(line: string): Map<string, number> | null {
  const fields = new Map<string, number>();
  // More fields than any version prints are no count line; a hostile one must not cost time.
  for (const part of line.slice(0, 1000).split(" ")) {
    const equals = part.indexOf("=");
    const name = part.slice(0, equals);
    const value = readPrintedAmount(part.slice(equals + 1));
    if (equals < 1 || value === null || fields.has(name)) return null;
    fields.set(name, value);
  }
  return fields;
}

// Averages carry six significant digits, deviations and percentiles are cut to whole µs.
function findContradiction(fields: ReadonlyMap<string, number>, count: number): string | null {
  const [min, max] = [fields.get("min"), fields.get("max")];
  if (min === undefined || max === undefined) return null;
  if (min > max) return "min above max";
  const inside = (value: number | undefined): boolean =>
    value === undefined || (value >= min * (1 - 1e-5) - 1 && value <= max * (1 + 1e-5) + 1);
  const outside = ["first", "curr", "avg", ...percentiles].find((name) => !inside(fields.get(name)));
  if (outside) return `${outside} outside of min and max`;
  const std = fields.get("std") ?? 0;
  // Bounds of a population's deviation by its range: Popoviciu from above, von Szokefalvi Nagy from below.
  if (std > (max - min) / 2 + 1 || std + 1 < (max - min) / Math.sqrt(2 * count))
    return "a deviation that its range excludes";
  const [p5, median, p95] = percentiles.map((name) => fields.get(name));
  return p5 !== undefined && (p5 > median! || median! > p95!) ? "percentiles out of order" : null;
}
