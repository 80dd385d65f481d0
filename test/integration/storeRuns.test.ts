import { existsSync, readdirSync, rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore, type Store } from "../../src-main/store/database.ts";
import { listAttempts } from "../../src-main/store/attempts.ts";
import { addModel, findModel, listModels, modelFilePath, removeModels } from "../../src-main/store/models.ts";
import { failedCell } from "../../src-main/profile/bench.ts";
import { commitCell, createRun, getMeasurement, getRun, listRuns } from "../../src-main/store/runs.ts";
import {
  nextCells,
  removeRun,
  reopenCell,
  setRunState,
  startCell,
  type CellResult,
} from "../../src-main/store/runs.ts";
import { addModels, addRun, makeFolder, makeResult, oneCore, twoCores } from "./storeLab.ts";

let store: Store;
let remove: () => void;
beforeEach(() => {
  const made = makeFolder();
  store = openStore(made.folder);
  remove = made.remove;
});
afterEach(() => {
  store.close();
  remove();
});

const error = (code: string) => expect.objectContaining({ name: "LabError", code });

/** Measures the cells still to do. */
function measure(run: number, count = Infinity): void {
  nextCells(store, run, { retry: false })
    .slice(0, count)
    .forEach((cell) => commitCell(store, cell.id, makeResult(cell)));
}

