import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { phoneFolder } from "../../src-main/device/phoneFolder.ts";
import type { Device, Measurement } from "../../src-main/lab/contract.ts";
import { placeCanary } from "../../src-main/profile/canaryReference.ts";
import { PhoneBench, type PhoneBenchOptions } from "../../src-main/profile/phoneBench.ts";
import { executeRun } from "../../src-main/profile/runner.ts";
import { openStore, type Store } from "../../src-main/store/database.ts";
import { listReferences } from "../../src-main/store/devices.ts";
import { addModel } from "../../src-main/store/models.ts";
import { listPhoneMarks } from "../../src-main/store/phoneMarks.ts";
import { createRun, getMeasurement, getRun } from "../../src-main/store/runs.ts";
import { LocalPhone } from "./localPhone.ts";

const flags = [
  "graph",
  "num_runs",
  "num_threads",
  "enable_op_profiling",
  "use_xnnpack",
  "dry_run",
  "use_gpu",
];
const device = {
  id: "local",
  kind: "adb",
  clusters: [{ name: "large", cpus: [6, 7], maxMhz: 2000 }],
  coreSets: [{ name: "2large", mask: "0xc0", cpus: [6, 7] }],
  phone: { abis: [], offlineCpus: [] as number[] },
} as unknown as Device;

let folder: string;
let store: Store;
let phone: LocalPhone;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "latlab-pass-"));
  store = openStore(join(folder, "lab"));
  phone = new LocalPhone();
  phone.setMask("c0");
  setTimes(1000, 5000);
});

