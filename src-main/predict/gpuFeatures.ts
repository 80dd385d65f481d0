import type { GpuFacts } from "./gpuFacts.ts";

/** One number a regressor sees of a GPU kernel. */
export interface GpuFeature {
  name: string;
  unit: string;
  /** Why a kernel's time depends on it. */
  reason: string;
  /** Learners that think in sums see its logarithm (`log`, values ≥ 0: log(1 + value)) or the number itself (`linear`). */
  scale: "log" | "linear";
  read: (facts: GpuFacts) => number;
}

function feature(
  name: string,
  unit: string,
  scale: GpuFeature["scale"],
  read: GpuFeature["read"],
  reason: string,
): GpuFeature {
  return { name, unit, reason, scale, read };
}

const bytesOf = ({ readBytes, writeBytes, weightBytes }: GpuFacts) => readBytes + writeBytes + weightBytes;
const places = ({ output }: GpuFacts) => output.b * output.h * output.w;

/** The unused share of the last group of `lanes`: 0 when `count` fills it. */
function unfilled(count: number, lanes: number): number {
  return (Math.ceil(count / lanes) * lanes) / count - 1;
}

/** Whether the kernel is a certain implementation of its class. */
function isVariant(pattern: RegExp): GpuFeature["read"] {
  return ({ kernel }) => (pattern.test(kernel.variant) ? 1 : 0);
}

/** Every feature of GPU kernels with its unit and the reason it is there. */
export const gpuFeatureTable = {
  flops: feature("FLOPs", "operations", "log", (f) => f.flops, "time grows with the arithmetic"),
  bytes: feature(
    "bytes moved",
    "bytes",
    "log",
    bytesOf,
    "memory-bound kernels take as long as their traffic",
  ),
  plainFlops: feature(
    "FLOPs of the plain convolution",
    "operations",
    "log",
    (f) => f.plainFlops,
    "Winograd does fewer multiplications than the convolution it stands for",
  ),
  tileFlops: feature(
    "FLOPs of whole tiles",
    "operations",
    "log",
    (f) => f.flops * (1 + f.tiles.waste),
    "threads at the border compute full tiles and full vectors: the staircase over sizes and channels",
  ),
  intensity: feature(
    "arithmetic intensity",
    "operations per byte",
    "log",
    (f) => f.flops / Math.max(bytesOf(f), 1),
    "tells whether arithmetic or memory is the limit",
  ),
  readBytes: feature(
    "bytes read",
    "bytes",
    "log",
    (f) => f.readBytes,
    "activations read, linked operands included",
  ),
  writeBytes: feature("bytes written", "bytes", "log", (f) => f.writeBytes, "activations written"),
  weightBytes: feature(
    "weights",
    "bytes",
    "log",
    (f) => f.weightBytes,
    "weights read by every work group; small ones fit constant memory or cache",
  ),
  places: feature("output places", "pixels", "log", places, "threads share them"),
  height: feature(
    "output height",
    "pixels",
    "log",
    (f) => f.output.h,
    "small images leave threads of a tile idle",
  ),
  inPlaces: feature(
    "input places",
    "pixels",
    "log",
    (f) => f.input.b * f.input.h * f.input.w,
    "what a reduction or a strided window runs over",
  ),
  inChannels: feature("input channels", "channels", "log", (f) => f.input.c, "length of the inner loop"),
  outChannels: feature("output channels", "channels", "log", (f) => f.output.c, "filters that threads share"),
  depth: feature(
    "depth of a product",
    "elements",
    "log",
    (f) => f.area * f.depth,
    "multiply-adds for one output element, done one after another by one thread",
  ),
  area: feature("kernel area", "pixels", "log", (f) => f.area, "positions a window visits"),
  stride: feature("stride", "pixels", "log", (f) => f.stride, "strided reads use a part of each cache line"),
  dilation: feature("dilation", "pixels", "log", (f) => f.dilation, "dilated windows read far apart"),
  groups: feature("groups", "groups", "log", (f) => f.groups, "each group reads its own part of the input"),
  groupChannels: feature(
    "channels of a group",
    "channels",
    "log",
    (f) => f.output.c / f.groups,
    "narrow groups reuse little of what they read",
  ),
  threads: feature("threads", "threads", "log", (f) => f.tiles.threads, "tiles of the output, one a thread"),
  waves: feature(
    "rounds of waves",
    "rounds",
    "log",
    (f) => f.tiles.waves,
    "how often the GPU is filled: below one, time no longer falls with the work",
  ),
  wholeWaves: feature(
    "whole rounds of waves",
    "rounds",
    "log",
    (f) => Math.ceil(f.tiles.waves),
    "a started round takes as long as a full one: a staircase",
  ),
  tileWaste: feature(
    "unused lanes of tiles",
    "share",
    "linear",
    (f) => f.tiles.waste,
    "computed lanes no output needs, at borders and in the last slices",
  ),
  tileSize: feature(
    "tile of a thread",
    "vectors",
    "linear",
    (f) => f.tiles.x * f.tiles.y * f.tiles.slices,
    "larger tiles read each weight less often; the delegate switches at thresholds",
  ),
  inTail4: feature(
    "input channels beyond a multiple of 4",
    "share",
    "linear",
    (f) => unfilled(f.input.c, 4),
    "channels lie in vectors of four",
  ),
  outTail4: feature(
    "output channels beyond a multiple of 4",
    "share",
    "linear",
    (f) => unfilled(f.output.c, 4),
    "the last vector of four is computed whole",
  ),
  outTail8: feature(
    "output channels beyond a multiple of 8",
    "share",
    "linear",
    (f) => unfilled(f.output.c, 8),
    "tiles of two slices compute both",
  ),
  outTail16: feature(
    "output channels beyond a multiple of 16",
    "share",
    "linear",
    (f) => unfilled(f.output.c, 16),
    "tiles of four slices compute all four",
  ),
  linked: feature(
    "linked operations",
    "operations",
    "linear",
    (f) => f.kernel.linked.length,
    "element-wise work in the same kernel",
  ),
  linkedReads: feature(
    "linked operands",
    "elements",
    "log",
    (f) =>
      f.kernel.linked.flatMap(({ operands }) => operands).reduce((sum, s) => sum + s.b * s.h * s.w * s.c, 0),
    "a residual addition reads another tensor",
  ),
  heavyLinks: feature(
    "linked gates",
    "operations",
    "linear",
    (f) => f.kernel.linked.filter(({ type }) => /^(hard_swish|sigmoid|tanh|elu|gelu|exp)$/.test(type)).length,
    "hard-swish and the like cost more than a clamp",
  ),
  inputs: feature(
    "inputs",
    "tensors",
    "linear",
    (f) => f.kernel.inputs.length,
    "each input is copied by itself",
  ),
  constants: feature(
    "weights in constant memory",
    "yes or no",
    "linear",
    isVariant(/^conv_constants$/),
    "another kernel: weights from constant memory",
  ),
  special: feature(
    "special depthwise kernel",
    "yes or no",
    "linear",
    isVariant(/^depthwise_conv_3x3/),
    "another kernel: each thread computes several places of a 3×3 window",
  ),
  inverse: feature(
    "transform back",
    "yes or no",
    "linear",
    isVariant(/^winograd_36/),
    "Winograd's two transforms differ in what they read and write",
  ),
  joinsPlaces: feature(
    "joins places",
    "yes or no",
    "linear",
    isVariant(/^concat_xy$/),
    "concatenation along height or width is another kernel",
  ),
} as const satisfies Record<string, GpuFeature>;

