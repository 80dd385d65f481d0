import type { OpFacts } from "./facts.ts";

/** One number a regressor sees of an op. */
export interface Feature {
  name: string;
  unit: string;
  /** Why a kernel's time depends on it. */
  reason: string;
  /** Learners that think in sums see its logarithm (`log`) or the number itself (`linear`). */
  scale: "log" | "linear";
  read: (facts: OpFacts) => number;
}

function feature(
  name: string,
  unit: string,
  scale: Feature["scale"],
  read: Feature["read"],
  reason: string,
): Feature {
  return { name, unit, reason, scale, read };
}

const pixels = (facts: OpFacts) => facts.batch * facts.outHeight * facts.outWidth;
const depth = (facts: OpFacts) =>
  facts.kernelHeight * facts.kernelWidth * Math.max(facts.inChannels / facts.groups, 1);

// Work and traffic come first in every list: the roofline under each regressor reads them by these places.
const flops = feature("FLOPs", "operations", "log", (f) => f.flops, "time grows with the arithmetic");
const bytes = feature(
  "bytes moved",
  "bytes",
  "log",
  (f) => f.bytes,
  "memory-bound kernels take as long as their traffic",
);

const outPixels = feature(
  "output pixels",
  "pixels",
  "log",
  pixels,
  "rows of the matrix product; tiles and threads share them",
);
const inChannels = feature(
  "input channels",
  "channels",
  "log",
  (f) => f.inChannels,
  "length of the inner loops",
);
const outChannels = feature(
  "output channels",
  "channels",
  "log",
  (f) => f.outChannels,
  "columns of the matrix product",
);
const innerDepth = feature(
  "depth of a product",
  "elements",
  "log",
  depth,
  "multiply-adds for one output element: short ones do not fill the pipeline",
);
const window = feature(
  "kernel area",
  "pixels",
  "log",
  (f) => f.kernelHeight * f.kernelWidth,
  "positions a window visits",
);
const kernelWidth = feature(
  "kernel width",
  "pixels",
  "log",
  (f) => f.kernelWidth,
  "neighbours read from one row",
);
const stride = feature(
  "stride",
  "pixels",
  "log",
  (f) => Math.sqrt(f.strideHeight * f.strideWidth),
  "strided reads use part of each cache line and take other code",
);
const dilation = feature("dilation", "pixels", "log", (f) => f.dilation, "dilated kernels take another path");
const groups = feature(
  "groups",
  "groups",
  "log",
  (f) => f.groups,
  "each group is a small product of its own",
);
const groupWidth = feature(
  "output channels of a group",
  "channels",
  "log",
  (f) => Math.max(f.outChannels / f.groups, 1),
  "columns of each small product",
);
const inElements = feature("input elements", "elements", "log", (f) => f.inElements, "activations read");
const outElements = feature(
  "output elements",
  "elements",
  "log",
  (f) => f.outElements,
  "activations written",
);
const weights = feature(
  "weights",
  "bytes",
  "log",
  (f) => f.weightBytes,
  "weights read; more than a cache holds come from memory",
);
const patches = feature(
  "gathered patches",
  "elements",
  "log",
  (f) => pixels(f) * depth(f),
  "im2col: elements copied before the product",
);
const intensity = feature(
  "arithmetic intensity",
  "operations per byte",
  "log",
  (f) => f.flops / Math.max(f.bytes, 1),
  "tells whether arithmetic or memory is the limit",
);
const rowWidth = feature(
  "output width",
  "pixels",
  "log",
  (f) => f.outWidth,
  "narrow rows are mostly borders",
);
const channelTail = feature(
  "channels beyond a multiple of 8",
  "share",
  "linear",
  (f) => tail(f.outChannels, 8),
  "vector units compute the unused lanes of the last vector too",
);
const pixelTail = feature(
  "pixels beyond a multiple of 16",
  "share",
  "linear",
  (f) => tail(pixels(f), 16),
  "the last tile of a product is only partly used",
);
const perChannel = feature(
  "work per channel",
  "operations",
  "log",
  (f) => f.flops / f.outChannels,
  "loops run once per channel",
);
const inputs = feature("inputs", "tensors", "log", (f) => f.inputs, "each input costs a loop of its own");
const outputs = feature("outputs", "tensors", "log", (f) => f.outputs, "each output costs a loop of its own");
const smallest = feature(
  "smaller operand",
  "elements",
  "log",
  (f) => f.smallestInput,
  "decides how the repeated operand is walked",
);

// Share of computed but unused lanes: 0 when `count` fills them all.
function tail(count: number, lanes: number): number {
  return (Math.ceil(count / lanes) * lanes - count) / count;
}

const convolution = [
  flops,
  bytes,
  outPixels,
  inChannels,
  outChannels,
  innerDepth,
  window,
  stride,
  dilation,
  inElements,
  outElements,
  weights,
  patches,
  intensity,
  rowWidth,
  channelTail,
  pixelTail,
];
const product = [
  flops,
  bytes,
  outPixels,
  inChannels,
  outChannels,
  inElements,
  outElements,
  weights,
  intensity,
  rowWidth,
  channelTail,
  pixelTail,
];
const groupedConvolution = [
  flops,
  bytes,
  outPixels,
  inChannels,
  outChannels,
  groups,
  groupWidth,
  innerDepth,
  window,
  stride,
  inElements,
  outElements,
  weights,
  intensity,
  rowWidth,
];
const depthwise = [
  flops,
  bytes,
  outPixels,
  outChannels,
  window,
  kernelWidth,
  stride,
  dilation,
  inElements,
  outElements,
  weights,
  intensity,
  rowWidth,
  perChannel,
  channelTail,
];
const pool = [
  flops,
  bytes,
  outPixels,
  outChannels,
  window,
  stride,
  inElements,
  outElements,
  rowWidth,
  channelTail,
];
const elementwise = [
  flops,
  bytes,
  inElements,
  outElements,
  outChannels,
  outPixels,
  inputs,
  outputs,
  smallest,
];

/** Columns of the roofline's variables in every list of features. */
export const flopsColumn = 0;
export const bytesColumn = 1;

const lists: Record<string, readonly Feature[]> = {
  conv: convolution,
  "conv-3d": convolution,
  "transpose-conv": convolution,
  "conv-1x1": product,
  "fully-connected": product,
  "batch-matmul": product,
  "conv-grouped": groupedConvolution,
  depthwise,
  "pool-max": pool,
  "pool-avg": pool,
  "pool-l2": pool,
};

/** The features of a kernel class, the same for all its ops; column i of a row is feature i. */
export function listFeatures(kernelClass: string): readonly Feature[] {
  return lists[kernelClass] ?? elementwise;
}

/** Writes the features of an op into `row` from `start`. */
export function writeFeatures(
  features: readonly Feature[],
  facts: OpFacts,
  row: Float64Array,
  start: number,
): void {
  for (let column = 0; column < features.length; column++)
    row[start + column] = features[column]!.read(facts);
}

/** Classes whose kernels do alike work, so that a class with too few rows may borrow from the others. */
export function relatedClasses(kernelClass: string): string {
  if (/^(gpu-)?(conv|transpose-conv|fully-connected|batch-matmul)/.test(kernelClass))
    return "matrix products";
  if (/^(gpu-)?(depthwise|pool|mean|reduce)/.test(kernelClass)) return "windows and reductions";
  if (/^(gpu-)?(elementwise|activation|softmax|normalization|convert)/.test(kernelClass))
    return "element-wise kernels";
  return "copies";
}
