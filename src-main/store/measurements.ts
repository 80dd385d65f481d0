import { median } from "../model/median.ts";
import type { ModelSummary, OpTime, Precision, Runtime, ScenarioSummary } from "../lab/contract.ts";
import { readConsistently, type Store } from "./database.ts";
import { decodeOpTimes } from "./opTimeBlob.ts";
import { findScenario } from "./scenarios.ts";

/** What the lab knows of one model on one scenario, all its cells taken together. */
export interface StoredMeasurement {
  model: string;
  /** SHA-256 of its .tflite file, which is there also when the model was removed from the library. */
  hash: string;
  family: string;
  kind: ModelSummary["kind"];
  /** The cell whose latency is nearest the median of all. */
  cell: number;
  /** Every cell that was used. */
  cells: number[];
  /** Median over the cells. */
  latencyMs: number;
  /** Median over the cells, op by op; empty when the runtime gave none. */
  opTimes: OpTime[];
  /** True when no cell of the model is done and noisy ones had to do. */
  noisy: boolean;
}

/** Every measured model of a scenario in the order the models were added; noisy cells count only for a model without a done one. */
export function trainingRows(store: Store, scenario: string): StoredMeasurement[] {
  return readConsistently(store, () => {
    const id = findScenario(store, scenario);
    if (id === null) return [];
    const rows = store
      .statement<CellData>(
        `SELECT c.model_id AS modelId, m.name AS model, m.hash, m.family, m.kind, c.id AS cell, a.state,
           a.latency_ms AS latencyMs, d.op_times AS opTimes
         FROM cell c JOIN attempt a ON a.cell_id = c.id AND a.number = c.kept_attempt
         JOIN attempt_data d ON d.cell_id = a.cell_id AND d.number = a.number
         JOIN model m ON m.id = c.model_id
         WHERE c.scenario_id = ? AND a.state <> 'failed' AND a.latency_ms IS NOT NULL
         ORDER BY c.model_id, c.id`,
      )
      .all(id);
    return [...Map.groupBy(rows, (row) => row.modelId).values()].map(combineCells);
  });
}

interface CellData {
  modelId: number;
  model: string;
  hash: string;
  family: string;
  kind: ModelSummary["kind"];
  cell: number;
  state: "done" | "noisy";
  latencyMs: number;
  opTimes: Uint8Array;
}

function combineCells(all: CellData[]): StoredMeasurement {
  const used = chooseUsable(all);
  const latencyMs = median(used.map((row) => row.latencyMs));
  const nearest = used.reduce((best, row) =>
    Math.abs(row.latencyMs - latencyMs) < Math.abs(best.latencyMs - latencyMs) ? row : best,
  );
  const opTimes = used.map((row) => decodeOpTimes(row.opTimes));
  return {
    model: nearest.model,
    hash: nearest.hash,
    family: nearest.family,
    kind: nearest.kind,
    cell: nearest.cell,
    cells: used.map((row) => row.cell),
    latencyMs,
    opTimes: combineOpTimes(opTimes, opTimes[used.indexOf(nearest)]!),
    noisy: nearest.state === "noisy",
  };
}

function chooseUsable<T extends { state: "done" | "noisy" }>(rows: T[]): T[] {
  const done = rows.filter((row) => row.state === "done");
  return done.length > 0 ? done : rows;
}

/** Op by op the median over the lists that time the same ops as `reference`; another version of the runtime may fuse others. */
export function combineOpTimes(lists: readonly OpTime[][], reference: readonly OpTime[]): OpTime[] {
  const alike = lists.filter(
    (list) =>
      list.length === reference.length &&
      list.every((time, index) => time.op === reference[index]!.op && time.type === reference[index]!.type),
  );
  return reference.map(({ op, type }, index) => ({
    op,
    type,
    ms: median(alike.map((list) => list[index]!.ms)),
  }));
}

/** Every scenario something was measured on, by id. `noisePercent` is the median over models with two done cells or more of (max − min) / median. */
export function listScenarios(store: Store): ScenarioSummary[] {
  return readConsistently(store, () => {
    const scenarios = store.statement<ScenarioRow>(
      `SELECT s.id, s.name, s.device, s.cores, s.precision, s.runtime,
         (SELECT max(p.id) FROM predictor p WHERE p.scenario_id = s.id) AS predictor
       FROM scenario s ORDER BY s.name`,
    );
    const cells = store.statement<MeasuredCellRow>(
      `SELECT c.scenario_id AS scenario, c.model_id AS model, a.state, a.latency_ms AS latencyMs, a.op_rows AS opRows
       FROM cell c JOIN attempt a ON a.cell_id = c.id AND a.number = c.kept_attempt
       WHERE a.state <> 'failed' AND a.latency_ms IS NOT NULL`,
    );
    const cellsOf = Map.groupBy(cells.all(), (row) => row.scenario);
    return scenarios.all().flatMap((row) => {
      const measured = cellsOf.get(row.id);
      if (!measured) return [];
      const models = [...Map.groupBy(measured, (cell) => cell.model).values()].map(chooseUsable);
      return [
        {
          id: row.name,
          device: row.device,
          cores: row.cores,
          precision: row.precision,
          runtime: row.runtime,
          models: models.length,
          opRows: models.reduce((sum, list) => sum + Math.max(...list.map((cell) => cell.opRows)), 0),
          noisePercent: findNoisePercent(models),
          predictor: row.predictor,
        },
      ];
    });
  });
}

interface ScenarioRow {
  id: number;
  name: string;
  device: string;
  cores: string;
  precision: Precision;
  runtime: Runtime;
  predictor: number | null;
}

interface MeasuredCellRow {
  scenario: number;
  model: number;
  state: "done" | "noisy";
  latencyMs: number;
  opRows: number;
}

function findNoisePercent(models: readonly MeasuredCellRow[][]): number | null {
  const spreads = models
    .filter((cells) => cells.length >= 2 && cells[0]!.state === "done")
    .map((cells) => {
      const values = cells.map((cell) => cell.latencyMs);
      return ((Math.max(...values) - Math.min(...values)) / median(values)) * 100;
    });
  return spreads.length > 0 ? median(spreads) : null;
}