afterEach(() => {
  phone.stop();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a run of the canary and of any other network takes from now on, µs. */
function setTimes(canaryUs: number, networkUs: number): void {
  writeFileSync(join(phone.root, "canary-us"), String(canaryUs));
  writeFileSync(join(phone.root, "network-us"), String(networkUs));
}

// An official benchmark_model that measures nothing: its times are in files.
function makeTool(): PhoneBenchOptions["binary"] {
  const canary = placeCanary(store.folder).hash;
  const body = `#!/bin/sh
case "$*" in *--help*)
${flags.map((name) => `echo '\t--${name}=x\tstring\toptional\tx' >&2`).join("\n")}
exit 1;; esac
graph=\${1#--graph=}
[ -f "$graph" ] || { printf 'ERROR: Could not open %s\\nERROR: Benchmarking failed.\\n' "$graph" >&2; exit 1; }
us=$(cat ${phone.root}/network-us)
case "$*" in *${canary}*) us=$(cat ${phone.root}/canary-us); echo canary >>${phone.root}/ran;; *) echo network >>${phone.root}/ran;; esac
echo 'INFO: STARTING!'
echo 'INFO: Running benchmark for at least 1 iterations and at least 0 seconds but terminate if exceeding 5 seconds.'
echo 'INFO: count=1 curr=9000'
echo 'INFO: Running benchmark for at least 8 iterations and at least 0 seconds but terminate if exceeding 5 seconds.'
echo "INFO: count=50 first=$us curr=$us min=$us max=$us avg=$us std=1"
echo "INFO: Inference timings in us: Init: 10, First inference: 9000, Warmup (avg): 9000, Inference (avg): $us"
`;
  const path = join(folder, "benchmark_model");
  writeFileSync(path, body);
  return { path, hash: createHash("sha256").update(body).digest("hex"), name: "benchmark_model", abi: null };
}

function plan(models: number, signal = new AbortController().signal): PhoneBenchOptions {
  const names = Array.from({ length: models }, (_, index) => {
    const name = `net-${index}`;
    addModel(store, {
      name,
      family: "tests",
      kind: "file",
      bytes: Buffer.from(`network ${index}`),
      ops: 1,
      flops: 1,
      params: 1,
    });
    return name;
  });
  const scenarios = ["local/2large/float32/tflite"];
  const run = createRun(store, {
    device: "local",
    deviceName: "local",
    scenarios,
    models: names,
    repetitions: 1,
    seed: 1,
    thoroughness: "quick",
  });
  return {
    store,
    run,
    device,
    phones: { waitFor: () => Promise.resolve(phone) },
    binary: makeTool(),
    settings: { phoneCacheBytes: 100e6, startTemperatureC: 38 },
    scenarios,
    thoroughness: "quick",
    seed: 1,
    signal,
  };
}

async function measure(options: PhoneBenchOptions, onNote: (note: string) => void): Promise<Measurement[]> {
  const bench = new PhoneBench(options);
  try {
    await executeRun({
      store,
      run: options.run,
      bench,
      retry: false,
      signal: options.signal,
      onCell: () => undefined,
      onProgress: (_done, _total, _eta, note) => onNote(note),
    });
  } finally {
    await bench.close();
  }
  return getRun(store, options.run)!.cellList.map(({ id }) => getMeasurement(store, id)!);
}

describe("a run on a phone whose tool runs no canary of its own", () => {
  it("takes three round trips a cell, and the next model is there before it is wanted", async () => {
    const marks: number[] = [];
    const pushes: number[] = [];
    const cells = await measure(plan(4), (note) => {
      if (!/^net-\d on \S+$|^reading the canary$/.test(note)) return;
      marks.push(phone.commands.length);
      pushes.push(phone.pushed.length);
    });
    expect(cells.map(({ cell }) => cell.state)).toEqual(Array(4).fill("done"));
    expect(cells.map(({ cell }) => cell.latencyMs)).toEqual(Array(4).fill(5));
    expect(cells[0]!.cell).toMatchObject({ kept: 50, total: 50 });
    // Before the first cell the phone's state, once; a model pushed is one more command beside a pass.
    expect(marks.at(-1)! - marks[0]!).toBe(1 + 4 * 3 + 4);
    // Program, canary and first model; then one ahead.
    expect(pushes).toEqual([2, 4, 5, 6, 6]);
    expect(listPhoneMarks(store)).toEqual([]);
    expect(listReferences(store)).toMatchObject([{ device: "local", coreSet: "2large", referenceMs: 1 }]);
  });

  it("measures a block again whose canary drifted, once the phone is well", async () => {
    const notes: string[] = [];
    let readings = 0;
    const cells = await measure(plan(3), (note) => {
      notes.push(note);
      // Slow at the end of the first block, well at that of the second.
      if (note === "reading the canary") setTimes(++readings === 1 ? 1600 : 1000, 5000);
    });
    expect(readings).toBeGreaterThanOrEqual(2);
    for (const { cell, attempts } of cells) {
      expect(cell.state).toBe("done");
      expect(attempts[0]).toMatchObject({
        state: "noisy",
        latencyMs: 5,
        error: "the canary took 1.60 × its time in the device's fast state",
      });
      expect(attempts.at(-1)!.state).toBe("done");
    }
    expect(listReferences(store)[0]!.referenceMs).toBe(1);
  });

  it("that stays slow ends, its cells noisy with the reason", async () => {
    const cells = await measure(plan(2), (note) => {
      if (note === "reading the canary") setTimes(1600, 5000);
    });
    for (const { cell } of cells) {
      expect(cell.state).toBe("noisy");
      expect(cell.error).toMatch(/^the canary (took|drifted)/);
    }
  });

  it("puts a model there again that somebody removed", async () => {
    let cellsBegun = 0;
    const cells = await measure(plan(2), (note) => {
      // The second one's model is already there, and known to be.
      if (/^net-\d on \S+$/.test(note) && ++cellsBegun === 2)
        rmSync(phone.locate(`${phoneFolder}/models`), { recursive: true, force: true });
    });
    // The canary and two networks, then the second and the canary again.
    expect(phone.pushed.filter((path) => path.includes("/models/"))).toHaveLength(5);
    expect(cells.map(({ cell }) => cell.error)).toEqual([null, null]);
    expect(cells.map(({ attempts }) => attempts.length)).toEqual([1, 1]);
  });

  it("waits for a warm phone, and says for what", async () => {
    writeFileSync(
      join(phone.root, "dumpsys-battery"),
      "Current Battery Service state:\n  level: 80\n  temperature: 412\n",
    );
    const stop = new AbortController();
    const notes: string[] = [];
    const options = plan(1, stop.signal);
    const cells = await measure(
      {
        ...options,
        clock: {
          now: () => performance.now(),
          pause: () => {
            writeFileSync(
              join(phone.root, "dumpsys-battery"),
              "Current Battery Service state:\n  level: 80\n  temperature: 370\n",
            );
            return Promise.resolve();
          },
        },
      },
      (note) => notes.push(note),
    );
    expect(notes).toContain("net-0 on local/2large/float32/tflite: cooling: 41.2 °C, starts at 38 °C");
    expect(cells[0]!.provenance).toMatchObject({ temperatureCBefore: 37, thermalStatusBefore: null });
  });
});