const t = gpuFeatureTable;
// Work and traffic come first in every list: the line under each regressor reads them by these places.
const convolution: readonly GpuFeature[] = [
  t.flops,
  t.bytes,
  t.tileFlops,
  t.intensity,
  t.readBytes,
  t.writeBytes,
  t.weightBytes,
  t.places,
  t.height,
  t.inChannels,
  t.outChannels,
  t.depth,
  t.area,
  t.stride,
  t.dilation,
  t.threads,
  t.waves,
  t.wholeWaves,
  t.tileWaste,
  t.tileSize,
  t.inTail4,
  t.outTail4,
  t.outTail8,
  t.outTail16,
  t.linked,
  t.linkedReads,
  t.heavyLinks,
  t.constants,
];
const windowed: readonly GpuFeature[] = [
  t.flops,
  t.bytes,
  t.tileFlops,
  t.intensity,
  t.readBytes,
  t.writeBytes,
  t.places,
  t.height,
  t.outChannels,
  t.area,
  t.stride,
  t.dilation,
  t.threads,
  t.waves,
  t.wholeWaves,
  t.tileWaste,
  t.outTail4,
  t.linked,
  t.linkedReads,
  t.heavyLinks,
  t.special,
];
const reduction: readonly GpuFeature[] = [
  t.flops,
  t.bytes,
  t.inPlaces,
  t.inChannels,
  t.readBytes,
  t.writeBytes,
  t.outTail4,
  t.linked,
];
const product: readonly GpuFeature[] = [
  t.flops,
  t.bytes,
  t.weightBytes,
  t.inChannels,
  t.outChannels,
  t.inTail4,
  t.outTail4,
  t.outTail16,
  t.linked,
  t.heavyLinks,
];
const copies: readonly GpuFeature[] = [
  t.flops,
  t.bytes,
  t.readBytes,
  t.writeBytes,
  t.places,
  t.outChannels,
  t.inputs,
  t.inTail4,
  t.outTail4,
  t.threads,
  t.waves,
  t.linked,
  t.linkedReads,
  t.joinsPlaces,
];

const lists: Record<string, readonly GpuFeature[]> = {
  "gpu-conv": convolution,
  "gpu-conv-dynamic": convolution,
  "gpu-transpose-conv": convolution,
  "gpu-conv-winograd": [...convolution, t.plainFlops],
  "gpu-conv-grouped": [...convolution, t.groups, t.groupChannels],
  "gpu-winograd-transform": [...copies, t.inverse],
  "gpu-depthwise": windowed,
  "gpu-depthwise-conv": [...windowed, t.inChannels],
  "gpu-pool": windowed,
  "gpu-fully-connected": product,
  "gpu-mean": reduction,
  "gpu-reduce": reduction,
  "gpu-softmax": reduction,
};

/** The features of a GPU kernel class, FLOPs and bytes first; column i of a row is feature i. */
export function listGpuFeatures(kernelClass: string): readonly GpuFeature[] {
  return lists[kernelClass] ?? copies;
}

/** Writes the features of a kernel into `row` from `start`. */
export function writeGpuFeatures(
  features: readonly GpuFeature[],
  facts: GpuFacts,
  row: Float64Array,
  start: number,
): void {
  for (let column = 0; column < features.length; column++)
    row[start + column] = features[column]!.read(facts);
}
