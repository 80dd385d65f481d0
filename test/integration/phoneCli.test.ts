/** Phones from the command line, measured for real: the fake ones run this project's own benchmark under the real adb server. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Device, PreflightCheck, RunSummary } from "../../src-main/lab/contract.ts";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { addTinyNetworks } from "../e2e/tinyNetworks.ts";
import { type AdbServer, startAdbServer } from "../fake/adbServer.ts";
import { FakePhone } from "../fake/phone.ts";
import { runCommand, startCommand, type Outcome } from "./commandLine.ts";

const binary = fileURLToPath(new URL("../fake/benchmark_model", import.meta.url));

let folder: string;
let place: string;
let server: AdbServer;
let first: FakePhone;
let second: FakePhone;
let models: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "latlab-phone cli-"));
  place = join(folder, "lab");
  server = await startAdbServer();
  first = await FakePhone.start({ profile: "snapdragon855" });
  second = await FakePhone.start({ profile: "helioP35" });
  const lab = await open();
  models = await addTinyNetworks(lab, folder, 3);
  await lab.close();
});
beforeEach(async () => {
  for (const phone of [first, second]) await server.connect(phone.serial);
});
afterAll(async () => {
  await first?.stop();
  await second?.stop();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const open = (): Promise<OpenedLab> => openLab({ folder: place, adb: { env: server.environment() } });
const start = (...args: string[]) =>
  startCommand(["--lab", place, ...args], { cwd: folder, env: server.environment() });
const latlab = (...args: string[]): Promise<Outcome> =>
  runCommand(["--lab", place, ...args], { cwd: folder, env: server.environment() });

async function readJson(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await latlab(...args, "--json");
  expect(stderr).not.toMatch(/^(error|warning):/m);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

type PrintedRun = Omit<RunSummary, "id"> & { run: number };
const profile = (device: string, cores: string) => [
  "profile",
  ...["--device", device, "--cores", cores, "--precision", "float32", "--thoroughness", "quick"],
];

describe("before anything is measured", () => {
  it("phones are listed with what they are", async () => {
    const devices = (await readJson("devices")) as Device[];
    expect(devices.map(({ id, state }) => [id, state])).toEqual([
      ["host", expect.any(String)],
      [first.serial, "ready"],
      [second.serial, "ready"],
    ]);
    expect(devices[1]!.clusters.map(({ name, cpus }) => [name, cpus])).toEqual([
      ["large", [7]],
      ["med", [4, 5, 6]],
      ["small", [0, 1, 2, 3]],
    ]);
    expect(devices[1]!.coreSets.find(({ name }) => name === "4small")!.mask).toBe("0xf");
    const { stdout } = await latlab("devices");
    expect(stdout).toContain("clusters: 1 large at 2.84 GHz");
    expect(stdout).toContain("no benchmark program yet");
    // Core sets of several clusters are told by their number, all of them with --json.
    expect(stdout).toMatch(/4small +0xf +0,1,2,3\n/);
    expect(stdout).toMatch(/and 31 of several clusters, /);
  });

  it("a program must be there, the scenario one of the phone's, the network one of the precision", async () => {
    const refuse = async (reason: RegExp, ...args: string[]) => {
      const outcome = await latlab(...args);
      expect(outcome).toMatchObject({ code: 1, stdout: "" });
      expect(outcome.stderr).toMatch(reason);
      expect(outcome.stderr).toMatch(/^error: [^\n]+ \([^\n]+\)\n$/);
    };
    await refuse(/no benchmark program/, ...profile(first.serial, "1large"), models[0]!);
    await readJson("binaries", "--add", binary);
    await refuse(/no core set 2large/, ...profile(`${second.serial},${first.serial}`, "2large"), models[0]!);
    const int8 = ["--device", first.serial, "--cores", "1large", "--precision", "int8"];
    const half = fileURLToPath(
      new URL("../../node_modules/@mediapipe/hands/hand_landmark_lite.tflite", import.meta.url),
    );
    await refuse(/hand_landmark_lite cannot be quantised to int8: .* is float16/, "profile", ...int8, half);
    // What could not be started for one device was started for none.
    const lab = await open();
    expect(await lab.runs()).toEqual([]);
    await lab.close();
  });

  it("a preflight tells what is wrong, and fixes it", async () => {
    second.setScreen(false);
    const checks = (await readJson("preflight", "--device", second.serial, "--fix")) as PreflightCheck[];
    expect(checks.find(({ id }) => id === "screen")).toMatchObject({ state: "ok" });
    expect(checks.find(({ id }) => id === "binary")).toMatchObject({ state: "ok" });
    expect(second.screenOn).toBe(true);
    second.setFreeBytes(1000);
    const failing = await latlab("preflight", "--device", second.serial, "--json");
    second.setFreeBytes(8e9);
    expect(failing.code).toBe(1);
    const space = (JSON.parse(failing.stdout) as PreflightCheck[]).find(({ id }) => id === "space");
    expect(space).toMatchObject({ state: "failed", action: "free-space" });
    expect(failing.stderr).toContain("is not ready to be measured: Free space");
    const shown = await latlab("preflight", "--device", second.serial);
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toMatch(/Screen on and awake +ok/);
  });
});

/** A run's state and how many of its cells have a measurement: on a busy computer some are noisy, which is no failure. */
function whole(run: unknown): { cells: number; state: string } {
  const { done, noisy, state } = run as RunSummary;
  return { cells: done + noisy, state };
}

