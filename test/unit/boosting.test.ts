import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import { fitBoosting, predictRows, type BoostingOptions } from "../../src-main/predict/boosting.ts";
import { meanSquaredError } from "../../src-main/predict/learningTable.ts";
import { fitBoostingCorrection } from "../../src-main/predict/boostingCorrection.ts";

const options: BoostingOptions = {
  trees: 120,
  learningRate: 0.1,
  maxLeaves: 8,
  minLeaf: 5,
  l2: 1,
  rowShare: 1,
  columnShare: 1,
  bins: 64,
  patience: 0,
  seed: 1,
};

function makeTable(rows: number, noise: number, seed: number) {
  const random = createRandom(seed);
  const x = Float64Array.from({ length: rows * 4 }, () => random.next());
  const y = Float64Array.from({ length: rows }, (_, row) => {
    const [a, b, c] = [x[row * 4]!, x[row * 4 + 1]!, x[row * 4 + 2]!];
    return Math.sin(6 * a) + (b > 0.5 ? c : -c) + noise * random.normal();
  });
  return { columns: 4, x, y };
}

describe("gradient boosting", () => {
  it("learns a function with an interaction that a line cannot", () => {
    const { ensemble } = fitBoosting(makeTable(2000, 0.05, 1), options);
    const test = makeTable(500, 0, 2);
    expect(meanSquaredError(predictRows(ensemble, test), test.y)).toBeLessThan(0.02);
  });

  it("starts from the mean, and one whole step of full rate reaches the leaves' means", () => {
    const table = {
      columns: 1,
      x: Float64Array.of(1, 1, 2, 2),
      y: Float64Array.of(1, 3, 10, 14),
    };
    const { ensemble } = fitBoosting(table, { ...options, trees: 1, learningRate: 1, l2: 0, minLeaf: 1 });
    expect(ensemble.base).toBe(7);
    expect([...predictRows(ensemble, table)]).toEqual([2, 2, 12, 12]);
  });

  it("stops when the held-out error has not improved for as long as its patience, and tells the curve", () => {
    const train = makeTable(200, 1, 4);
    const held = makeTable(200, 1, 5);
    const { curve, ensemble } = fitBoosting(train, { ...options, trees: 1000, patience: 10 }, held);
    expect(curve.length).toBeLessThan(1000);
    expect(ensemble.roots.length).toBe(curve.length - 1);
    const best = curve.indexOf(Math.min(...curve));
    expect(curve.length - 1 - best).toBe(10);
    // The curve is the error of the first so many trees.
    for (const trees of [0, 1, best])
      expect(meanSquaredError(predictRows(ensemble, held, trees), held.y)).toBeCloseTo(curve[trees]!, 10);
  });

  it("keeps its fitted values in step with its trees when a tree sees a part of the rows", () => {
    const table = makeTable(300, 0.1, 6);
    const sampled = { ...options, rowShare: 0.5, columnShare: 0.5 };
    const { ensemble } = fitBoosting(table, sampled);
    expect(meanSquaredError(predictRows(ensemble, table), table.y)).toBeLessThan(0.05);
  });

  it("depends on the seed alone", () => {
    const table = makeTable(300, 0.1, 7);
    const sampled = { ...options, rowShare: 0.7, columnShare: 0.6 };
    const [first, again] = [fitBoosting(table, sampled), fitBoosting(table, sampled)];
    expect(first.ensemble).toEqual(again.ensemble);
    expect(fitBoosting(table, { ...sampled, seed: 2 }).ensemble).not.toEqual(first.ensemble);
  });

  it("chooses its trees by folds, and predicts a held-out fold without having seen it", () => {
    const random = createRandom(8);
    const rows = 200;
    // Each network has a level of its own that no feature tells: whoever saw the network would know it.
    const network = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / 10));
    const levels = Array.from({ length: 20 }, () => random.normal());
    const table = {
      columns: 2,
      x: Float64Array.from({ length: rows * 2 }, (_, place) =>
        place % 2 === 0 ? network[place >> 1]! : random.next(),
      ),
      y: Float64Array.from(network, (place) => levels[place]!),
      network,
      fold: network.map((place) => place % 5),
      folds: 5,
    };
    const { heldOut, model } = fitBoostingCorrection(table, 1);
    const variance = table.y.reduce((sum, value) => sum + value * value, 0) / rows;
    expect(meanSquaredError(heldOut, table.y)).toBeGreaterThan(0.5 * variance);
    expect(model.trees.roots.length).toBeLessThan(300);
  });
});
