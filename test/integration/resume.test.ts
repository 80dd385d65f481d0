import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunDetail } from "../../src-main/lab/contract.ts";
import { type OpenedLab, openLab } from "../../src-main/lab/lab.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { addTinyNetworks } from "../e2e/tinyNetworks.ts";

const folder = mkdtempSync(join(tmpdir(), "latency-lab-resume-"));
const cli = new URL("../../src-main/cli.ts", import.meta.url).pathname;
const running = new Set<ChildProcess>();
let models: string[] = [];

async function withLab<T>(place: string, act: (lab: OpenedLab) => Promise<T>): Promise<T> {
  const lab = await openLab({ folder: place });
  try {
    return await act(lab);
  } finally {
    await lab.close();
  }
}

beforeAll(async () => {
  for (const place of ["killed", "calm"])
    models = await withLab(join(folder, place), (lab) => addTinyNetworks(lab, folder, 4));
});
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Starts `latlab profile` in a process of its own; `ended` tells its exit code, or null when it was killed. */
function profile(place: string, ...words: string[]): { child: ChildProcess; ended: Promise<number | null> } {
  const child = spawn(process.execPath, ["--no-warnings", cli, "profile", ...words, "--lab", place], {
    stdio: "ignore",
  });
  running.add(child);
  const ended = new Promise<number | null>((resolve) =>
    child.once("exit", (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  return { child, ended };
}

const request = ["--cores", "1core", "--repetitions", "3", "--seed", "3", "--thoroughness", "quick"];

function gridOf(detail: RunDetail): string[] {
  return detail.cellList.map((cell) => `${cell.model} ${cell.scenario} ${cell.repetition}`);
}

describe("a run killed with kill -9", () => {
  it("goes on where it stopped ten times and ends with the cells of an undisturbed run", async () => {
    const killed = join(folder, "killed");
    const random = createRandom(20);
    let kept: Map<number, number | null> = new Map();
    for (let round = 0; round < 10; round++) {
      const words = round === 0 ? [...models, ...request] : ["--resume", "1"];
      const { child, ended } = profile(killed, ...words);
      // The first life must get as far as making the run; the others die whenever they die.
      while (round === 0 && (await withLab(killed, (lab) => lab.runs())).length === 0) await wait(50);
      await wait(random.int(50, 2500));
      child.kill("SIGKILL");
      await ended;
      const detail = await withLab(killed, (lab) => lab.run({ run: 1 }));
      expect(detail.state).not.toBe("running");
      const measured = detail.cellList.filter((cell) => cell.latencyMs !== null);
      const now = new Map(measured.map((cell) => [cell.id, cell.total]));
      // What was committed before an earlier kill is still there.
      for (const id of kept.keys()) expect(now.has(id)).toBe(true);
      kept = now;
    }
    expect(await profile(killed, "--resume", "1").ended).toBe(0);
    const calm = join(folder, "calm");
    expect(await profile(calm, ...models, ...request).ended).toBe(0);

    const resumed = await withLab(killed, (lab) => lab.run({ run: 1 }));
    const undisturbed = await withLab(calm, (lab) => lab.run({ run: 1 }));
    expect(gridOf(resumed)).toEqual(gridOf(undisturbed));
    expect(new Set(gridOf(resumed)).size).toBe(models.length * 3);
    for (const cell of [...resumed.cellList, ...undisturbed.cellList]) {
      expect(["done", "noisy"]).toContain(cell.state);
      expect(cell.latencyMs).toBeGreaterThan(0);
    }
    await withLab(killed, async (lab) => {
      for (const cell of resumed.cellList) {
        const { samples, opTimes, provenance } = await lab.measurement({ cell: cell.id });
        expect(samples.length).toBe(cell.total);
        expect(opTimes.length).toBeGreaterThan(0);
        expect(provenance?.modelHash).toMatch(/^[0-9a-f]{64}$/);
      }
    });
  }, 300_000);
});
