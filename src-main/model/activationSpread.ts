import { describeFloats, type Spread } from "./floatConstants.ts";
import { countElements, type Op, type Subgraph, type Tensor } from "./graph.ts";
import { rangeOfScale, type Range } from "./quantizationScale.ts";
import { findQuantizedOperator } from "./quantizedOperators.ts";
import { createRandom, deriveSeed } from "./random.ts";

/** Images and embeddings after the usual normalisation. */
const inputSpread: Spread = { mean: 0, deviation: 0.5, range: [-1, 1] };

/** Standard deviations between the mean and the end of a range, a little more or less for each op. */
const usualReach = 4;

/**
 * Ranges of a float network's activations when nobody calibrated it, by tensor; null for constants and for tensors that are not
 * float32. Mean and variance are carried from op to op, weights and activations taken as independent (as initialisations are
 * derived: Glorot and Bengio 2010, He et al. 2015), and a range is the mean ± about four deviations, within what the op can give at
 * all. `seed` decides how many deviations each.
 */
export function estimateRanges(subgraph: Subgraph, seed: number): (Range | null)[] {
  const spreads = new Map<number, Spread>();
  const find = (index: number): Spread => {
    let spread = spreads.get(index);
    if (spread) return spread;
    const tensor = subgraph.tensors[index]!;
    spread = tensor.data && tensor.dtype === "float32" ? describeFloats(tensor) : inputSpread;
    spreads.set(index, spread);
    return spread;
  };
  for (const op of subgraph.ops) {
    const reals = op.inputs.filter((index) => subgraph.tensors[index]?.dtype === "float32");
    const outputs = op.outputs.filter((index) => subgraph.tensors[index]!.dtype === "float32");
    if (outputs.length === 0) continue;
    const name = subgraph.tensors[outputs[0]!]!.name;
    const reach = usualReach * (0.9 + 0.2 * createRandom(deriveSeed(seed, "range", name)).next());
    const view = {
      op,
      subgraph,
      reach,
      inputs: reals.map(find),
      tensors: reals.map((at) => subgraph.tensors[at]!),
    };
    const spread = clampFused(op, spreadOf(view));
    for (const index of outputs) spreads.set(index, spread);
  }
  return subgraph.tensors.map((tensor, index) =>
    tensor.data === null && tensor.dtype === "float32" ? find(index).range : null,
  );
}

interface OpView {
  op: Op;
  subgraph: Subgraph;
  reach: number;
  /** Spreads of the real inputs, constants included, and the tensors. */
  inputs: Spread[];
  tensors: Tensor[];
}

function spreadOf(view: OpView): Spread {
  const { op, inputs } = view;
  const [first, second] = inputs;
  if (!first) return inputSpread;
  const curve = curves[op.type];
  if (curve && !op.custom) return bend(first, (x) => curve(x, op));
  const rule = op.custom ? undefined : rules[op.type];
  if (rule && (second || !binary.has(op.type))) return rule(view, first, second ?? first);
  const fixed = findQuantizedOperator(op)?.output;
  return fixed ? { ...join(inputs), range: rangeOfScale(fixed) } : join(inputs);
}

type Rule = (view: OpView, first: Spread, second: Spread) => Spread;

const product: Rule = (view) => {
  const weights = findQuantizedOperator(view.op)!.weights!;
  const at = (place: number) => view.subgraph.tensors[view.op.inputs[place] ?? -1];
  const spread = (place: number) => {
    const tensor = at(place);
    return tensor ? view.inputs[view.tensors.indexOf(tensor)] : undefined;
  };
  const filter = at(weights.input)!;
  let terms = countElements(filter.shape) / Math.max(filter.shape[weights.axis ?? 0] ?? 1, 1);
  const { strideH, strideW } = view.op.attributes;
  // A transposed convolution spreads its products over stride × stride outputs.
  if (view.op.type === "TRANSPOSE_CONV" && typeof strideH === "number" && typeof strideW === "number")
    terms = Math.max(terms / (strideH * strideW), 1);
  return sumProducts(view, terms, spread(weights.activation), spread(weights.input), spread(weights.bias));
};

