import { createRandom } from "../model/random.ts";

/** Fewer networks than this cannot be split for validation in any useful way. */
export const fewestNetworks = 6;

/**
 * Deals networks to folds: a seeded shuffle, then one after the other, so that folds differ by at most one network. The same
 * for every kernel class, and a network's rows are never parted. Returns the fold of each place in the list.
 */
export function dealFolds(networks: number, folds: number, seed: number): Int32Array {
  const dealt = new Int32Array(networks);
  const places = createRandom(seed).shuffle(Array.from({ length: networks }, (_, place) => place));
  places.forEach((place, turn) => (dealt[place] = turn % folds));
  return dealt;
}
