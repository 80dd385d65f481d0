import { createRandom } from "../model/random.ts";
import type { LearningTable } from "./learningTable.ts";
import { addFourProducts } from "./rowProducts.ts";

/**
 * A perceptron with hidden layers of tanh units and one linear output, which also sees the inputs themselves (Cheng et al.
 * 2016, "Wide & Deep Learning"), so that what is linear need not be learnt by hidden units.
 */
export interface Perceptron {
  /** Inputs, units of each hidden layer. */
  sizes: Int32Array;
  /** Layer by layer for each unit its bias and weights; last the output's bias, weights of the last layer and of the inputs. */
  weights: Float64Array;
}

/** How a perceptron is trained. */
export interface PerceptronOptions {
  hidden: readonly number[];
  /** Most steps of the optimiser. */
  steps: number;
  /** Rows of a step. */
  batch: number;
  learningRate: number;
  /** Pull of each weight towards zero, times the weight. */
  decay: number;
  /** The error on the validation rows is looked at after so many steps. */
  lookEvery: number;
  /** Looks without a better error after which training stops; 0 never stops early. */
  patience: number;
  seed: number;
}

/** Output for the inputs that start at `start`. */
export function evaluatePerceptron(model: Perceptron, x: Float64Array, start = 0): number {
  let pass = passes.get(model);
  if (!pass) passes.set(model, (pass = new Pass(model.sizes, 1)));
  return pass.forward(model.weights, x, [start])[0]!;
}

/**
 * Trains by Adam (Kingma, Ba 2015) on mini-batches of squared error. With validation rows the weights with the least error
 * on them are kept. Inputs and targets should be standardised. Depends on the rows, the options and the seed alone.
 */
export function fitPerceptron(
  table: LearningTable,
  options: PerceptronOptions,
  validation: LearningTable | null = null,
): Perceptron {
  const sizes = Int32Array.from([table.columns, ...options.hidden]);
  const rows = table.y.length;
  const batch = Math.min(options.batch, rows);
  const pass = new Pass(sizes, batch);
  const random = createRandom(options.seed);
  const weights = pass.drawWeights(random.next);
  const gradient = new Float64Array(weights.length);
  const adam = new Adam(weights.length);
  const errors = new Float64Array(batch);
  let order: number[] = [];
  let best = weights.slice();
  let lowest = Infinity;
  let since = 0;
  for (let step = 0; step < options.steps && rows > 0; step++) {
    gradient.fill(0);
    const drawn = Array.from({ length: batch }, () => {
      if (order.length === 0) order = random.shuffle(Array.from({ length: rows }, (_, row) => row));
      return order.pop()!;
    });
    const outputs = pass.forward(
      weights,
      table.x,
      drawn.map((row) => row * table.columns),
    );
    drawn.forEach((row, place) => (errors[place] = (outputs[place]! - table.y[row]!) / batch));
    pass.backward(weights, gradient, errors);
    for (let place = 0; place < weights.length; place++) gradient[place]! += options.decay * weights[place]!;
    // Falling to a tenth: large steps find the place, small ones settle in it.
    adam.step(weights, gradient, options.learningRate * 0.1 ** (step / options.steps));
    if (!validation || (step + 1) % options.lookEvery !== 0) continue;
    const error = pass.measureError(weights, validation);
    if (error < lowest) {
      lowest = error;
      best = weights.slice();
      since = 0;
    } else if (++since === options.patience) break;
  }
  return { sizes, weights: validation && lowest < Infinity ? best : weights };
}

/** Number of weights of a perceptron with these inputs and hidden layers. */
export function countWeights(sizes: ArrayLike<number>): number {
  let count = 1 + sizes[0]! + sizes[sizes.length - 1]!;
  for (let layer = 1; layer < sizes.length; layer++) count += sizes[layer]! * (1 + sizes[layer - 1]!);
  return count;
}

/** The way of a few rows through the layers and back, four at a time: each weight is then read once for all four. */
class Pass {
  private readonly sizes: Int32Array;
  private readonly rows: number;
  /** Outputs of each layer, and how the error changes with them: rows × units. */
  private readonly outputs: Float64Array[];
  private readonly slopes: Float64Array[];
  private readonly result: Float64Array;

  constructor(sizes: Int32Array, rows: number) {
    this.sizes = sizes;
    this.rows = rows;
    this.outputs = Array.from(sizes, (size) => new Float64Array(rows * size));
    this.slopes = Array.from(sizes, (size) => new Float64Array(rows * size));
    this.result = new Float64Array(rows);
  }

  drawWeights(next: () => number): Float64Array {
    const { sizes } = this;
    const weights = new Float64Array(countWeights(sizes));
    let at = 0;
    for (let layer = 1; layer < sizes.length; layer++) {
      const from = sizes[layer - 1]!;
      // Glorot, Bengio 2010: the variance of what flows through stays the same.
      const limit = Math.sqrt(6 / (from + sizes[layer]!));
      for (let unit = 0; unit < sizes[layer]!; unit++) {
        at++;
        for (let input = 0; input < from; input++) weights[at++] = (2 * next() - 1) * limit;
      }
    }
    return weights;
  }

