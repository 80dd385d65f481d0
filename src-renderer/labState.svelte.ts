import { SvelteMap } from "svelte/reactivity";
import type { CellSummary, Job, LabEvent, PreflightCheck, RunSummary } from "../src-main/lab/contract.ts";
import { connection, lab } from "./connection.svelte.ts";
import { Resource } from "./resource.svelte.ts";

/** Whether a job still has something to do. */
export function isActive(job: Job): boolean {
  return job.progress.state === "queued" || job.progress.state === "running";
}

/** What every screen shares: the lab's lists, kept up to date by its events. */
class LabState {
  info = new Resource(() => lab.info());
  devices = new Resource(() => lab.devices());
  models = new Resource(() => lab.models());
  runs = new Resource(() => lab.runs());
  scenarios = new Resource(() => lab.scenarios());
  predictors = new Resource(() => lab.predictors());
  jobs = new Resource(() => lab.jobs());
  adb = new Resource(() => lab.adb());
  settings = new Resource(() => lab.settings());
  binaries = new Resource(() => lab.binaries());
  /** The checks of each device's newest preflight in the order they came, by the device's id. */
  checks = new SvelteMap<string, readonly PreflightCheck[]>();
  #cellListeners = new Set<(run: number, cell: CellSummary) => void>();

  /** Starts loading, and loads again with each new connection. */
  start(): void {
    connection.listen((event) => this.#receive(event));
    $effect.root(() => {
      $effect(() => {
        if (connection.epoch > 0) this.reload();
      });
    });
  }

  reload(): void {
    for (const list of [this.info, this.devices, this.models, this.runs, this.scenarios, this.predictors])
      void list.reload();
    for (const list of [this.jobs, this.adb, this.settings, this.binaries]) void list.reload();
  }

  /** Hears every cell that changes. */
  listenToCells(listener: (run: number, cell: CellSummary) => void): () => void {
    this.#cellListeners.add(listener);
    return () => this.#cellListeners.delete(listener);
  }

  /** The job of that number, or null when the lab no longer tells of it. */
  findJob(id: number | null): Job | null {
    return this.jobs.value?.find((job) => job.id === id) ?? null;
  }

  #receive(event: LabEvent): void {
    switch (event.type) {
      case "job":
        this.#receiveJob(event.job);
        break;
      case "run":
        this.#receiveRun(event.run);
        break;
      case "cell":
        for (const listener of this.#cellListeners) listener(event.run, event.cell);
        break;
      case "models":
        void this.models.reload();
        break;
      case "predictors":
        void this.predictors.reload();
        void this.scenarios.reload();
        break;
      case "devices":
        void this.devices.reload();
        break;
      case "adb":
        void this.adb.reload();
        void this.settings.reload();
        break;
      case "binaries":
        void this.binaries.reload();
        // Which program a phone would run may be another now.
        void this.devices.reload();
        break;
      case "preflight":
        this.addCheck(event.device, event.check);
    }
  }

  /** Puts a check of a preflight in its place: after the others, or where it stood before. */
  addCheck(device: string, check: PreflightCheck): void {
    const known = this.checks.get(device) ?? [];
    const again = known.some((entry) => entry.id === check.id);
    this.checks.set(
      device,
      again ? known.map((entry) => (entry.id === check.id ? check : entry)) : [...known, check],
    );
  }

  #receiveJob(job: Job): void {
    const known = this.jobs.value ?? [];
    const before = known.find((candidate) => candidate.id === job.id);
    this.jobs.set(before ? known.map((entry) => (entry.id === job.id ? job : entry)) : [...known, job]);
    if (isActive(job)) return;
    // What a job leaves behind shows in these lists, whichever way it ended.
    void this.runs.reload();
    void this.scenarios.reload();
    void this.models.reload();
    void this.devices.reload();
  }

  #receiveRun(run: RunSummary): void {
    const known = this.runs.value ?? [];
    const isNew = !known.some((candidate) => candidate.id === run.id);
    this.runs.set(isNew ? [run, ...known] : known.map((entry) => (entry.id === run.id ? run : entry)));
  }
}

export const labState = new LabState();
