import { createRandom } from "../model/random.ts";

/**
 * The order in which a run measures: `repetitions` rounds over `items`, the first one shuffled, each later one the halves of
 * the round before it shuffled within themselves. So two repetitions of an item lie at least half a round apart, and no item
 * always follows the same other one. Gives indices into `items` with their repetition.
 */
export function orderCells(
  items: number,
  repetitions: number,
  seed: number,
): { item: number; repetition: number }[] {
  const random = createRandom(seed);
  const half = Math.ceil(items / 2);
  let round = random.shuffle(Array.from({ length: items }, (_, item) => item));
  const order: { item: number; repetition: number }[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    if (repetition > 0)
      round = [...random.shuffle(round.slice(0, half)), ...random.shuffle(round.slice(half))];
    for (const item of round) order.push({ item, repetition });
  }
  return order;
}
