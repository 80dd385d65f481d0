import type { Runtime } from "../lab/contract.ts";
import { costClass } from "../model/costClass.ts";
import { costOp } from "../model/cost.ts";
import { mainSubgraph, type Graph, type Op, type Subgraph } from "../model/graph.ts";
import { mergeForXnnpack } from "./xnnpackMerging.ts";

/** What a CPU runtime runs for one or several ops of the entry subgraph. */
export interface CpuKernel {
  /** Kernels of one class share a regressor; null when the kernel's time cannot be predicted. */
  class: string | null;
  /** Indices of its ops, the one that does the work first. */
  ops: number[];
  /** Why these ops are this kernel, or why it has no class. */
  why: string;
}

/** A kernel class and the reason for it. */
export interface KernelChoice {
  class: string;
  why: string;
}

/** The kernels a CPU runtime runs for a graph, in execution order: one an op on `tflite`, merged ones on `xnnpack`. */
export function listCpuKernels(graph: Graph, runtime: Runtime): CpuKernel[] {
  const subgraph = mainSubgraph(graph);
  const kernels = subgraph.ops.map((op, index) => describeKernel(subgraph, op, index));
  return runtime === "xnnpack" ? mergeForXnnpack(subgraph, kernels) : kernels;
}

function describeKernel(subgraph: Subgraph, op: Op, index: number): CpuKernel {
  const choice = chooseKernel(subgraph, op);
  if (choice === null) return { class: null, ops: [index], why: explainUncosted(subgraph, op) };
  return { class: choice.class, ops: [index], why: choice.why };
}

/** The kernel class of one op, null when it has none: custom operators, control flow, work that depends on data. */
export function chooseKernel(subgraph: Subgraph, op: Op): KernelChoice | null {
  if (op.custom) return null;
  const choose = choosers.get(op.type);
  if (choose) return choose(subgraph, op);
  const cost = costClass(op.type);
  return cost ? (rest[cost.kind] ?? null) : null;
}

function explainUncosted(subgraph: Subgraph, op: Op): string {
  if (op.custom) return `custom operator ${op.type}: its work is not known`;
  if (costClass(op.type) === null)
    return `${op.type}: its work depends on data, on a state or on other subgraphs`;
  return costOp(subgraph, op).flops === null
    ? `${op.type}: its shapes or attributes are not those of the operator`
    : `${op.type}: no kernel is known for it`;
}

type Chooser = (subgraph: Subgraph, op: Op) => KernelChoice | null;
const choosers = new Map<string, Chooser>();

function assign(operators: string, name: string, why: string): void {
  const choice: KernelChoice = { class: name, why };
  for (const operator of operators.trim().split(/\s+/)) choosers.set(operator, () => choice);
}

const pointwise: KernelChoice = {
  class: "conv-1x1",
  why: "a 1×1 convolution with stride 1 is a plain matrix product: no patches are gathered",
};
const spatial: KernelChoice = {
  class: "conv",
  why: "patches of the input are gathered, then multiplied by the filters",
};
const grouped: KernelChoice = {
  class: "conv-grouped",
  why: "grouped: each group sees its own input channels, which runtimes compute by slower, separate code",
};

choosers.set("CONV_2D", (subgraph, op) => {
  const input = subgraph.tensors[op.inputs[0] ?? -1];
  const filter = subgraph.tensors[op.inputs[1] ?? -1];
  if (!input || input.shape.length !== 4 || !filter || filter.shape.length !== 4) return null;
  if (filter.shape[3]! > 0 && input.shape[3]! > filter.shape[3]!) return grouped;
  const { strideH, strideW } = op.attributes;
  return filter.shape[1] === 1 && filter.shape[2] === 1 && strideH === 1 && strideW === 1
    ? pointwise
    : spatial;
});

// A depthwise filter or a transposed one of another rank is a broken file.
function withFilterRank(rank: number, choice: KernelChoice): Chooser {
  return (subgraph, op) =>
    subgraph.tensors[op.inputs[1] ?? -1]?.shape.length === rank &&
    subgraph.tensors[op.inputs[0] ?? -1] !== undefined
      ? choice
      : null;
}

