import type { CellSummary } from "../lab/contract.ts";
import { cancelled, runUnknown } from "../lab/errors.ts";
import type { Store } from "../store/database.ts";
import { claimDevice } from "../store/devices.ts";
import { claimOnThisComputer } from "../store/machineClaim.ts";
import {
  type StoredCell,
  commitCell,
  getMeasurement,
  getRun,
  nextCells,
  reopenCell,
  setRunState,
  startCell,
} from "../store/runs.ts";
import type { Bench, Filled } from "./bench.ts";
import { type CellPlan, estimateRemainingMs, planCell } from "./plan.ts";

/** What a run needs from the lab. */
export interface RunExecution {
  store: Store;
  run: number;
  /** Fills the cells; closed by the caller. */
  bench: Bench;
  /** Also try failed and noisy cells again. */
  retry: boolean;
  signal: AbortSignal;
  onCell: (cell: CellSummary) => void;
  onProgress: (done: number, total: number, etaMs: number | null, note: string) => void;
}

/**
 * Fills the empty cells of a run one at a time and retries noisy ones later; each cell is committed before the next starts,
 * so a killed run goes on where it stopped. Rejects with `cancelled` on abort and with `phone-lost` when its device stays
 * away, after which the run is paused.
 */
export async function executeRun(execution: RunExecution): Promise<void> {
  const { store, run, bench } = execution;
  const detail = getRun(store, run);
  if (!detail) throw runUnknown(run);
  const release = claimDevice(store, bench.device.id);
  let releasePhone: (() => void) | null = null;
  try {
    if (bench.device.kind === "adb") releasePhone = claimOnThisComputer(bench.device.id);
    setRunState(store, run, "running");
    await new RunWork(execution, planCell(detail.thoroughness)).finish();
    const ended = getRun(store, run)!;
    setRunState(store, run, ended.cells > 0 && ended.failed === ended.cells ? "failed" : "done");
  } catch (error) {
    setRunState(store, run, "paused");
    throw error;
  } finally {
    releasePhone?.();
    release();
  }
}

// What passes by itself (a lost cable, a process killed for memory) is tried again this often in one go over the run.
const transientTries = 3;

class RunWork {
  private readonly execution: RunExecution;
  private readonly plan: CellPlan;
  private readonly finishedMs: number[] = [];
  private readonly attempted = new Map<number, number>();
  private done = 0;
  private total = 0;

  constructor(execution: RunExecution, plan: CellPlan) {
    this.execution = execution;
    this.plan = plan;
  }

  async finish(): Promise<void> {
    const { bench } = this.execution;
    await bench.prepare((note) => this.report(note));
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

  private async sweep(cells: StoredCell[], note = ""): Promise<void> {
    const queue = [...cells];
    this.done = 0;
    this.total = queue.length;
    for (let cell = queue.shift(); cell; cell = queue.shift()) {
      if (this.execution.signal.aborted) throw cancelled();
      const told = `${cell.model} on ${cell.scenario}${note}`;
      this.report(told);
      const start = performance.now();
      const { again } = await this.fill(cell, queue[0] ?? null, told);
      if (again !== "no" && this.attempted.get(cell.id)! < transientTries) {
        // At once when the device went away under it; after the others when something on the device ended it.
        reopenCell(this.execution.store, cell.id);
        if (again === "back") queue.unshift(cell);
        else queue.push(cell);
        if (again === "back") await this.execution.bench.recover((waiting) => this.report(waiting));
        continue;
      }
      if (again === "back") await this.execution.bench.recover((waiting) => this.report(waiting));
      this.finishedMs.push(performance.now() - start);
      this.done++;
      await this.dropSuspects(queue, cells);
    }
    this.report("");
  }

  // A block that drifted is measured again in this sweep, once: what drifts again stays noisy for the retries to come.
  private async dropSuspects(queue: StoredCell[], cells: readonly StoredCell[]): Promise<void> {
    const { bench, store } = this.execution;
    const suspects = await bench.listSuspects(queue.length === 0, (note) => this.report(note));
    for (const { cell: id, reason } of suspects) {
      const measurement = getMeasurement(store, id);
      if (measurement?.cell.state !== "done") continue;
      const { samples, opTimes, provenance, stderr, cell } = measurement;
      const { latencyMs, spreadMs, kept, total } = cell;
      commitCell(store, id, {
        state: "noisy",
        samples,
        opTimes,
        provenance,
        stderr,
        error: reason,
        latencyMs,
        spreadMs,
        counted: { kept, total },
      });
      this.announce(id);
      const again = cells.find((candidate) => candidate.id === id);
      if (!again || this.attempted.get(id)! >= transientTries) continue;
      queue.push(again);
      this.total++;
    }
  }

  private report(note: string): void {
    const eta = estimateRemainingMs(this.finishedMs, this.total - this.done);
    this.execution.onProgress(this.done, this.total, eta, note);
  }

  private async fill(cell: StoredCell, next: StoredCell | null, told: string): Promise<Filled> {
    const { store, bench } = this.execution;
    startCell(store, cell.id);
    this.announce(cell.id);
    this.attempted.set(cell.id, (this.attempted.get(cell.id) ?? 0) + 1);
    const filled = await bench.measure(cell, next, (note) => this.report(`${told}: ${note}`));
    commitCell(store, cell.id, filled.result);
    this.announce(cell.id);
    return filled;
  }

  private announce(cell: number): void {
    const measurement = getMeasurement(this.execution.store, cell);
    if (measurement) this.execution.onCell(measurement.cell);
  }

  private rejudge(): void {
    for (const cell of this.execution.bench.rejudge(new Set(this.attempted.keys()))) this.announce(cell);
  }
}
