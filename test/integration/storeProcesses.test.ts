import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Measurement } from "../../src-main/lab/contract.ts";
import { openStore } from "../../src-main/store/database.ts";
import { listModels } from "../../src-main/store/models.ts";
import { commitCell, getMeasurement, getRun, nextCells } from "../../src-main/store/runs.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { addModels, addRun, makeFolder, makeResult, oneCore, startChild, twoCores } from "./storeLab.ts";
import { waitForEnd, waitForLine } from "./storeLab.ts";

let folder: string;
let remove: () => void;
beforeEach(() => ({ folder, remove } = makeFolder()));
afterEach(() => remove());

/** A measurement but for when it was kept. */
function withoutTimes({ attempts, ...measurement }: Measurement): unknown {
  return { ...measurement, attempts: attempts.map((attempt) => ({ ...attempt, committedAt: null })) };
}

const grid = { scenarios: [oneCore, twoCores], repetitions: 40, seed: 4 };

describe("kill -9", () => {
  it("ten times while cells are committed: each cell is whole or empty, and the run ends as an undisturbed one", async () => {
    let store = openStore(folder);
    const run = addRun(store, addModels(store, 20), grid);
    const cells = nextCells(store, run, { retry: false });
    const expected = new Map(cells.map((cell) => [cell.id, makeResult(cell)]));
    const nothing = { samples: [], opTimes: [], provenance: null, stderr: "" };
    store.close();
    const random = createRandom(Date.now());
    const counts: number[] = [];
    for (let kill = 0; kill < 10; kill++) {
      const child = startChild("commit", folder, String(run));
      await waitForLine(child, "committed");
      await sleep(random.next() * 40);
      child.kill("SIGKILL");
      await waitForEnd(child);
      store = openStore(folder);
      expect(store.database.pragma("integrity_check", { simple: true })).toBe("ok");
      expect(store.database.pragma("foreign_key_check")).toEqual([]);
      const left = new Set(nextCells(store, run, { retry: false }).map((cell) => cell.id));
      for (const cell of cells) {
        const { attempts, ...found } = getMeasurement(store, cell.id)!;
        const state = left.has(cell.id) ? "empty" : "done";
        expect(found.cell.state).toBe(state);
        expect(attempts.map((attempt) => attempt.state)).toEqual(state === "done" ? ["done"] : []);
        const { samples, opTimes, provenance, stderr } = state === "done" ? expected.get(cell.id)! : nothing;
        const whole = { cell: found.cell, run, samples, opTimes, provenance, stderr };
        // The matcher is slow on so many samples; it is asked only to show a difference.
        if (!isDeepStrictEqual(found, whole)) expect(found).toEqual(whole);
      }
      counts.push(cells.length - left.size);
      const finished = left.size === 0;
      expect(getRun(store, run)!.state).toBe(finished ? "done" : "paused");
      store.close();
      if (finished) break;
    }
    // Each child committed at least the cell it told of, after taking over the claim of the one killed before it.
    expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
    const last = startChild("commit", folder, String(run), "without-waiting-for-the-disk");
    last.stdout.resume();
    expect(await waitForEnd(last)).toBe(0);

    const other = makeFolder();
    const undisturbed = openStore(other.folder);
    undisturbed.database.pragma("synchronous = OFF");
    const same = addRun(undisturbed, addModels(undisturbed, 20), grid);
    for (const cell of nextCells(undisturbed, same, { retry: false }))
      commitCell(undisturbed, cell.id, makeResult(cell));
    store = openStore(folder);
    expect(getRun(store, run)!.cellList).toEqual(getRun(undisturbed, same)!.cellList);
    for (const cell of cells) {
      const [found, whole] = [store, undisturbed].map((lab) => withoutTimes(getMeasurement(lab, cell.id)!));
      if (!isDeepStrictEqual(found, whole)) expect(found).toEqual(whole);
    }
    undisturbed.close();
    store.close();
    other.remove();
  });
});

describe("two processes", () => {
  it("that write at once both get everything in", async () => {
    openStore(folder).close();
    const children = ["left", "right"].map((prefix) => startChild("write", folder, prefix, "60"));
    await Promise.all(children.map((child) => waitForLine(child, "opened")));
    for (const child of children) child.stdin.write("go\n");
    expect(await Promise.all(children.map(waitForEnd))).toEqual([0, 0]);
    const store = openStore(folder);
    const names = listModels(store).map(({ name }) => name);
    const expected = ["left", "right"].flatMap((prefix) =>
      Array.from({ length: 60 }, (_, n) => `${prefix}-${n}`),
    );
    expect(names.sort()).toEqual(expected.sort());
    expect(store.database.pragma("integrity_check", { simple: true })).toBe("ok");
    store.close();
  });

  it("see each other's changes without opening the lab again", () => {
    const [mine, theirs] = [openStore(folder), openStore(folder)];
    addModels(mine, 2);
    expect(listModels(theirs)).toEqual(listModels(mine));
    const run = addRun(theirs, ["net-0"]);
    expect(getRun(mine, run)).toEqual(getRun(theirs, run));
    mine.close();
    theirs.close();
  });
});
