/** A second process on a lab for the store's tests: `node storeChild.ts COMMAND FOLDER …`. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { describeError } from "../../src-main/lab/errors.ts";
import { openStore, type Store } from "../../src-main/store/database.ts";
import { claimDevice } from "../../src-main/store/devices.ts";
import { addModel, findModel } from "../../src-main/store/models.ts";
import { commitCell, getMeasurement, nextCells, setRunState, startCell } from "../../src-main/store/runs.ts";
import { addModels, addRun, makeResult } from "./storeLab.ts";

const [command, folder, ...words] = process.argv.slice(2) as [string, string, ...string[]];
const commands: Record<string, () => void> = { lock, open, commit, claim, write, fill, openFull, reserve };
commands[command]!();

/** Holds an exclusive lock on the file until killed. */
function lock(): void {
  const database = new BetterSqlite3(join(folder, "lab.sqlite"));
  if (words[0] === "whole-file") database.pragma("locking_mode = EXCLUSIVE");
  database.exec("BEGIN EXCLUSIVE");
  // In exclusive locking mode the lock outlives the transaction and bars readers too.
  if (words[0] === "whole-file") database.exec("UPDATE model SET bytes = bytes; COMMIT");
  console.log("locked");
  setInterval(() => database.inTransaction, 1000);
}

/** Begins to write a new file, lets others wait a while and gives up. */
function reserve(): void {
  const database = new BetterSqlite3(join(folder, "lab.sqlite"));
  database.exec("BEGIN IMMEDIATE; CREATE TABLE unfinished (id)");
  console.log("reserved");
  setTimeout(() => database.close(), 300);
}

/** Opens the lab and adds a model; tells what came of it. */
function open(): void {
  print(() => {
    const store = openStore(folder, { busyTimeoutMs: Number(words[0] ?? 5000) });
    addModels(store, 1);
    store.close();
    return { code: null };
  });
}

/** Measures a run to its end, telling each cell that is committed. */
function commit(): void {
  const store = openStore(folder);
  const run = Number(words[0]);
  if (words[1] === "without-waiting-for-the-disk") store.database.pragma("synchronous = OFF");
  const release = claimDevice(store, "host");
  for (const cell of nextCells(store, run, { retry: false })) {
    startCell(store, cell.id);
    commitCell(store, cell.id, makeResult(cell));
    console.log(`committed ${cell.id}`);
  }
  setRunState(store, run, "done");
  release();
  store.close();
}

/** Claims a device and holds it until killed. */
function claim(): void {
  const store = openStore(folder);
  claimDevice(store, words[0]!);
  console.log("claimed");
  setInterval(() => store.path, 1000);
}

/** Adds models one by one while others do the same. */
function write(): void {
  const store = openStore(folder);
  console.log("opened");
  process.stdin.once("data", () => {
    addModels(store, Number(words[1]), words[0]);
    store.close();
    process.stdin.destroy();
  });
}

/** Measures on a small disk until it is full, then frees some of it and goes on; tells what was found at each step. */
function fill(): void {
  const ballast = join(folder, "ballast");
  const store = openStore(folder);
  const run = addRun(store, addModels(store, 40), { repetitions: 20 });
  writeFileSync(ballast, new Uint8Array(1_000_000));
  const cells = nextCells(store, run, { retry: false });
  let committed = 0;
  const measureNext = () => {
    const cell = cells[committed]!;
    startCell(store, cell.id);
    commitCell(store, cell.id, makeResult(cell));
    committed++;
  };
  const full = describe(() => {
    while (committed < cells.length) measureNext();
  });
  const atFull = committed;
  const modelAtFull = describe(() => addLargeModel(store));
  const hasRow = findModel(store, "large") !== null;
  store.close();
  rmSync(ballast);
  const reopened = openStore(folder);
  const integrity = reopened.database.pragma("integrity_check", { simple: true });
  const whole = cells.filter((cell) => (getMeasurement(reopened, cell.id)?.samples.length ?? 0) > 0).length;
  const left = nextCells(reopened, run, { retry: false });
  for (const cell of left.slice(0, 10)) commitCell(reopened, cell.id, makeResult(cell));
  const afterwards = nextCells(reopened, run, { retry: false }).length;
  reopened.close();
  const total = cells.length;
  print(() => ({
    full,
    atFull,
    modelAtFull,
    hasRow,
    integrity,
    whole,
    left: left.length,
    afterwards,
    total,
  }));
}

/** Opens a lab on a disk without a byte left, then with room; tells what came of it and whether the file changed. */
function openFull(): void {
  const rest = join(folder, "rest");
  makeStoreWithModel();
  const before = readFileSync(join(folder, "lab.sqlite"));
  fillRest(rest);
  const full = describe(() => openStore(folder).close());
  const changed = !readFileSync(join(folder, "lab.sqlite")).equals(before);
  rmSync(rest);
  const afterwards = describe(() => openStore(folder).close());
  print(() => ({ full, changed, afterwards }));
}

function makeStoreWithModel(): void {
  const store = openStore(folder);
  addModels(store, 1);
  store.close();
}

function addLargeModel(store: Store): void {
  const bytes = new Uint8Array(3_000_000);
  addModel(store, { name: "large", family: "tests", kind: "file", bytes, ops: 1, flops: 1, params: 1 });
}

function fillRest(path: string): void {
  for (let size = 1 << 20; size >= 1; size >>= 1)
    for (;;)
      try {
        writeFileSync(path, new Uint8Array(size), { flag: "a" });
      } catch {
        break;
      }
}

function describe(fn: () => void): string | null {
  try {
    fn();
    return null;
  } catch (error) {
    return describeError(error).code;
  }
}

function print(fn: () => unknown): void {
  let found: unknown;
  try {
    found = fn();
  } catch (error) {
    found = describeError(error);
  }
  console.log(JSON.stringify(found));
}
