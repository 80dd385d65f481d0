import { dilatedKernel } from "../shapeInference.ts";
import type { OperatorView } from "./operatorView.ts";

/** A window over height and width as an ONNX node states it. */
export interface StatedWindow {
  kernel: [number, number];
  stride: [number, number];
  dilation: [number, number];
  /** Output height and width by ONNX's rule. */
  output: [number, number];
  /** Rows and columns to add before and after; what ceil_mode adds at the end is not in it. */
  before: [number, number];
  after: [number, number];
}

/** Reads kernel, strides, dilations and padding of a node over an image of the given height and width. */
export function readWindow(
  view: OperatorView,
  input: readonly [number, number],
  kernel: readonly number[],
): StatedWindow {
  const pair = (name: string, list: readonly number[] | null, lowest: number): [number, number] => {
    const [height, width] = list ?? [1, 1];
    if ((list && list.length !== 2) || !(height! >= lowest) || !(width! >= lowest))
      view.fail(`its ${name} is [${(list ?? []).slice(0, 8).join()}], not two numbers from ${lowest} on`);
    return [height!, width!];
  };
  const size = pair("kernel", kernel, 1);
  const stride = pair("strides", view.integers("strides"), 1);
  const dilation = pair("dilations", view.integers("dilations"), 1);
  const automatic = view.text("auto_pad", "NOTSET");
  const pads = view.integers("pads") ?? [0, 0, 0, 0];
  if (pads.length !== 4 || pads.some((pad) => pad < 0))
    view.fail(`its padding is [${pads.slice(0, 8).join()}], not four numbers from 0 on`);
  const ceiling = view.integer("ceil_mode", 0) !== 0;
  const window: StatedWindow = {
    kernel: size,
    stride,
    dilation,
    output: [0, 0],
    before: [0, 0],
    after: [0, 0],
  };
  for (const axis of [0, 1] as const) {
    const [length, step, extent] = [input[axis], stride[axis], dilatedKernel(size[axis], dilation[axis])];
    if (automatic === "SAME_UPPER" || automatic === "SAME_LOWER") {
      window.output[axis] = Math.ceil(length / step);
      const total = Math.max(0, (window.output[axis] - 1) * step + extent - length);
      const smaller = Math.floor(total / 2);
      window.before[axis] = automatic === "SAME_UPPER" ? smaller : total - smaller;
      window.after[axis] = total - window.before[axis];
    } else if (automatic === "NOTSET" || automatic === "VALID") {
      const [before, after] = automatic === "VALID" ? [0, 0] : [pads[axis]!, pads[axis + 2]!];
      const steps = (length + before + after - extent) / step;
      let output = (ceiling ? Math.ceil(steps) : Math.floor(steps)) + 1;
      // A window that would begin in the padding at the end is left out.
      if (ceiling && (output - 1) * step >= length + before) output--;
      window.output[axis] = output;
      window.before[axis] = before;
      window.after[axis] = after;
    } else view.fail(`its padding scheme ${automatic} is not known`);
    if (window.output[axis] < 1)
      view.fail(`its window of ${extent} does not fit into ${length} with the padding given`);
  }
  return window;
}

/** Padding that TFLite's ops do themselves, or null when it needs an op of its own. */
export function nativePadding(
  window: StatedWindow,
  input: readonly [number, number],
): "SAME" | "VALID" | null {
  const axes = [0, 1] as const;
  const extent = (axis: 0 | 1) => dilatedKernel(window.kernel[axis], window.dilation[axis]);
  const span = (axis: 0 | 1) => (window.output[axis] - 1) * window.stride[axis] + extent(axis);
  const valid = axes.every(
    (axis) =>
      window.before[axis] === 0 &&
      window.output[axis] === Math.floor((input[axis] - extent(axis)) / window.stride[axis]) + 1,
  );
  if (valid) return "VALID";
  const same = axes.every(
    (axis) =>
      window.output[axis] === Math.ceil(input[axis] / window.stride[axis]) &&
      window.before[axis] === Math.floor(Math.max(0, span(axis) - input[axis]) / 2),
  );
  return same ? "SAME" : null;
}

/** Rows and columns to add at the end so that the last window fits, at least what the node states. */
export function neededAfter(window: StatedWindow, input: readonly [number, number]): [number, number] {
  const after = (axis: 0 | 1) => {
    const extent = dilatedKernel(window.kernel[axis], window.dilation[axis]);
    const end = (window.output[axis] - 1) * window.stride[axis] + extent;
    return Math.max(window.after[axis], end - input[axis] - window.before[axis]);
  };
  return [after(0), after(1)];
}
