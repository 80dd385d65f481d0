/** A lab that says what a test tells it to, over the real wire and in the real window. */
import type {
  BenchmarkBinary,
  CellSummary,
  Device,
  Job,
  Lab,
  LabEvent,
  LabSettings,
  Measurement,
  ModelSummary,
  PreflightCheck,
  RunRequest,
  RunSummary,
  TelemetryPoint,
} from "../../src-main/lab/contract.ts";
import type { AdbState, PublishedBinary } from "../../src-main/lab/contract.ts";
import { runUnknown } from "../../src-main/lab/errors.ts";
import { labCalls } from "../../src-main/lab/wire.ts";
import type { LabCall } from "../../src-main/lab/wire.ts";
import type { OpenedLab } from "../../src-main/lab/lab.ts";
import { adbFound, usualSettings } from "./scriptedPhones.ts";

// Windows stay while scripts are exchanged behind them.
const listeners = new Set<(event: LabEvent) => void>();

/** What the script says; a test changes it and publishes the event that tells the window. */
export class Script {
  devices: Device[] = [];
  adb: AdbState = adbFound;
  settings: LabSettings = usualSettings;
  binaries: BenchmarkBinary[] = [];
  published: PublishedBinary[] = [];
  models: ModelSummary[] = [];
  runs: RunSummary[] = [];
  cells: CellSummary[] = [];
  measurements = new Map<number, Measurement>();
  telemetry: TelemetryPoint[] = [];
  jobs: Job[] = [];
  checks: PreflightCheck[] = [];
  /** What the window asked for, in order. */
  readonly asked: { call: string; request: unknown }[] = [];
  /** Answers of calls that a test gives itself. */
  answers: Partial<{ [K in keyof Lab]: (request: never) => unknown }> = {};

  publish(event: LabEvent): void {
    for (const listener of listeners) listener(event);
  }

  /** The lab over this script; what a script says nothing of is empty. */
  open(folder: string): OpenedLab {
    return this.openBehind(folder, () => this);
  }

  /** A lab that speaks as whatever script `current` gives at the time. */
  openBehind(folder: string, current: () => Script): OpenedLab {
    const calls = labCalls.map((call) => [
      call,
      async (request: unknown) => current().take(call, request, folder),
    ]);
    const subscribe: Lab["subscribe"] = (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
    return { ...Object.fromEntries(calls), subscribe, close: async () => {} } as OpenedLab;
  }

  take(call: LabCall, request: unknown, folder: string): unknown {
    this.asked.push({ call, request });
    const answer = this.answers[call] as ((request: unknown) => unknown) | undefined;
    return answer ? answer(request) : this.#answer(call, request, folder);
  }

  #answer(call: string, request: unknown, folder: string): unknown {
    switch (call) {
      case "info":
        return { version: "0", node: "24", folder, hostProblem: null, platform: "linux-x64" };
      case "devices":
      case "adb":
      case "settings":
      case "binaries":
      case "models":
      case "runs":
      case "jobs":
        return this[call];
      case "publishedBinaries":
        return this.published;
      case "changeSettings":
        return (this.settings = { ...this.settings, ...(request as Partial<LabSettings>) });
      case "startPreflight": {
        const job = this.#addJob("preflight");
        const { device } = request as { device: string };
        for (const check of this.checks) this.publish({ type: "preflight", device, check });
        return { job, kind: "preflight" };
      }
      case "jobResult":
        return this.checks;
      case "startRun": {
        const { device } = request as RunRequest;
        const run = describeRun(this.runs.length + 1, device, this.cells);
        this.runs = [run, ...this.runs];
        return { run: run.id, job: this.#addJob("profile"), kind: "profile" };
      }
      case "run": {
        const id = (request as { run: number }).run;
        const run = this.runs.find((entry) => entry.id === id);
        if (!run) throw runUnknown(id);
        return { ...run, cellList: this.cells };
      }
      case "runTelemetry":
        return this.telemetry;
      case "measurement":
        return this.measurements.get((request as { cell: number }).cell);
      default:
        return [];
    }
  }

  #addJob(kind: Job["kind"]): number {
    const id = this.jobs.length + 1;
    this.jobs.push({
      id,
      kind,
      title: kind,
      startedAt: "2026-03-01T10:00:00Z",
      progress: { state: "done" },
      run: null,
    });
    return id;
  }
}

/** A run over cells as they stand. */
export function describeRun(id: number, device: string, cells: readonly CellSummary[]): RunSummary {
  const count = (state: CellSummary["state"]) => cells.filter((cell) => cell.state === state).length;
  return {
    id,
    device,
    scenarios: [...new Set(cells.map((cell) => cell.scenario))],
    state: "paused",
    models: new Set(cells.map((cell) => cell.model)).size,
    cells: cells.length,
    done: count("done"),
    noisy: count("noisy"),
    failed: count("failed"),
    createdAt: "2026-03-01T10:00:00Z",
    finishedAt: null,
    thoroughness: "standard",
    job: null,
    etaMs: null,
  };
}

/** A network of the library. */
export function describeModel(name: string, flops: number): ModelSummary {
  return {
    name,
    family: "sampled",
    kind: "sampled",
    ops: 40,
    flops,
    params: 4_200_000,
    bytes: 17_000_000,
    hash: "c".repeat(64),
    addedAt: "2026-03-01T10:00:00Z",
    measuredOn: [],
  };
}
