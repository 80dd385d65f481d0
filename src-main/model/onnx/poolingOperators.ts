import { Constant } from "./constant.ts";
import { extentOf, padImage, windowAttributes } from "./convolutionOperators.ts";
import { combine, type Operator } from "./elementwiseOperators.ts";
import { imageOrder, type Activation } from "./layout.ts";
import type { OperatorView, Value } from "./operatorView.ts";
import { neededAfter, nativePadding, readWindow, type StatedWindow } from "./windowPadding.ts";

/** Places of an output for which factors are stored at most. */
const mostPlaces = 2 ** 22;
const lowestFloat = -3.4028234663852886e38;

function appendPool(
  view: OperatorView,
  type: string,
  image: Activation,
  window: StatedWindow,
  padding: "SAME" | "VALID",
  suffix?: string,
): Activation {
  const shape = [image.shape[0]!, image.shape[1]!, ...window.output];
  return view.append(
    type,
    [image.tensor],
    { shape, order: imageOrder, suffix },
    {
      ...windowAttributes(window, padding),
      filterWidth: window.kernel[1],
      filterHeight: window.kernel[0],
      fusedActivationFunction: "NONE",
    },
  );
}

function readPool(view: OperatorView, image: Activation): StatedWindow {
  const kernel = view.integers("kernel_shape") ?? view.fail("it has no kernel_shape");
  const window = readWindow(view, extentOf(image), kernel);
  if (window.dilation.some((size) => size !== 1))
    view.fail(
      "TFLite has no dilated pooling",
      "Convert this network with another tool and add the .tflite file.",
    );
  return window;
}

function maxPool(view: OperatorView): Value {
  const image = view.image(0);
  if (view.hasOutput(1)) view.fail("TFLite's pooling does not tell where the largest elements were");
  const window = readPool(view, image);
  const input = extentOf(image);
  const native = nativePadding(window, input);
  if (native) return appendPool(view, "MAX_POOL_2D", image, window, native);
  // Zeros are as good as the lowest float after a ReLU, and what networks written for TensorFlow have there.
  const value = isNonNegative(view, image.tensor) ? 0 : lowestFloat;
  const padded = padImage(view, image, window.before, neededAfter(window, input), value);
  return appendPool(view, "MAX_POOL_2D", padded, window, "VALID");
}

/** Ops that give no number below zero, whatever they get. */
const nonNegative = new Set(["RELU", "RELU6", "LOGISTIC", "SOFTMAX", "ABS", "EXP", "SQUARE", "SQRT"]);
/** Ops whose result is not below zero when their inputs are not. */
const keepsSign = new Set([
  "MAX_POOL_2D",
  "AVERAGE_POOL_2D",
  "CONCATENATION",
  "PAD",
  "RESHAPE",
  "TRANSPOSE",
  "RESIZE_NEAREST_NEIGHBOR",
  "RESIZE_BILINEAR",
  "MEAN",
]);

function isNonNegative(view: OperatorView, tensor: number): boolean {
  const writers = new Map(view.draft.ops.flatMap((op) => op.outputs.map((output) => [output, op] as const)));
  const pending = [tensor];
  const seen = new Set<number>();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const op = writers.get(next);
    if (!op) return false;
    if (nonNegative.has(op.type)) continue;
    if (!keepsSign.has(op.type)) return false;
    pending.push(...(op.type === "CONCATENATION" ? op.inputs : op.inputs.slice(0, 1)));
  }
  return true;
}

function averagePool(view: OperatorView): Value {
  const image = view.image(0);
  const window = readPool(view, image);
  const input = extentOf(image);
  const counted = view.integer("count_include_pad", 0) !== 0;
  const native = nativePadding(window, input);
  // TFLite's SAME leaves the padding out of the average.
  if (native === "VALID" || (native === "SAME" && !counted))
    return appendPool(view, "AVERAGE_POOL_2D", image, window, native);
  const padded = padImage(view, image, window.before, neededAfter(window, input));
  if (window.output[0] * window.output[1] > mostPlaces)
    view.fail("its image is too large for padding that does not count");
  const correction = correctCounts(window, input, counted);
  const pooled = appendPool(view, "AVERAGE_POOL_2D", padded, window, "VALID", correction ? "sum" : undefined);
  return correction ? combine(view, "MUL", pooled, correction) : pooled;
}

/** Factors per place of the output where fewer elements count than the window has; null when all count. */
function correctCounts(
  window: StatedWindow,
  input: readonly [number, number],
  counted: boolean,
): Constant | null {
  const counts = ([0, 1] as const).map((axis) =>
    Array.from({ length: window.output[axis] }, (_, place) => {
      const start = place * window.stride[axis] - window.before[axis];
      const [low, high] = counted
        ? [-window.before[axis], input[axis] + window.after[axis]]
        : [0, input[axis]];
      return Math.max(1, Math.min(start + window.kernel[axis], high) - Math.max(start, low));
    }),
  );
  const [rows, columns] = counts as [number[], number[]];
  const whole = window.kernel[0] * window.kernel[1];
  if (rows.every((row) => row === window.kernel[0]) && columns.every((column) => column === window.kernel[1]))
    return null;
  const factors = rows.flatMap((row) => columns.map((column) => whole / (row * column)));
  return Constant.of("float32", [1, 1, ...window.output], factors);
}

/** The mean or the largest element of each channel, with height and width left as 1. */
function globalPool(type: "MEAN" | "REDUCE_MAX"): Operator {
  return (view) => {
    const image = view.image(0);
    const inputs = [image.tensor, view.addIntegers([1, 2], "axes")];
    const shape = [image.shape[0]!, image.shape[1]!, 1, 1];
    return view.append(type, inputs, { shape, order: imageOrder }, { keepDims: true });
  };
}

/** Pooling. */
export const poolingOperators: Record<string, Operator> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalPool("MEAN"),
  GlobalMaxPool: globalPool("REDUCE_MAX"),
};
