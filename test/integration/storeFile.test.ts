import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore, runInTransaction } from "../../src-main/store/database.ts";
import { applicationId, migrations, type Migration } from "../../src-main/store/migrations.ts";
import { listModels } from "../../src-main/store/models.ts";
import { commitCell, getMeasurement, getRun, nextCells } from "../../src-main/store/runs.ts";
import { addModels, addRun, makeFolder, makeResult } from "./storeLab.ts";
import { startChild, waitForEnd, waitForLine } from "./storeLab.ts";

let folder: string;
let remove: () => void;
let path: string;
beforeEach(() => {
  ({ folder, remove } = makeFolder());
  path = join(folder, "lab.sqlite");
});
afterEach(() => remove());

const newest = migrations.at(-1)!.version;

function hashFile(): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** Makes a lab with some content, closed. */
function makeLab(cells = 5): void {
  const store = openStore(folder);
  const run = addRun(store, addModels(store, cells));
  for (const cell of nextCells(store, run, { retry: false })) commitCell(store, cell.id, makeResult(cell));
  store.close();
}

function withDatabase(fn: (database: BetterSqlite3.Database) => void): void {
  const database = new BetterSqlite3(path);
  fn(database);
  database.close();
}

describe("a new lab", () => {
  it("gets its folder, one file, foreign keys, a write-ahead log and a version", () => {
    folder = join(folder, "deep", "er");
    const store = openStore(folder);
    const pragma = (name: string) => store.database.pragma(name, { simple: true });
    expect(pragma("foreign_keys")).toBe(1);
    expect(pragma("journal_mode")).toBe("wal");
    expect(pragma("user_version")).toBe(newest);
    expect(pragma("application_id")).toBe(applicationId);
    expect(store.path).toBe(join(folder, "lab.sqlite"));
    store.close();
    store.close();
    expect(readdirSync(folder)).toEqual(["lab.sqlite"]);
  });

  it("can be created by several processes at once", async () => {
    const children = Array.from({ length: 4 }, () => startChild("open", folder));
    const lines = await Promise.all(children.map((child) => waitForLine(child, "{")));
    for (const line of lines) expect(JSON.parse(line)).toEqual({ code: null });
    const store = openStore(folder);
    expect(listModels(store)).toHaveLength(1);
    store.close();
  });

  it("waits for a process that is creating it, also where SQLite itself would not", async () => {
    const child = startChild("reserve", folder);
    await waitForLine(child, "reserved");
    const store = openStore(folder, { busyTimeoutMs: 60_000 });
    expect(store.database.pragma("journal_mode", { simple: true })).toBe("wal");
    store.close();
  });

  it("refuses a row that refers to nothing", () => {
    const store = openStore(folder);
    const insert = () =>
      store.database.exec(
        "INSERT INTO cell (run_id, model_id, scenario_id, repetition, position) VALUES (1, 1, 1, 0, 0)",
      );
    expect(insert).toThrow(/FOREIGN KEY/);
    expect(() => commitCell(store, 99, makeResult({ model: "a", scenario: "b", repetition: 0 }))).toThrow(
      /FOREIGN KEY/,
    );
    expect(store.database.prepare("SELECT count(*) AS n FROM attempt").get()).toEqual({ n: 0 });
    store.close();
  });

  it("keeps all of a transaction or nothing", () => {
    const store = openStore(folder);
    const names = addModels(store, 2);
    expect(() =>
      runInTransaction(store, () => {
        addRun(store, names);
        throw new Error("halfway");
      }),
    ).toThrow("halfway");
    expect(getRun(store, 1)).toBeNull();
    store.close();
  });

  it("loses the temporary files a killed process left long ago, and no others", () => {
    openStore(folder).close();
    const incoming = join(folder, "models", ".incoming");
    mkdirSync(incoming, { recursive: true });
    writeFileSync(join(incoming, "old"), "x");
    writeFileSync(join(incoming, "new"), "x");
    utimesSync(join(incoming, "old"), 1000, 1000);
    openStore(folder).close();
    expect(readdirSync(incoming)).toEqual(["new"]);
  });
});

