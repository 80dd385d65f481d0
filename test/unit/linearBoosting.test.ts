import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import { meanSquaredError } from "../../src-main/predict/learningTable.ts";
import { fitBoostingCorrection } from "../../src-main/predict/boostingCorrection.ts";
import { fitLassoCorrection } from "../../src-main/predict/lassoCorrection.ts";
import {
  evaluateLinearBoosting,
  fitLinearBoostingCorrection,
} from "../../src-main/predict/linearBoostingCorrection.ts";

const features = ["a", "b", "c"].map((name) => ({
  name,
  unit: "u",
  reason: "test",
  scale: "linear" as const,
}));

/** A line in one column and a step in another. */
const law = (a: number, b: number) => 0.8 * a + (b > 0.5 ? 0.6 : 0);

function makeTable() {
  const random = createRandom(2);
  const rows = 400;
  const x = Float64Array.from({ length: rows * 3 }, (_, place) =>
    place % 3 === 0 ? 6 * random.next() : random.next(),
  );
  const y = Float64Array.from({ length: rows }, (_, row) => law(x[row * 3]!, x[row * 3 + 1]!));
  const network = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / 10));
  return { columns: 3, x, y, network, fold: network.map((place) => place % 5), folds: 5 };
}

describe("a line with boosted trees on what it leaves over", () => {
  it("learns line and step, better than either alone", () => {
    const table = makeTable();
    const { heldOut, model } = fitLinearBoostingCorrection(table, features, 1);
    const error = meanSquaredError(heldOut, table.y);
    expect(error).toBeLessThan(
      0.3 * meanSquaredError(fitLassoCorrection(table, features, false).heldOut, table.y),
    );
    expect(error).toBeLessThan(meanSquaredError(fitBoostingCorrection(table, 1).heldOut, table.y));
    expect(evaluateLinearBoosting(model, Float64Array.of(2, 0.9, 0.5), 0)).toBeCloseTo(law(2, 0.9), 1);
    expect(evaluateLinearBoosting(model, Float64Array.of(5, 0.2, 0.5), 0)).toBeCloseTo(law(5, 0.2), 1);
  });

  it("predicts held-out networks without having seen them", () => {
    const random = createRandom(8);
    const base = makeTable();
    // Each network has a level of its own that one column names: whoever saw the network would know it.
    const levels = Array.from({ length: 40 }, () => random.normal());
    const names = random.shuffle(levels.map((_, place) => place));
    const x = base.x.map((value, place) =>
      place % 3 === 2 ? names[base.network[(place / 3) | 0]!]! : value,
    );
    const y = Float64Array.from(base.network, (network) => levels[network]!);
    const { heldOut } = fitLinearBoostingCorrection({ ...base, x, y }, features, 1);
    const variance = y.reduce((sum, value) => sum + value * value, 0) / y.length;
    expect(meanSquaredError(heldOut, y)).toBeGreaterThan(0.5 * variance);
  });

  it("is the same for the same seed", () => {
    const table = makeTable();
    expect(fitLinearBoostingCorrection(table, features, 3)).toEqual(
      fitLinearBoostingCorrection(table, features, 3),
    );
  });
});
