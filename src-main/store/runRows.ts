import type { CellState, CellSummary, RunSummary, Thoroughness } from "../lab/contract.ts";
import type { Store } from "./database.ts";
import { isAlive } from "./processOwner.ts";

/** What a run's row holds. */
export interface RunRow {
  id: number;
  device: string;
  state: RunSummary["state"];
  thoroughness: Thoroughness;
  models: number;
  cells: number;
  createdAt: string;
  finishedAt: string | null;
  pid: number;
  identity: string;
}

/** Reads rows as `RunRow`; a WHERE clause may follow. */
export const selectRun = `SELECT r.id, r.device, r.state, r.thoroughness, r.models, r.cells,
  r.created_at AS createdAt, r.finished_at AS finishedAt, r.owner_pid AS pid, r.owner_identity AS identity
  FROM run r`;

/** Whether a process that still lives is measuring the run. */
export function isMeasured(row: RunRow): boolean {
  return row.state === "running" && isAlive(row);
}

/** How many cells of a run are in a state. */
export interface StateCount {
  run: number;
  state: CellState;
  count: number;
}

/** A run for a caller; a run whose process died reads paused. */
export function summarizeRun(row: RunRow, counts: readonly StateCount[], scenarios: string[]): RunSummary {
  const count = (state: CellState) =>
    counts.reduce((sum, entry) => (entry.state === state ? sum + entry.count : sum), 0);
  return {
    id: row.id,
    device: row.device,
    scenarios,
    state: row.state === "running" && !isMeasured(row) ? "paused" : row.state,
    models: row.models,
    cells: row.cells,
    done: count("done"),
    noisy: count("noisy"),
    failed: count("failed"),
    createdAt: row.createdAt,
    finishedAt: row.finishedAt,
    thoroughness: row.thoroughness,
    job: null,
    etaMs: null,
  };
}

/** What a cell's row holds with its kept attempt's numbers. */
export interface CellRow {
  id: number;
  run: number;
  model: string;
  hash: string;
  scenario: string;
  repetition: number;
  position: number;
  state: CellState;
  attempts: number;
  keptAttempt: number | null;
  keptState: CellState | null;
  latencyMs: number | null;
  spreadMs: number | null;
  kept: number | null;
  total: number | null;
  error: string | null;
}

/** Reads rows as `CellRow`; a WHERE clause may follow. */
export const selectCell = `SELECT c.id, c.run_id AS run, m.name AS model, m.hash, s.name AS scenario, c.repetition,
  c.position, c.state, c.attempts, c.kept_attempt AS keptAttempt, a.state AS keptState, a.latency_ms AS latencyMs,
  a.spread_ms AS spreadMs, a.kept, a.total, a.error
  FROM cell c JOIN model m ON m.id = c.model_id JOIN scenario s ON s.id = c.scenario_id
  LEFT JOIN attempt a ON a.cell_id = c.id AND a.number = c.kept_attempt`;

/** A cell for a caller; one that a dead process left running reads as what it was before. */
export function summarizeCell(row: CellRow, measured: boolean): CellSummary {
  return {
    id: row.id,
    model: row.model,
    scenario: row.scenario,
    repetition: row.repetition,
    state: row.state === "running" && !measured ? (row.keptState ?? "empty") : row.state,
    attempts: row.attempts,
    latencyMs: row.latencyMs,
    spreadMs: row.spreadMs,
    kept: row.kept ?? 0,
    total: row.total ?? 0,
    error: row.error,
  };
}

/** Puts cells that were being measured back to what they were before; for a run nobody measures any more. */
export function settleCells(store: Store, run: number): void {
  store
    .statement(
      `UPDATE cell SET state = coalesce((SELECT a.state FROM attempt a
         WHERE a.cell_id = cell.id AND a.number = cell.kept_attempt), 'empty')
       WHERE run_id = ? AND state = 'running'`,
    )
    .run(run);
}
