import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import { LassoPath, largestPenalty, listPenalties } from "../../src-main/predict/lasso.ts";
import { addRow, createMoments } from "../../src-main/predict/moments.ts";
import { evaluateLasso, fitLassoCorrection } from "../../src-main/predict/lassoCorrection.ts";
import type { Feature } from "../../src-main/predict/features.ts";

function momentsOf(rows: number[][], y: number[], weights?: number[]) {
  const moments = createMoments(rows[0]!.length);
  rows.forEach((row, place) => addRow(moments, Float64Array.from(row), y[place]!, weights?.[place] ?? 1));
  return moments;
}

describe("Lasso", () => {
  // A full factorial design of three columns ±1 is orthogonal, standardised and balanced.
  const design = Array.from({ length: 8 }, (_, row) =>
    [row & 1, (row >> 1) & 1, row >> 2].map((bit) => 2 * bit - 1),
  );

  it("is soft thresholding on an orthogonal design", () => {
    const truth = [3, -1, 0.2];
    const y = design.map((row) => 5 + row.reduce((sum, value, j) => sum + truth[j]! * value, 0));
    const deviation = Math.sqrt(truth.reduce((sum, value) => sum + value * value, 0));
    for (const penalty of [0.05, 0.2, 0.5]) {
      const { intercept, coefficients } = new LassoPath(momentsOf(design, y), { tolerance: 1e-12 }).solve(
        penalty,
      );
      expect(intercept).toBeCloseTo(5, 10);
      truth.forEach((value, j) => {
        const expected = Math.sign(value) * Math.max(Math.abs(value) - penalty * deviation, 0);
        expect(coefficients[j]).toBeCloseTo(expected, 10);
      });
    }
  });

  it("has nothing at the largest penalty and least squares at none", () => {
    const random = createRandom(1);
    const rows = Array.from({ length: 60 }, () => [random.normal(), random.normal() * 100, random.next()]);
    const y = rows.map(([a, b, c]) => 2 + 3 * a! - 0.05 * b! + 4 * c!);
    const moments = momentsOf(rows, y);
    const path = new LassoPath(moments, { tolerance: 1e-13, sweeps: 5000 });
    expect([...path.solve(largestPenalty(moments)).coefficients]).toEqual([0, 0, 0]);
    const { intercept, coefficients } = path.solve(0);
    expect(intercept).toBeCloseTo(2, 6);
    [3, -0.05, 4].forEach((value, j) => expect(coefficients[j]).toBeCloseTo(value, 6));
  });

  it("weights rows: a row of weight 3 counts as three rows", () => {
    const random = createRandom(2);
    const rows = Array.from({ length: 20 }, () => [random.normal(), random.normal()]);
    const y = rows.map(([a]) => a! + random.normal());
    const heavy = new LassoPath(
      momentsOf(
        rows,
        y,
        rows.map((_, row) => (row === 4 ? 3 : 1)),
      ),
      { tolerance: 1e-12 },
    );
    const thrice = new LassoPath(momentsOf([...rows, rows[4]!, rows[4]!], [...y, y[4]!, y[4]!]), {
      tolerance: 1e-12,
    });
    const [first, second] = [heavy.solve(0.1), thrice.solve(0.1)];
    expect(first.intercept).toBeCloseTo(second.intercept, 9);
    first.coefficients.forEach((value, j) => expect(value).toBeCloseTo(second.coefficients[j]!, 9));
  });

  it("does not care for constant or duplicate columns", () => {
    const random = createRandom(6);
    const rows = Array.from({ length: 50 }, () => random.normal()).map((a) => [a, 7, a]);
    const y = rows.map(([a]) => 2 * a! + 1);
    const { intercept, coefficients } = new LassoPath(momentsOf(rows, y)).solve(1e-4);
    expect(coefficients[1]).toBe(0);
    expect(coefficients[0]! + coefficients[2]!).toBeCloseTo(2, 2);
    expect(intercept).toBeCloseTo(1, 2);
    expect([
      ...new LassoPath(
        momentsOf(
          rows,
          rows.map(() => 4),
        ),
      ).solve(0.1).coefficients,
    ]).toEqual([0, 0, 0]);
  });

  it("lists penalties that fall from the largest to its ratio", () => {
    const penalties = listPenalties(2, 3, 0.01);
    [2, 0.2, 0.02].forEach((value, step) => expect(penalties[step]).toBeCloseTo(value, 12));
  });
});

describe("Lasso on a class", () => {
  const features: Feature[] = Array.from({ length: 6 }, (_, column) => ({
    name: `f${column}`,
    unit: "u",
    reason: "test",
    scale: column === 5 ? "linear" : "log",
    read: () => 0,
  }));

  function makeTable(noise: number) {
    const random = createRandom(9);
    const rows = 300;
    const x = Float64Array.from({ length: rows * 6 }, () => Math.exp(5 * random.next()) - 1);
    const y = Float64Array.from({ length: rows }, (_, row) => {
      const log = (column: number) => Math.log(1 + x[row * 6 + column]!);
      return 0.5 * log(0) - 0.3 * log(1) * log(2) + noise * random.normal();
    });
    const network = Int32Array.from({ length: rows }, (_, row) => row % 5);
    return { columns: 6, x, y, network, fold: network, folds: 5 };
  }

  it("recovers a sparse law with a product out of 27 terms", () => {
    const table = makeTable(0.05);
    const { model, heldOut } = fitLassoCorrection(table, features, true);
    const errors = heldOut.map((value, row) => Math.abs(value - table.y[row]!));
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.06);
    const strong = [...model.coefficients].flatMap((value, term) =>
      Math.abs(value) > 0.05 ? [`${model.first[term]}×${model.second[term]}`] : [],
    );
    // Standardising about the means turns the product into itself and its two factors.
    expect(strong.sort()).toEqual(["0×-1", "1×-1", "1×2", "2×-1"]);
  });

  it("predicts held-out rows without having seen them: from noise it learns nothing about them", () => {
    const random = createRandom(12);
    const table = { ...makeTable(0), y: Float64Array.from({ length: 300 }, () => random.normal()) };
    const { heldOut } = fitLassoCorrection(table, features, true);
    const product = heldOut.reduce((sum, value, row) => sum + value * table.y[row]!, 0);
    const size = Math.sqrt(heldOut.reduce((sum, value) => sum + value * value, 0));
    // A fit that had seen its rows would correlate with them by about √(27 terms ÷ 300 rows).
    expect(product / (size * Math.sqrt(300))).toBeLessThan(0.1);
  });

  it("stays at the edge of the training range beyond it", () => {
    const { model } = fitLassoCorrection(makeTable(0.2), features, true);
    expect(model.coefficients.length).toBeGreaterThan(2);
    const edge = Float64Array.from(model.design.high, (value, column) =>
      model.design.log[column] === 1 ? Math.exp(value) - 1 : value,
    );
    const beyond = edge.map((value) => value * 1e6);
    expect(evaluateLasso(model, beyond, 0)).toBeCloseTo(evaluateLasso(model, edge, 0), 9);
  });
});
