import { countElements } from "../graph.ts";
import { describeShape } from "../shapeInference.ts";
import { Constant } from "./constant.ts";
import { combine, scalar, unary, type Operator } from "./elementwiseOperators.ts";
import { imageOrder, type Activation } from "./layout.ts";
import type { OperatorView, Value } from "./operatorView.ts";

/** Appends a reduction over logical axes. */
function reduce(
  view: OperatorView,
  type: string,
  x: Activation,
  axes: readonly number[],
  keepDims: boolean,
  suffix?: string,
): Activation {
  const places = axes.map((axis) => x.order.indexOf(axis)).sort((a, b) => a - b);
  const inputs = [x.tensor, view.addIntegers(places, "axes")];
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const form = keepDims
    ? { shape: x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)), order: x.order }
    : {
        shape: kept.map((axis) => x.shape[axis]!),
        order: x.order.filter((axis) => kept.includes(axis)).map((axis) => kept.indexOf(axis)),
      };
  return view.append(type, inputs, { ...form, suffix }, { keepDims });
}

function readAxes(view: OperatorView, x: Activation): number[] | null {
  const given = view.integersFrom(1, "axes");
  if (given && given.length > 0) return [...new Set(given.map((axis) => view.axis(axis, x.shape.length)))];
  return view.integer("noop_with_empty_axes", 0) !== 0 ? null : x.shape.map((_, axis) => axis);
}

function reduceOperator(type: string): Operator {
  return (view) => {
    const x = view.activation(0);
    const axes = readAxes(view, x);
    return axes === null ? x : reduce(view, type, x, axes, view.integer("keepdims", 1) !== 0);
  };
}

function reduceSquares(view: OperatorView): Value {
  const x = view.activation(0);
  const axes = readAxes(view, x);
  if (axes === null) return unary(view, "ABS", x);
  const squares = unary(view, "SQUARE", x, { suffix: "square" });
  return unary(view, "SQRT", reduce(view, "SUM", squares, axes, view.integer("keepdims", 1) !== 0, "sum"));
}

// The running statistics of training are constants, so it is a factor and an offset per channel.
function batchNormalization(view: OperatorView): Value {
  const x = view.activation(0);
  if (view.integer("training_mode", 0) !== 0 || view.hasOutput(1))
    view.fail(
      "it computes statistics as in training",
      "Export the network in evaluation mode (model.eval()).",
    );
  const channels = x.shape[1] ?? view.fail("its input has no channels");
  const [scale, offset, mean, variance] = (["scale", "bias", "mean", "variance"] as const).map(
    (name, index) => readParameter(view, index + 1, name, channels, "channels").numbers(),
  );
  const epsilon = view.float("epsilon", 1e-5);
  const factors = Array.from({ length: channels }, (_, c) => scale![c]! / Math.sqrt(variance![c]! + epsilon));
  const offsets = factors.map((factor, c) => offset![c]! - mean![c]! * factor);
  const shape = [channels, ...x.shape.slice(2).map(() => 1)];
  const scaled = combine(view, "MUL", x, Constant.of("float32", shape, factors), "scale");
  return combine(view, "ADD", scaled, Constant.of("float32", shape, offsets));
}

/**
 * (x − mean) ÷ √(variance + ε) × scale + offset over the given axes, in the operators that converters write for Keras' layer: the
 * variance as the mean of squared differences, then x × k + (offset − mean × k) with k = scale ÷ √(variance + ε).
 */
function normalize(
  view: OperatorView,
  x: Activation,
  axes: readonly number[],
  scale: Constant | null,
  offset: Constant | null,
): Value {
  const mean = reduce(view, "MEAN", x, axes, true, "mean");
  const differences = combine(view, "SQUARED_DIFFERENCE", x, mean, "squared_difference");
  const variance = reduce(view, "MEAN", differences, axes, true, "variance");
  const shifted = combine(view, "ADD", variance, scalar(view.float("epsilon", 1e-5)), "epsilon");
  let factor: Activation = unary(view, "RSQRT", shifted, { suffix: "rsqrt" });
  if (scale) factor = combine(view, "MUL", factor, scale, "factor");
  const scaled = combine(view, "MUL", x, factor, "scaled");
  const centre = combine(view, "MUL", mean, factor, "centre");
  if (!offset) return combine(view, "SUB", scaled, centre);
  return combine(view, "ADD", scaled, combine(view, "SUB", offset, centre, "offset"));
}

