import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import { predictRows } from "../../src-main/predict/boosting.ts";
import { meanSquaredError } from "../../src-main/predict/learningTable.ts";
import { fitForest, type ForestOptions } from "../../src-main/predict/forest.ts";
import { fitForestCorrection } from "../../src-main/predict/forestCorrection.ts";

const options: ForestOptions = { trees: 40, maxLeaves: 64, minLeaf: 2, columnShare: 0.67, bins: 63, seed: 1 };

/** A tree everybody knows: four plateaus, told by two of three columns. */
const plateau = (a: number, b: number) => (a > 0.5 ? (b > 0.3 ? 4 : 1) : b > 0.7 ? -2 : 0);

function makeTable(rows: number, seed: number) {
  const random = createRandom(seed);
  const x = Float64Array.from({ length: rows * 3 }, () => random.next());
  const y = Float64Array.from({ length: rows }, (_, row) => plateau(x[row * 3]!, x[row * 3 + 1]!));
  return { columns: 3, x, y };
}

const rowGroups = (rows: number, each: number) =>
  Int32Array.from({ length: rows }, (_, row) => Math.floor(row / each));

describe("a random forest", () => {
  it("recovers a known tree", () => {
    const { ensemble, outOfBag } = fitForest(makeTable(600, 1), rowGroups(600, 10), options);
    const test = makeTable(400, 2);
    const predicted = predictRows(ensemble, test);
    // The plateaus' variance is near 5.
    expect(meanSquaredError(predicted, test.y)).toBeLessThan(0.25);
    expect(meanSquaredError(outOfBag, makeTable(600, 1).y)).toBeLessThan(0.3);
    const middle = { columns: 3, x: Float64Array.of(0.8, 0.6, 0.5), y: Float64Array.of(0) };
    // One tree in some thousand has not drawn the columns that tell this point apart, so that forty may be off by a tenth.
    const large = fitForest(makeTable(600, 1), rowGroups(600, 10), { ...options, trees: 400 });
    expect(predictRows(large.ensemble, middle)[0]).toBeCloseTo(4, 1);
  });

  it("never predicts beyond the targets it saw", () => {
    const { ensemble } = fitForest(makeTable(300, 1), rowGroups(300, 10), options);
    const far = {
      columns: 3,
      x: Float64Array.of(1e9, -1e9, 0, -1e9, 1e9, 0),
      y: new Float64Array(2),
    };
    for (const value of predictRows(ensemble, far)) {
      expect(value).toBeGreaterThanOrEqual(-2);
      expect(value).toBeLessThanOrEqual(4);
    }
  });

  it("is the same for the same seed, and another for another", () => {
    const table = makeTable(200, 1);
    const grow = (seed: number) => fitForest(table, rowGroups(200, 10), { ...options, seed });
    expect(grow(5)).toEqual(grow(5));
    expect(grow(5).outOfBag).not.toEqual(grow(6).outOfBag);
  });

  it("tells of a held-out network without a tree that saw it", () => {
    const random = createRandom(8);
    // Each network has a level of its own that one column names: whoever saw the network would know it.
    const network = rowGroups(200, 10);
    const levels = Array.from({ length: 20 }, () => random.normal());
    const shuffled = random.shuffle(Array.from({ length: 20 }, (_, place) => place));
    const y = Float64Array.from(network, (place) => levels[place]!);
    const x = Float64Array.from({ length: 400 }, (_, place) =>
      place % 2 === 0 ? shuffled[network[place >> 1]!]! : random.next(),
    );
    const table = { columns: 2, x, y, network, fold: network.map((place) => place % 5), folds: 5 };
    const { heldOut, model } = fitForestCorrection(table, 1);
    const variance = y.reduce((sum, value) => sum + value * value, 0) / y.length;
    expect(meanSquaredError(heldOut, y)).toBeGreaterThan(0.5 * variance);
    // The whole forest did see them.
    const seen = predictRows(model.trees, { columns: 2, x, y });
    expect(meanSquaredError(seen, y)).toBeLessThan(0.4 * variance);
  });
});
