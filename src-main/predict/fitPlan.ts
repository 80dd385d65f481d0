import type { LearnerName } from "../lab/contract.ts";
import { deriveSeed } from "../model/random.ts";
import { selectNetworks } from "./assembly.ts";
import type { ClassFit } from "./classTask.ts";
import type { Dataset } from "./dataset.ts";
import type { FitJob } from "./fitJob.ts";
import type { FitPool } from "./fitPool.ts";
import { dealFolds } from "./folds.ts";
import { planScreening } from "./screening.ts";
import { suffices } from "./standIn.ts";

/** Networks a predictor is fitted on and networks it is then tried on; no network is in both. */
export interface TrainingSet {
  train: number[];
  test: number[];
}

/** A training set after its fits. */
export interface FittedSet {
  set: TrainingSet;
  /** The networks learnt from: the training networks without disturbed ones. */
  dataset: Dataset;
  fits: Map<string, ClassFit>;
  /** Training networks that were left out, with the reason. */
  leftOut: LeftOut[];
}

/** A network that was measured but not learnt from. */
export interface LeftOut {
  model: string;
  reason: string;
}

type ClassJob = Extract<FitJob, { kind: "class" }>;

/** Folds for choosing hyper-parameters: where networks are plenty, two thirds of them tell as well as four fifths what is best. */
function countInnerFolds(networks: number): number {
  return networks < 40 ? 5 : 3;
}

/** Splits networks into folds, each the test set of the others; the last set trains on all and tests on none. */
export function planCrossValidation(networks: number, seed: number): TrainingSet[] {
  const folds = Math.min(networks, networks <= 20 ? 10 : 8);
  const fold = dealFolds(networks, folds, deriveSeed(seed, "outer folds"));
  const places = Array.from({ length: networks }, (_, place) => place);
  const sets = Array.from({ length: folds }, (_, held) => ({
    train: places.filter((place) => fold[place] !== held),
    test: places.filter((place) => fold[place] === held),
  }));
  return [...sets, { train: places, test: [] }];
}

/**
 * Fits every training set: first each set's disturbed networks are found, then every kernel class is fitted. Nothing a set
 * does depends on its test networks or on another set.
 */
export async function fitSets(
  pool: FitPool,
  dataset: Dataset,
  sets: readonly TrainingSet[],
  learners: LearnerName[],
  seed: number,
  onDone: (done: number, total: number) => void,
): Promise<FittedSet[]> {
  const whole = sets.map((set) => selectNetworks(dataset, set.train));
  // On a GPU most of a small network's time is overhead, so how its two passes agree says nothing.
  const disturbed = dataset.gpu
    ? whole.map(() => [])
    : await pool.run<"screening">(
        whole.map((training) => ({
          kind: "screening",
          task: planScreening(training, deriveSeed(seed, "screening")),
        })),
      );
  const chosen = sets.map((set, place) => {
    const left = new Set(disturbed[place]!.map(({ network }) => network));
    return selectNetworks(
      dataset,
      set.train.filter((_, network) => !left.has(network)),
    );
  });
  const jobs = chosen.map((training) => planClasses(training, learners, seed));
  const results = await pool.run<"class">(jobs.flat(), onDone);
  let next = 0;
  return sets.map((set, place) => ({
    set,
    dataset: chosen[place]!,
    fits: new Map(jobs[place]!.map(({ task }) => [task.kernel, results[next++]!])),
    leftOut: disturbed[place]!.map(({ network, reason }) => ({
      model: whole[place]!.networks[network]!.model,
      reason,
    })),
  }));
}

function planClasses(training: Dataset, learners: LearnerName[], seed: number): ClassJob[] {
  const folds = countInnerFolds(training.networks.length);
  const fold = dealFolds(training.networks.length, folds, deriveSeed(seed, "inner folds"));
  return training.tables.filter(suffices).map((table) => ({
    kind: "class",
    task: {
      kernel: table.kernel,
      columns: table.columns,
      x: table.x,
      ms: table.ms,
      network: table.network,
      fold: table.network.map((network) => fold[network]!),
      folds,
      learners,
      seed: deriveSeed(seed, "class", table.kernel),
    },
  }));
}