  /** Outputs for the rows that start at `starts`, as many as there is room for; overwritten by the next call. */
  forward(weights: Float64Array, x: Float64Array, starts: readonly number[]): Float64Array {
    const { sizes, outputs, result } = this;
    const rows = starts.length;
    const inputs = sizes[0]!;
    starts.forEach((start, row) => outputs[0]!.set(x.subarray(start, start + inputs), row * inputs));
    let at = 0;
    for (let layer = 1; layer < sizes.length; layer++) {
      const width = sizes[layer - 1]!;
      const units = sizes[layer]!;
      const here = outputs[layer]!;
      for (let unit = 0; unit < units; unit++) {
        result.fill(weights[at++]!);
        addProducts(result, outputs[layer - 1]!, rows, weights, at, width);
        at += width;
        for (let row = 0; row < rows; row++) here[row * units + unit] = Math.tanh(result[row]!);
      }
    }
    const top = sizes.length - 1;
    result.fill(weights[at++]!);
    addProducts(result, outputs[top]!, rows, weights, at, sizes[top]!);
    at += sizes[top]!;
    addProducts(result, outputs[0]!, rows, weights, at, inputs);
    return result;
  }

  /** Adds the gradient of the rows that went forward last; `errors` are the derivatives by their outputs. */
  backward(weights: Float64Array, gradient: Float64Array, errors: Float64Array): void {
    const { sizes, outputs, slopes } = this;
    const rows = errors.length;
    const top = sizes.length - 1;
    const units = sizes[top]!;
    const inputs = sizes[0]!;
    const head = weights.length - inputs - units - 1;
    for (const error of errors) gradient[head]! += error;
    addOuter(gradient, head + 1, errors, outputs[top]!, rows, units);
    addOuter(gradient, head + 1 + units, errors, outputs[0]!, rows, inputs);
    for (let row = 0; row < rows; row++)
      for (let unit = 0; unit < units; unit++)
        slopes[top]![row * units + unit] = errors[row]! * weights[head + 1 + unit]!;
    const own = new Float64Array(rows);
    let end = head;
    for (let layer = top; layer >= 1; layer--) {
      const width = sizes[layer - 1]!;
      const here = outputs[layer]!;
      const units = sizes[layer]!;
      const below = slopes[layer - 1]!;
      below.fill(0);
      let at = (end -= units * (1 + width));
      for (let unit = 0; unit < units; unit++) {
        for (let row = 0; row < rows; row++) {
          const value = here[row * units + unit]!;
          own[row] = slopes[layer]![row * units + unit]! * (1 - value * value);
          gradient[at]! += own[row]!;
        }
        at++;
        addOuter(gradient, at, own, outputs[layer - 1]!, rows, width);
        // What the inputs change is of no use.
        if (layer > 1)
          for (let row = 0; row < rows; row++)
            for (let input = 0; input < width; input++)
              below[row * width + input]! += own[row]! * weights[at + input]!;
        at += width;
      }
    }
  }

  measureError(weights: Float64Array, table: LearningTable): number {
    let sum = 0;
    for (let first = 0; first < table.y.length; first += this.rows) {
      const rows = Math.min(this.rows, table.y.length - first);
      const starts = Array.from({ length: rows }, (_, row) => (first + row) * table.columns);
      const outputs = this.forward(weights, table.x, starts);
      for (let row = 0; row < rows; row++) sum += (outputs[row]! - table.y[first + row]!) ** 2;
    }
    return sum / Math.max(table.y.length, 1);
  }
}

/** Adds to each row's sum its products with the weights from `at` on. */
function addProducts(
  sums: Float64Array,
  matrix: Float64Array,
  rows: number,
  weights: Float64Array,
  at: number,
  width: number,
): void {
  let row = 0;
  for (; row + 4 <= rows; row += 4)
    addFourProducts(weights, at, matrix, row * width, width, width, sums, row);
  for (; row < rows; row++) {
    const start = row * width;
    let sum = sums[row]!;
    for (let place = 0; place < width; place++) sum += weights[at + place]! * matrix[start + place]!;
    sums[row] = sum;
  }
}

/** Adds to the gradient from `at` on the sum over rows of factor × row. */
function addOuter(
  gradient: Float64Array,
  at: number,
  factors: Float64Array,
  matrix: Float64Array,
  rows: number,
  width: number,
): void {
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const first = row * width;
    const second = first + width;
    const third = second + width;
    const fourth = third + width;
    const a = factors[row]!;
    const b = factors[row + 1]!;
    const c = factors[row + 2]!;
    const d = factors[row + 3]!;
    for (let place = 0; place < width; place++)
      gradient[at + place] =
        gradient[at + place]! +
        a * matrix[first + place]! +
        b * matrix[second + place]! +
        c * matrix[third + place]! +
        d * matrix[fourth + place]!;
  }
  for (; row < rows; row++) {
    const factor = factors[row]!;
    const start = row * width;
    for (let place = 0; place < width; place++) gradient[at + place]! += factor * matrix[start + place]!;
  }
}

class Adam {
  private readonly first: Float64Array;
  private readonly second: Float64Array;
  private steps = 0;

  constructor(size: number) {
    this.first = new Float64Array(size);
    this.second = new Float64Array(size);
  }

  step(weights: Float64Array, gradient: Float64Array, rate: number): void {
    const { first, second } = this;
    this.steps++;
    const firstScale = 1 - 0.9 ** this.steps;
    const secondScale = 1 - 0.999 ** this.steps;
    for (let place = 0; place < weights.length; place++) {
      const slope = gradient[place]!;
      first[place] = 0.9 * first[place]! + 0.1 * slope;
      second[place] = 0.999 * second[place]! + 0.001 * slope * slope;
      weights[place]! -=
        (rate * (first[place]! / firstScale)) / (Math.sqrt(second[place]! / secondScale) + 1e-8);
    }
  }
}

// Scratch of the networks in use: they are evaluated thousands of times.
const passes = new WeakMap<Perceptron, Pass>();
