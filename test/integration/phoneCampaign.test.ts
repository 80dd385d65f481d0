/**
 * Two hundred cells on four phones at once while everything that goes wrong with phones goes wrong, in an order drawn from a
 * seed: nothing measured may be lost or counted twice, nothing may be left running, and each cell says what happened to it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Measurement, RunDetail } from "../../src-main/lab/contract.ts";
import { type OpenedLab, openLab } from "../../src-main/lab/lab.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { addTinyNetworks } from "../e2e/tinyNetworks.ts";
import { type AdbServer, startAdbServer } from "../fake/adbServer.ts";
import { FakePhone } from "../fake/phone.ts";

const seed = 20260301;
const modelCount = 13;
/**
 * Four core sets a phone: 13 × 4 × 4 = 208 cells. The official tool: four phones on one computer disturb each other, and a tool
 * that waits for the fast state would wait through every cell.
 */
const plans = [
  { profile: "snapdragon855", coreSets: ["1large", "2med", "4small", "1large+3med"] },
  { profile: "snapdragon710", coreSets: ["1large", "2large", "4small", "2large+6small"] },
  { profile: "exynos9820", coreSets: ["1large", "2med", "4small", "2large+2med"] },
  { profile: "helioP35", coreSets: ["1large", "2large", "4small", "4large+4small"] },
];

let folder: string;
let server: AdbServer;
let lab: OpenedLab;
const phones: FakePhone[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "latlab-campaign-"));
  server = await startAdbServer();
  for (const { profile } of plans) phones.push(await FakePhone.start({ profile, tool: "official" }));
  const env = server.environment();
  lab = await openLab({ folder: join(folder, "lab"), adb: { env } });
  // As phones on Wi-Fi, which the lab connects again by itself, as it starts a new server for one that died.
  for (const phone of phones) await lab.connectPhone({ address: phone.serial });
  await lab.addBinary({ path: fileURLToPath(new URL("../fake/benchmark_model", import.meta.url)) });
});