describe("a file this program must not touch", () => {
  const refuse = (code: string, message: RegExp) => {
    const before = hashFile();
    expect(() => openStore(folder, { busyTimeoutMs: 50 })).toThrow(
      expect.objectContaining({ name: "LabError", code, message: expect.stringMatching(message) }),
    );
    expect(hashFile()).toBe(before);
    expect(readdirSync(folder).filter((name) => name.startsWith("lab.sqlite"))).toEqual(["lab.sqlite"]);
  };

  it("written by a newer program", () => {
    makeLab();
    withDatabase((database) => database.pragma(`user_version = ${newest + 7}`));
    refuse("lab-newer", new RegExp(`format ${newest + 7}, this program knows ${newest}`));
  });

  it("written by a newer program that was killed before it moved the change into the file", () => {
    makeLab();
    const database = new BetterSqlite3(path);
    database.pragma("wal_autocheckpoint = 0");
    database.pragma(`user_version = ${newest + 7}`);
    expect(() => openStore(folder)).toThrow(expect.objectContaining({ code: "lab-newer" }));
    database.close();
    refuse("lab-newer", /newer Latency Lab/);
  });

  it.each([
    "garbage that is long enough to be a header ".repeat(20),
    "short",
    "SQLite format 3\0 and no more",
  ])("that is no database: %#", (text) => {
    writeFileSync(path, text);
    refuse("lab-corrupt", /not an SQLite database/);
  });

  it("of another program, with or without its mark", () => {
    withDatabase((database) => database.exec("CREATE TABLE note (text); PRAGMA application_id = 77"));
    refuse("lab-corrupt", /another program/);
    withDatabase((database) => database.pragma("application_id = 0"));
    refuse("lab-corrupt", /another program/);
  });

  it("cut short anywhere", () => {
    makeLab(40);
    const whole = readFileSync(path);
    for (const share of [0.9, 0.5, 0.1, 0.0005]) {
      writeFileSync(path, whole);
      truncateSync(path, Math.floor(whole.length * share));
      refuse("lab-corrupt", /./);
    }
  });

  it("with damage inside: what is read from there says so in one line, the rest stays readable", () => {
    makeLab(40);
    const bytes = readFileSync(path);
    // The first page holds header and schema; the pages behind are overwritten.
    bytes.fill(0x5a, bytes.length >> 1);
    writeFileSync(path, bytes);
    const store = openStore(folder);
    const codes = new Set<string>();
    for (let cell = 1; cell <= 40; cell++)
      try {
        getMeasurement(store, cell);
      } catch (error) {
        codes.add((error as { code: string }).code);
      }
    expect(codes).toEqual(new Set(["lab-corrupt"]));
    store.close();
  });

  it("with a blob that was tampered with", () => {
    makeLab(1);
    withDatabase((database) => database.exec("UPDATE attempt_data SET samples = x'01020304'"));
    const store = openStore(folder);
    expect(() => getMeasurement(store, 1)).toThrow(expect.objectContaining({ code: "lab-corrupt" }));
    store.close();
  });

  it("an empty one is a lab that was killed before its first commit", () => {
    writeFileSync(path, "");
    openStore(folder).close();
    expect(hashFile()).not.toBe(createHash("sha256").digest("hex"));
  });
});

