import Papa from "papaparse";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PredictorDetail } from "../../src-main/lab/contract.ts";
import { exportMeasurementsCsv } from "../../src-main/store/csv.ts";
import { openStore, type Store } from "../../src-main/store/database.ts";
import { claimDevice, getReference, listReferences, setReference } from "../../src-main/store/devices.ts";
import { listScenarios, trainingRows } from "../../src-main/store/measurements.ts";
import { addModel, findModel, removeModels } from "../../src-main/store/models.ts";
import {
  getPredictor,
  listPredictors,
  newestPredictor,
  removePredictor,
  savePredictor,
  type NewPredictor,
} from "../../src-main/store/predictors.ts";
import { commitCell, nextCells, removeRun, startCell, type CellResult } from "../../src-main/store/runs.ts";
import {
  addModels,
  addRun,
  makeFolder,
  makeResult,
  oneCore,
  startChild,
  twoCores,
  waitForEnd,
} from "./storeLab.ts";
import { waitForLine } from "./storeLab.ts";

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

/** Commits, cell by cell of a model in the order of repetitions, what `others` says. */
function measureModel(
  run: number,
  model: string,
  others: Partial<CellResult>[],
  scenario = oneCore,
): number[] {
  const cells = nextCells(store, run, { retry: false })
    .filter((cell) => cell.model === model && cell.scenario === scenario)
    .sort((a, b) => a.repetition - b.repetition);
  return others.map((other, index) => {
    commitCell(store, cells[index]!.id, { ...makeResult(cells[index]!), ...other });
    return cells[index]!.id;
  });
}

const opTimes = (conv: number, add: number) => [
  { op: 0, type: "CONV_2D", ms: conv },
  { op: 1, type: "ADD", ms: add },
];

describe("training rows", () => {
  it("take the cells of a model together by the median, in total and op by op", () => {
    const [name] = addModels(store, 1);
    const cells = measureModel(addRun(store, [name!], { repetitions: 3 }), name!, [
      { latencyMs: 10, opTimes: opTimes(1, 30) },
      { latencyMs: 30, opTimes: opTimes(3, 10) },
      { latencyMs: 11, opTimes: opTimes(2, 50) },
    ]);
    expect(trainingRows(store, oneCore)).toEqual([
      {
        model: name,
        hash: findModel(store, name!)!.hash,
        family: "tests",
        kind: "sampled",
        cell: cells[2],
        cells,
        latencyMs: 11,
        opTimes: opTimes(2, 30),
        noisy: false,
      },
    ]);
  });

  it("come from all runs, leave noisy cells out unless a model has no other, and failed ones always", () => {
    const names = addModels(store, 4);
    const [first, second] = [addRun(store, names), addRun(store, names)];
    const [done] = measureModel(first, names[0]!, [{ latencyMs: 5 }]);
    measureModel(second, names[0]!, [{ latencyMs: 50, state: "noisy" }]);
    const noisy = measureModel(first, names[1]!, [{ latencyMs: 6, state: "noisy" }]);
    noisy.push(...measureModel(second, names[1]!, [{ latencyMs: 8, state: "noisy" }]));
    measureModel(first, names[2]!, [{ latencyMs: null, state: "failed" }]);
    measureModel(second, names[2]!, [{ latencyMs: null, state: "noisy" }]);
    const rows = trainingRows(store, oneCore);
    expect(rows.map(({ model, cells, latencyMs, noisy: is }) => ({ model, cells, latencyMs, is }))).toEqual([
      { model: names[0], cells: [done], latencyMs: 5, is: false },
      { model: names[1], cells: noisy, latencyMs: 7, is: true },
    ]);
    expect(trainingRows(store, twoCores)).toEqual([]);
  });

  it("hold a model that was removed from the library, and a cell while it is tried again", () => {
    const names = addModels(store, 1);
    const [cell] = measureModel(addRun(store, names), names[0]!, [{ latencyMs: 5, state: "noisy" }]);
    removeModels(store, names);
    startCell(store, cell!);
    expect(trainingRows(store, oneCore)).toMatchObject([{ model: names[0], latencyMs: 5 }]);
  });
});

describe("scenarios", () => {
  it("tell how much was measured and how far repetitions differ", () => {
    const names = addModels(store, 3);
    const run = addRun(store, names, { scenarios: [twoCores, oneCore], repetitions: 3 });
    expect(listScenarios(store)).toEqual([]);
    measureModel(run, names[0]!, [{ latencyMs: 10 }, { latencyMs: 11 }, { latencyMs: 10.5 }]);
    measureModel(run, names[1]!, [{ latencyMs: 20 }, { latencyMs: 20 }, { latencyMs: 90, state: "noisy" }]);
    measureModel(run, names[2]!, [{ latencyMs: 1 }]);
    measureModel(run, names[2]!, [{ latencyMs: 1 }], twoCores);
    // (11 − 10) / 10.5 and 0: their median is half the first.
    expect(listScenarios(store)).toEqual([
      {
        id: oneCore,
        device: "host",
        cores: "1core",
        precision: "float32",
        runtime: "tflite",
        models: 3,
        opRows: 9,
        noisePercent: expect.closeTo((1 / 10.5 / 2) * 100, 10),
        predictor: null,
      },
      expect.objectContaining({ id: twoCores, models: 1, opRows: 3, noisePercent: null }),
    ]);
  });
});