describe("models", () => {
  const model = (name: string, text = name) => ({
    name,
    family: "mobile",
    kind: "file" as const,
    bytes: Buffer.from(text),
    ops: 5,
    flops: 2 ** 40 + 1,
    params: 7,
  });

  it("are kept with their file under its hash", () => {
    const added = addModel(store, model("a"));
    expect(added).toMatchObject({
      name: "a",
      family: "mobile",
      kind: "file",
      ops: 5,
      flops: 2 ** 40 + 1,
      params: 7,
    });
    // SHA-256 of the letter a.
    expect(added.hash).toBe("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    expect(added.bytes).toBe(1);
    expect(existsSync(modelFilePath(store, added.hash))).toBe(true);
    expect(findModel(store, "a")).toEqual(added);
    expect(listModels(store)).toEqual([added]);
    expect(findModel(store, "b")).toBeNull();
  });

  it("are the same when name and file are, and refused when only the name is", () => {
    const first = addModel(store, model("a"));
    expect(addModel(store, model("a"))).toEqual(first);
    expect(() => addModel(store, model("a", "other file"))).toThrow(error("model-exists"));
    expect(readdirSync(`${store.folder}/models`).filter((name) => name.endsWith(".tflite"))).toHaveLength(1);
    expect(readdirSync(`${store.folder}/models/.incoming`)).toEqual([]);
  });

  it("get back a file that was lost", () => {
    const { hash } = addModel(store, model("a"));
    rmSync(modelFilePath(store, hash));
    addModel(store, model("a"));
    expect(existsSync(modelFilePath(store, hash))).toBe(true);
  });

  it.each(["", "  ", "two\nlines"])("cannot be named %j", (name) => {
    expect(() => addModel(store, model(name))).toThrow(error("bad-request"));
  });

  it("pass filters by text in any case, family and kind", () => {
    addModel(store, { ...model("MobileNet Größe"), kind: "zoo" });
    addModel(store, { ...model("net-1"), family: "resnet" });
    addModel(store, { ...model("net-2"), family: "resnet", kind: "sampled" });
    const names = (filter: Parameters<typeof listModels>[1]) =>
      listModels(store, filter).map(({ name }) => name);
    expect(names({ text: "GRÖSSE" })).toEqual([]);
    expect(names({ text: "GRÖß" })).toEqual(["MobileNet Größe"]);
    expect(names({ text: "resn" })).toEqual(["net-1", "net-2"]);
    expect(names({ family: "resnet", kind: "sampled" })).toEqual(["net-2"]);
    expect(names({ text: "%" })).toEqual([]);
  });

  it("that nothing measured go with their file, unless another model has it", () => {
    const { hash } = addModel(store, model("a", "same"));
    addModel(store, model("b", "same"));
    expect(removeModels(store, ["a", "a", "unknown"])).toBe(1);
    expect(existsSync(modelFilePath(store, hash))).toBe(true);
    expect(removeModels(store, ["b"])).toBe(1);
    expect(existsSync(modelFilePath(store, hash))).toBe(false);
    expect(addModel(store, model("a", "new file")).bytes).toBe(8);
  });

  it("that a run measured are hidden, keep their name and come back; they go with the run", () => {
    const { hash } = addModel(store, model("a"));
    const run = addRun(store, ["a"]);
    measure(run);
    expect(removeModels(store, ["a"])).toBe(1);
    expect(removeModels(store, ["a"])).toBe(0);
    expect(findModel(store, "a")).toBeNull();
    expect(listModels(store)).toEqual([]);
    expect(existsSync(modelFilePath(store, hash))).toBe(true);
    expect(getRun(store, run)!.cellList[0]).toMatchObject({ model: "a", state: "done" });
    expect(() => addRun(store, ["a"])).toThrow(error("model-unknown"));
    expect(() => addModel(store, model("a", "other file"))).toThrow(error("model-exists"));
    expect(addModel(store, model("a")).measuredOn).toEqual([oneCore]);
    removeModels(store, ["a"]);
    expect(removeRun(store, run)).toBe(1);
    expect(existsSync(modelFilePath(store, hash))).toBe(false);
    expect(addModel(store, model("a", "other file")).measuredOn).toEqual([]);
  });

  it("tell on which scenarios they were measured, failures not counted", () => {
    const names = addModels(store, 3);
    const run = addRun(store, names, { scenarios: [twoCores, oneCore] });
    for (const cell of nextCells(store, run, { retry: false })) {
      if (cell.model === names[2]) continue;
      const failed = cell.model === names[1] && cell.scenario === oneCore;
      const result = makeResult(cell);
      commitCell(store, cell.id, failed ? { ...result, state: "failed", latencyMs: null } : result);
    }
    const measuredOn = () => listModels(store).map((entry) => entry.measuredOn);
    expect(measuredOn()).toEqual([[oneCore, twoCores], [twoCores], []]);
    expect(names.map((name) => findModel(store, name)!.measuredOn)).toEqual(measuredOn());
    // Trying again, or for the first time, changes nothing until there is a result.
    for (const cell of getRun(store, run)!.cellList) startCell(store, cell.id);
    expect(measuredOn()).toEqual([[oneCore, twoCores], [twoCores], []]);
  });
});

describe("runs", () => {
  it("are a grid of empty cells, each once, in an order the seed decides", () => {
    const names = addModels(store, 6);
    const request = { scenarios: [oneCore, twoCores], repetitions: 3, seed: 9 };
    const run = addRun(store, [...names, names[0]!], request);
    const detail = getRun(store, run)!;
    expect(detail).toMatchObject({
      id: run,
      models: 6,
      cells: 36,
      done: 0,
      noisy: 0,
      failed: 0,
      state: "running",
    });
    expect(detail).toMatchObject({
      scenarios: [oneCore, twoCores],
      thoroughness: "quick",
      job: null,
      etaMs: null,
    });
    const keys = (id: number) =>
      getRun(store, id)!.cellList.map((cell) => `${cell.model} ${cell.scenario} ${cell.repetition}`);
    expect(new Set(keys(run)).size).toBe(36);
    expect(keys(addRun(store, names, request))).toEqual(keys(run));
    expect(keys(addRun(store, names, { ...request, seed: 10 }))).not.toEqual(keys(run));
    expect(nextCells(store, run, { retry: false }).map((cell) => cell.position)).toEqual([
      ...Array(36).keys(),
    ]);
    expect(listRuns(store).map(({ id }) => id)).toEqual([3, 2, 1]);
    const { cellList, ...summary } = getRun(store, run)!;
    expect(cellList).toHaveLength(36);
    expect(listRuns(store)[2]).toEqual(summary);
  });

  it.each([
    ["no model", { models: [] }, "bad-request"],
    ["no scenario", { scenarios: [] }, "bad-request"],
    ["an unknown model", { models: ["nobody"] }, "model-unknown"],
    ["a scenario of another device", { scenarios: ["pixel4/1large/int8/tflite"] }, "bad-request"],
    ["a scenario that is none", { scenarios: ["host/1core"] }, "bad-request"],
    ["no repetition", { repetitions: 0 }, "bad-request"],
    ["half a repetition", { repetitions: 1.5 }, "bad-request"],
    ["a seed that is none", { seed: NaN }, "bad-request"],
  ])("are refused with %s and leave nothing behind", (_, other, code) => {
    const models = addModels(store, 1);
    const good = { device: "host", deviceName: "h", scenarios: [oneCore], models, repetitions: 1, seed: 1 };
    expect(() => createRun(store, { ...good, thoroughness: "quick", ...other })).toThrow(error(code));
    expect(listRuns(store)).toEqual([]);
  });

  it("count their cells by state and end", () => {
    const run = addRun(store, addModels(store, 5));
    const cells = nextCells(store, run, { retry: false });
    const states = ["done", "done", "noisy", "failed"] as const;
    states.forEach((state, index) =>
      commitCell(store, cells[index]!.id, { ...makeResult(cells[index]!), state, error: state }),
    );
    expect(getRun(store, run)).toMatchObject({ done: 2, noisy: 1, failed: 1, cells: 5, finishedAt: null });
    expect(nextCells(store, run, { retry: false }).map(({ id }) => id)).toEqual([cells[4]!.id]);
    expect(nextCells(store, run, { retry: true }).map(({ id }) => id)).toEqual(
      cells.slice(2).map(({ id }) => id),
    );
    setRunState(store, run, "done");
    expect(listRuns(store)[0]).toMatchObject({
      state: "done",
      finishedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    setRunState(store, run, "running");
    expect(listRuns(store)[0]).toMatchObject({ state: "running", finishedAt: null });
  });

  it("that are paused leave no cell running; its earlier attempt shows again", () => {
    const run = addRun(store, addModels(store, 2));
    const [first, second] = nextCells(store, run, { retry: false });
    commitCell(store, first!.id, { ...makeResult(first!), state: "noisy" });
    startCell(store, first!.id);
    startCell(store, second!.id);
    expect(getRun(store, run)!.cellList.map(({ state }) => state)).toEqual(["running", "running"]);
    setRunState(store, run, "paused");
    expect(getRun(store, run)!.cellList.map(({ state }) => state)).toEqual(["noisy", "empty"]);
    startCell(store, second!.id);
    expect(getRun(store, run)!.state).toBe("running");
  });

  it("whose process is gone read paused, with its running cells as they were before", () => {
    const run = addRun(store, addModels(store, 2));
    const [first, second] = nextCells(store, run, { retry: false });
    commitCell(store, first!.id, { ...makeResult(first!), state: "noisy" });
    startCell(store, first!.id);
    startCell(store, second!.id);
    store.database.prepare("UPDATE run SET owner_identity = 'gone'").run();
    expect(listRuns(store)[0]).toMatchObject({ state: "paused", noisy: 1, done: 0 });
    expect(getRun(store, run)).toMatchObject({ state: "paused", noisy: 1 });
    expect(getRun(store, run)!.cellList.map(({ state }) => state)).toEqual(["noisy", "empty"]);
    expect(getMeasurement(store, second!.id)!.cell.state).toBe("empty");
    expect(nextCells(store, run, { retry: false }).map(({ id }) => id)).toEqual([first!.id, second!.id]);
  });

  it("are removed with all they measured, and their ids are not used again", () => {
    const names = addModels(store, 2);
    const run = addRun(store, names);
    measure(run);
    const cells = getRun(store, run)!.cellList;
    expect(removeRun(store, run)).toBe(1);
    expect(removeRun(store, run)).toBe(0);
    expect(getRun(store, run)).toBeNull();
    expect(getMeasurement(store, cells[0]!.id)).toBeNull();
    for (const table of ["run_scenario", "cell", "attempt", "attempt_data"])
      expect(store.database.prepare(`SELECT count(*) AS n FROM ${table}`).get()).toEqual({ n: 0 });
    const again = addRun(store, names);
    expect(again).toBeGreaterThan(run);
    expect(getRun(store, again)!.cellList[0]!.id).toBeGreaterThan(cells[1]!.id);
  });
});

describe("a cell", () => {
  const result = (other: Partial<CellResult>, startedAt: string): CellResult => {
    const whole = makeResult({ model: "net-0", scenario: oneCore, repetition: 0 });
    return { ...whole, provenance: { ...whole.provenance!, startedAt }, ...other };
  };
  const makeCell = () => nextCells(store, addRun(store, addModels(store, 1)), { retry: false })[0]!.id;
  const withKept = (kept: number) =>
    makeResult({ model: "net-0", scenario: oneCore, repetition: 0 }).samples.map((sample, index) => {
      return { ...sample, kept: index < kept };
    });

  it("is empty before, and whole after it is committed", () => {
    const run = addRun(store, addModels(store, 1));
    const cell = nextCells(store, run, { retry: false })[0]!;
    expect(getMeasurement(store, cell.id)).toEqual({
      cell: { ...emptyCell, id: cell.id, model: "net-0", scenario: oneCore },
      run,
      samples: [],
      opTimes: [],
      provenance: null,
      stderr: "",
      attempts: [],
    });
    const whole = makeResult(cell);
    commitCell(store, cell.id, whole);
    const { state, latencyMs, spreadMs, error: text, ...data } = whole;
    expect(getMeasurement(store, cell.id)).toEqual({
      cell: {
        ...emptyCell,
        ...{
          id: cell.id,
          model: "net-0",
          scenario: oneCore,
          state,
          latencyMs,
          spreadMs,
          error: text,
          attempts: 1,
        },
        kept: whole.samples.filter((sample) => sample.kept).length,
        total: whole.samples.length,
      },
      run,
      ...data,
      attempts: [expect.objectContaining({ number: 1, state, latencyMs, spreadMs, error: text })],
    });
    expect(getMeasurement(store, 999)).toBeNull();
  });

  const emptyCell = {
    repetition: 0,
    state: "empty",
    attempts: 0,
    latencyMs: null,
    spreadMs: null,
    kept: 0,
    total: 0,
    error: null,
  };

  it("counts the inferences of a tool that tells only their statistics", () => {
    const run = addRun(store, addModels(store, 1));
    const cell = nextCells(store, run, { retry: false })[0]!;
    commitCell(store, cell.id, { ...makeResult(cell), samples: [], counted: { kept: 50, total: 57 } });
    expect(getMeasurement(store, cell.id)).toMatchObject({ cell: { kept: 50, total: 57 }, samples: [] });
  });

  it("is to be done again after a failure that passes, and keeps what happened", () => {
    const run = addRun(store, addModels(store, 1));
    const cell = nextCells(store, run, { retry: false })[0]!;
    const lost = failedCell("cable pulled");
    commitCell(store, cell.id, lost);
    expect(nextCells(store, run, { retry: false })).toEqual([]);
    reopenCell(store, cell.id);
    expect(nextCells(store, run, { retry: false })).toMatchObject([{ id: cell.id, state: "empty" }]);
    commitCell(store, cell.id, makeResult(cell));
    reopenCell(store, cell.id);
    const measurement = getMeasurement(store, cell.id)!;
    expect(measurement.cell.state).toBe("done");
    expect(measurement.attempts.map(({ state, error }) => [state, error])).toEqual([
      ["failed", "cable pulled"],
      ["done", null],
    ]);
  });

  it("keeps every attempt and shows the best: a worse retry changes nothing", () => {
    const cell = makeCell();
    commitCell(store, cell, result({ state: "noisy", samples: withKept(20), error: "few" }, "t1"));
    commitCell(
      store,
      cell,
      result({ state: "noisy", samples: withKept(10), latencyMs: 99, error: "fewer" }, "t2"),
    );
    const failed = { state: "failed" as const, samples: [], opTimes: [], provenance: null, latencyMs: null };
    commitCell(store, cell, { ...result({}, "t3"), ...failed, spreadMs: null, error: "crash" });
    let shown = getMeasurement(store, cell)!;
    expect(shown.cell).toMatchObject({ state: "noisy", attempts: 3, kept: 20, error: "few" });
    expect(shown.samples).toEqual(withKept(20));
    commitCell(store, cell, result({ state: "done", samples: withKept(5) }, "t4"));
    shown = getMeasurement(store, cell)!;
    expect(shown.cell).toMatchObject({ state: "done", attempts: 4, kept: 5, error: null });
    expect(shown.provenance!.startedAt).toBe("t4");
    const attempts = listAttempts(store, cell);
    expect(attempts.map((attempt) => attempt.state)).toEqual(["noisy", "noisy", "failed", "done"]);
    expect(attempts.map((attempt) => attempt.kept)).toEqual([20, 10, 0, 5]);
  });

  it("takes the same measurement judged anew in place of the first judgement, for better or worse", () => {
    const cell = makeCell();
    commitCell(store, cell, result({ state: "noisy", samples: withKept(30) }, "t1"));
    commitCell(store, cell, result({ state: "done", samples: withKept(40), latencyMs: 5 }, "t2"));
    commitCell(
      store,
      cell,
      result({ state: "noisy", samples: withKept(3), latencyMs: 4, error: "slow" }, "t2"),
    );
    expect(getMeasurement(store, cell)!.cell).toMatchObject({ state: "noisy", attempts: 2, kept: 30 });
    expect(listAttempts(store, cell).map((attempt) => attempt.kept)).toEqual([30, 3]);
    commitCell(store, cell, result({ state: "done", samples: withKept(50) }, "t2"));
    expect(getMeasurement(store, cell)!.cell).toMatchObject({ state: "done", attempts: 2, kept: 50 });
  });
});