describe("an older file", () => {
  const next: Migration = {
    version: newest + 1,
    migrate: (database) => {
      database.exec("CREATE TABLE later (id INTEGER PRIMARY KEY); ALTER TABLE model ADD COLUMN note TEXT");
    },
  };

  it("is brought to today's format and keeps its content; a copy of the old one stays", () => {
    makeLab();
    const old = openStore(folder);
    const before = { run: getRun(old, 1), models: listModels(old), cell: getMeasurement(old, 1) };
    old.close();
    const store = openStore(folder, { migrations: [...migrations, next] });
    expect(store.database.pragma("user_version", { simple: true })).toBe(newest + 1);
    expect(store.database.pragma("foreign_keys", { simple: true })).toBe(1);
    expect({ run: getRun(store, 1), models: listModels(store), cell: getMeasurement(store, 1) }).toEqual(
      before,
    );
    store.close();
    const copy = new BetterSqlite3(`${path}.bak-${newest}`, { readonly: true });
    expect(copy.pragma("user_version", { simple: true })).toBe(newest);
    expect(copy.pragma("application_id", { simple: true })).toBe(applicationId);
    expect(copy.pragma("integrity_check", { simple: true })).toBe("ok");
    expect(copy.prepare("SELECT count(*) AS n FROM attempt").get()).toEqual({ n: 5 });
    copy.close();
    expect(() => openStore(folder)).toThrow(expect.objectContaining({ code: "lab-newer" }));
  });

  it("stays as it was when a step fails, even one that had changed much already", () => {
    makeLab();
    const failing: Migration = {
      version: newest + 2,
      migrate: (database) => {
        database.exec("DELETE FROM attempt_data; DROP TABLE predictor_cell");
        throw new Error("step failed");
      },
    };
    expect(() => openStore(folder, { migrations: [...migrations, next, failing] })).toThrow("step failed");
    const store = openStore(folder);
    expect(store.database.pragma("user_version", { simple: true })).toBe(newest);
    expect(store.database.pragma("integrity_check", { simple: true })).toBe("ok");
    expect(
      store.database.prepare("SELECT name FROM sqlite_schema WHERE name = 'later'").get(),
    ).toBeUndefined();
    expect(getMeasurement(store, 5)!.samples.length).toBeGreaterThan(0);
    store.close();
  });

  it("stays as it was when a step leaves references that lead nowhere", () => {
    makeLab();
    const breaking: Migration = {
      version: newest + 1,
      migrate: (database) => database.exec("DELETE FROM model"),
    };
    expect(() => openStore(folder, { migrations: [...migrations, breaking] })).toThrow(
      expect.objectContaining({
        code: "lab-corrupt",
        message: expect.stringContaining("references lead nowhere"),
      }),
    );
    const store = openStore(folder);
    expect(listModels(store)).toHaveLength(5);
    store.close();
  });

  it("has steps numbered from 1 without a gap", () => {
    expect(migrations.map((step) => step.version)).toEqual(migrations.map((_, index) => index + 1));
  });
});

describe("a file another process holds", () => {
  it("can be read but not written while that process has a transaction open", async () => {
    makeLab();
    const child = startChild("lock", folder);
    await waitForLine(child, "locked");
    const store = openStore(folder, { busyTimeoutMs: 100 });
    expect(listModels(store)).toHaveLength(5);
    expect(() => addModels(store, 1, "more")).toThrow(
      expect.objectContaining({ code: "lab-locked", message: expect.stringContaining(path) }),
    );
    child.kill("SIGKILL");
    await waitForEnd(child);
    addModels(store, 1, "more");
    expect(listModels(store)).toHaveLength(6);
    expect(readdirSync(join(folder, "models", ".incoming"))).toEqual([]);
    store.close();
  });

  it("is refused as locked when that process bars readers too, and opens once it is gone", async () => {
    makeLab();
    const child = startChild("lock", folder, "whole-file");
    await waitForLine(child, "locked");
    const before = hashFile();
    expect(() => openStore(folder, { busyTimeoutMs: 100 })).toThrow(
      expect.objectContaining({ code: "lab-locked" }),
    );
    expect(hashFile()).toBe(before);
    child.kill("SIGKILL");
    await waitForEnd(child);
    const store = openStore(folder);
    expect(store.database.pragma("integrity_check", { simple: true })).toBe("ok");
    store.close();
  });
});
