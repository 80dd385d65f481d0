import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { quote } from "../../src-main/device/quote.ts";
import type { Measurement } from "../../src-main/lab/contract.ts";
import {
  endBenchmark,
  nameOwner,
  noteProcess,
  pidFolder,
  pidPath,
} from "../../src-main/profile/phoneOrphans.ts";
import { restorePhone } from "../../src-main/profile/phoneRestore.ts";
import { clearPhoneMark, listPhoneMarks, setPhoneMark } from "../../src-main/store/phoneMarks.ts";
import type { PhoneBenchOptions } from "../../src-main/profile/phoneBench.ts";
import { PhoneRig } from "./phoneRig.ts";

const scenario = "1large/float32/tflite";
let rig: PhoneRig;

beforeAll(async () => {
  // Long enough that a benchmark can be met while it runs.
  rig = await PhoneRig.start({ benchmarkDelayMs: 300 });
});

afterAll(async () => {
  await rig?.stop();
});

beforeEach(() => {
  expect(rig.phone.listBenchmarks()).toEqual([]);
});

/** Runs two cells and lets `act` do its worst once the first one's benchmark runs. */
async function measureUnder(
  act: () => Promise<void> | void,
  other: Partial<PhoneBenchOptions> = {},
): Promise<{ cells: Measurement[]; notes: string[] }> {
  const notes: string[] = [];
  let acted: Promise<void> | null = null;
  const options = rig.plan([scenario], rig.addNetworks(2), other);
  const watch = async () => {
    while (rig.phone.listBenchmarks().length === 0) await pause(5);
    await act();
  };
  const cells = await rig.measure(options, (note) => {
    notes.push(note);
    if (note.startsWith("net-")) acted ??= watch();
  });
  await acted;
  expect(rig.phone.listBenchmarks()).toEqual([]);
  expect(rig.phone.fixedPerformance).toBe(false);
  expect(listPhoneMarks(rig.store)).toEqual([]);
  return { cells, notes };
}

/** One cell was tried twice: first this went wrong, then nothing. */
function expectRecovered(cells: Measurement[], reason: RegExp): void {
  for (const { cell } of cells) expect(cell.error ?? "fast state op times").toMatch(/fast state|op times/);
  for (const { cell } of cells) expect(["done", "noisy"]).toContain(cell.state);
  const failures = cells.flatMap(({ attempts }) => attempts.filter(({ state }) => state === "failed"));
  expect(failures).toHaveLength(1);
  expect(failures[0]!.error).toMatch(reason);
}

