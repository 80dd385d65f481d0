import { parseScenario } from "../device/scenario.ts";
import type { CellState, Measurement, RunDetail, RunSummary, Thoroughness } from "../lab/contract.ts";
import { badRequest, modelUnknown, runBusy } from "../lab/errors.ts";
import { chooseAttempt, listAttempts, readAttempt, writeAttempt, type CellResult } from "./attempts.ts";
import { orderCells } from "./cellOrder.ts";
import { readConsistently, runInTransaction, type Store } from "./database.ts";
import { deleteHiddenModels, removeUnusedFiles } from "./models.ts";
import { describeOwnProcess } from "./processOwner.ts";
import { isMeasured, selectCell, selectRun, settleCells, summarizeCell, summarizeRun } from "./runRows.ts";
import type { CellRow, RunRow, StateCount } from "./runRows.ts";
import { ensureScenario } from "./scenarios.ts";

export type { CellResult } from "./attempts.ts";

/** A profiling campaign to create: every model on every scenario, each `repetitions` times. */
export interface NewRun {
  device: string;
  deviceName: string;
  /** Scenario ids, all of that device. */
  scenarios: string[];
  /** Names in the library. */
  models: string[];
  repetitions: number;
  seed: number;
  thoroughness: Thoroughness;
}

/**
 * Creates a run with all its empty cells in measuring order and gives its id. It counts as running in this process until
 * `setRunState`. Rejects with model-unknown, or bad-request for an empty or contradictory grid.
 */
