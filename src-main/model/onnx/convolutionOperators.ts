import { Constant } from "./constant.ts";
import type { Operator } from "./elementwiseOperators.ts";
import { imageOrder, type Activation } from "./layout.ts";
import type { OperatorView, Value } from "./operatorView.ts";
import { neededAfter, nativePadding, readWindow, type StatedWindow } from "./windowPadding.ts";

/** Height and width of an image in logical order. */
export function extentOf(image: Activation): [number, number] {
  return [image.shape[2]!, image.shape[3]!];
}

/** The image with a margin of one value, by PAD for zeros and PADV2 for others. */
export function padImage(
  view: OperatorView,
  image: Activation,
  before: readonly [number, number],
  after: readonly [number, number],
  value = 0,
): Activation {
  if ([...before, ...after].every((margin) => margin === 0)) return image;
  const [batch, channels, height, width] = image.shape as [number, number, number, number];
  const margins = [0, 0, before[0], after[0], before[1], after[1], 0, 0];
  const inputs = [image.tensor, view.addIntegers(margins, "paddings", [4, 2])];
  if (value !== 0) inputs.push(view.addConstant(Constant.of("float32", [], [value]), "padding_value"));
  const shape = [batch, channels, height + before[0] + after[0], width + before[1] + after[1]];
  return view.append(value === 0 ? "PAD" : "PADV2", inputs, { shape, order: imageOrder, suffix: "pad" });
}

/** Stride and padding as TFLite's window ops have them. */
export function windowAttributes(window: StatedWindow, padding: "SAME" | "VALID") {
  return { padding, strideW: window.stride[1], strideH: window.stride[0] };
}

function convolve(view: OperatorView): Value {
  const image = view.image(0);
  const filter = view.constant(1, "filter");
  const bias = view.optionalConstant(2, "bias");
  const channels = image.shape[1]!;
  if (filter.shape.length !== 4) view.fail(`its filter has ${filter.shape.length} dimensions, not 4`);
  const [filters, depth, ...kernel] = filter.shape as [number, number, number, number];
  const groups = view.integer("group", 1);
  if (groups < 1 || depth * groups !== channels || filters % groups !== 0)
    view.fail(
      `${groups} groups and a filter ${filter.shape.join("×")} do not fit an image of ${channels} channels`,
    );
  if (bias && bias.count !== filters) view.fail(`its bias has ${bias.count} numbers for ${filters} filters`);
  const input = extentOf(image);
  const window = readWindow(view, input, kernel);
  const native = nativePadding(window, input);
  const padded = native ? image : padImage(view, image, window.before, neededAfter(window, input));
  const depthwise = groups > 1 && depth === 1;
  // OIHW becomes OHWI, and 1HWO where each filter sees one channel.
  const weights = filter.transpose(depthwise ? [1, 2, 3, 0] : [0, 2, 3, 1]);
  // TFLite's convolutions want a bias; converters give them zeros where the network has none.
  const offsets = bias?.reshape([filters]) ?? Constant.of("float32", [filters], new Float32Array(filters));
  const inputs = [padded.tensor, view.addConstant(weights, "filter"), view.addConstant(offsets, "bias")];
  const attributes = {
    ...windowAttributes(window, native ?? "VALID"),
    ...(depthwise ? { depthMultiplier: filters / channels } : {}),
    fusedActivationFunction: "NONE",
    dilationWFactor: window.dilation[1],
    dilationHFactor: window.dilation[0],
  };
  const dilated = window.dilation[0] > 1 || window.dilation[1] > 1;
  const form = { shape: [image.shape[0]!, filters, ...window.output], order: imageOrder };
  if (depthwise) return view.append("DEPTHWISE_CONV_2D", inputs, form, attributes, dilated ? 2 : 1);
  return view.append("CONV_2D", inputs, form, attributes, groups > 1 ? 6 : 1);
}

interface Scatter {
  output: [number, number];
  before: [number, number];
}

