import { existsSync } from "node:fs";
import type { Phones } from "../device/phones.ts";
import { parseScenario } from "../device/scenario.ts";
import type { CoreSet, Device, LabSettings, Thoroughness } from "../lab/contract.ts";
import { LabError, cancelled, modelUnknown } from "../lab/errors.ts";
import { phoneLost } from "../lab/phoneErrors.ts";
import type { Store } from "../store/database.ts";
import { modelFilePath } from "../store/models.ts";
import type { StoredCell } from "../store/runs.ts";
import { type Bench, type Filled, type Report, type Suspect, failedCell } from "./bench.ts";
import { CanaryBlocks } from "./canaryBlocks.ts";
import { type Canary, placeCanary } from "./canaryReference.ts";
import { identifyModel } from "./hostBench.ts";
import { type PacingClock, waitUntilCool } from "./pacing.ts";
import { PhoneReferences, runCanary } from "./phoneCanary.ts";
import { type PhoneCell, measurePhoneCell } from "./phoneCell.ts";
import { explainRejection } from "./phoneFailure.ts";
import type { ModelSource } from "./phoneModels.ts";
import { endBenchmarkIfReachable, nameOwner } from "./phoneOrphans.ts";
import type { Deadlines } from "./phonePass.ts";
import { restorePhone } from "./phoneRestore.ts";
import { connectSession, requireFitness } from "./phoneReadiness.ts";
import { type PhoneSession, describeWarmth, readTelemetry } from "./phoneSession.ts";
import { type PhoneTarget, resolvePhoneTarget } from "./phoneTarget.ts";
import { type CellPlan, planCell } from "./plan.ts";
import { rejudgeCells } from "./rejudging.ts";

/** The benchmark program that a bench puts on its phone. */
export interface PhoneBinary {
  /** On this computer. */
  path: string;
  /** SHA-256, hexadecimal. */
  hash: string;
  name: string;
  abi: string | null;
}

/** What a bench for a phone is made with. */
export interface PhoneBenchOptions {
  store: Store;
  run: number;
  /** The phone as it was probed. */
  device: Device;
  phones: Pick<Phones, "waitFor">;
  binary: PhoneBinary;
  settings: Pick<LabSettings, "phoneCacheBytes" | "startTemperatureC">;
  scenarios: readonly string[];
  thoroughness: Thoroughness;
  /** Shuffles nothing itself; seeds what must differ from run to run but be repeatable. */
  seed: number;
  signal: AbortSignal;
  /** When a benchmark counts as hanging; the usual limits when absent. */
  deadlines?: Deadlines | undefined;
  /** How waits pass while a phone cools; this computer's clock when absent. */
  clock?: PacingClock | undefined;
}

interface ModelFacts extends ModelSource {
  opTypes: string[];
}

const firstCanarySecs = 1;
const blockCanarySecs = 0.3;

/** Fills cells on a phone over adb. */
export class PhoneBench implements Bench {
  readonly device: Device;
  private readonly options: PhoneBenchOptions;
  private readonly plan: CellPlan;
  private readonly targets: Map<string, PhoneTarget>;
  private readonly owner: string;
  private readonly canary: Canary;
  private readonly models = new Map<string, Promise<ModelFacts>>();
  private session: PhoneSession | null = null;
  private references: PhoneReferences | null = null;
  private blocks: CanaryBlocks | null = null;
  private prefetch: Promise<unknown> = Promise.resolve();

  constructor(options: PhoneBenchOptions) {
    this.options = options;
    this.device = options.device;
    this.plan = planCell(options.thoroughness);
    this.targets = new Map(options.scenarios.map((id) => [id, resolvePhoneTarget(id, options.device)]));
    this.owner = nameOwner(options.store.folder, options.device.id);
    this.canary = placeCanary(options.store.folder);
  }

  async prepare(report: Report): Promise<void> {
    for (;;) {
      await this.connect(report);
      try {
        await requireFitness(this.requireSession(), this.listCoreSets(), this.options, report);
        break;
      } catch (error) {
        // Whoever plugs a phone in may pull the cable once more.
        if (!(error instanceof LabError && error.code === "phone-lost")) throw error;
        await this.leave();
      }
    }
    await this.readCanaries(report);
  }

