import type { LearnerChoice, Runtime } from "../lab/contract.ts";
import { evaluateClass, measureCorrections, measureRanges, type ClassModel } from "./classModel.ts";
import type { ClassFit } from "./classTask.ts";
import { selectRows, type Dataset, type NetworkRow } from "./dataset.ts";
import type { GpuModel, PredictorCore } from "./fittedPredictor.ts";
import { listUntimedClasses } from "./gpuDataset.ts";
import { evaluateGpuOverhead, fitGpuOverhead } from "./gpuOverhead.ts";
import type { GpuTarget } from "./gpuPlan.ts";
import { listColumns } from "./featureColumns.ts";
import { conformalQuantile } from "./interval.ts";
import { blendHeldOut, chooseBlends, type Blend, type FittedClass } from "./learnerChoice.ts";
import { evaluateOverhead, fitOverhead, noOverhead } from "./overhead.ts";
import { countNetworks, fitSimpleClass, fitStandIns } from "./standIn.ts";

/** The networks of a data set that a fit may see; places in `networks` start at 0 again. */
export function selectNetworks(dataset: Dataset, places: readonly number[]): Dataset {
  const renumbered = new Map(places.map((place, index) => [place, index]));
  return {
    ...dataset,
    networks: places.map((place) => dataset.networks[place]!),
    tables: dataset.tables.flatMap((table) => {
      const chosen = selectRows(table, (network) => renumbered.has(network));
      if (chosen.ms.length === 0) return [];
      return [{ ...chosen, network: chosen.network.map((network) => renumbered.get(network)!) }];
    }),
  };
}

/**
 * Puts a predictor together from fitted classes: the learners of the choice, simpler models for classes without a fit,
 * stand-ins for classes never seen, overhead. Intervals come from held-out errors of the choice of hyper-parameters.
 */
export function assembleCore(
  dataset: Dataset,
  fits: ReadonlyMap<string, ClassFit>,
  choice: LearnerChoice,
  runtime: Runtime,
): PredictorCore {
  const standIns = fitStandIns(dataset.tables);
  const fitted: FittedClass[] = dataset.tables.flatMap((table) => {
    const fit = fits.get(table.kernel);
    return fit ? [{ table, fit }] : [];
  });
  const blends = chooseBlends(choice, fitted, dataset.networks);
  const classes = dataset.tables.map((table) => {
    const fit = fits.get(table.kernel);
    return fit ? buildClass({ table, fit }, blends.get(table.kernel)!) : fitSimpleClass(table, standIns);
  });
  const core: PredictorCore = {
    runtime,
    classes,
    standIns,
    overhead: dataset.gpu ? noOverhead : fitOverhead(dataset.networks),
    gpu: dataset.gpu ? fitGpuModel(dataset, dataset.gpu) : null,
    spread: 0,
  };
  return { ...core, spread: measureSpread(dataset, fits, blends, core) };
}

function fitGpuModel(dataset: Dataset, target: GpuTarget): GpuModel {
  const samples = dataset.networks.flatMap(({ gpuWork, latencyMs, kernelMs, uncoveredMs }) =>
    gpuWork ? [{ work: gpuWork, latencyMs, beyondMs: latencyMs - kernelMs - uncoveredMs }] : [],
  );
  return { ...target, untimed: listUntimedClasses(dataset), overhead: fitGpuOverhead(samples) };
}

/** Overhead of a network of a data set whose kernels take these times, measured or predicted. */
export function overheadOf(core: PredictorCore, network: NetworkRow, times: readonly number[]): number {
  const { gpu, overhead } = core;
  if (gpu && network.gpuWork) return evaluateGpuOverhead(gpu.overhead, { ...network.gpuWork, times });
  return evaluateOverhead(
    overhead,
    network.kernels,
    times.reduce((sum, ms) => sum + ms, 0),
  );
}

// Errors of whole networks when each kernel is predicted by a model that did not see its network.
function measureSpread(
  dataset: Dataset,
  fits: ReadonlyMap<string, ClassFit>,
  blends: ReadonlyMap<string, Blend>,
  core: PredictorCore,
): number {
  const predicted = dataset.networks.map((): number[] => []);
  dataset.tables.forEach((table, place) => {
    const fit = fits.get(table.kernel);
    const heldOut = fit ? blendHeldOut(fit.candidates, blends.get(table.kernel)!) : null;
    table.network.forEach((network, row) => {
      predicted[network]!.push(
        heldOut ? Math.exp(heldOut[row]!) : evaluateClass(core.classes[place]!, table.x, row * table.columns),
      );
    });
  });
  const errors = dataset.networks.flatMap((network, place) => {
    const times = predicted[place]!;
    const kernelMs = times.reduce((sum, ms) => sum + ms, 0);
    if (!(kernelMs > 0)) return [];
    const whole = kernelMs + overheadOf(core, network, times) + network.uncoveredMs;
    return [Math.log(whole / network.latencyMs)];
  });
  return errors.length > 0 ? conformalQuantile(errors) : 0;
}

function buildClass({ table, fit }: FittedClass, blend: Blend): ClassModel {
  const heldOut = blendHeldOut(fit.candidates, blend);
  const errors = Array.from(heldOut, (value, row) => value - Math.log(table.ms[row]!));
  return {
    kernel: table.kernel,
    learner: blend.join(" + "),
    features: listColumns(table.kernel).map((feature) => feature.name),
    roofline: fit.roofline,
    corrections: fit.candidates
      .filter((candidate) => blend.includes(candidate.learner))
      .map((candidate) => candidate.correction),
    ...measureCorrections(table, fit.roofline),
    ...measureRanges(table),
    rows: table.ms.length,
    networks: countNetworks(table),
    spread: conformalQuantile(errors),
    fallback: null,
  };
}
