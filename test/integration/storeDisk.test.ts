import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore } from "../../src-main/store/database.ts";
import { commitCell, nextCells } from "../../src-main/store/runs.ts";
import { addModels, addRun, canMount, makeFolder, makeResult, runMounted } from "./storeLab.ts";

let folder: string;
let remove: () => void;
let path: string;
beforeEach(() => {
  ({ folder, remove } = makeFolder());
  path = join(folder, "lab.sqlite");
});
afterEach(() => remove());

function hashFile(): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function makeLab(): void {
  const store = openStore(folder);
  addModels(store, 5);
  store.close();
}

describe("a folder that cannot be written", () => {
  const unwritable = expect.objectContaining({ code: "lab-unwritable" });

  it("because a part of its path is a file", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => openStore(join(folder, "file", "lab"))).toThrow(unwritable);
    expect(() => openStore(join(folder, "file"))).toThrow(unwritable);
  });

  it("because a folder is where the file should be", () => {
    mkdirSync(path);
    expect(() => openStore(folder)).toThrow(unwritable);
  });

  it.skipIf(!canMount)("because the file system is read-only, with a lab and without", () => {
    const readOnly = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"';
    expect(runMounted(readOnly, "open", folder)).toMatchObject({ code: "lab-unwritable" });
    expect(existsSync(path)).toBe(false);
    makeLab();
    const before = hashFile();
    expect(runMounted(readOnly, "open", folder)).toMatchObject({ code: "lab-unwritable" });
    expect(hashFile()).toBe(before);
  });

  it.skipIf(!canMount)("because the file alone is read-only", () => {
    makeLab();
    const before = hashFile();
    const readOnly = 'mount --bind "$1/lab.sqlite" "$1/lab.sqlite"; mount -o remount,bind,ro "$1/lab.sqlite"';
    expect(runMounted(readOnly, "open", folder)).toMatchObject({ code: "lab-unwritable" });
    expect(hashFile()).toBe(before);
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === "win32")("because of its permissions", () => {
    makeLab();
    chmodSync(folder, 0o555);
    try {
      expect(() => openStore(folder)).toThrow(unwritable);
    } finally {
      chmodSync(folder, 0o755);
    }
    chmodSync(path, 0o444);
    expect(() => openStore(folder)).toThrow(unwritable);
  });
});

describe("a full disk", () => {
  it.skipIf(!canMount)("is said so; what was committed is whole, and work goes on when there is room", () => {
    const found = runMounted('mount -t tmpfs -o size=3m none "$1"', "fill", folder) as Record<string, number>;
    expect(found).toMatchObject({
      full: "disk-full",
      modelAtFull: "disk-full",
      hasRow: false,
      integrity: "ok",
    });
    expect(found.atFull).toBeGreaterThan(0);
    expect(found.whole).toBe(found.atFull);
    expect(found.left).toBe(found.total! - found.atFull!);
    expect(found.afterwards).toBe(found.left! - 10);
  });

  it.skipIf(!canMount)(
    "without a byte left is said so when a lab is opened there, and the file stays as it was",
    () => {
      const found = runMounted('mount -t tmpfs -o size=3m none "$1"', "openFull", folder);
      expect(found).toEqual({ full: "disk-full", changed: false, afterwards: null });
    },
  );

  it("that SQLite reports leaves the file intact", () => {
    const store = openStore(folder);
    const run = addRun(store, addModels(store, 30));
    const pages = store.database.pragma("page_count", { simple: true }) as number;
    store.database.pragma(`max_page_count = ${pages + 5}`);
    const cells = nextCells(store, run, { retry: false });
    let committed = 0;
    expect(() => {
      for (const cell of cells) {
        commitCell(store, cell.id, makeResult(cell));
        committed++;
      }
    }).toThrow(expect.objectContaining({ code: "disk-full" }));
    expect(committed).toBeGreaterThan(0);
    expect(nextCells(store, run, { retry: false })).toHaveLength(cells.length - committed);
    expect(store.database.pragma("integrity_check", { simple: true })).toBe("ok");
    store.database.pragma("max_page_count = 1000000");
    for (const cell of cells.slice(committed)) commitCell(store, cell.id, makeResult(cell));
    expect(nextCells(store, run, { retry: false })).toEqual([]);
    store.close();
  });
});