describe("CSV", () => {
  const parse = (csv: string) => Papa.parse<Record<string, string>>(csv, { header: true }).data;

  it("has one row for each measured cell, and survives commas, quotes and line ends", () => {
    const name = 'a "quoted", name';
    const bytes = Buffer.from("x");
    addModel(store, { name, family: "f,g", kind: "file", bytes, ops: 1, flops: 3e9, params: 2 });
    const run = addRun(store, [name], { scenarios: [oneCore, twoCores], repetitions: 2 });
    measureModel(run, name, [
      { latencyMs: 12.345678901234 },
      { state: "failed", latencyMs: null, error: "a\nb,c" },
    ]);
    measureModel(run, name, [{ provenance: null }], twoCores);
    const { csv, rows } = exportMeasurementsCsv(store, {});
    expect(rows).toBe(3);
    expect(csv.split("\r\n")[0]).toMatch(/^run,cell,scenario,device,cores,precision,runtime,model,/);
    const parsed = parse(csv);
    expect(parsed).toHaveLength(3);
    const good = parsed.find((row) => row.state === "done" && row.scenario === oneCore)!;
    expect(good).toMatchObject({
      model: name,
      family: "f,g",
      latencyMs: "12.345678901234",
      flops: "3000000000",
    });
    expect(good).toMatchObject({
      runtimeVersion: "2.9.0",
      flags: "--num_threads=1 --use_xnnpack=false",
      error: "",
    });
    expect(good).toMatchObject({ loadBefore: "0.25", frequencyMhzBefore: "", cores: "1core", attempts: "1" });
    expect(parsed.find((row) => row.state === "failed")).toMatchObject({ latencyMs: "", error: "a\nb,c" });
    expect(parsed.find((row) => row.scenario === twoCores)).toMatchObject({
      runtimeVersion: "",
      startedAt: "",
    });
    expect(exportMeasurementsCsv(store, { scenario: twoCores }).rows).toBe(1);
  });

  it("has one row for each op when asked for ops", () => {
    const names = addModels(store, 2);
    const run = addRun(store, names);
    measureModel(run, names[0]!, [{ opTimes: opTimes(1.5, 2.5) }]);
    measureModel(run, names[1]!, [{ opTimes: [] }]);
    const { csv, rows } = exportMeasurementsCsv(store, { ops: true });
    expect(rows).toBe(2);
    expect(parse(csv)).toMatchObject([
      { model: names[0], op: "0", type: "CONV_2D", opMs: "1.5" },
      { model: names[0], op: "1", type: "ADD", opMs: "2.5" },
    ]);
  });

  it("is a header alone when there is nothing", () => {
    const { csv, rows } = exportMeasurementsCsv(store, { scenario: "host/9core/int8/tflite" });
    expect(rows).toBe(0);
    expect(csv.trim().split("\r\n")).toHaveLength(1);
    expect(csv).toMatch(/^run,cell,/);
  });
});

