import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listBinaries } from "../../src-main/store/binaries.ts";
import { openStore, type Store } from "../../src-main/store/database.ts";
import { getReference } from "../../src-main/store/devices.ts";
import { trainingRows } from "../../src-main/store/measurements.ts";
import { migrations } from "../../src-main/store/migrations.ts";
import { addModel, listModels } from "../../src-main/store/models.ts";
import { listPhoneMarks } from "../../src-main/store/phoneMarks.ts";
import { listSeenPhones } from "../../src-main/store/phones.ts";
import { getPredictor } from "../../src-main/store/predictors.ts";
import { findPublishedSource } from "../../src-main/store/publishedSources.ts";
import { commitCell, getMeasurement, getRun, nextCells } from "../../src-main/store/runs.ts";
import { defaultSettings, readSettings } from "../../src-main/store/settings.ts";
import { makeFolder, makeResult, oneCore } from "./storeLab.ts";

let folder: string;
let remove: () => void;
beforeEach(() => ({ folder, remove } = makeFolder()));
afterEach(() => remove());

const golden = new URL("../golden/", import.meta.url);

/** Builds the frozen lab of a format. */
function buildLab(version: number): void {
  const database = new BetterSqlite3(join(folder, "lab.sqlite"));
  database.exec(readFileSync(new URL(`storeLabV${version}.sql`, golden), "utf8"));
  database.close();
}

function readSchema(store: Store): unknown[] {
  return store.database.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").all();
}

const versions = readdirSync(golden)
  .map((name) => Number(/^storeLabV(\d+)\.sql$/.exec(name)?.[1] ?? NaN))
  .filter((version) => !Number.isNaN(version));

describe.each(versions)("a lab of format %i", (version) => {
  it("opens with everything in it, in a file like a new one", () => {
    buildLab(version);
    const store = openStore(folder);
    expect(store.database.pragma("user_version", { simple: true })).toBe(migrations.at(-1)!.version);
    expect(readdirSync(folder).includes(`lab.sqlite.bak-${version}`)).toBe(
      version < migrations.at(-1)!.version,
    );
    const other = makeFolder();
    const fresh = openStore(other.folder);
    expect(readSchema(store)).toEqual(readSchema(fresh));
    fresh.close();
    other.remove();

    expect(listModels(store)).toMatchObject([
      {
        name: "alpha",
        family: "frozen",
        kind: "file",
        ops: 2,
        flops: 2e9,
        params: 1000,
        measuredOn: [oneCore],
      },
      { name: "beta", bytes: 4, measuredOn: [] },
    ]);
    expect(getRun(store, 1)).toMatchObject({ state: "paused", scenarios: [oneCore], cells: 2, done: 1 });
    const cell = getRun(store, 1)!.cellList.find(({ model }) => model === "alpha")!;
    const at = "2026-01-02T03:04:05.678Z";
    expect(getMeasurement(store, cell.id)).toMatchObject({
      cell: { state: "done", attempts: 1, latencyMs: 8.5, spreadMs: 0.25, kept: 1, total: 2, error: null },
      samples: [
        { atMs: 0.5, ms: 8.5, canaryBeforeMs: 0.4, canaryAfterMs: null, waitedMs: 0.125, kept: true },
        { atMs: 9.5, ms: 17.1, canaryBeforeMs: null, canaryAfterMs: 0.9, waitedMs: null, kept: false },
      ],
      opTimes: [
        { op: 0, type: "CONV_2D", ms: 7.75 },
        { op: 1, type: "SOFTMAX", ms: 0.1 },
      ],
      provenance: { runtimeVersion: "2.9.0", flags: ["--num_threads=1"], startedAt: at, initMs: 1.5 },
      stderr: "INFO: frozen",
    });
    expect(trainingRows(store, oneCore)).toMatchObject([
      { model: "alpha", cells: [cell.id], latencyMs: 8.5 },
    ]);
    expect(getPredictor(store, 1)).toMatchObject({
      learner: "lasso",
      trainedOn: ["alpha"],
      overheadMs: 0.25,
    });
    expect([...getPredictor(store, 1)!.blob]).toEqual([1, 2, 3]);
    expect(getReference(store, "host", "1core", "canary")).toBe(0.4);
    if (version >= 2)
      expect(store.database.prepare("SELECT hash, hex(graph) AS graph FROM recipe").all()).toEqual([
        { hash: "recipe", graph: "7B7D" },
      ]);
    checkPhones(store, version);
    // Before format 4 there was nothing about published measurements; the first 12 networks of this file are imported.
    expect(findPublishedSource(store, "s1")).toEqual(
      version < 4
        ? null
        : {
            hash: "s1",
            name: "tflite_cnn_real_e2e.csv",
            bytes: 1000,
            rows: 80,
            networks: 80,
            networksDone: 12,
          },
    );
    store.close();
  });

  it("goes on being measured", () => {
    buildLab(version);
    const store = openStore(folder);
    // The same file again: the library takes it for the model it knows.
    const bytes = Buffer.from("beta");
    addModel(store, {
      name: "beta",
      family: "frozen",
      kind: "file",
      bytes,
      ops: 2,
      flops: 2e9,
      params: 1000,
    });
    expect(listModels(store)).toHaveLength(2);
    const left = nextCells(store, 1, { retry: false });
    expect(left.map(({ model }) => model)).toEqual(["beta"]);
    commitCell(store, left[0]!.id, makeResult(left[0]!));
    expect(getRun(store, 1)).toMatchObject({ done: 2 });
    expect(store.database.pragma("integrity_check", { simple: true })).toBe("ok");
    expect(store.database.pragma("foreign_key_check")).toEqual([]);
    store.close();
  });
});

// Before format 3 there was nothing about phones.
function checkPhones(store: Store, version: number): void {
  const phones = version >= 3;
  expect(readSettings(store)).toEqual({
    ...defaultSettings,
    ...(phones ? { adbServers: ["lab-2:5037"], startTemperatureC: 35.5 } : {}),
  });
  expect(listBinaries(store).map(({ hash, approved, inUse }) => [hash, approved, inUse])).toEqual(
    phones
      ? [
          ["b1", true, true],
          ["b2", false, false],
        ]
      : [],
  );
  expect(listSeenPhones(store).map(({ device }) => [device.id, device.phone!.server])).toEqual(
    phones ? [["SERIAL", "127.0.0.1:5037"]] : [],
  );
  expect(listPhoneMarks(store)).toMatchObject(
    phones ? [{ device: "SERIAL", mark: "fixed-performance", before: "false" }] : [],
  );
}

it("every format has its frozen lab", () => {
  expect(versions.toSorted((a, b) => a - b)).toEqual(migrations.map((step) => step.version));
});
