import { parseScenario } from "../device/scenario.ts";
import type { MeasuredNetwork } from "../predict/dataset.ts";
import type { GpuKernelTime } from "../predict/gpuDataset.ts";
import { readKernelTimes } from "../store/kernelTimes.ts";
import { trainingRows } from "../store/measurements.ts";
import { takeBreath, type LabContext } from "./context.ts";
import { badRequest, cancelled, graphMissing, scenarioUnknown } from "./errors.ts";

/** Which of a scenario's measured models to take; names, patterns or paths. */
export interface NetworkChoice {
  models?: string[] | undefined;
  exclude?: string[] | undefined;
}

/** Measured networks with their graphs, and by model every cell their times come from. */
export interface TrainingNetworks {
  networks: MeasuredNetwork[];
  cells: Map<string, number[]>;
  /** So many networks are known by their measurements only and were passed over. */
  withoutGraph: number;
}

/** The measured networks of a scenario. Rejects with bad-request, scenario-unknown or model-unknown. */
export async function collectNetworks(
  context: LabContext,
  scenario: string,
  choice: NetworkChoice,
  signal: AbortSignal,
): Promise<TrainingNetworks> {
  checkMeasured(context, scenario);
  const { precision, runtime } = parseScenario(scenario);
  const wanted = choice.models && listNames(context, choice.models);
  const unwanted = listNames(context, choice.exclude ?? []);
  const chosen = trainingRows(context.store, scenario).filter(
    ({ model }) => (!wanted || wanted.has(model)) && !unwanted.has(model),
  );
  const networks: MeasuredNetwork[] = [];
  if (chosen.length > 0 && chosen.every(({ kind }) => kind === "published"))
    throw graphMissing(
      chosen.length === 1 ? chosen[0]!.model : `any of the ${chosen.length} networks of ${scenario}`,
    );
  for (const { model, hash, family, kind, latencyMs, opTimes, cell } of chosen) {
    if (signal.aborted) throw cancelled();
    // One known by its published measurements only has no graph to learn from.
    if (kind === "published") continue;
    const graph = context.library.loadGraph({ name: model, hash }, precision);
    const kernels = runtime === "gpu-cl" ? { kernelTimes: readGpuKernelTimes(context, cell) } : {};
    networks.push({ model, family, graph, latencyMs, opTimes, ...kernels, cell });
    if (networks.length % 20 === 0) await takeBreath();
  }
  return {
    networks,
    cells: new Map(chosen.map(({ model, cells }) => [model, cells])),
    withoutGraph: chosen.filter(({ kind }) => kind === "published").length,
  };
}

// A published kernel tells its ops; one that a phone's benchmark told of goes by its label.
function readGpuKernelTimes({ store }: LabContext, cell: number): GpuKernelTime[] {
  return readKernelTimes(store, cell).map(({ type, name, ms, ops }) =>
    ops ? { name, ms, ops } : { name: type, ms },
  );
}

/** Rejects with bad-request for what is no scenario and with scenario-unknown for one that nothing was measured on. */
export function checkMeasured(context: LabContext, scenario: string): void {
  parseScenario(scenario);
  if (trainingRows(context.store, scenario).length === 0) throw scenarioUnknown(scenario);
}

function listNames(context: LabContext, args: readonly string[]): Set<string> {
  return new Set([...context.library.resolveAll(args)].map((model) => model.name));
}

/** Rejects with bad-request when models are both asked for and excluded. */
export function checkChoice({ models, exclude }: NetworkChoice): void {
  if (models && exclude && exclude.length > 0)
    throw badRequest(
      "Both models and exclude were given",
      "Give the models to train on, or those to leave out.",
    );
}