export function createRun(store: Store, run: NewRun): number {
  const scenarios = [...new Set(run.scenarios)];
  const models = [...new Set(run.models)];
  checkRun(run, scenarios, models);
  return runInTransaction(store, () => {
    const findId = store.statement<{ id: number }>(
      "SELECT id FROM model WHERE name = ? AND removed_at IS NULL",
    );
    const modelIds = models.map((name) => {
      const row = findId.get(name);
      if (!row) throw modelUnknown(name);
      return row.id;
    });
    const scenarioIds = scenarios.map((name) => ensureScenario(store, name));
    const items = scenarioIds.flatMap((scenario) => modelIds.map((model) => ({ scenario, model })));
    const order = orderCells(items.length, run.repetitions, run.seed);
    const owner = describeOwnProcess();
    const id = Number(
      store
        .statement(
          `INSERT INTO run (device, device_name, state, thoroughness, seed, repetitions, models, cells,
             owner_pid, owner_identity, created_at) VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          run.device,
          run.deviceName,
          run.thoroughness,
          run.seed,
          run.repetitions,
          models.length,
          order.length,
          owner.pid,
          owner.identity,
          new Date().toISOString(),
        ).lastInsertRowid,
    );
    const addScenario = store.statement(
      "INSERT INTO run_scenario (run_id, position, scenario_id) VALUES (?, ?, ?)",
    );
    scenarioIds.forEach((scenario, position) => addScenario.run(id, position, scenario));
    const addCell = store.statement(
      "INSERT INTO cell (run_id, model_id, scenario_id, repetition, position) VALUES (?, ?, ?, ?, ?)",
    );
    order.forEach(({ item, repetition }, position) => {
      const { model, scenario } = items[item]!;
      addCell.run(id, model, scenario, repetition, position);
    });
    return id;
  });
}

function checkRun(run: NewRun, scenarios: string[], models: string[]): void {
  if (models.length === 0) throw badRequest("A run needs at least one model", "Name the models to measure.");
  if (scenarios.length === 0)
    throw badRequest("A run needs at least one scenario", "Name a core set or the GPU.");
  if (!Number.isInteger(run.repetitions) || run.repetitions < 1)
    throw badRequest(`A run cannot have ${run.repetitions} repetitions`, "Give a whole number from 1.");
  if (!Number.isSafeInteger(run.seed))
    throw badRequest(`${run.seed} cannot be a seed`, "Give a whole number.");
  for (const scenario of scenarios)
    if (parseScenario(scenario).device !== run.device)
      throw badRequest(
        `The scenario ${scenario} is not of the device ${run.device}`,
        "A run measures one device; start one run for each.",
      );
}

/** All runs, newest first. `job` and `etaMs` are null: only a running lab knows them. One whose process died reads paused. */
export function listRuns(store: Store): RunSummary[] {
  return readConsistently(store, () => {
    const rows = store.statement<RunRow>(`${selectRun} ORDER BY r.id DESC`).all();
    const counts = store.statement<StateCount>(
      "SELECT run_id AS run, state, count(*) AS count FROM cell GROUP BY run_id, state",
    );
    // Cells a dead process left running count as what they were before.
    const left = store.statement<StateCount>(
      `SELECT c.run_id AS run, a.state, 1 AS count FROM cell c
       JOIN attempt a ON a.cell_id = c.id AND a.number = c.kept_attempt WHERE c.state = 'running'`,
    );
    const countsOf = Map.groupBy(counts.all(), (row) => row.run);
    const leftOf = Map.groupBy(left.all(), (row) => row.run);
    const scenariosOf = Map.groupBy(store.statement<ScenarioRow>(selectScenarios).all(), (row) => row.run);
    return rows.map((row) => {
      const settled = isMeasured(row) ? [] : (leftOf.get(row.id) ?? []);
      const names = (scenariosOf.get(row.id) ?? []).map(({ name }) => name);
      return summarizeRun(row, [...(countsOf.get(row.id) ?? []), ...settled], names);
    });
  });
}

/** One run with its cells in measuring order, or null. */
export function getRun(store: Store, id: number): RunDetail | null {
  return readConsistently(store, () => {
    const row = findRun(store, id);
    if (!row) return null;
    const measured = isMeasured(row);
    const cells = store.statement<CellRow>(`${selectCell} WHERE c.run_id = ? ORDER BY c.position`).all(id);
    const cellList = cells.map((cell) => summarizeCell(cell, measured));
    const counts = [...Map.groupBy(cellList, (cell) => cell.state)].map(([state, list]) => ({
      run: id,
      state,
      count: list.length,
    }));
    const scenarios = store.statement<ScenarioRow>(selectScenarios).all();
    const names = scenarios.filter(({ run }) => run === id).map(({ name }) => name);
    return { ...summarizeRun(row, counts, names), cellList };
  });
}

/**
 * Sets a run's state. `running` makes this process its owner; any other ends cells that are being measured, and done and
 * failed stamp the run's end.
 */
export function setRunState(store: Store, run: number, state: RunSummary["state"]): void {
  runInTransaction(store, () => {
    const owner = describeOwnProcess();
    const finishedAt = state === "done" || state === "failed" ? new Date().toISOString() : null;
    store
      .statement("UPDATE run SET state = ?, owner_pid = ?, owner_identity = ?, finished_at = ? WHERE id = ?")
      .run(state, owner.pid, owner.identity, finishedAt, run);
    if (state !== "running") settleCells(store, run);
  });
}

/**
 * Removes a run with its cells and measurements and gives how many runs that were (0 or 1). Models that were hidden and kept
 * only for it go too. Rejects with run-busy while another living process measures it.
 */
export function removeRun(store: Store, run: number): number {
  const { removed, hashes } = runInTransaction(store, () => {
    const row = findRun(store, run);
    if (row && row.pid !== process.pid && isMeasured(row)) throw runBusy(run);
    const { changes } = store.statement("DELETE FROM run WHERE id = ?").run(run);
    return { removed: changes, hashes: deleteHiddenModels(store) };
  });
  removeUnusedFiles(store, hashes);
  return removed;
}

/** A cell that is to be measured. */
export interface StoredCell {
  id: number;
  run: number;
  /** Name of the model, and the hash that leads to its file. */
  model: string;
  hash: string;
  /** Scenario id. */
  scenario: string;
  repetition: number;
  /** Place in the run's order, from 0. */
  position: number;
  state: CellState;
  attempts: number;
}

/**
 * The cells still to do, in measuring order: empty ones and those a dead process left running; with `retry` also failed and
 * noisy ones. Only the process that holds the run's device may call it.
 */
export function nextCells(store: Store, run: number, options: { retry: boolean }): StoredCell[] {
  const states = options.retry ? "'empty', 'running', 'failed', 'noisy'" : "'empty', 'running'";
  return readConsistently(store, () =>
    store
      .statement<CellRow>(`${selectCell} WHERE c.run_id = ? AND c.state IN (${states}) ORDER BY c.position`)
      .all(run)
      .map(({ id, model, hash, scenario, repetition, position, state, attempts }) => {
        return { id, run, model, hash, scenario, repetition, position, state, attempts };
      }),
  );
}

/** Marks a cell as being measured, and its run as running in this process. */
export function startCell(store: Store, cell: number): void {
  runInTransaction(store, () => {
    const owner = describeOwnProcess();
    store.statement("UPDATE cell SET state = 'running' WHERE id = ?").run(cell);
    store
      .statement(
        `UPDATE run SET state = 'running', owner_pid = @pid, owner_identity = @identity, finished_at = NULL
         WHERE id = (SELECT run_id FROM cell WHERE id = @cell)
         AND (state <> 'running' OR owner_pid <> @pid OR owner_identity <> @identity)`,
      )
      .run({ ...owner, cell });
  });
}

/**
 * Commits what measuring a cell gave, whole or not at all. Every attempt stays with its raw data; `chooseAttempt` tells which
 * one the cell shows, so a retry that went worse leaves the cell as it was. The same measurement judged anew (same start and
 * end) replaces its attempt.
 */
export function commitCell(store: Store, cell: number, result: CellResult): void {
  runInTransaction(store, () => {
    writeAttempt(store, cell, result);
    const attempts = listAttempts(store, cell);
    const chosen = chooseAttempt(attempts)!;
    store
      .statement("UPDATE cell SET state = ?, attempts = ?, kept_attempt = ? WHERE id = ?")
      .run(chosen.state, attempts.length, chosen.number, cell);
  });
}

/** Makes a failed cell empty again, so that the run counts it as still to do; what was tried stays. */
export function reopenCell(store: Store, cell: number): void {
  runInTransaction(store, () =>
    store.statement("UPDATE cell SET state = 'empty' WHERE id = ? AND state = 'failed'").run(cell),
  );
}

/** A cell with the raw data of its kept attempt, or null when there is no such cell; without samples while it is empty. */
export function getMeasurement(store: Store, cell: number): Measurement | null {
  return readConsistently(store, () => {
    const row = store.statement<CellRow>(`${selectCell} WHERE c.id = ?`).get(cell);
    if (!row) return null;
    const run = findRun(store, row.run)!;
    const data =
      row.keptAttempt === null
        ? { samples: [], opTimes: [], provenance: null, stderr: "" }
        : readAttempt(store, cell, row.keptAttempt);
    return {
      cell: summarizeCell(row, isMeasured(run)),
      run: row.run,
      ...data,
      attempts: listAttempts(store, cell),
    };
  });
}

interface ScenarioRow {
  run: number;
  name: string;
}

const selectScenarios = `SELECT rs.run_id AS run, s.name FROM run_scenario rs
  JOIN scenario s ON s.id = rs.scenario_id ORDER BY rs.run_id, rs.position`;

function findRun(store: Store, id: number): RunRow | undefined {
  return store.statement<RunRow>(`${selectRun} WHERE r.id = ?`).get(id);
}