/** Output size and cut margin of a transposed convolution, by ONNX's definition. */
function readScatter(
  view: OperatorView,
  input: readonly [number, number],
  kernel: readonly number[],
  stride: readonly number[],
): Scatter {
  const scatter: Scatter = { output: [0, 0], before: [0, 0] };
  const pads = view.integers("pads") ?? [0, 0, 0, 0];
  const added = view.integers("output_padding") ?? [0, 0];
  const wanted = view.integers("output_shape")?.slice(-2) ?? null;
  const automatic = view.text("auto_pad", "NOTSET");
  if (pads.length !== 4 || added.length !== 2 || [...pads, ...added].some((pad) => pad < 0))
    view.fail("its padding does not have two dimensions with numbers from 0 on");
  for (const axis of [0, 1] as const) {
    const full = (input[axis] - 1) * stride[axis]! + kernel[axis]!;
    const same = automatic === "SAME_UPPER" || automatic === "SAME_LOWER";
    const stated = wanted?.[axis] ?? (same ? input[axis] * stride[axis]! : null);
    if (stated === null) {
      const [before, after] = automatic === "VALID" ? [0, 0] : [pads[axis]!, pads[axis + 2]!];
      scatter.before[axis] = before;
      scatter.output[axis] = full - before - after + added[axis]!;
    } else {
      const total = Math.max(0, full + added[axis]! - stated);
      const half = Math.floor(total / 2);
      scatter.before[axis] = automatic === "SAME_UPPER" ? half : total - half;
      scatter.output[axis] = stated;
    }
    if (!(scatter.output[axis] >= 1)) view.fail("nothing is left of its output inside the padding");
  }
  return scatter;
}

function convolveTransposed(view: OperatorView): Value {
  const image = view.image(0);
  const filter = view.constant(1, "filter");
  const bias = view.optionalConstant(2, "bias");
  if (filter.shape.length !== 4 || filter.shape[0] !== image.shape[1])
    view.fail(`its filter ${filter.shape.join("×")} does not fit an image of ${image.shape[1]} channels`);
  const advice = "Convert this network with another tool and add the .tflite file.";
  if (view.integer("group", 1) !== 1) view.fail("TFLite has no transposed convolution in groups", advice);
  if ((view.integers("dilations") ?? []).some((size) => size !== 1))
    view.fail("TFLite has no dilated transposed convolution", advice);
  const [, filters, ...kernel] = filter.shape as [number, number, number, number];
  if (bias && bias.count !== filters) view.fail(`its bias has ${bias.count} numbers for ${filters} filters`);
  const stride = view.integers("strides") ?? [1, 1];
  if (stride.length !== 2 || stride.some((step) => step < 1))
    view.fail("its strides are not two numbers from 1 on");
  const input = extentOf(image);
  const { output, before } = readScatter(view, input, kernel, stride);
  const axes = [0, 1] as const;
  const full = axes.map((axis) => (input[axis] - 1) * stride[axis]! + kernel[axis]!) as [number, number];
  const same = axes.every(
    (axis) =>
      Math.ceil(output[axis] / stride[axis]!) === input[axis] &&
      Math.floor(Math.max(0, full[axis] - output[axis]) / 2) === before[axis],
  );
  // What SAME does not cut as the node wants it is cut by an op of its own.
  const scattered = same
    ? output
    : (axes.map((axis) => Math.max(full[axis], before[axis] + output[axis])) as [number, number]);
  const cut = axes.some((axis) => scattered[axis] !== output[axis]);
  const batch = image.shape[0]!;
  const weights = filter.transpose([1, 2, 3, 0]);
  const inputs = [
    view.addIntegers([batch, ...scattered, filters], "output_shape"),
    view.addConstant(weights, "filter"),
    image.tensor,
  ];
  if (bias) inputs.push(view.addConstant(bias.reshape([filters]), "bias"));
  const form = {
    shape: [batch, filters, ...scattered],
    order: imageOrder,
    suffix: cut ? "uncut" : undefined,
  };
  const attributes = { padding: same ? "SAME" : "VALID", strideW: stride[1]!, strideH: stride[0]! };
  const result = view.append("TRANSPOSE_CONV", inputs, form, attributes, bias ? 3 : 1);
  if (!cut) return result;
  const begin = [0, before[0], before[1], 0];
  const size = [batch, ...output, filters];
  return view.append(
    "SLICE",
    [result.tensor, view.addIntegers(begin, "begin"), view.addIntegers(size, "size")],
    { shape: [batch, filters, ...output], order: imageOrder },
  );
}

/** Convolutions. */
export const convolutionOperators: Record<string, Operator> = {
  Conv: convolve,
  ConvTranspose: convolveTransposed,
};