function layerNormalization(view: OperatorView): Value {
  const x = view.activation(0);
  if (view.hasOutput(1)) view.fail("its mean and deviation are used as outputs");
  const rank = x.shape.length;
  const first = view.axis(view.integer("axis", -1), rank);
  const axes = x.shape.map((_, axis) => axis).slice(first);
  return normalize(view, x, axes, view.constant(1, "scale"), view.optionalConstant(2, "bias"));
}

function instanceNormalization(view: OperatorView): Value {
  const x = view.activation(0);
  const channels = x.shape[1] ?? view.fail("its input has no channels");
  const shape = [channels, ...x.shape.slice(2).map(() => 1)];
  const parameter = (index: number, name: string) =>
    readParameter(view, index, name, channels, "channels").reshape(shape);
  const axes = x.shape.map((_, axis) => axis).slice(2);
  return normalize(view, x, axes, parameter(1, "scale"), parameter(2, "bias"));
}

function readParameter(view: OperatorView, index: number, name: string, count: number, of: string): Constant {
  const constant = view.constant(index, name);
  if (constant.count !== count) view.fail(`its ${name} has ${constant.count} numbers for ${count} ${of}`);
  return constant;
}

/** Each group of channels is normalised over its channels and places; four axes are the most some of the kernels broadcast. */
function groupNormalization(view: OperatorView): Value {
  const x = view.activation(0);
  const [batch, channels, ...extent] = x.shape;
  const groups = view.integer("num_groups", 0);
  if (batch === undefined || channels === undefined || groups < 1 || channels % groups !== 0)
    view.fail(`${groups} groups do not divide the channels of ${describeShape(x.shape)}`);
  const width = channels / groups;
  const grouped = view.layout.reshape(x, [batch, groups, width, countElements(extent)]);
  const normal = normalize(view, grouped, [2, 3], null, null);
  const restored = view.layout.reshape(view.toActivation(normal), x.shape);
  // Before operator set 21 all channels of a group share their scale and bias.
  const shared = view.opset < 21;
  const parameter = (index: number, name: string) => {
    const numbers = readParameter(
      view,
      index,
      name,
      shared ? groups : channels,
      shared ? "groups" : "channels",
    ).numbers();
    const values = Array.from({ length: channels }, (_, c) => numbers[shared ? Math.floor(c / width) : c]!);
    return Constant.of("float32", [channels, ...extent.map(() => 1)], values);
  };
  return combine(
    view,
    "ADD",
    combine(view, "MUL", restored, parameter(1, "scale"), "scale"),
    parameter(2, "bias"),
  );
}

function localResponseNormalization(view: OperatorView): Value {
  const image = view.image(0);
  const size = view.integer("size", 1);
  if (size < 1 || size % 2 === 0) view.fail(`TFLite sums over an odd number of channels, not ${size}`);
  const attributes = {
    radius: (size - 1) / 2,
    bias: view.float("bias", 1),
    // ONNX divides by the size, TFLite does not.
    alpha: view.float("alpha", 1e-4) / size,
    beta: view.float("beta", 0.75),
  };
  return view.append(
    "LOCAL_RESPONSE_NORMALIZATION",
    [image.tensor],
    { shape: image.shape, order: imageOrder },
    attributes,
  );
}

/** Reductions and normalisations. */
export const reductionOperators: Record<string, Operator> = {
  ReduceMean: reduceOperator("MEAN"),
  ReduceSum: reduceOperator("SUM"),
  ReduceMax: reduceOperator("REDUCE_MAX"),
  ReduceMin: reduceOperator("REDUCE_MIN"),
  ReduceProd: reduceOperator("REDUCE_PROD"),
  ReduceL2: reduceSquares,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  LRN: localResponseNormalization,
};
