import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { parseScenario } from "../device/scenario.ts";
import type { CoreSet, Device, Precision, Runtime, Thoroughness } from "../lab/contract.ts";
import {
  LabError,
  coreSetUnknown,
  modelUnknown,
  runtimeMissing,
  scenarioUnsupported,
} from "../lab/errors.ts";
import { mainSubgraph } from "../model/graph.ts";
import { readTflite } from "../model/tfliteReader.ts";
import type { Store } from "../store/database.ts";
import { modelFilePath } from "../store/models.ts";
import type { StoredCell } from "../store/runs.ts";
import { type Bench, type Filled, type Report, failedCell } from "./bench.ts";
import { CanaryReference } from "./canaryReference.ts";
import { type MeasuredCell, measureCell } from "./cellMeasurement.ts";
import { countGroupedConvolutions, explainGroups } from "./groupSupport.ts";
import { findHostLibrary } from "./hostProcess.ts";
import { type CellPlan, planCell } from "./plan.ts";
import { rejudgeCells } from "./rejudging.ts";

interface HostTarget {
  coreSet: CoreSet;
  precision: Precision;
  runtime: Runtime;
}

/** The core set and runtime of a scenario on this computer; rejects when it cannot be measured here. */
export function resolveHostTarget(id: string, coreSets: readonly CoreSet[]): HostTarget {
  const scenario = parseScenario(id);
  const coreSet = coreSets.find((candidate) => candidate.name === scenario.cores);
  if (!coreSet)
    throw coreSetUnknown(
      scenario.device,
      scenario.cores,
      coreSets.map((candidate) => candidate.name),
    );
  if (scenario.precision === "float16")
    throw scenarioUnsupported(id, "this computer measures float32 and int8 networks, not float16");
  if (scenario.runtime === "gpu-cl") throw scenarioUnsupported(id, "this computer has no GPU runtime");
  return { coreSet, precision: scenario.precision, runtime: scenario.runtime };
}

/** What a bench for this computer is made with. */
export interface HostBenchOptions {
  store: Store;
  run: number;
  /** This computer as a device. */
  device: Device;
  scenarios: readonly string[];
  thoroughness: Thoroughness;
  signal: AbortSignal;
}

/** Fills cells on this computer: only the fast state counts, as the canary shows it. */
export class HostBench implements Bench {
  readonly device: Device;
  private readonly options: HostBenchOptions;
  private readonly plan: CellPlan;
  private readonly targets: Map<string, HostTarget>;
  private readonly reference: CanaryReference;

  constructor(options: HostBenchOptions) {
    this.options = options;
    this.device = options.device;
    if (options.device.problem) throw runtimeMissing(options.device.problem);
    this.plan = planCell(options.thoroughness);
    this.targets = new Map(
      options.scenarios.map((id) => [id, resolveHostTarget(id, options.device.coreSets)]),
    );
    this.reference = new CanaryReference(options.store);
  }

  // The fast state must be known before the first cell, or a slow start would be taken for it.
  async prepare(report: Report): Promise<void> {
    const sets = new Map([...this.targets.values()].map((target) => [target.coreSet.name, target.coreSet]));
    for (const coreSet of sets.values()) {
      report(`finding the fast state of ${coreSet.name}`);
      await this.reference.check(coreSet, this.reference.find(coreSet) > 0 ? 0.5 : 2, this.options.signal);
    }
  }

  async measure(cell: StoredCell): Promise<Filled> {
    const target = this.targets.get(cell.scenario)!;
    const modelPath = modelFilePath(this.options.store, cell.hash, target.precision);
    let measured: MeasuredCell;
    try {
      if (!existsSync(modelPath)) throw modelUnknown(cell.model);
      const library = findHostLibrary();
      const { modelHash, opTypes, grouped } = await identifyModel(modelPath, cell.model);
      const refusal = explainGroups(grouped, library.version ?? "");
      if (refusal) return { result: failedCell(refusal), again: "no" };
      measured = await measureCell({
        modelPath,
        modelHash,
        opTypes,
        ...target,
        plan: this.plan,
        canaryPath: this.reference.canary.path,
        canaryReferenceUs: this.reference.find(target.coreSet),
        library,
        signal: this.options.signal,
      });
    } catch (error) {
      // Cancelling and a broken computer end the run; a broken model is the cell's own failure.
      if (!(error instanceof LabError) || error.code === "cancelled") throw error;
      return { result: failedCell(error.message), again: "no" };
    }
    const { canaryUs, ...result } = measured;
    this.reference.observe(target.coreSet, canaryUs);
    return { result, again: "no" };
  }

  async recover(): Promise<void> {
    // This computer does not go away while its lab runs.
  }

  async listSuspects(): Promise<[]> {
    return [];
  }

  rejudge(attempted: ReadonlySet<number>): number[] {
    const { store, run } = this.options;
    return rejudgeCells(store, run, attempted, this.plan.endToEnd, (scenario) => {
      const { coreSet } = this.targets.get(scenario)!;
      return { referenceUs: this.reference.find(coreSet), threads: coreSet.cpus.length };
    });
  }

  async close(): Promise<void> {
    // Nothing of this computer was changed.
  }
}

/** What a model file says of itself. */
export interface ModelIdentity {
  /** SHA-256 of the file. */
  modelHash: string;
  /** Operator types of the entry subgraph in order; empty when the reader refuses the file. */
  opTypes: string[];
  /** How many of its convolutions have groups. */
  grouped: number;
}

/**
 * Reads what a model file says of itself. A file that the reader refuses is still measured: the runtime's own verdict is what
 * counts. Only its op rows stay unjoined.
 */
export async function identifyModel(path: string, name: string): Promise<ModelIdentity> {
  const bytes = await readFile(path);
  const modelHash = createHash("sha256").update(bytes).digest("hex");
  try {
    const graph = readTflite(bytes, name);
    const opTypes = mainSubgraph(graph).ops.map((op) => op.type);
    return { modelHash, opTypes, grouped: countGroupedConvolutions(graph) };
  } catch {
    return { modelHash, opTypes: [], grouped: 0 };
  }
}