const binary = new Set([
  "ADD",
  "SUB",
  "MUL",
  "DIV",
  "SQUARED_DIFFERENCE",
  "MAXIMUM",
  "MINIMUM",
  "POW",
  "BATCH_MATMUL",
]);

const rules: Partial<Record<string, Rule>> = {
  CONV_2D: product,
  DEPTHWISE_CONV_2D: product,
  TRANSPOSE_CONV: product,
  FULLY_CONNECTED: product,
  BATCH_MATMUL: (view, a, b) => {
    const shape = view.tensors[0]!.shape;
    return sumProducts(view, shape.at(view.op.attributes["adjX"] === true ? -2 : -1) ?? 1, a, b, undefined);
  },
  ADD: (view, a, b) =>
    around(
      view,
      a.mean + b.mean,
      Math.hypot(a.deviation, b.deviation),
      corners(a, b, (x, y) => x + y),
    ),
  SUB: (view, a, b) =>
    around(
      view,
      a.mean - b.mean,
      Math.hypot(a.deviation, b.deviation),
      corners(a, b, (x, y) => x - y),
    ),
  // Products of two normal variables have longer tails than a normal one.
  MUL: (view, a, b) => {
    const mean = a.mean * b.mean;
    const deviation = Math.sqrt(Math.max(meanSquare(a) * meanSquare(b) - mean ** 2, 0));
    return around(
      { ...view, reach: 1.5 * view.reach },
      mean,
      deviation,
      corners(a, b, (x, y) => x * y),
    );
  },
  DIV: (view, a, b) => {
    // A divisor near zero is taken as far from it as it usually is.
    const divisor = (b.mean < 0 ? -1 : 1) * (Math.max(Math.abs(b.mean), b.deviation) || 1);
    return around(view, a.mean / divisor, a.deviation / Math.abs(divisor), [-Infinity, Infinity]);
  },
  SQUARED_DIFFERENCE: (view, a, b) => {
    const [difference, deviation] = [a.mean - b.mean, Math.hypot(a.deviation, b.deviation)];
    const mean = difference ** 2 + deviation ** 2;
    const [low, high] = corners(a, b, (x, y) => x - y);
    const likely = (Math.abs(difference) + view.reach * deviation) ** 2;
    return {
      mean,
      deviation: Math.SQRT2 * mean,
      range: [0, Math.min(Math.max(low ** 2, high ** 2), likely)],
    };
  },
  MAXIMUM: (_, a, b) =>
    clampSpread(join([a, b]), [Math.max(a.range[0], b.range[0]), Math.max(a.range[1], b.range[1])]),
  MINIMUM: (_, a, b) =>
    clampSpread(join([a, b]), [Math.min(a.range[0], b.range[0]), Math.min(a.range[1], b.range[1])]),
  POW: (_, a, b) => bend(a, (x) => x ** b.mean),
  MEAN: (view, a) => around(view, a.mean, a.deviation / Math.sqrt(countReduced(view)), a.range),
  SUM: (view, a) => {
    const count = countReduced(view);
    return around(view, a.mean * count, a.deviation * Math.sqrt(count), [
      a.range[0] * count,
      a.range[1] * count,
    ]);
  },
  PAD: (_, a) => ({ ...a, range: [Math.min(a.range[0], 0), Math.max(a.range[1], 0)] }),
  SOFTMAX: ({ tensors }) => {
    const mean = 1 / Math.max(tensors[0]!.shape.at(-1) ?? 1, 1);
    return { mean, deviation: mean, range: [0, 1] };
  },
};

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const curves: Partial<Record<string, (x: number, op: Op) => number>> = {
  RELU: (x) => Math.max(x, 0),
  RELU6: (x) => Math.min(Math.max(x, 0), 6),
  RELU_N1_TO_1: (x) => Math.min(Math.max(x, -1), 1),
  LEAKY_RELU: (x, op) => (x < 0 ? x * Number(op.attributes["alpha"] ?? 0) : x),
  ELU: (x) => (x < 0 ? Math.expm1(x) : x),
  // The usual approximation by a sigmoid (Hendrycks and Gimpel 2016) is near enough for a range.
  GELU: (x) => x * sigmoid(1.702 * x),
  HARD_SWISH: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  LOGISTIC: sigmoid,
  TANH: Math.tanh,
  ABS: Math.abs,
  NEG: (x) => -x,
  SQUARE: (x) => x * x,
  EXP: Math.exp,
  LOG: Math.log,
  SQRT: Math.sqrt,
  RSQRT: (x) => 1 / Math.sqrt(x),
  SIN: Math.sin,
  COS: Math.cos,
  FLOOR: Math.floor,
  CEIL: Math.ceil,
  ROUND: Math.round,
  SIGN: Math.sign,
};