afterAll(async () => {
  await lab?.close();
  for (const phone of phones) await phone.stop();
  // The lab's own server, on our port, where it took the killed one's place.
  await server?.run(["kill-server"]);
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Fault {
  name: string;
  act: (phone: FakePhone) => Promise<void> | void;
}

const faults: Fault[] = [
  {
    name: "cable pulled",
    act: async (phone) => {
      await phone.unplug();
      await pause(1500);
      await phone.plug();
    },
  },
  { name: "reboot", act: (phone) => phone.reboot({ backAfterMs: 1500 }) },
  // Once, for it is the lab's own server that the second would kill.
  { name: "adb server killed", act: () => server.kill() },
  {
    name: "phone full",
    act: async (phone) => {
      phone.setFreeBytes(0);
      await pause(2000);
      phone.setFreeBytes(8e9);
    },
  },
  { name: "benchmark killed", act: (phone) => void phone.killBenchmark() },
  {
    name: "benchmark hangs",
    act: async (phone) => {
      phone.hangBenchmark(true);
      await pause(1200);
      phone.hangBenchmark(false);
    },
  },
  {
    name: "permission denied",
    act: async (phone) => {
      phone.denyExecution(true);
      await pause(800);
      phone.denyExecution(false);
    },
  },
  {
    name: "wrong ABI",
    act: async (phone) => {
      phone.refuseAbi(true);
      await pause(800);
      phone.refuseAbi(false);
    },
  },
  { name: "clock jumps", act: (phone) => phone.jumpClock(-86_400 * 365) },
  {
    name: "mask ignored",
    act: async (phone) => {
      phone.ignoreMask(true);
      await pause(800);
      phone.ignoreMask(false);
    },
  },
  {
    name: "too warm",
    act: async (phone) => {
      phone.setTemperature(44);
      await pause(1500);
      phone.setTemperature(30);
    },
  },
];

/** What a cell may say happened to it, in the words a user reads. */
const reasons =
  /lost|unplugged|rebooted|restarted|adb server|full|space|ended the benchmark|killed|deadline|permission|denied|not executable|cannot run|abi|cores|mask|affinity|drift|canary|fast state|scatter|op times/i;

async function injectFaults(finished: () => boolean): Promise<string[]> {
  const random = createRandom(seed);
  const injected: string[] = [];
  const order = faults.flatMap((fault) => [fault, fault]);
  for (let index = order.length - 1; index > 0; index--) {
    const other = Math.floor(random.next() * (index + 1));
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  for (const fault of order) {
    await pause(300 + random.next() * 2500);
    if (finished()) break;
    const phone = phones[Math.floor(random.next() * phones.length)]!;
    injected.push(fault.name);
    await fault.act(phone);
  }
  return injected;
}

async function measureAll(runs: Promise<{ job: number; run: number }>[]): Promise<number[]> {
  const started = await Promise.all(runs);
  await Promise.all(started.map(({ job }) => lab.jobResult({ job, kind: "profile" })));
  return started.map(({ run }) => run);
}

async function readCells(runs: readonly number[]): Promise<{ run: RunDetail; cells: Measurement[] }[]> {
  return Promise.all(
    runs.map(async (id) => {
      const run = await lab.run({ run: id });
      const cells = await Promise.all(run.cellList.map((cell) => lab.measurement({ cell: cell.id })));
      return { run, cells };
    }),
  );
}

it("loses nothing, counts nothing twice, leaves nothing behind", { timeout: 900_000 }, async () => {
  const models = await addTinyNetworks(lab, folder, modelCount);
  const devices = (await lab.devices()).filter((device) => device.kind === "adb");
  expect(devices).toHaveLength(4);
  let done = false;
  const measured = measureAll(
    plans.map(({ coreSets }, index) =>
      lab.startRun({
        device: phones[index]!.serial,
        coreSets,
        precision: "float32",
        runtime: "tflite",
        models,
        seed: index + 1,
        thoroughness: "quick",
      }),
    ),
  ).finally(() => (done = true));
  const [runs, injected] = await Promise.all([measured, injectFaults(() => done)]);
  expect(new Set(injected).size).toBe(faults.length);

  const first = await readCells(runs);
  const all = first.flatMap(({ cells }) => cells);
  expect(all).toHaveLength(208);
  for (const { run } of first) expect(run.state).toBe("done");
  // Each cell is settled, and each try that gave nothing says why.
  for (const { cell, attempts } of all) {
    expect(["done", "noisy", "failed"], `${cell.model} on ${cell.scenario}`).toContain(cell.state);
    for (const attempt of attempts.filter(({ state }) => state !== "done"))
      expect(attempt.error, `${cell.model} on ${cell.scenario}`).toMatch(reasons);
  }
  const interrupted = all.filter(({ attempts }) => attempts.some(({ state }) => state === "failed"));
  expect(interrupted.length).toBeGreaterThan(0);

  // What failed for good during a fault is measured once the phones are well.
  for (const phone of phones) {
    phone.setFreeBytes(8e9);
    phone.setTemperature(30);
  }
  await measureAll(runs.map((run) => lab.resumeRun({ run, retry: true })));
  const settled = (await readCells(runs)).flatMap(({ cells }) => cells);
  for (const { cell, provenance, opTimes, attempts } of settled) {
    expect(["done", "noisy"], `${cell.model} on ${cell.scenario}: ${cell.error}`).toContain(cell.state);
    expect(cell.latencyMs).toBeGreaterThan(0);
    expect(provenance?.modelHash).toMatch(/^[0-9a-f]{64}$/);
    expect(opTimes.length).toBeGreaterThan(0);
    // No attempt twice, none without a number of its own.
    const starts = attempts.flatMap(({ startedAt }) => (startedAt === null ? [] : [startedAt]));
    expect(new Set(starts).size).toBe(starts.length);
    expect(attempts.map(({ number }) => number)).toEqual(attempts.map((_, index) => index + 1));
  }
  // What was measured before is still what it was.
  for (const before of all.filter(({ cell }) => cell.state === "done")) {
    const after = settled.find(({ cell }) => cell.id === before.cell.id)!;
    expect(after.cell.state).toBe("done");
    expect(after.attempts.slice(0, before.attempts.length)).toEqual(before.attempts);
  }
  for (const phone of phones) {
    expect(phone.listBenchmarks()).toEqual([]);
    expect(phone.fixedPerformance).toBe(false);
  }
});
