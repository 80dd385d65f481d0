import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describeHost } from "../device/host.ts";
import { parseScenario } from "../device/scenario.ts";
import type { CellSummary, CoreSet, Runtime } from "../lab/contract.ts";
import {
  LabError,
  cancelled,
  coreSetUnknown,
  deviceUnknown,
  modelUnknown,
  runUnknown,
  runtimeMissing,
  scenarioUnsupported,
} from "../lab/errors.ts";
import { mainSubgraph } from "../model/graph.ts";
import { readTflite } from "../model/tfliteReader.ts";
import type { Store } from "../store/database.ts";
import { claimDevice } from "../store/devices.ts";
import { modelFilePath } from "../store/models.ts";
import {
  type StoredCell,
  commitCell,
  getMeasurement,
  getRun,
  nextCells,
  setRunState,
  startCell,
} from "../store/runs.ts";
import { CanaryReference } from "./canaryReference.ts";
import { type MeasuredCell, describeNoise, judgeCell, measureCell } from "./cellMeasurement.ts";
import { findHostLibrary } from "./hostProcess.ts";
import { type CellPlan, estimateRemainingMs, planCell } from "./plan.ts";
import type { RawSample } from "./speedState.ts";

/** What a run needs from the lab. */
export interface RunExecution {
  store: Store;
  run: number;
  /** Also try failed and noisy cells again. */
  retry: boolean;
  signal: AbortSignal;
  onCell: (cell: CellSummary) => void;
  onProgress: (done: number, total: number, etaMs: number | null, note: string) => void;
}

// A stored reference lower than the one a cell was judged by matters only beyond the canary's own noise.
const referenceDrift = 1.04;

/**
 * Fills the empty cells of a run one at a time and retries noisy ones later; each cell is committed before the next starts,
 * so a killed run goes on where it stopped. Rejects with `cancelled` on abort, after which the run is paused.
 */
export async function executeRun(execution: RunExecution): Promise<void> {
  const { store, run } = execution;
  const detail = getRun(store, run);
  if (!detail) throw runUnknown(run);
  const library = findHostLibrary();
  const device = describeHost({ version: library.version, problem: library.problem });
  if (detail.device !== device.id) throw deviceUnknown(detail.device);
  if (library.problem) throw runtimeMissing(library.problem);
  const release = claimDevice(store, device.id);
  try {
    setRunState(store, run, "running");
    const targets = new Map(detail.scenarios.map((id) => [id, resolveTarget(id, device.coreSets)]));
    await new RunWork(execution, planCell(detail.thoroughness), targets).finish();
    const ended = getRun(store, run)!;
    setRunState(store, run, ended.cells > 0 && ended.failed === ended.cells ? "failed" : "done");
  } catch (error) {
    setRunState(store, run, "paused");
    throw error;
  } finally {
    release();
  }
}

interface Target {
  coreSet: CoreSet;
  runtime: Runtime;
}

/** The core set and runtime of a scenario on this computer; rejects when it cannot be measured here. */
export function resolveTarget(id: string, coreSets: readonly CoreSet[]): Target {
  const scenario = parseScenario(id);
  const coreSet = coreSets.find((candidate) => candidate.name === scenario.cores);
  if (!coreSet)
    throw coreSetUnknown(
      scenario.device,
      scenario.cores,
      coreSets.map((candidate) => candidate.name),
    );
  if (scenario.precision !== "float32")
    throw scenarioUnsupported(id, `this computer measures float32 networks, not ${scenario.precision}`);
  if (scenario.runtime === "gpu-cl") throw scenarioUnsupported(id, "this computer has no GPU runtime");
  return { coreSet, runtime: scenario.runtime };
}

class RunWork {
  private readonly execution: RunExecution;
  private readonly plan: CellPlan;
  private readonly targets: Map<string, Target>;
  private readonly reference: CanaryReference;
  private readonly finishedMs: number[] = [];
  private readonly attempted = new Map<number, number>();
  private done = 0;
  private total = 0;

  constructor(execution: RunExecution, plan: CellPlan, targets: Map<string, Target>) {
    this.execution = execution;
    this.plan = plan;
    this.targets = targets;
    this.reference = new CanaryReference(execution.store);
  }

  async finish(): Promise<void> {
    await this.calibrate();
    await this.sweep(this.listCells(this.execution.retry));
    for (let retry = 0; retry < this.plan.retries; retry++) {
      this.rejudge();
      const noisy = this.listCells(true).filter(
        (cell) => cell.state === "noisy" && this.attempted.has(cell.id),
      );
      if (noisy.length === 0 || noisy.length > this.attempted.size * this.plan.retryShare) return;
      await this.sweep(noisy, `, ${noisy.length} noisy again`);
    }
    this.rejudge();
  }

  private listCells(retry: boolean): StoredCell[] {
    return nextCells(this.execution.store, this.execution.run, { retry });
  }

