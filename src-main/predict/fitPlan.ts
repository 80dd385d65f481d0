import type { LearnerName } from "../lab/contract.ts";
import { deriveSeed } from "../model/random.ts";
import { alignOpTimes } from "./alignment.ts";
import { selectNetworks } from "./assembly.ts";
import type { ClassFit } from "./classTask.ts";
import type { Dataset } from "./dataset.ts";
import type { FitJob } from "./fitJob.ts";
import { dealFolds } from "./folds.ts";
import { suffices } from "./standIn.ts";

/** Networks a predictor is fitted on and networks it is then tried on; no network is in both. */
export interface TrainingSet {
  train: number[];
  test: number[];
}

type ClassJob = Extract<FitJob, { kind: "class" }>;

/** The jobs of one training set and where their results belong. */
export interface PlannedSet {
  set: TrainingSet;
  /** The training networks alone: nothing of the others reaches a learner. */
  dataset: Dataset;
  jobs: ClassJob[];
}

/** Folds for choosing hyper-parameters. */
const innerFolds = 5;

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

/** The class fits one training set needs. */
export function planSet(
  dataset: Dataset,
  set: TrainingSet,
  learners: LearnerName[],
  seed: number,
): PlannedSet {
  const training = alignOpTimes(selectNetworks(dataset, set.train));
  const fold = dealFolds(set.train.length, innerFolds, deriveSeed(seed, "inner folds"));
  const jobs = training.tables.filter(suffices).map((table): ClassJob => ({
    kind: "class",
    task: {
      kernel: table.kernel,
      columns: table.columns,
      x: table.x,
      ms: table.ms,
      fold: table.network.map((network) => fold[network]!),
      folds: innerFolds,
      learners,
      seed: deriveSeed(seed, "class", table.kernel),
    },
  }));
  return { set, dataset: training, jobs };
}

/** Results of a planned set by class, given those of all sets in order and where this set's begin. */
export function collectFits(
  planned: PlannedSet,
  results: readonly ClassFit[],
  start: number,
): Map<string, ClassFit> {
  return new Map(planned.jobs.map((job, place) => [job.task.kernel, results[start + place]!]));
}
