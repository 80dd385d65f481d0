import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import { fitRelativeNonNegative, solveCholesky, solveNonNegative } from "../../src-main/predict/linear.ts";
import { addRow, combineMoments, createMoments } from "../../src-main/predict/moments.ts";
import { evaluateRoofline, fitRoofline } from "../../src-main/predict/roofline.ts";

describe("linear algebra", () => {
  it("solves a positive definite system and refuses a singular one", () => {
    // [[4, 2], [2, 3]] · [1, 2] = [8, 8]
    const solution = solveCholesky(Float64Array.of(4, 2, 2, 3), Float64Array.of(8, 8))!;
    expect(solution[0]).toBeCloseTo(1, 12);
    expect(solution[1]).toBeCloseTo(2, 12);
    expect(solveCholesky(Float64Array.of(1, 2, 2, 4), Float64Array.of(1, 2))).toBeNull();
  });

  it("gives the unconstrained solution where it is not negative, else the best on the border", () => {
    const rounded = (gram: number[], moments: number[]) =>
      [...solveNonNegative(Float64Array.from(gram), Float64Array.from(moments))].map((b) =>
        Number(b.toFixed(12)),
      );
    expect(rounded([2, 0, 0, 4], [4, 4])).toEqual([2, 1]);
    // Unconstrained: [3, −1]; with b₂ = 0 the best b₁ is 5/2.
    expect(rounded([2, 1, 1, 2], [5, 1])).toEqual([2.5, 0]);
    expect(rounded([1, 0, 0, 1], [-1, -2])).toEqual([0, 0]);
  });

  it("meets the optimality conditions on random problems", () => {
    const random = createRandom(3);
    for (let trial = 0; trial < 30; trial++) {
      const rows = Float64Array.from({ length: 40 * 4 }, () => random.next());
      const y = Float64Array.from({ length: 40 }, () => 0.1 + random.next());
      const b = fitRelativeNonNegative(rows, 4, y);
      for (let j = 0; j < 4; j++) {
        let gradient = 0;
        for (let row = 0; row < 40; row++) {
          let fit = 0;
          for (let k = 0; k < 4; k++) fit += b[k]! * rows[row * 4 + k]!;
          gradient += ((fit - y[row]!) * rows[row * 4 + j]!) / y[row]! ** 2;
        }
        if (b[j]! > 0) expect(Math.abs(gradient)).toBeLessThan(1e-6);
        else expect(gradient).toBeGreaterThan(-1e-6);
      }
    }
  });

  it("recovers a roofline over many orders of magnitude and never predicts 0", () => {
    const truth = { constantMs: 0.003, msPerFlop: 2e-8, msPerByte: 3e-7 };
    const random = createRandom(4);
    const x = Float64Array.from({ length: 200 }, () => 10 ** (2 + 6 * random.next()));
    const ms = Float64Array.from({ length: 100 }, (_, row) => evaluateRoofline(truth, x, row * 2));
    const fitted = fitRoofline({ columns: 2, x, ms });
    expect(fitted.constantMs).toBeCloseTo(truth.constantMs, 9);
    expect(fitted.msPerFlop / truth.msPerFlop).toBeCloseTo(1, 6);
    expect(fitted.msPerByte / truth.msPerByte).toBeCloseTo(1, 6);
    expect(evaluateRoofline({ constantMs: 0, msPerFlop: 0, msPerByte: 0 }, x)).toBeGreaterThan(0);
  });

  it("joins and parts moments as if the rows had been added and removed", () => {
    const random = createRandom(5);
    const row = () => Float64Array.from({ length: 3 }, () => random.normal());
    const [all, first, second] = [createMoments(3), createMoments(3), createMoments(3)];
    for (let index = 0; index < 20; index++) {
      const [values, y, weight] = [row(), random.normal(), random.next()];
      addRow(all, values, y, weight);
      addRow(index < 8 ? first : second, values, y, weight);
    }
    const parted = combineMoments(all, second, -1);
    for (const key of ["x", "xx", "xy"] as const)
      parted[key].forEach((value, place) => expect(value).toBeCloseTo(first[key][place]!, 10));
    for (const key of ["weight", "y", "yy"] as const) expect(parted[key]).toBeCloseTo(first[key], 10);
    expect(combineMoments(first, second, 1).yy).toBeCloseTo(all.yy, 10);
  });
});