describe("predictors", () => {
  const scores = { models: 3, mape: 5, medianApe: 4, within5: 60, within10: 90, spearman: null };
  const make = (scenario: string, trainingCells: number[]): NewPredictor => ({
    scenario,
    learner: "auto",
    rows: 9,
    models: 3,
    seed: 11,
    fitMs: 12.5,
    crossValidated: scores,
    baseline: { ...scores, mape: 50 },
    split: { folds: [["net-0"], ["net-1"]] },
    classes: [
      {
        kernel: "CONV_2D",
        rows: 9,
        learner: "lasso",
        medianApe: null,
        timeShare: 80,
        fallback: "too few rows",
      },
    ],
    points: [{ model: "net-0", family: "f", flops: 1, measuredMs: 2, predictedMs: 2.5, lowMs: 2, highMs: 3 }],
    overheadMs: 0.25,
    blob: Uint8Array.from({ length: 1000 }, (_, index) => index % 256),
    trainingCells,
  });

  it("come back as they were kept, with the names of what they were trained on, also when the run is gone", () => {
    const names = addModels(store, 3);
    const run = addRun(store, names);
    const cells = names.flatMap((name) => measureModel(run, name, [{}]));
    const id = savePredictor(store, make(oneCore, cells));
    const expected: Omit<PredictorDetail, "leftOut"> & { trainingCells: number[] } = {
      ...make(oneCore, cells),
      id,
      createdAt: expect.stringMatching(/Z$/) as string,
      problem: null,
      trainedOn: names,
    };
    const got = getPredictor(store, id)!;
    expect({ ...got, blob: Uint8Array.from(got.blob) }).toEqual(expected);
    expect(removeRun(store, run)).toBe(1);
    expect(getPredictor(store, id)!.trainedOn).toEqual(names);
    expect(getPredictor(store, id)!.trainingCells).toEqual(cells);
    expect(getPredictor(store, id + 1)).toBeNull();
  });

  it("are listed newest first; the newest is in use", () => {
    const names = addModels(store, 1);
    const cells = measureModel(addRun(store, names), names[0]!, [{}]);
    const ids = [oneCore, twoCores, oneCore].map((scenario) => savePredictor(store, make(scenario, cells)));
    expect(listPredictors(store).map(({ id }) => id)).toEqual(ids.toReversed());
    expect(listPredictors(store, twoCores).map(({ id }) => id)).toEqual([ids[1]]);
    expect(listPredictors(store, "host/9core/int8/tflite")).toEqual([]);
    expect(listPredictors(store)[0]).toMatchObject({
      crossValidated: scores,
      baseline: { mape: 50 },
      fitMs: 12.5,
    });
    expect(newestPredictor(store, oneCore)!.id).toBe(ids[2]);
    expect(listScenarios(store)[0]).toMatchObject({ id: oneCore, predictor: ids[2] });
    expect(removePredictor(store, ids[2]!)).toBe(1);
    expect(removePredictor(store, ids[2]!)).toBe(0);
    expect(newestPredictor(store, oneCore)!.id).toBe(ids[0]);
    expect(newestPredictor(store, "host/9core/int8/tflite")).toBeNull();
    expect(savePredictor(store, make(oneCore, cells))).toBeGreaterThan(ids[2]!);
  });

  it("are not kept with a training cell that does not exist", () => {
    expect(() => savePredictor(store, make(oneCore, [1234]))).toThrow(/1234/);
    expect(listPredictors(store)).toEqual([]);
  });

  it("with damaged details say so", () => {
    const id = savePredictor(store, make(oneCore, []));
    store.database.prepare("UPDATE predictor SET classes = 'x'").run();
    expect(() => getPredictor(store, id)).toThrow(expect.objectContaining({ code: "lab-corrupt" }));
  });
});

describe("a device", () => {
  const busy = (pid: number) =>
    expect.objectContaining({ code: "run-busy", message: expect.stringContaining(String(pid)) as string });

  it("is one's at a time, and another is free meanwhile", () => {
    const release = claimDevice(store, "host");
    expect(() => claimDevice(store, "host")).toThrow(busy(process.pid));
    claimDevice(store, "pixel4")();
    release();
    const again = claimDevice(store, "host");
    release();
    expect(() => claimDevice(store, "host")).toThrow(busy(process.pid));
    again();
  });

  it("is given up when the lab is closed", () => {
    claimDevice(store, "host");
    const { folder } = store;
    store.close();
    store = openStore(folder);
    claimDevice(store, "host")();
  });

  it("of a living process is refused, of a killed one taken over", async () => {
    const child = startChild("claim", store.folder, "host");
    await waitForLine(child, "claimed");
    expect(() => claimDevice(store, "host")).toThrow(busy(child.pid!));
    child.kill("SIGKILL");
    await waitForEnd(child);
    claimDevice(store, "host");
    expect(store.database.prepare("SELECT pid FROM device_claim").all()).toEqual([{ pid: process.pid }]);
  });

  it("of a process whose pid another one has now is taken over", () => {
    claimDevice(store, "host");
    store.database.prepare("UPDATE device_claim SET identity = 'boot earlier start 5'").run();
    claimDevice(store, "host");
  });

  it("keeps the fast state's canary time of each core set and canary", () => {
    expect(getReference(store, "host", "1core", "canary")).toBeNull();
    setReference(store, "host", "2core", "canary", 0.75);
    setReference(store, "host", "1core", "canary", 0.5);
    setReference(store, "host", "1core", "canary", 0.45);
    expect(getReference(store, "host", "1core", "canary")).toBe(0.45);
    expect(getReference(store, "host", "1core", "other canary")).toBeNull();
    const common = { device: "host", canaryHash: "canary", at: expect.stringMatching(/Z$/) as string };
    expect(listReferences(store)).toEqual([
      { ...common, coreSet: "1core", referenceMs: 0.45 },
      { ...common, coreSet: "2core", referenceMs: 0.75 },
    ]);
  });
});
