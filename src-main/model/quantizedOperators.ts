import type { Op } from "./graph.ts";

/** Scale and zero point of a tensor of int8 activations: real = scale × (stored − zeroPoint). */
export interface ActivationScale {
  scale: number;
  zeroPoint: number;
}

/**
 * What TFLite's int8 kernel of an operator asks of its real tensors. `own`: every tensor has a scale of its own. `shared`: all have
 * one scale, because stored numbers are copied or compared as they are. `fixed`: the output's scale is the kernel's.
 */
export interface QuantizedOperator {
  rule: "own" | "shared" | "fixed";
  /** Lowest version of the operator that has the int8 kernel. */
  version: number;
  output?: ActivationScale;
  /** Input scales must be below it. */
  scalesBelow?: number;
  /** Input with trained weights, symmetric in ±127; `axis` is that of the channels with a scale each, null for one scale. */
  weights?: { input: number; activation: number; axis: number | null; bias: number };
}

const operators = new Map<string, QuantizedOperator>();

function assign(names: string, operator: QuantizedOperator): void {
  for (const name of names.trim().split(/\s+/)) operators.set(name, operator);
}

// Which operators have an int8 kernel, their scales and axes: "LiteRT 8-bit quantization specification",
// https://ai.google.dev/edge/litert/models/quantization_spec; for operators it leaves out, and for versions, what TFLite's converter
// knows of them (lite/tools/optimize/operator_property.cc, lite/tools/versioning/op_version.cc), as far as TFLite 2.9 runs it.
assign("CONV_2D", {
  rule: "own",
  version: 3,
  weights: { input: 1, activation: 0, axis: 0, bias: 2 },
});
assign("DEPTHWISE_CONV_2D", {
  rule: "own",
  version: 3,
  weights: { input: 1, activation: 0, axis: 3, bias: 2 },
});
assign("TRANSPOSE_CONV", {
  rule: "own",
  version: 2,
  weights: { input: 1, activation: 2, axis: 0, bias: 3 },
});
assign("FULLY_CONNECTED", {
  rule: "own",
  version: 4,
  weights: { input: 1, activation: 0, axis: null, bias: 2 },
});
assign("ADD SUB MUL SQUARED_DIFFERENCE BATCH_MATMUL MEAN SUM RELU RELU6 ABS RSQRT GELU ARG_MAX ARG_MIN", {
  rule: "own",
  version: 2,
});
// lite/kernels/comparisons.cc: each input is multiplied by its scale as a number below 1; with a larger one TFLite ends the process.
assign("LESS LESS_EQUAL GREATER GREATER_EQUAL EQUAL NOT_EQUAL", { rule: "own", version: 2, scalesBelow: 1 });
assign("RELU_N1_TO_1 HARD_SWISH ELU PRELU LEAKY_RELU", { rule: "own", version: 1 });
assign(
  `AVERAGE_POOL_2D MAX_POOL_2D CONCATENATION PACK MAXIMUM MINIMUM PAD PADV2 MIRROR_PAD TRANSPOSE SPLIT SPLIT_V SLICE STRIDED_SLICE
   GATHER RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR DEPTH_TO_SPACE SPACE_TO_DEPTH BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND UNPACK
   REDUCE_MAX REDUCE_MIN`,
  { rule: "shared", version: 2 },
);
assign("RESHAPE SQUEEZE EXPAND_DIMS", { rule: "shared", version: 1 });
assign("LOGISTIC SOFTMAX", { rule: "fixed", version: 2, output: { scale: 1 / 256, zeroPoint: -128 } });
assign("TANH L2_NORMALIZATION", { rule: "fixed", version: 2, output: { scale: 1 / 128, zeroPoint: 0 } });
assign("LOG_SOFTMAX", { rule: "fixed", version: 2, output: { scale: 16 / 256, zeroPoint: 127 } });

/** What the int8 kernel of an op asks for, or null when TFLite has none and the op stays in float. */
export function findQuantizedOperator(op: Pick<Op, "type" | "custom">): QuantizedOperator | null {
  return op.custom ? null : (operators.get(op.type) ?? null);
}

/** All operators with an int8 kernel. */
export function listQuantizedOperators(): string[] {
  return [...operators.keys()];
}