  async measure(cell: StoredCell, next: StoredCell | null, report: Report): Promise<Filled> {
    const { signal } = this.options;
    try {
      const target = this.targets.get(cell.scenario)!;
      const session = this.requireSession();
      const model = await this.identify(cell);
      const cooledMs = await this.cool(session, target, report);
      let found = await this.measureOnce(session, target, model, next, cooledMs);
      // Somebody cleaned the phone under us.
      if (found.modelMissing && !(await session.models.holds(model, signal)))
        found = await this.measureOnce(session, target, model, next, cooledMs);
      session.telemetry = found.after;
      this.references?.observe(target.scenario.cores, found.canaryUs);
      if (found.result.state === "done") this.blocks?.add(cell.id, target.scenario.cores);
      return { result: found.result, again: found.again };
    } catch (error) {
      if (signal.aborted) {
        if (this.session) await endBenchmarkIfReachable(this.session.connection, this.owner);
        throw cancelled();
      }
      const failure = explainRejection(error);
      if (!failure) throw error;
      if (this.session) this.session.telemetry = null;
      return { result: failedCell(failure.error), again: failure.again };
    }
  }

  async recover(report: Report): Promise<void> {
    const boot = this.session?.boot ?? "";
    await this.leave();
    this.blocks?.abandon();
    await this.connect(report);
    const now = this.session?.boot ?? "";
    report(
      boot !== "" && now !== "" && boot !== now
        ? "the phone is back; it had been restarted"
        : "the phone is back; only its connection had been lost",
    );
    await this.readCanaries(report);
  }

  async listSuspects(last: boolean, report: Report): Promise<Suspect[]> {
    const due = this.blocks?.listDue(last) ?? [];
    if (!this.blocks || due.length === 0) return [];
    report("reading the canary");
    const readings = await this.readEach(due, blockCanarySecs);
    // A core set whose canary could not be read stays unjudged; the next cell will tell why.
    return this.blocks.close(readings);
  }

  rejudge(attempted: ReadonlySet<number>): number[] {
    const { store, run } = this.options;
    if (!this.session?.tool.capabilities.samples) return [];
    return rejudgeCells(store, run, attempted, this.plan.endToEnd, (scenario) => {
      const target = this.targets.get(scenario)!;
      return {
        referenceUs: (this.references?.get(target.scenario.cores) ?? 0) * 1000,
        threads: target.threads,
      };
    });
  }

  async close(): Promise<void> {
    const { store, device } = this.options;
    const connection = this.session?.connection;
    try {
      if (connection && !connection.lost.aborted) await restorePhone(store, connection, device);
    } catch {
      // What is to be put back stays noted, and the lab does it when the phone is there again.
    }
    await this.leave();
  }

  private async leave(): Promise<void> {
    const { session } = this;
    this.session = null;
    await session?.connection.close().catch(() => undefined);
    await this.prefetch;
  }

  private requireSession(): PhoneSession {
    if (!this.session || this.session.connection.lost.aborted)
      throw phoneLost(this.device.id, "the next cell was about to start");
    return this.session;
  }

  private async connect(report: Report): Promise<void> {
    this.session = await connectSession(this.options, report);
    this.follow(this.session);
  }

  private follow(session: PhoneSession): void {
    const { store, device } = this.options;
    const { scenario } = [...this.targets.values()][0]!;
    this.references = new PhoneReferences(store, device.id, this.canary, scenario, session);
    // Tools that run the canary beside each network need no blocks: they judge each sample.
    const references = this.references;
    if (session.tool.capabilities.samples) this.blocks = null;
    else
      this.blocks = new CanaryBlocks(
        { get: (set) => references.get(set), set: (set, ms) => references.set(set, ms) },
        (set) => this.findTarget(set).threads,
      );
  }

  private findTarget(coreSet: string): PhoneTarget {
    return [...this.targets.values()].find(({ scenario }) => scenario.cores === coreSet)!;
  }

  private listCoreSets(): CoreSet[] {
    const sets = [...this.targets.values()].map(({ scenario, mask, cpus }) => ({
      name: scenario.cores,
      mask,
      cpus,
    }));
    return [...new Map(sets.map((set) => [set.name, set])).values()];
  }