function meanSquare({ mean, deviation }: Spread): number {
  return mean * mean + deviation * deviation;
}

function sumProducts(
  view: OpView,
  terms: number,
  a: Spread = inputSpread,
  b: Spread = inputSpread,
  bias: Spread = { mean: 0, deviation: 0, range: [0, 0] },
): Spread {
  const mean = a.mean * b.mean;
  const variance = terms * Math.max(meanSquare(a) * meanSquare(b) - mean * mean, 0);
  const [low, high] = corners(a, b, (x, y) => x * y);
  return around(view, terms * mean + bias.mean, Math.hypot(Math.sqrt(variance), bias.deviation), [
    terms * low + bias.range[0],
    terms * high + bias.range[1],
  ]);
}

// The range is what is likely, within what is possible.
function around(view: OpView, mean: number, deviation: number, [low, high]: Range): Spread {
  const reach = view.reach * deviation;
  const clip = (value: number) => Math.min(Math.max(value, low), high);
  return { mean, deviation, range: [clip(mean - reach), clip(mean + reach)] };
}

function corners(a: Spread, b: Spread, combine: (x: number, y: number) => number): Range {
  const values = a.range.flatMap((x) => b.range.map((y) => combine(x, y)));
  return [Math.min(...values), Math.max(...values)];
}

function join(spreads: readonly Spread[]): Spread {
  const mean = spreads.reduce((sum, spread) => sum + spread.mean, 0) / spreads.length;
  const squares = spreads.reduce((sum, spread) => sum + meanSquare(spread), 0) / spreads.length;
  return {
    mean,
    deviation: Math.sqrt(Math.max(squares - mean * mean, 0)),
    range: [
      Math.min(...spreads.map(({ range }) => range[0])),
      Math.max(...spreads.map(({ range }) => range[1])),
    ],
  };
}

function clampSpread(spread: Spread, [low, high]: Range): Spread {
  const bent = bend(spread, (x) => Math.min(Math.max(x, low), high));
  return { ...bent, range: [low, high] };
}

const gridSteps = 32;
const quadrature = [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2];

/** The spread of a function of a normal variable: moments by quadrature, the range by a grid; points where it is infinite are left out. */
function bend({ mean, deviation, range: [low, high] }: Spread, curve: (x: number) => number): Spread {
  let [weight, sum, squares] = [0, 0, 0];
  for (const place of quadrature) {
    const y = curve(Math.min(Math.max(mean + place * deviation, low), high));
    if (!Number.isFinite(y)) continue;
    const share = Math.exp((-place * place) / 2);
    weight += share;
    sum += share * y;
    squares += share * y * y;
  }
  const values = Array.from({ length: gridSteps + 1 }, (_, step) =>
    curve(low + ((high - low) * step) / gridSteps),
  ).filter(Number.isFinite);
  if (weight === 0 || values.length === 0) return inputSpread;
  const average = sum / weight;
  return {
    mean: average,
    deviation: Math.sqrt(Math.max(squares / weight - average * average, 0)),
    range: [Math.min(...values), Math.max(...values)],
  };
}

function clampFused(op: Op, spread: Spread): Spread {
  const fused = op.attributes["fusedActivationFunction"];
  const curve = typeof fused === "string" ? curves[fused] : undefined;
  return curve ? bend(spread, (x) => curve(x, op)) : spread;
}

function countReduced({ subgraph, op, tensors }: OpView): number {
  const output = subgraph.tensors[op.outputs[0]!]!;
  return Math.max(countElements(tensors[0]!.shape) / Math.max(countElements(output.shape), 1), 1);
}
