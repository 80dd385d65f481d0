import { countElements } from "../graph.ts";
import { describeShape, multiplyShapes } from "../shapeInference.ts";
import { Constant } from "./constant.ts";
import { combine, scalar, type Operator } from "./elementwiseOperators.ts";
import { equalLists, plainOrder, type Activation } from "./layout.ts";
import { Flattened, type OperatorView, type Value } from "./operatorView.ts";

/** FULLY_CONNECTED over the last logical axis with weights [units, in]. */
function fullyConnected(
  view: OperatorView,
  value: Activation,
  weights: Constant,
  bias: Constant | null,
): Activation {
  const rank = value.shape.length;
  const [units, channels] = weights.shape as [number, number];
  if (value.shape.at(-1) !== channels)
    view.fail(`${describeShape(value.shape)} cannot be multiplied by weights of ${channels} rows`);
  const x = value.order.at(-1) === rank - 1 ? value : view.layout.plain(value);
  const keepDims = rank > 2;
  const inputs = [x.tensor, view.addConstant(weights, "weights")];
  if (bias) inputs.push(view.addConstant(bias, "bias"));
  const attributes = {
    fusedActivationFunction: "NONE",
    weightsFormat: "DEFAULT",
    keepNumDims: keepDims,
    asymmetricQuantizeInputs: false,
  };
  const form = { shape: [...x.shape.slice(0, -1), units], order: x.order };
  return view.append("FULLY_CONNECTED", inputs, form, attributes, bias ? (keepDims ? 5 : 1) : 6);
}

/** Weights [in, units] of a flattened value, with rows in the order in which its elements lie. */
function reorderRows(value: Flattened, weights: Constant): Constant {
  const sizes = value.source.shape.slice(1);
  const order = value.source.order.filter((axis) => axis !== 0).map((axis) => axis - 1);
  const units = weights.shape[1]!;
  return weights
    .reshape([...sizes, units])
    .transpose([...order, sizes.length])
    .reshape(weights.shape);
}

/** The product of two values as NumPy's matmul defines it, with a bias per column if given. */
export function multiplyMatrices(
  view: OperatorView,
  left: Value,
  right: Value,
  bias: Constant | null = null,
): Activation {
  if (left.shape.length === 0 || right.shape.length === 0) view.fail("a scalar has no matrix product");
  if (left.shape.length === 1 || right.shape.length === 1) return multiplyVectors(view, left, right);
  if (right instanceof Constant && right.shape.length === 2 && !(left instanceof Constant)) {
    if (left.shape.at(-1) !== right.shape[0])
      view.fail(
        `the matrices ${describeShape(left.shape)} and ${describeShape(right.shape)} cannot be multiplied`,
      );
    if (!(left instanceof Flattened)) return fullyConnected(view, left, right.transpose([1, 0]), bias);
    const { source, shape } = left;
    const tensor = view.layout.reshapeTensor(source.tensor, shape);
    const flat = { tensor, shape, order: [0, 1], dtype: source.dtype };
    return fullyConnected(view, flat, reorderRows(left, right).transpose([1, 0]), bias);
  }
  if (left.shape.length > mostAxes && equalLists(left.shape.slice(0, -2), right.shape.slice(0, -2)))
    return multiplyJoined(view, left, right, bias);
  const [a, b] = [placeMatrix(view, view.toActivation(left)), placeMatrix(view, view.toActivation(right))];
  let shape: number[];
  try {
    shape = multiplyShapes(left.shape, right.shape, false, false);
  } catch {
    return view.fail(
      `the matrices ${describeShape(left.shape)} and ${describeShape(right.shape)} cannot be multiplied`,
    );
  }
  const attributes = { adjX: a.transposed, adjY: b.transposed, asymmetricQuantizeInputs: false };
  const product = view.append("BATCH_MATMUL", [a.tensor, b.tensor], { shape }, attributes);
  return bias ? combine(view, "ADD", product, bias) : product;
}

/** Axes that the runtime's product has in all versions. */
const mostAxes = 4;

