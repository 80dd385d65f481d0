import type { LearnerChoice, Runtime } from "../lab/contract.ts";
import { evaluateClass, measureCorrections, measureRanges, type ClassModel } from "./classModel.ts";
import type { ClassFit } from "./classTask.ts";
import { selectRows, type Dataset } from "./dataset.ts";
import type { PredictorCore } from "./fittedPredictor.ts";
import { listFeatures } from "./features.ts";
import { conformalQuantile } from "./interval.ts";
import { blendHeldOut, chooseBlends, type Blend, type FittedClass } from "./learnerChoice.ts";
import { evaluateOverhead, fitOverhead, type Overhead } from "./overhead.ts";
import { countNetworks, fitSimpleClass, fitStandIns } from "./standIn.ts";

/** The networks of a data set that a fit may see; places in `networks` start at 0 again. */
export function selectNetworks(dataset: Dataset, places: readonly number[]): Dataset {
  const renumbered = new Map(places.map((place, index) => [place, index]));
  return {
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
  const overhead = fitOverhead(dataset.networks);
  const spread = measureSpread(dataset, fits, blends, classes, overhead);
  return { runtime, classes, standIns, overhead, spread };
}

// Errors of whole networks when each kernel is predicted by a model that did not see its network.
function measureSpread(
  dataset: Dataset,
  fits: ReadonlyMap<string, ClassFit>,
  blends: ReadonlyMap<string, Blend>,
  classes: readonly ClassModel[],
  overhead: Overhead,
): number {
  const predicted = new Float64Array(dataset.networks.length);
  dataset.tables.forEach((table, place) => {
    const fit = fits.get(table.kernel);
    const heldOut = fit ? blendHeldOut(fit.candidates, blends.get(table.kernel)!) : null;
    table.network.forEach((network, row) => {
      predicted[network]! += heldOut
        ? Math.exp(heldOut[row]!)
        : evaluateClass(classes[place]!, table.x, row * table.columns);
    });
  });
  const errors = dataset.networks.flatMap((network, place) => {
    const kernelMs = predicted[place]!;
    if (!(kernelMs > 0)) return [];
    const whole = kernelMs + evaluateOverhead(overhead, network.kernels, kernelMs) + network.uncoveredMs;
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
    features: listFeatures(table.kernel).map((feature) => feature.name),
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
