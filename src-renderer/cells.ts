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

// What a cell of a network of about 1.5 GFLOPs takes on a quiet computer, until runs of this lab tell better.
const usualCellMs: Record<Thoroughness, number> = { quick: 1500, standard: 6000, thorough: 18_000 };

/** What a run to be started amounts to: `96 cells, about 41m`. */
export function tellExtent(request: RunRequest, runs: readonly RunSummary[]): string {
  const cells = request.models.length * request.coreSets.length * (request.repetitions ?? 1);
  if (cells === 0) return "Choose models and core sets";
  const thoroughness = request.thoroughness ?? "standard";
  const known = runs
    .filter((run) => run.thoroughness === thoroughness && run.finishedAt !== null && run.cells > 0)
    .map((run) => (Date.parse(run.finishedAt!) - Date.parse(run.createdAt)) / run.cells)
    .filter((ms) => ms > 0)
    .sort((a, b) => a - b);
  const cellMs = known[Math.floor(known.length / 2)] ?? usualCellMs[thoroughness];
  const source = known.length > 0 ? "as earlier runs took" : "on a quiet device";
  const step = cells * cellMs < 90_000 ? 1000 : 60_000;
  const duration = formatDuration(Math.max(step, Math.round((cells * cellMs) / step) * step));
  return `${formatCount(cells)} ${cells === 1 ? "cell" : "cells"}, about ${duration} ${source}`;
}