describe("what goes wrong with a phone under a cell", () => {
  it("cable pulled: the cell says so and is measured when the phone is back", async () => {
    const { cells, notes } = await measureUnder(async () => {
      await rig.phone.unplug();
      await pause(400);
      await rig.phone.plug();
      await rig.server.reconnect(rig.phone.serial);
    });
    expectRecovered(cells, /was lost while/);
    expect(notes.some((note) => note.startsWith("waiting for the phone: "))).toBe(true);
    expect(notes).toContain("the phone is back; only its connection had been lost");
  });

  it("restart: told from a pulled cable by the phone's boot id", async () => {
    const { cells, notes } = await measureUnder(async () => {
      await rig.phone.reboot({ backAfterMs: 300 });
      await rig.server.reconnect(rig.phone.serial);
    });
    expectRecovered(cells, /was lost while/);
    expect(notes).toContain("the phone is back; it had been restarted");
  });

  it("adb server killed", async () => {
    const { cells } = await measureUnder(async () => {
      await rig.server.restart();
      await rig.server.connect(rig.phone.serial);
    });
    expectRecovered(cells, /was lost while/);
  });

  it("killed for memory: tried again after the others", async () => {
    const { cells } = await measureUnder(() => void rig.phone.killBenchmark());
    expectRecovered(cells, /ended the benchmark \(SIGKILL\), most likely because memory ran out/);
  });

  it("hang: killed at its deadline", async () => {
    const { cells } = await measureUnder(() => rig.phone.hangBenchmark(), {
      // Far above what a pass takes on a busy computer: only the one that hangs may reach it.
      deadlines: { startMs: () => 60_000, measureMs: () => 10_000 },
    });
    rig.phone.hangBenchmark(false);
    expectRecovered(cells, /did not end before its deadline and was stopped/);
  });

  it("hang before the first measured run", async () => {
    const { cells } = await measureUnder(() => undefined, {
      deadlines: { startMs: () => 50, measureMs: () => 60_000 },
    });
    for (const { cell, attempts } of cells) {
      expect(cell.state).toBe("failed");
      expect(attempts).toHaveLength(3);
      expect(cell.error).toMatch(/had not measured a single run by its deadline/);
    }
  });

  it.each([
    [
      "permission denied",
      () => rig.phone.denyExecution(),
      () => rig.phone.denyExecution(false),
      /^permission denied: /,
    ],
    ["wrong ABI", () => rig.phone.refuseAbi(), () => rig.phone.refuseAbi(false), /^not executable: .*ABI/],
    [
      "mask not kept",
      () => rig.phone.ignoreMask(),
      () => rig.phone.ignoreMask(false),
      /on the cores of mask ff where 80 was asked for/,
    ],
  ])("%s: in words, and nothing measured", async (_name, begin, end, reason) => {
    const { cells } = await measureUnder(begin);
    end();
    const last = cells.at(-1)!;
    expect(last.cell.state).toBe("failed");
    expect(last.cell.error).toMatch(reason);
    expect(last.samples).toEqual([]);
    expect(last.provenance?.modelHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("full phone: the model is refused in words", async () => {
    const options = rig.plan([scenario], rig.addNetworks(2, 64));
    const cells = await rig.measure(options, (note) => {
      if (note.startsWith("net-64")) rig.phone.setFreeBytes(2000);
    });
    rig.phone.setFreeBytes(8e9);
    expect(cells.at(-1)!.cell.state).toBe("failed");
    expect(cells.at(-1)!.cell.error).toMatch(/full|space/);
  });

  it("clock that jumps: nothing of it is used", async () => {
    const { cells } = await measureUnder(() => rig.phone.jumpClock(-86_400 * 400));
    rig.phone.jumpClock(86_400 * 400);
    for (const { cell, provenance } of cells) {
      expect(["done", "noisy"]).toContain(cell.state);
      expect(Math.abs(Date.parse(provenance!.startedAt) - Date.now())).toBeLessThan(600_000);
    }
  });
});

describe("ending a run", () => {
  it("mid-cell leaves no benchmark and no setting behind", async () => {
    const stop = new AbortController();
    const options = rig.plan([scenario], rig.addNetworks(2), { signal: stop.signal });
    const measuring = rig.measure(options, (note) => {
      if (!note.startsWith("net-")) return;
      void (async () => {
        while (rig.phone.listBenchmarks().length === 0) await pause(5);
        stop.abort();
      })();
    });
    await expect(measuring).rejects.toMatchObject({ code: "cancelled" });
    expect(rig.phone.listBenchmarks()).toEqual([]);
    expect(rig.phone.fixedPerformance).toBe(false);
    expect(listPhoneMarks(rig.store)).toEqual([]);
  });

  it("while the phone cools", async () => {
    const stop = new AbortController();
    const options = rig.plan([scenario], rig.addNetworks(2), { signal: stop.signal });
    rig.phone.setTemperature(44);
    const notes: string[] = [];
    const measuring = rig.measure(options, (note) => {
      notes.push(note);
      if (note.includes("cooling")) stop.abort();
    });
    await expect(measuring).rejects.toMatchObject({ code: "cancelled" });
    rig.phone.setTemperature(30);
    expect(notes.at(-1)).toMatch(/^net-\S+ on .*: cooling: 44\.0 °C, starts at 38 °C$/);
  });
});

it("a lab that died: its benchmark is ended and its settings are put back, another lab's benchmark is left alone", async () => {
  const connection = await rig.phones.connect(rig.phone.serial);
  const program = "/data/local/tmp/latency-lab/bin/orphan/benchmark_model";
  await connection.push(Buffer.from("#!/bin/sh\nwhile :; do sleep 0.1; done\n"), program, 0o755);
  // As a benchmark whose connection ended without the phone noticing.
  const start = async (owner: string): Promise<number> => {
    const script = quote(`${noteProcess(owner)}; exec ${program}`);
    const { stdout } = await connection.run(
      `mkdir -p ${pidFolder}; (trap '' HUP; exec taskset 80 sh -c ${script}) </dev/null >/dev/null 2>&1 & echo $!`,
    );
    const path = pidPath(owner);
    while (((await connection.pull(path, { limitBytes: 100 })) ?? "").length === 0) await pause(5);
    return Number(stdout);
  };
  const isAlive = (pid: number): boolean => rig.phone.listProcesses().includes(pid);
  const ours = await start(nameOwner(rig.store.folder, rig.device.id));
  const theirs = await start(nameOwner("/another/lab", rig.device.id));
  expect([ours, theirs].map(isAlive)).toEqual([true, true]);
  setPhoneMark(rig.store, rig.device.id, "fixed-performance", "false");
  setPhoneMark(rig.store, rig.device.id, "stay-awake", "3");
  setPhoneMark(rig.store, "another phone", "stay-awake", "1");
  await connection.run("cmd power set-fixed-performance-mode-enabled true; svc power stayon true");
  expect(rig.phone.fixedPerformance).toBe(true);

  await restorePhone(rig.store, connection, rig.device);
  expect([ours, theirs].map(isAlive)).toEqual([false, true]);
  expect(rig.phone.fixedPerformance).toBe(false);
  const setting = await connection.run("settings get global stay_on_while_plugged_in");
  expect(setting.stdout.trim()).toBe("3");
  expect(listPhoneMarks(rig.store).map(({ device }) => device)).toEqual(["another phone"]);
  clearPhoneMark(rig.store, "another phone", "stay-awake");
  await restorePhone(rig.store, connection, rig.device);
  expect(isAlive(theirs)).toBe(true);
  expect(await endBenchmark(connection, nameOwner("/another/lab", rig.device.id))).toBe(theirs);
  await connection.close();
});
