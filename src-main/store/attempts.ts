import type { AttemptSummary, OpTime, Provenance, Sample } from "../lab/contract.ts";
import { readConsistently, type Store } from "./database.ts";
import { decodeOpTimes, encodeOpTimes } from "./opTimeBlob.ts";
import { decodeSamples, encodeSamples } from "./sampleBlob.ts";
import { DamagedValue } from "./sqliteError.ts";

/** What measuring a cell gave: everything that is kept of it. */
export interface CellResult {
  state: "done" | "noisy" | "failed";
  samples: Sample[];
  opTimes: OpTime[];
  provenance: Provenance | null;
  stderr: string;
  error: string | null;
  /** Median of the kept samples; null when none was kept. */
  latencyMs: number | null;
  spreadMs: number | null;
  /** Inferences counted by a tool that tells only their statistics; the samples themselves count when absent. */
  counted?: { kept: number; total: number } | undefined;
}

/** All tries at a cell, oldest first. */
export function listAttempts(store: Store, cell: number): AttemptSummary[] {
  return readConsistently(store, () =>
    store
      .statement<AttemptSummary>(
        `SELECT number, state, latency_ms AS latencyMs, spread_ms AS spreadMs, kept, total, error,
           started_at AS startedAt, committed_at AS committedAt
         FROM attempt WHERE cell_id = ? ORDER BY number`,
      )
      .all(cell),
  );
}

/**
 * The attempt that stands for a cell, or null without any: a done one before a noisy one before a failed one; among noisy
 * ones that with most kept samples; among equals the latest. So trying a noisy cell again never makes it worse.
 */
export function chooseAttempt(attempts: readonly AttemptSummary[]): AttemptSummary | null {
  const ranks = { done: 2, noisy: 1, failed: 0 };
  let chosen: AttemptSummary | null = null;
  for (const attempt of attempts) {
    const better =
      chosen === null ||
      ranks[attempt.state] > ranks[chosen.state] ||
      (attempt.state === chosen.state && (attempt.state !== "noisy" || attempt.kept >= chosen.kept));
    if (better) chosen = attempt;
  }
  return chosen;
}

/**
 * Writes a result as an attempt of a cell; call it inside a transaction. A result of the same measurement as an earlier
 * attempt (same start, end and number of samples) is that attempt judged anew and takes its place; any other is a new one.
 */
export function writeAttempt(store: Store, cell: number, result: CellResult): void {
  const earlier = listAttempts(store, cell);
  const { kept, total } = countInferences(result);
  const number = findSameMeasurement(store, cell, result, earlier) ?? (earlier.at(-1)?.number ?? 0) + 1;
  store.statement("DELETE FROM attempt WHERE cell_id = ? AND number = ?").run(cell, number);
  store
    .statement(
      `INSERT INTO attempt (cell_id, number, state, latency_ms, spread_ms, kept, total, op_rows, error, started_at,
         committed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      cell,
      number,
      result.state,
      result.latencyMs,
      result.spreadMs,
      kept,
      total,
      result.opTimes.length,
      result.error,
      result.provenance?.startedAt ?? null,
      new Date().toISOString(),
    );
  store
    .statement(
      `INSERT INTO attempt_data (cell_id, number, provenance, stderr, op_times, samples)
       VALUES (?, ?, ?, ?, ?, ?)`,
    )
    .run(
      cell,
      number,
      result.provenance && JSON.stringify(result.provenance),
      result.stderr,
      encodeOpTimes(result.opTimes),
      encodeSamples(result.samples),
    );
}

function countInferences({ counted, samples }: CellResult): { kept: number; total: number } {
  return counted ?? { kept: samples.filter((sample) => sample.kept).length, total: samples.length };
}

function findSameMeasurement(
  store: Store,
  cell: number,
  result: CellResult,
  earlier: readonly AttemptSummary[],
): number | null {
  const { provenance } = result;
  if (!provenance) return null;
  const { total } = countInferences(result);
  for (const attempt of earlier) {
    if (attempt.startedAt !== provenance.startedAt || attempt.total !== total) continue;
    if (readAttempt(store, cell, attempt.number).provenance?.finishedAt === provenance.finishedAt)
      return attempt.number;
  }
  return null;
}

/** The raw data of an attempt. */
export interface AttemptData {
  samples: Sample[];
  opTimes: OpTime[];
  provenance: Provenance | null;
  stderr: string;
}

/** The raw data of an attempt; throws a DamagedValue when it is not whole. */
export function readAttempt(store: Store, cell: number, number: number): AttemptData {
  const row = store
    .statement<{ samples: Uint8Array; opTimes: Uint8Array; provenance: string | null; stderr: string }>(
      `SELECT samples, op_times AS opTimes, provenance, stderr FROM attempt_data WHERE cell_id = ? AND number = ?`,
    )
    .get(cell, number);
  if (!row) throw new DamagedValue(`the data of cell ${cell} is missing`);
  return {
    samples: decodeSamples(row.samples),
    opTimes: decodeOpTimes(row.opTimes),
    provenance: parseProvenance(row.provenance),
    stderr: row.stderr,
  };
}

/** The provenance as it was stored. */
export function parseProvenance(text: string | null): Provenance | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as Provenance;
  } catch {
    throw new DamagedValue("a provenance cannot be read");
  }
}
