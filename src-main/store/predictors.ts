import type {
  ClassScores,
  PredictedPoint,
  PredictorDetail,
  PredictorSummary,
  Scores,
} from "../lab/contract.ts";
import { readConsistently, runInTransaction, type Store } from "./database.ts";
import { ensureScenario } from "./scenarios.ts";
import { DamagedValue } from "./sqliteError.ts";

/** A fitted predictor to keep. */
export interface NewPredictor {
  scenario: string;
  learner: PredictorSummary["learner"];
  rows: number;
  models: number;
  seed: number;
  fitMs: number;
  crossValidated: Scores;
  baseline: Scores;
  /** How networks were split for cross-validation; any JSON value. */
  split: unknown;
  classes: ClassScores[];
  points: PredictedPoint[];
  overheadMs: number;
  /** The fitted parameters in the predictor's own, versioned format. */
  blob: Uint8Array;
  /** Ids of the cells it was trained on. */
  trainingCells: number[];
}

/** A predictor as it is kept. `problem` is null: whether this version can use the blob, and what it holds, its loader tells. */
export interface StoredPredictor extends Omit<PredictorDetail, "leftOut"> {
  blob: Uint8Array;
  split: unknown;
  trainingCells: number[];
}

/** Keeps a predictor with the ids and model names of its training cells and gives its id. */
export function savePredictor(store: Store, predictor: NewPredictor): number {
  return runInTransaction(store, () => {
    const { lastInsertRowid } = store
      .statement(
        `INSERT INTO predictor (scenario_id, learner, rows, models, seed, fit_ms, created_at, cross_validated, baseline,
           split, classes, points, overhead_ms, blob) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        ensureScenario(store, predictor.scenario),
        predictor.learner,
        predictor.rows,
        predictor.models,
        predictor.seed,
        predictor.fitMs,
        new Date().toISOString(),
        JSON.stringify(predictor.crossValidated),
        JSON.stringify(predictor.baseline),
        JSON.stringify(predictor.split ?? null),
        JSON.stringify(predictor.classes),
        JSON.stringify(predictor.points),
        predictor.overheadMs,
        predictor.blob,
      );
    const id = Number(lastInsertRowid);
    // The names are copied: the predictor outlives the run it was trained on.
    const addCell = store.statement(
      `INSERT INTO predictor_cell (predictor_id, position, cell_id, attempt, model)
       SELECT ?, ?, c.id, c.kept_attempt, m.name FROM cell c JOIN model m ON m.id = c.model_id WHERE c.id = ?`,
    );
    predictor.trainingCells.forEach((cell, position) => {
      if (addCell.run(id, position, cell).changes === 0)
        throw new Error(`the training cell ${cell} does not exist`);
    });
    return id;
  });
}

/** The predictors of a scenario, or all, newest first. */
export function listPredictors(store: Store, scenario?: string): PredictorSummary[] {
  return readConsistently(store, () =>
    store
      .statement<SummaryRow>(
        `${selectSummary} WHERE @scenario IS NULL OR s.name = @scenario ORDER BY p.id DESC`,
      )
      .all({ scenario: scenario ?? null })
      .map(summarizePredictor),
  );
}

/** One predictor with its parameters, or null; rejects with lab-corrupt when its details cannot be read. */
export function getPredictor(store: Store, id: number): StoredPredictor | null {
  return readConsistently(store, () => {
    const row = store.statement<DetailRow>(`${selectDetail} WHERE p.id = ?`).get(id);
    if (!row) return null;
    const cells = store
      .statement<{ cell: number; model: string }>(
        "SELECT cell_id AS cell, model FROM predictor_cell WHERE predictor_id = ? ORDER BY position",
      )
      .all(id);
    return {
      ...summarizePredictor(row),
      split: parseJson(row.split),
      classes: parseJson(row.classes) as ClassScores[],
      points: parseJson(row.points) as PredictedPoint[],
      overheadMs: row.overheadMs,
      blob: row.blob,
      trainingCells: cells.map(({ cell }) => cell),
      trainedOn: [...new Set(cells.map(({ model }) => model))],
    };
  });
}

/** The predictor in use for a scenario, that is its newest, or null. */
export function newestPredictor(store: Store, scenario: string): StoredPredictor | null {
  return readConsistently(store, () => {
    const row = store
      .statement<{ id: number | null }>(
        "SELECT max(p.id) AS id FROM predictor p JOIN scenario s ON s.id = p.scenario_id WHERE s.name = ?",
      )
      .get(scenario);
    return row?.id ? getPredictor(store, row.id) : null;
  });
}

/** Removes a predictor and gives how many that were (0 or 1). */
export function removePredictor(store: Store, id: number): number {
  return runInTransaction(store, () => store.statement("DELETE FROM predictor WHERE id = ?").run(id).changes);
}

interface SummaryRow extends Omit<PredictorSummary, "crossValidated" | "baseline" | "problem"> {
  crossValidated: string;
  baseline: string;
}

interface DetailRow extends SummaryRow {
  split: string;
  classes: string;
  points: string;
  overheadMs: number;
  blob: Uint8Array;
}

const summaryColumns = `p.id, s.name AS scenario, p.learner, p.rows, p.models, p.seed, p.fit_ms AS fitMs,
  p.created_at AS createdAt, p.cross_validated AS crossValidated, p.baseline`;

const selectSummary = `SELECT ${summaryColumns} FROM predictor p JOIN scenario s ON s.id = p.scenario_id`;

const selectDetail = `SELECT ${summaryColumns}, p.split, p.classes, p.points, p.overhead_ms AS overheadMs, p.blob
  FROM predictor p JOIN scenario s ON s.id = p.scenario_id`;

function summarizePredictor(row: SummaryRow): PredictorSummary {
  return {
    id: row.id,
    scenario: row.scenario,
    learner: row.learner,
    rows: row.rows,
    models: row.models,
    seed: row.seed,
    fitMs: row.fitMs,
    createdAt: row.createdAt,
    crossValidated: parseJson(row.crossValidated) as Scores,
    baseline: parseJson(row.baseline) as Scores,
    problem: null,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DamagedValue("the details of a predictor cannot be read");
  }
}