/** The product of many axes (attention in windows on a grid) as that of one batch of matrices. */
function multiplyJoined(view: OperatorView, left: Value, right: Value, bias: Constant | null): Activation {
  const batch = left.shape.slice(0, -2);
  const join = (value: Value) => {
    const shape = [countElements(batch), ...value.shape.slice(-2)];
    if (value instanceof Constant) return value.reshape(shape);
    return view.layout.reshape(view.toActivation(value), shape);
  };
  const product = multiplyMatrices(view, join(left), join(right), bias);
  return view.layout.reshape(product, [...batch, ...product.shape.slice(-2)]);
}

// The runtime multiplies a matrix and its transpose alike, so swapped last axes stay where they are.
function placeMatrix(view: OperatorView, value: Activation): { tensor: number; transposed: boolean } {
  const rank = value.shape.length;
  const swapped = [...plainOrder(rank).slice(0, -2), rank - 1, rank - 2];
  if (equalLists(value.order, swapped)) return { tensor: value.tensor, transposed: true };
  return { tensor: view.layout.plain(value).tensor, transposed: false };
}

function multiplyVectors(view: OperatorView, left: Value, right: Value): Activation {
  const [row, column] = [left.shape.length === 1, right.shape.length === 1];
  const reshaped = (value: Value, shape: readonly number[]) =>
    value instanceof Constant ? value.reshape(shape) : view.layout.reshape(view.toActivation(value), shape);
  const a = row ? reshaped(left, [1, ...left.shape]) : left;
  const b = column ? reshaped(right, [...right.shape, 1]) : right;
  const product = multiplyMatrices(view, a, b);
  const shape = product.shape.slice(0, -2);
  if (!row) shape.push(product.shape.at(-2)!);
  if (!column) shape.push(product.shape.at(-1)!);
  return view.layout.reshape(product, shape);
}

function matMul(view: OperatorView): Value {
  return multiplyMatrices(view, view.required(0), view.required(1));
}

/** Y = alpha A B + beta C with optional transposition. */
function gemm(view: OperatorView): Value {
  const [alpha, beta] = [view.float("alpha", 1), view.float("beta", 1)];
  let [left, right] = [view.required(0), view.required(1)];
  if (left.shape.length !== 2 || right.shape.length !== 2)
    view.fail(`it multiplies matrices, not ${describeShape(left.shape)} and ${describeShape(right.shape)}`);
  if (view.integer("transA", 0)) left = transposeMatrix(view, left);
  if (view.integer("transB", 0)) right = transposeMatrix(view, right);
  const added = view.value(2);
  const units = right.shape[1]!;
  const scaled = right instanceof Constant && alpha !== 1 ? right.map((value) => value * alpha) : right;
  const bias = added instanceof Constant && [1, units].includes(countElements(added.shape)) ? added : null;
  const vector = bias && scaleBias(bias, units, beta);
  let result = multiplyMatrices(view, left, scaled, right instanceof Constant || alpha === 1 ? vector : null);
  if (scaled === right && alpha !== 1) {
    result = combine(view, "MUL", result, scalar(alpha));
    if (vector) result = combine(view, "ADD", result, vector);
  }
  if (!added || bias) return result;
  return combine(
    view,
    "ADD",
    result,
    beta === 1 ? added : combine(view, "MUL", added, scalar(beta), "scaled"),
  );
}

function scaleBias(bias: Constant, units: number, beta: number): Constant {
  const numbers = bias.numbers();
  if (numbers.length === units && beta === 1) return bias.reshape([units]);
  const value = (index: number) => numbers[numbers.length === 1 ? 0 : index]! * beta;
  return Constant.of(
    "float32",
    [units],
    Array.from({ length: units }, (_, index) => value(index)),
  );
}

function transposeMatrix(view: OperatorView, value: Value): Value {
  if (value instanceof Constant) return value.transpose([1, 0]);
  return view.layout.transpose(view.toActivation(value), [1, 0]);
}

/** Matrix products. */
export const matrixOperators: Record<string, Operator> = { MatMul: matMul, Gemm: gemm };