  // The fast state must be known before the first cell, or a slow start would be taken for it.
  private async readCanaries(report: Report): Promise<void> {
    for (const { name } of this.listCoreSets()) {
      report(`finding the fast state of ${name}`);
      const seconds = this.references?.get(name) ? blockCanarySecs : firstCanarySecs;
      const ms = (await this.readEach([name], seconds)).get(name);
      if (ms !== undefined) this.blocks?.begin(name, ms);
    }
  }

  /** Reads the canary of each core set, ms; what cannot be read is left out, for its cells will tell what is wrong. */
  private async readEach(coreSets: readonly string[], seconds: number): Promise<Map<string, number>> {
    const { signal, deadlines } = this.options;
    const readings = new Map<string, number>();
    for (const coreSet of coreSets) {
      try {
        const found = await runCanary(this.requireSession(), this.canary, this.findTarget(coreSet), {
          owner: this.owner,
          seconds,
          signal,
          deadlines,
        });
        if ("error" in found) continue;
        readings.set(coreSet, found.ms);
        this.references?.observe(coreSet, found.us);
      } catch (error) {
        if (signal.aborted) throw cancelled();
        if (!explainRejection(error)) throw error;
      }
    }
    return readings;
  }

  private async cool(session: PhoneSession, target: PhoneTarget, report: Report): Promise<number> {
    const { settings, signal, clock } = this.options;
    const read = async () => {
      session.telemetry = await readTelemetry(session.connection, target.cpus, signal);
      return describeWarmth(session.telemetry);
    };
    const latest = session.telemetry ? describeWarmth(session.telemetry) : await read();
    const { startTemperatureC } = settings;
    const { cooledMs } = await waitUntilCool({
      latest,
      read,
      startTemperatureC,
      report,
      signal,
      ...(clock && { clock }),
    });
    return cooledMs;
  }

  private async measureOnce(
    session: PhoneSession,
    target: PhoneTarget,
    model: ModelFacts,
    next: StoredCell | null,
    cooledMs: number,
  ): Promise<PhoneCell> {
    const { signal, deadlines } = this.options;
    const { connection, tool, fixedPerformance, models } = session;
    const graph = await models.ensure(model, await this.listKept(next), signal);
    const canary = tool.capabilities.samples
      ? {
          graph: await models.ensure(this.canary, [model.hash], signal),
          referenceUs: (this.references?.get(target.scenario.cores) ?? 0) * 1000,
        }
      : null;
    return measurePhoneCell({
      connection,
      tool,
      target,
      plan: this.plan,
      graph,
      modelHash: model.hash,
      opTypes: model.opTypes,
      canary,
      owner: this.owner,
      fixedPerformance,
      cooledMs,
      deadlines,
      signal,
      onLastPass: () => this.fetchAhead(session, model, next),
    });
  }

  /**
   * Brings the next model while the last process of a cell runs: its start, when it loads and warms up, covers most of the
   * transfer, and where there are two processes the end-to-end time is already taken.
   */
  private fetchAhead(session: PhoneSession, model: ModelFacts, next: StoredCell | null): void {
    if (!next) return;
    const { signal } = this.options;
    this.prefetch = this.identify(next)
      .then((facts) => session.models.ensure(facts, [model.hash, this.canary.hash], signal))
      // The next cell meets the same trouble and tells it.
      .catch(() => undefined);
  }

  private async listKept(next: StoredCell | null): Promise<string[]> {
    const kept = [this.canary.hash];
    if (next) {
      const facts = await this.identify(next).catch(() => null);
      if (facts) kept.push(facts.hash);
    }
    return kept;
  }

  private identify(cell: StoredCell): Promise<ModelFacts> {
    const path = modelFilePath(this.options.store, cell.hash, parseScenario(cell.scenario).precision);
    let facts = this.models.get(path);
    if (!facts) {
      if (!existsSync(path)) return Promise.reject(modelUnknown(cell.model));
      facts = identifyModel(path, cell.model).then(({ modelHash, opTypes }) => ({
        path,
        hash: modelHash,
        opTypes,
      }));
      this.models.set(path, facts);
    }
    return facts;
  }
}
