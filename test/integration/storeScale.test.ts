import { afterAll, beforeAll, expect, it } from "vitest";
import { exportMeasurementsCsv } from "../../src-main/store/csv.ts";
import { openStore, runInTransaction, type Store } from "../../src-main/store/database.ts";
import { listScenarios, trainingRows } from "../../src-main/store/measurements.ts";
import { listModels } from "../../src-main/store/models.ts";
import { commitCell, getRun, listRuns, nextCells } from "../../src-main/store/runs.ts";
import { addModels, addRun, makeFolder, makeResult, oneCore, twoCores } from "./storeLab.ts";

const modelCount = 2000;
const measured = 600;
const opsEach = 100;
let store: Store;
let remove: () => void;

beforeAll(() => {
  const made = makeFolder();
  store = openStore(made.folder);
  remove = made.remove;
  store.database.pragma("synchronous = OFF");
  const [first] = addModels(store, 1);
  const names = [first!];
  // Rows alone: 2,000 files would only slow the test.
  const copy = store.database.prepare(
    `INSERT INTO model (name, hash, family, kind, ops, flops, params, bytes, added_at)
     SELECT ?, hash, family, kind, ops, flops, params, bytes, added_at FROM model WHERE name = ?`,
  );
  runInTransaction(store, () => {
    for (let index = 1; index < modelCount; index++) {
      names.push(`copy-${index}`);
      copy.run(names.at(-1), first);
    }
    const run = addRun(store, names.slice(0, measured), { scenarios: [oneCore, twoCores] });
    for (const cell of nextCells(store, run, { retry: false })) {
      const result = makeResult(cell);
      const opTimes = Array.from({ length: opsEach }, (_, op) => ({ ...result.opTimes[op % 3]!, op }));
      commitCell(store, cell.id, { ...result, opTimes });
    }
  });
});

afterAll(() => {
  store.close();
  remove();
});

/** The result of `fn` and its best time of three, which is printed, not judged. */
function time<T>(what: string, fn: () => T): T {
  const times: number[] = [];
  let result: T;
  do {
    const start = performance.now();
    result = fn();
    times.push(performance.now() - start);
  } while (times.length < 3);
  console.log(`${what}: ${Math.min(...times).toFixed(1)} ms`);
  return result;
}

it("lists thousands of models, and reads every op time of a scenario, at once", () => {
  const models = time(`list ${modelCount} models`, () => listModels(store));
  expect(models).toHaveLength(modelCount);
  expect(models.filter((model) => model.measuredOn.length === 2)).toHaveLength(measured);
  const filtered = time(`filter ${modelCount} models`, () => listModels(store, { text: "copy-19" }));
  expect(filtered).toHaveLength(111);
  const rows = time(`training rows, ${measured * opsEach} ops`, () => trainingRows(store, oneCore));
  expect(rows).toHaveLength(measured);
  expect(rows.every((row) => row.opTimes.length === opsEach)).toBe(true);
  expect(time("list runs", () => listRuns(store))).toMatchObject([{ done: measured * 2 }]);
  expect(time(`run of ${measured * 2} cells`, () => getRun(store, 1))!.cellList).toHaveLength(measured * 2);
  expect(time("list scenarios", () => listScenarios(store))).toHaveLength(2);
  const all = time(`CSV of ${measured * opsEach} ops`, () =>
    exportMeasurementsCsv(store, { scenario: oneCore, ops: true }),
  );
  expect(all.rows).toBe(measured * opsEach);
});