choosers.set(
  "DEPTHWISE_CONV_2D",
  withFilterRank(4, { class: "depthwise", why: "each channel is filtered by itself: bound by memory" }),
);
choosers.set(
  "TRANSPOSE_CONV",
  withFilterRank(4, {
    class: "transpose-conv",
    why: "a matrix product whose columns are added up into the output",
  }),
);
choosers.set("CONV_3D", withFilterRank(5, { class: "conv-3d", why: "three-dimensional patches" }));
choosers.set("CONV_3D_TRANSPOSE", withFilterRank(5, { class: "conv-3d", why: "three-dimensional patches" }));
choosers.set(
  "FULLY_CONNECTED",
  withFilterRank(2, { class: "fully-connected", why: "a matrix product that reads each weight once" }),
);
assign("BATCH_MATMUL", "batch-matmul", "a product of two computed matrices");
assign("MAX_POOL_2D", "pool-max", "the maximum of each window");
assign("AVERAGE_POOL_2D", "pool-avg", "the mean of each window");
assign("L2_POOL_2D", "pool-l2", "the root mean square of each window");
assign("MEAN", "mean", "the mean over axes, mostly the global pooling of a head or of squeeze-excite");
assign("SOFTMAX LOG_SOFTMAX", "softmax", "exponentials and their sum");
assign("RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1", "activation-relu", "clamps each element: bound by memory");
assign("LOGISTIC", "activation-logistic", "an exponential for each element");
assign("TANH", "activation-tanh", "an exponential for each element");
assign("HARD_SWISH", "activation-hard-swish", "a few operations for each element");
assign("PRELU LEAKY_RELU", "activation-prelu", "a slope for each element or channel");
assign("ELU GELU", "activation-elu", "an exponential for each element");
assign(
  "ABS NEG SQUARE SIGN FLOOR CEIL ROUND LOGICAL_NOT",
  "elementwise-unary",
  "one simple operation for each element",
);
assign(
  "SQRT RSQRT EXP LOG SIN COS POW ATAN2",
  "elementwise-function",
  "a mathematical function for each element",
);
assign("CONCATENATION PACK", "concat", "copies inputs side by side");
assign("SPLIT SPLIT_V UNPACK", "split", "copies slices of the input apart");
assign("SLICE STRIDED_SLICE", "slice", "copies a part of the input");
assign("PAD PADV2 MIRROR_PAD", "pad", "copies the input into a larger frame");
assign("RESHAPE SQUEEZE EXPAND_DIMS", "reshape", "copies or renames the same elements");
assign("TRANSPOSE", "transpose", "moves elements into another order");
assign("RESIZE_BILINEAR", "resize-bilinear", "blends four neighbours for each output element");
assign("RESIZE_NEAREST_NEIGHBOR", "resize-nearest", "copies one neighbour for each output element");
assign(
  "DEPTH_TO_SPACE SPACE_TO_DEPTH BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND",
  "space-to-depth",
  "moves blocks of elements between dimensions",
);
assign("GATHER GATHER_ND EMBEDDING_LOOKUP", "gather", "copies elements chosen by an index");
assign("SHAPE RANK", "shape", "reads a shape only");
assign("L2_NORMALIZATION LOCAL_RESPONSE_NORMALIZATION", "normalization", "divides elements by a norm");

const convert: KernelChoice = { class: "convert", why: "converts each element to another type" };
const once: KernelChoice = {
  class: "convert-once",
  why: "the input is constant: the runtime converts it before the first inference and keeps the result",
};
for (const operator of ["QUANTIZE", "DEQUANTIZE"])
  choosers.set(operator, (subgraph, op) => (subgraph.tensors[op.inputs[0] ?? -1]?.data ? once : convert));
assign("CAST", "convert", convert.why);

function assignBinary(operators: string, name: string): void {
  const same: KernelChoice = { class: name, why: "two inputs of one shape, element by element" };
  const scalar: KernelChoice = {
    class: `${name}-scalar`,
    why: "one input is a single number: half the memory is read",
  };
  const broadcast: KernelChoice = {
    class: `${name}-broadcast`,
    why: "one input is smaller and is repeated, which runtimes compute by another loop",
  };
  for (const operator of operators.split(" "))
    choosers.set(operator, (subgraph, op) => {
      const first = subgraph.tensors[op.inputs[0] ?? -1]?.shape;
      const second = subgraph.tensors[op.inputs[1] ?? -1]?.shape;
      if (!first || !second) return null;
      if (isSameShape(first, second)) return same;
      return isSingle(first) || isSingle(second) ? scalar : broadcast;
    });
}

assignBinary("ADD SUB", "elementwise-add");
assignBinary("MUL", "elementwise-mul");
assignBinary("DIV FLOOR_DIV FLOOR_MOD", "elementwise-div");
assignBinary("MAXIMUM MINIMUM SQUARED_DIFFERENCE", "elementwise-other");

const rest: Partial<Record<string, KernelChoice>> = {
  elementwise: { class: "elementwise-rare", why: "some work for each element, of a rare kind" },
  sumOfAll: { class: "elementwise-rare", why: "sums its inputs element by element" },
  reduction: { class: "reduce", why: "reduces along axes" },
  movement: { class: "movement", why: "moves elements without computing" },
};

function isSameShape(first: readonly number[], second: readonly number[]): boolean {
  if (first.length !== second.length) return false;
  for (let axis = 0; axis < first.length; axis++) if (first[axis] !== second[axis]) return false;
  return true;
}

function isSingle(shape: readonly number[]): boolean {
  for (const size of shape) if (size !== 1) return false;
  return true;
}