  // The fast state must be known before the first cell, or a slow start would be taken for it.
  private async calibrate(): Promise<void> {
    const sets = new Map([...this.targets.values()].map((target) => [target.coreSet.name, target.coreSet]));
    for (const coreSet of sets.values()) {
      this.report(`finding the fast state of ${coreSet.name}`);
      await this.reference.check(coreSet, this.reference.find(coreSet) > 0 ? 0.5 : 2, this.execution.signal);
    }
  }

  private async sweep(cells: StoredCell[], note = ""): Promise<void> {
    this.done = 0;
    this.total = cells.length;
    for (const cell of cells) {
      if (this.execution.signal.aborted) throw cancelled();
      this.report(`${cell.model} on ${cell.scenario}${note}`);
      const start = performance.now();
      await this.fill(cell);
      this.finishedMs.push(performance.now() - start);
      this.done++;
    }
    this.report("");
  }

  private report(note: string): void {
    const eta = estimateRemainingMs(this.finishedMs, this.total - this.done);
    this.execution.onProgress(this.done, this.total, eta, note);
  }

  private async fill(cell: StoredCell): Promise<void> {
    const { store, signal } = this.execution;
    const target = this.targets.get(cell.scenario)!;
    startCell(store, cell.id);
    this.announce(cell.id);
    this.attempted.set(cell.id, (this.attempted.get(cell.id) ?? 0) + 1);
    const modelPath = modelFilePath(store, cell.hash);
    const referenceUs = this.reference.find(target.coreSet);
    let measured: MeasuredCell;
    try {
      if (!existsSync(modelPath)) throw modelUnknown(cell.model);
      measured = await measureCell({
        modelPath,
        ...(await identifyModel(modelPath, cell.model)),
        ...target,
        plan: this.plan,
        canaryPath: this.reference.canary.path,
        canaryReferenceUs: referenceUs,
        library: findHostLibrary(),
        signal,
      });
    } catch (error) {
      // Cancelling and a broken computer end the run; a broken model is the cell's own failure.
      if (!(error instanceof LabError) || error.code === "cancelled") throw error;
      commitCell(store, cell.id, {
        state: "failed",
        samples: [],
        opTimes: [],
        provenance: null,
        stderr: "",
        error: error.message,
        latencyMs: null,
        spreadMs: null,
      });
      this.announce(cell.id);
      return;
    }
    const { canaryUs, ...result } = measured;
    commitCell(store, cell.id, result);
    this.reference.observe(target.coreSet, canaryUs);
    this.announce(cell.id);
  }

  private announce(cell: number): void {
    const measurement = getMeasurement(this.execution.store, cell);
    if (measurement) this.execution.onCell(measurement.cell);
  }

  // Cells measured before the true fast state was seen may hold slow samples; the raw samples tell.
  private rejudge(): void {
    const { store, run } = this.execution;
    for (const summary of getRun(store, run)!.cellList) {
      if (summary.state !== "done" || !this.attempted.has(summary.id)) continue;
      const target = this.targets.get(summary.scenario)!;
      const referenceUs = this.reference.find(target.coreSet);
      const measurement = getMeasurement(store, summary.id);
      const judgedBy = (measurement?.provenance?.canaryReferenceMs ?? 0) * 1000;
      if (!measurement || !(referenceUs > 0) || judgedBy <= referenceUs * referenceDrift) continue;
      const raw: RawSample[] = measurement.samples.map((sample) => ({
        atUs: sample.atMs * 1000,
        us: sample.ms * 1000,
        canaryBeforeUs: sample.canaryBeforeMs === null ? null : sample.canaryBeforeMs * 1000,
        canaryAfterUs: sample.canaryAfterMs === null ? null : sample.canaryAfterMs * 1000,
        waitedUs: sample.waitedMs === null ? null : sample.waitedMs * 1000,
      }));
      const judgement = judgeCell(raw, referenceUs, target.coreSet.cpus.length, this.plan.endToEnd);
      commitCell(store, summary.id, {
        state: judgement.noisy ? "noisy" : "done",
        samples: measurement.samples.map((sample, index) => ({ ...sample, kept: judgement.kept[index]! })),
        opTimes: measurement.opTimes,
        provenance: { ...measurement.provenance!, canaryReferenceMs: referenceUs / 1000 },
        stderr: measurement.stderr,
        error: judgement.noisy ? describeNoise(judgement, raw.length) : null,
        latencyMs: judgement.us / 1000,
        spreadMs: judgement.spreadUs / 1000,
      });
      this.announce(summary.id);
    }
  }
}

// A file that the reader refuses is still measured: the runtime's own verdict is what counts. Only its op rows stay unjoined.
async function identifyModel(path: string, name: string): Promise<{ modelHash: string; opTypes: string[] }> {
  const bytes = await readFile(path);
  const modelHash = createHash("sha256").update(bytes).digest("hex");
  try {
    return { modelHash, opTypes: mainSubgraph(readTflite(bytes, name)).ops.map((op) => op.type) };
  } catch {
    return { modelHash, opTypes: [] };
  }
}
