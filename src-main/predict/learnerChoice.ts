import type { LearnerChoice, LearnerName } from "../lab/contract.ts";
import { meanOf } from "../model/mean.ts";
import type { ClassCandidate, ClassFit } from "./classTask.ts";
import type { ClassTable, NetworkRow } from "./dataset.ts";

/** Learners whose mean (of logarithms) predicts a class. */
export type Blend = readonly LearnerName[];

/**
 * What `auto` chooses from, simple before rich; the mean of two learners errs less than either where their errors differ. Not
 * the perceptron: it costs more than all others together and was the best of them for no device yet.
 */
const allBlends: readonly Blend[] = [
  ["lasso"],
  ["forest"],
  ["boosting"],
  ["linear-boosting"],
  ["lasso", "boosting"],
  ["boosting", "linear-boosting"],
];

/** A class that learners were fitted for. */
export interface FittedClass {
  table: ClassTable;
  fit: ClassFit;
}

/** Learners that must be fitted for a choice. */
export function learnersOf(choice: LearnerChoice): LearnerName[] {
  return choice === "auto" ? [...new Set(allBlends.flat())] : [choice];
}

/**
 * Which learners predict each class. `auto` decides by the held-out errors of the training networks alone: for each class
 * the simplest blend within one standard error of the best; then that mixture competes end to end with each blend used
 * for every class, and the least mean error over the networks' sums of kernel times wins.
 */
export function chooseBlends(
  choice: LearnerChoice,
  classes: readonly FittedClass[],
  networks: readonly NetworkRow[],
): Map<string, Blend> {
  const same = (blend: Blend) => new Map(classes.map(({ table }) => [table.kernel, blend]));
  if (choice !== "auto") return same([choice]);
  const fitted = new Set(classes.flatMap(({ fit }) => fit.candidates.map(({ learner }) => learner)));
  const blends = allBlends.filter((blend) => blend.every((learner) => fitted.has(learner)));
  const mixture = new Map(classes.map((each) => [each.table.kernel, chooseForClass(each, blends)]));
  let best = mixture;
  let lowest = endToEndError(mixture, classes, networks);
  for (const blend of blends) {
    const error = endToEndError(same(blend), classes, networks);
    if (!(error < lowest)) continue;
    lowest = error;
    best = same(blend);
  }
  return best;
}

/** Logarithms of the held-out milliseconds of a class under a blend, row by row. */
export function blendHeldOut(candidates: readonly ClassCandidate[], blend: Blend): Float64Array {
  const chosen = candidates.filter((candidate) => blend.includes(candidate.learner));
  const mean = new Float64Array(chosen[0]!.heldOut.length);
  for (const { heldOut } of chosen)
    for (let row = 0; row < mean.length; row++) mean[row]! += heldOut[row]! / chosen.length;
  return mean;
}

function chooseForClass({ table, fit }: FittedClass, blends: readonly Blend[]): Blend {
  const losses = blends.map((blend) => lossByNetwork(table, blendHeldOut(fit.candidates, blend)));
  const means = losses.map(meanOf);
  const best = means.indexOf(Math.min(...means));
  for (let place = 0; place < best; place++) {
    // The standard error of the difference: both blends were tried on the same networks.
    const differences = losses[place]!.map((loss, network) => loss - losses[best]![network]!);
    const mean = meanOf(differences);
    const variance =
      differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(differences.length - 1, 1);
    if (mean <= Math.sqrt(variance / differences.length)) return blends[place]!;
  }
  return blends[best]!;
}

// Mean squared error of the logarithms within each network: rows of one network are not independent.
function lossByNetwork(table: ClassTable, heldOut: Float64Array): number[] {
  const sums = new Map<number, { loss: number; rows: number }>();
  heldOut.forEach((predicted, row) => {
    const network = table.network[row]!;
    const sum = sums.get(network) ?? { loss: 0, rows: 0 };
    sum.loss += (predicted - Math.log(table.ms[row]!)) ** 2;
    sum.rows++;
    sums.set(network, sum);
  });
  return [...sums.values()].map(({ loss, rows }) => loss / rows);
}

function endToEndError(
  choice: ReadonlyMap<string, Blend>,
  classes: readonly FittedClass[],
  networks: readonly NetworkRow[],
): number {
  const predicted = new Float64Array(networks.length);
  const measured = new Float64Array(networks.length);
  for (const { table, fit } of classes)
    blendHeldOut(fit.candidates, choice.get(table.kernel)!).forEach((value, row) => {
      predicted[table.network[row]!]! += Math.exp(value);
      measured[table.network[row]!]! += table.ms[row]!;
    });
  let sum = 0;
  let count = 0;
  measured.forEach((ms, place) => {
    if (!(ms > 0)) return;
    sum += Math.abs(predicted[place]! / ms - 1);
    count++;
  });
  return count > 0 ? sum / count : 0;
}
