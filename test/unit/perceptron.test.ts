import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import {
  countWeights,
  evaluatePerceptron,
  fitPerceptron,
  type PerceptronOptions,
} from "../../src-main/predict/perceptron.ts";
import { evaluatePerceptrons, fitPerceptronCorrection } from "../../src-main/predict/perceptronCorrection.ts";
import { meanSquaredError } from "../../src-main/predict/learningTable.ts";

const options: PerceptronOptions = {
  hidden: [8],
  steps: 1500,
  batch: 16,
  learningRate: 0.02,
  decay: 0,
  lookEvery: 50,
  patience: 0,
  seed: 1,
};

function learn(x: number[], columns: number, y: number[], changed: Partial<PerceptronOptions> = {}) {
  const table = { columns, x: Float64Array.from(x), y: Float64Array.from(y) };
  return { table, model: fitPerceptron(table, { ...options, ...changed }) };
}

describe("a perceptron", () => {
  it("learns a linear map, to which the closed form is the map itself", () => {
    const random = createRandom(3);
    const x = Array.from({ length: 200 * 3 }, () => random.normal());
    const map = (row: ArrayLike<number>, at: number) => 0.7 * row[at]! - 1.2 * row[at + 1]! + 0.4;
    const { model } = learn(
      x,
      3,
      Array.from({ length: 200 }, (_, row) => map(x, row * 3)),
    );
    for (let trial = 0; trial < 20; trial++) {
      const probe = Float64Array.from({ length: 3 }, () => random.normal());
      expect(Math.abs(evaluatePerceptron(model, probe) - map(probe, 0))).toBeLessThan(0.1);
    }
  });

  it("learns exclusive or, which no line can", () => {
    const { model } = learn([-1, -1, -1, 1, 1, -1, 1, 1], 2, [-1, 1, 1, -1]);
    expect(evaluatePerceptron(model, Float64Array.of(-1, -1))).toBeCloseTo(-1, 1);
    expect(evaluatePerceptron(model, Float64Array.of(-1, 1))).toBeCloseTo(1, 1);
    expect(evaluatePerceptron(model, Float64Array.of(1, -1))).toBeCloseTo(1, 1);
    expect(evaluatePerceptron(model, Float64Array.of(1, 1))).toBeCloseTo(-1, 1);
  });

  it("goes down the true gradient: one tiny step changes the error as the slope says", () => {
    const x = [0.3, -0.8, 0.5, 0.9, -0.2, 0.1];
    const before = learn(x, 2, [1, -2, 0.5], { steps: 0, hidden: [4, 3] });
    const after = learn(x, 2, [1, -2, 0.5], { steps: 1, hidden: [4, 3], learningRate: 1e-5 });
    const error = ({ table, model }: typeof before) =>
      meanSquaredError(
        table.y.map((_, row) => evaluatePerceptron(model, table.x, row * 2)),
        table.y,
      );
    // Adam's first step moves each weight by the learning rate against the sign of its slope.
    const numeric = before.model.weights.map((_, place) => {
      const moved = { sizes: before.model.sizes, weights: before.model.weights.slice() };
      moved.weights[place]! += 1e-6;
      return (error({ table: before.table, model: moved }) - error(before)) / 1e-6;
    });
    after.model.weights.forEach((weight, place) => {
      if (Math.abs(numeric[place]!) < 1e-4) return;
      expect(Math.sign(weight - before.model.weights[place]!)).toBe(-Math.sign(numeric[place]!));
    });
    expect(error(after)).toBeLessThan(error(before));
  });

  it("keeps the weights that were best on validation rows", () => {
    const random = createRandom(5);
    const draw = (rows: number) => {
      const x = Float64Array.from({ length: rows * 4 }, () => random.normal());
      const y = Float64Array.from({ length: rows }, (_, row) => x[row * 4]! + random.normal());
      return { columns: 4, x, y };
    };
    const [train, held] = [draw(20), draw(200)];
    const measure = (patience: number) => {
      const model = fitPerceptron(train, { ...options, hidden: [16], lookEvery: 10, patience }, held);
      return meanSquaredError(
        held.y.map((_, row) => evaluatePerceptron(model, held.x, row * 4)),
        held.y,
      );
    };
    const overfitted = fitPerceptron(train, { ...options, hidden: [16] });
    const late = meanSquaredError(
      held.y.map((_, row) => evaluatePerceptron(overfitted, held.x, row * 4)),
      held.y,
    );
    expect(measure(5)).toBeLessThan(late);
  });

  it("has as many weights as its layers need and is the same for the same seed", () => {
    const { model } = learn([0, 1, 1, 0], 2, [1, 2], { hidden: [5, 3], steps: 20 });
    expect(model.weights).toHaveLength(5 * 3 + 3 * 6 + 1 + 3 + 2);
    expect(countWeights([2, 5, 3])).toBe(model.weights.length);
    expect(learn([0, 1, 1, 0], 2, [1, 2], { hidden: [5, 3], steps: 20 }).model).toEqual(model);
  });
});

describe("perceptrons on a class", () => {
  const features = ["a", "b"].map((name) => ({ name, unit: "u", reason: "test", scale: "log" as const }));

  function makeTable(noise: number) {
    const random = createRandom(4);
    const rows = 300;
    const x = Float64Array.from({ length: rows * 2 }, () => Math.exp(6 * random.next()));
    const y = Float64Array.from({ length: rows }, (_, row) => {
      const [a, b] = [Math.log(x[row * 2]!), Math.log(x[row * 2 + 1]!)];
      return 0.3 * a + Math.sin(b) + noise * random.normal();
    });
    const network = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / 10));
    return { columns: 2, x, y, network, fold: network.map((place) => place % 5), folds: 5 };
  }

  it("learn a smooth law in logarithms", () => {
    const table = makeTable(0.02);
    const { heldOut, model } = fitPerceptronCorrection(table, features, 1);
    expect(model.networks).toHaveLength(5);
    const variance = meanSquaredError(new Float64Array(300).fill(model.mean), table.y);
    expect(meanSquaredError(heldOut, table.y)).toBeLessThan(0.05 * variance);
    const error = Math.abs(evaluatePerceptrons(model, table.x, 40) - table.y[20]!);
    expect(error).toBeLessThan(0.2);
  });

  it("learn nothing about held-out rows from noise", () => {
    const random = createRandom(12);
    const table = { ...makeTable(0), y: Float64Array.from({ length: 300 }, () => random.normal()) };
    const { heldOut } = fitPerceptronCorrection(table, features, 1);
    expect(meanSquaredError(heldOut, table.y)).toBeGreaterThan(0.9);
  });
});
