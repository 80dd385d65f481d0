import type {
  CellState,
  CellSummary,
  RunRequest,
  RunSummary,
  Thoroughness,
} from "../src-main/lab/contract.ts";
import { formatCount, formatDuration } from "../src-main/lab/format.ts";

/** One row of a run's grid: a model and its cells by scenario, each in order of repetition. */
export interface GridRow {
  model: string;
  cells: Map<string, CellSummary[]>;
}

/** Arranges a run's cells as model × scenario, models in order of appearance. */
export function arrangeCells(cells: readonly CellSummary[]): GridRow[] {
  const rows = new Map<string, GridRow>();
  for (const cell of cells) {
    let row = rows.get(cell.model);
    if (!row) rows.set(cell.model, (row = { model: cell.model, cells: new Map() }));
    const list = row.cells.get(cell.scenario);
    if (list) list.push(cell);
    else row.cells.set(cell.scenario, [cell]);
  }
  for (const row of rows.values())
    for (const list of row.cells.values()) list.sort((a, b) => a.repetition - b.repetition);
  return [...rows.values()];
}

/** How many cells are in each state. */
export function countStates(cells: readonly CellSummary[]): Record<CellState, number> {
  const counts: Record<CellState, number> = { empty: 0, running: 0, done: 0, noisy: 0, failed: 0 };
  for (const cell of cells) counts[cell.state]++;
  return counts;
}

/** The sign and the word of each state; each differs in shape, not by colour alone. */
export const cellSigns: Record<CellState, { sign: string; word: string }> = {
  empty: { sign: "·", word: "waiting" },
  running: { sign: "◔", word: "measuring" },
  done: { sign: "■", word: "measured" },
  noisy: { sign: "≈", word: "noisy" },
  failed: { sign: "✕", word: "failed" },
};

// What a cell of a network of about 1.5 GFLOPs takes on a quiet device, until runs of this lab tell better.
const usualCellMs: Record<Thoroughness, number> = { quick: 1500, standard: 6000, thorough: 18_000 };

/** The number of cells of a run to be started. */
export function countCells(request: RunRequest): number {
  return request.models.length * request.coreSets.length * (request.repetitions ?? 1);
}

/** What runs to be started amount to: `96 cells, about 41m`. Devices measure at once, so the longest counts. */
export function tellExtent(requests: readonly RunRequest[], runs: readonly RunSummary[]): string {
  const cells = requests.reduce((sum, request) => sum + countCells(request), 0);
  if (cells === 0) return "Choose models and what to measure them on";
  const parts = requests.map((request) => {
    const known = findCellMs(request, runs);
    const cellMs = known ?? usualCellMs[request.thoroughness ?? "standard"];
    return { ms: countCells(request) * cellMs, known: known !== null };
  });
  const longest = parts.reduce((most, part) => (part.ms > most.ms ? part : most));
  const source = longest.known ? "as earlier runs took" : "on a quiet device";
  const step = longest.ms < 90_000 ? 1000 : 60_000;
  const duration = formatDuration(Math.max(step, Math.round(longest.ms / step) * step));
  const devices = requests.length > 1 ? ` on ${requests.length} devices at once` : "";
  return `${formatCount(cells)} ${cells === 1 ? "cell" : "cells"}${devices}, about ${duration} ${source}`;
}

// The middle of what cells took in finished runs of that thoroughness on that device.
function findCellMs(request: RunRequest, runs: readonly RunSummary[]): number | null {
  const thoroughness = request.thoroughness ?? "standard";
  const known = runs
    .filter((run) => run.device === request.device && run.thoroughness === thoroughness)
    .filter((run) => run.finishedAt !== null && run.cells > 0)
    .map((run) => (Date.parse(run.finishedAt!) - Date.parse(run.createdAt)) / run.cells)
    .filter((ms) => ms > 0)
    .sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}

/** How far several runs are together; they measure at once, so the longest tells the time left (null while one does not know). */
export function sumProgress(runs: readonly RunSummary[]): {
  cells: number;
  ended: number;
  failed: number;
  etaMs: number | null;
} {
  const sum = { cells: 0, ended: 0, failed: 0, etaMs: null as number | null };
  for (const run of runs) {
    sum.cells += run.cells;
    sum.ended += run.done + run.noisy + run.failed;
    sum.failed += run.failed;
  }
  const known = runs.flatMap((run) => (run.etaMs === null ? [] : [run.etaMs]));
  if (known.length > 0 && known.length === runs.length) sum.etaMs = Math.max(...known);
  return sum;
}