describe("measuring", () => {
  it(
    "a phone gives cells with times and op rows, in core sets of any composition",
    { timeout: 180_000 },
    async () => {
      const args = [...profile(first.serial, "1large,2small+1large"), ...models.slice(0, 2)];
      const run = (await readJson(...args)) as PrintedRun;
      const scenarios = ["1large", "1large+2small"].map((cores) => `${first.serial}/${cores}/float32/tflite`);
      expect(run).toMatchObject({ device: first.serial, scenarios, state: "done", cells: 4, failed: 0 });
      const lab = await open();
      const { cellList } = await lab.run({ run: run.run });
      for (const { id } of cellList) {
        const { cell, opTimes, provenance } = await lab.measurement({ cell: id });
        expect(cell.latencyMs).toBeGreaterThan(0);
        expect(opTimes.length).toBeGreaterThan(3);
        expect(provenance).toMatchObject({ coreMask: cell.scenario.includes("+") ? "0x83" : "0x80" });
      }
      const readings = await lab.runTelemetry({ run: run.run });
      expect(readings.length).toBeGreaterThanOrEqual(8);
      const times = readings.map(({ at }) => Date.parse(at));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(readings.every(({ temperatureC }) => temperatureC === 29.5)).toBe(true);
      const scenarioIds = (await lab.scenarios()).map(({ id }) => id);
      expect(scenarioIds.toSorted()).toEqual(scenarios.toSorted());
      await lab.close();
      expect(first.fixedPerformance).toBe(false);
      expect(first.listBenchmarks()).toEqual([]);
    },
  );

  it("several phones measure side by side, each in a run of its own", { timeout: 180_000 }, async () => {
    const runs = (await readJson(
      ...profile(`${first.serial},${second.serial}`, "1large"),
      models[0]!,
    )) as PrintedRun[];
    expect(runs.map(({ device, cells, state }) => [device, cells, state])).toEqual([
      [first.serial, 1, "done"],
      [second.serial, 1, "done"],
    ]);
  });

  it(
    "a killed lab leaves nothing for long: the next puts the phone right, and the run goes on",
    { timeout: 240_000 },
    async () => {
      const running = start(...profile(first.serial, "1large,3med"), "--json", ...models);
      await expect.poll(() => first.fixedPerformance, { timeout: 60_000 }).toBe(true);
      await expect.poll(() => first.listBenchmarks().length, { timeout: 60_000 }).toBeGreaterThan(0);
      running.child.kill("SIGKILL");
      await running.outcome;
      expect(first.fixedPerformance).toBe(true);
      await readJson("devices");
      expect(first.fixedPerformance).toBe(false);
      expect(first.listBenchmarks()).toEqual([]);
      const lab = await open();
      const [left] = await lab.runs();
      await lab.close();
      expect(left).toMatchObject({ device: first.serial, state: "paused", cells: 6 });
      expect(whole(await readJson("profile", "--resume", String(left!.id)))).toEqual({
        cells: 6,
        state: "done",
      });
    },
  );

  it(
    "an interrupted run ends at once, is paused, and leaves the phone as it was",
    { timeout: 180_000 },
    async () => {
      const running = start(...profile(second.serial, "1large,2large"), ...models);
      await expect.poll(() => second.listBenchmarks().length, { timeout: 60_000 }).toBeGreaterThan(0);
      running.child.kill("SIGINT");
      expect((await running.outcome).code).toBe(130);
      expect(second.listBenchmarks()).toEqual([]);
      expect(second.fixedPerformance).toBe(false);
    },
  );

  it("a run waits for its phone, and a dead phone holds no other", { timeout: 240_000 }, async () => {
    const lab = await open();
    const [paused] = await lab.runs();
    expect(paused).toMatchObject({ device: second.serial, state: "paused" });
    await server.disconnect(second.serial);
    await expect
      .poll(async () => (await lab.devices()).find(({ id }) => id === second.serial)?.state)
      .toBe("absent");
    const waiting = await lab.resumeRun({ run: paused!.id });
    const tellNote = async () => {
      const progress = (await lab.jobs()).find(({ id }) => id === waiting.job)!.progress;
      return progress.state === "running" ? progress.note : progress.state;
    };
    await expect.poll(tellNote).toMatch(/^waiting for/);
    const request = { precision: "float32", runtime: "tflite", thoroughness: "quick" } as const;
    const other = await lab.startRun({
      ...request,
      device: first.serial,
      coreSets: ["4small"],
      models: models.slice(0, 1),
    });
    expect(whole(await lab.jobResult({ job: other.job, kind: "profile" }))).toEqual({
      cells: 1,
      state: "done",
    });
    expect(await tellNote()).toMatch(/^waiting for/);
    await expect(
      lab.startRun({ ...request, device: second.serial, coreSets: ["1large"], models }),
    ).rejects.toMatchObject({ code: "phone-unavailable" });
    await server.connect(second.serial);
    expect(await lab.jobResult({ job: waiting.job, kind: "profile" })).toMatchObject({
      state: "done",
      cells: 6,
      failed: 0,
    });
    await lab.close();
  });

  it(
    "a phone of a further server is measured on its GPU by its bare serial",
    { timeout: 180_000 },
    async () => {
      const further = await startAdbServer();
      const remote = await FakePhone.start({ profile: "snapdragon855" });
      try {
        await further.connect(remote.serial);
        await readJson("settings", "--adb-server", further.address);
        const gpu = ["--gpu", "--precision", "float16", "--thoroughness", "quick"];
        const run = await readJson("profile", "--device", remote.serial, ...gpu, models[0]!);
        const device = `${remote.serial}@${further.address}`;
        expect(run).toMatchObject({ device, scenarios: [`${device}/gpu/float16/gpu-cl`] });
        expect(whole(run)).toEqual({ cells: 1, state: "done" });
        await readJson("settings", "--adb-server", "none");
      } finally {
        await remote.stop();
        await further.stop();
      }
    },
  );

  it("what the lab put on a phone goes with one command", async () => {
    expect(first.files().length).toBeGreaterThan(0);
    const { removedBytes } = (await readJson("clean", "--device", first.serial)) as { removedBytes: number };
    expect(removedBytes).toBeGreaterThan(1000);
    expect(first.files()).toEqual([]);
  });
});
