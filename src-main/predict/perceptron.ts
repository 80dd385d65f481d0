import { createRandom } from "../model/random.ts";
import type { LearningTable } from "./learningTable.ts";

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
  if (!pass) passes.set(model, (pass = new Pass(model.sizes)));
  return pass.forward(model.weights, x, start);
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
  const pass = new Pass(sizes);
  const random = createRandom(options.seed);
  const weights = pass.drawWeights(random.next);
  const gradient = new Float64Array(weights.length);
  const adam = new Adam(weights.length);
  const rows = table.y.length;
  const batch = Math.min(options.batch, rows);
  let order: number[] = [];
  let best = weights.slice();
  let lowest = Infinity;
  let since = 0;
  for (let step = 0; step < options.steps && rows > 0; step++) {
    gradient.fill(0);
    for (let place = 0; place < batch; place++) {
      if (order.length === 0) order = random.shuffle(Array.from({ length: rows }, (_, row) => row));
      const row = order.pop()!;
      const start = row * table.columns;
      const error = pass.forward(weights, table.x, start) - table.y[row]!;
      pass.backward(weights, gradient, table.x, start, error / batch);
    }
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

/** One row's way through the layers and back; its scratch serves row after row. */
class Pass {
  private readonly sizes: Int32Array;
  private readonly outputs: Float64Array[];
  private readonly errors: Float64Array[];

  constructor(sizes: Int32Array) {
    this.sizes = sizes;
    this.outputs = Array.from(sizes, (size) => new Float64Array(size));
    this.errors = Array.from(sizes, (size) => new Float64Array(size));
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

  forward(weights: Float64Array, x: Float64Array, start: number): number {
    const { sizes, outputs } = this;
    const inputs = outputs[0]!;
    for (let input = 0; input < inputs.length; input++) inputs[input] = x[start + input]!;
    let at = 0;
    for (let layer = 1; layer < sizes.length; layer++) {
      const before = outputs[layer - 1]!;
      const here = outputs[layer]!;
      for (let unit = 0; unit < here.length; unit++) {
        let sum = weights[at++]!;
        for (let input = 0; input < before.length; input++) sum += weights[at++]! * before[input]!;
        here[unit] = Math.tanh(sum);
      }
    }
    let sum = weights[at++]!;
    const last = outputs[sizes.length - 1]!;
    for (let unit = 0; unit < last.length; unit++) sum += weights[at++]! * last[unit]!;
    for (let input = 0; input < inputs.length; input++) sum += weights[at++]! * inputs[input]!;
    return sum;
  }

  /** Adds the gradient of the row that went forward last; `error` is the derivative by the output. */
  backward(
    weights: Float64Array,
    gradient: Float64Array,
    x: Float64Array,
    start: number,
    error: number,
  ): void {
    const { sizes, outputs, errors } = this;
    const top = sizes.length - 1;
    const last = outputs[top]!;
    let at = weights.length - sizes[0]! - last.length - 1;
    const head = at;
    gradient[at++]! += error;
    for (let unit = 0; unit < last.length; unit++) {
      gradient[at]! += error * last[unit]!;
      errors[top]![unit] = error * weights[at]!;
      at++;
    }
    for (let input = 0; input < sizes[0]!; input++) gradient[at++]! += error * x[start + input]!;
    let end = head;
    for (let layer = top; layer >= 1; layer--) {
      const before = outputs[layer - 1]!;
      const here = outputs[layer]!;
      const below = errors[layer - 1]!;
      below.fill(0);
      at = end - here.length * (1 + before.length);
      end = at;
      for (let unit = 0; unit < here.length; unit++) {
        const slope = errors[layer]![unit]! * (1 - here[unit]! * here[unit]!);
        gradient[at++]! += slope;
        for (let input = 0; input < before.length; input++) {
          gradient[at]! += slope * before[input]!;
          below[input]! += slope * weights[at]!;
          at++;
        }
      }
    }
  }

  measureError(weights: Float64Array, table: LearningTable): number {
    let sum = 0;
    for (let row = 0; row < table.y.length; row++)
      sum += (this.forward(weights, table.x, row * table.columns) - table.y[row]!) ** 2;
    return sum / Math.max(table.y.length, 1);
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
