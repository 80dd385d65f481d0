import { badRequest } from "../lab/errors.ts";
import type { Protocol } from "../lab/contract.ts";
import { createRandom, deriveSeed } from "../model/random.ts";

/** Networks to train on and to test on, by place in a list; no network is in both. */
export interface Split {
  train: number[];
  test: number[];
  /** The training size it stands for in a table. */
  trainSize: number;
  /** Number of the split among those of its size; for `family` the family's. */
  split: number;
}

/** What to split and how. */
export interface SplitRequest {
  protocol: Protocol;
  /** Family of each network. */
  families: readonly string[];
  /** Empty for the usual one: four fifths at random, or all other families. */
  trainSizes: readonly number[];
  splits: number;
  seed: number;
}

/** Plans the splits of an evaluation; rejects with `bad-request` when the networks do not allow them. */
export function planSplits(request: SplitRequest): Split[] {
  for (const size of request.trainSizes)
    if (!Number.isInteger(size) || size < 1)
      throw badRequest(`${size} is no number of training networks`, "Give whole numbers, e.g. 10,20,30.");
  return request.protocol === "random" ? splitAtRandom(request) : splitByFamily(request);
}

// Smaller training sets are the beginnings of larger ones of the same split: a learning curve then shows what more networks
// bring, not what other networks bring.
function splitAtRandom({ families, trainSizes, splits, seed }: SplitRequest): Split[] {
  const networks = families.length;
  if (!Number.isInteger(splits) || splits < 1)
    throw badRequest(`${splits} is no number of splits`, "Give a whole number from 1 up.");
  const sizes = trainSizes.length > 0 ? distinct(trainSizes) : [Math.floor(networks * 0.8)];
  const largest = sizes.at(-1)!;
  if (largest >= networks)
    throw badRequest(
      `${largest} training networks leave none of ${networks} to test on`,
      `Give training sizes below ${networks}.`,
    );
  const places = families.map((_, place) => place);
  return Array.from({ length: splits }, (_, split) => {
    const order = createRandom(deriveSeed(seed, "split", split)).shuffle(places);
    return sizes.map((trainSize) => ({
      train: order.slice(0, trainSize).sort((a, b) => a - b),
      test: order.slice(trainSize).sort((a, b) => a - b),
      trainSize,
      split,
    }));
  }).flat();
}

// Leaves one family out at a time and trains on the others, or on so many of them.
function splitByFamily({ families, trainSizes, seed }: SplitRequest): Split[] {
  const names = [...new Set(families)].sort();
  if (names.length < 2)
    throw badRequest(
      "All measured networks are of one family, so none can be left out",
      "Measure networks of other families, or evaluate with --protocol random.",
    );
  const splits = names.map((name) => {
    const test: number[] = [];
    const train: number[] = [];
    families.forEach((family, place) => (family === name ? test : train).push(place));
    return { test, train };
  });
  // The number of networks outside a family differs; the table names the least.
  const fewest = Math.min(...splits.map(({ train }) => train.length));
  const sizes = trainSizes.length > 0 ? distinct(trainSizes) : [fewest];
  if (sizes.at(-1)! > fewest)
    throw badRequest(
      `${sizes.at(-1)} training networks are more than the ${fewest} outside the largest family`,
      `Give training sizes up to ${fewest}.`,
    );
  return splits.flatMap(({ test, train }, split) => {
    const order = createRandom(deriveSeed(seed, "family", names[split]!)).shuffle(train);
    return sizes.map((trainSize) => {
      const chosen = trainSizes.length > 0 ? order.slice(0, trainSize) : order;
      return { train: chosen.sort((a, b) => a - b), test, trainSize, split };
    });
  });
}

function distinct(sizes: readonly number[]): number[] {
  return [...new Set(sizes)].sort((a, b) => a - b);
}
