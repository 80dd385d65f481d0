import type { OpDetail } from "../../src-main/lab/contract.ts";
import { tellWindow } from "./graphHeat.ts";

const classOf = new Map<string, string>();

function assign(name: string, operators: string): void {
  for (const operator of operators.trim().split(/\s+/)) classOf.set(operator, name);
}

assign("Fully connected", "FULLY_CONNECTED");
assign("Matrix product", "BATCH_MATMUL");
assign("Pooling", "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D");
assign("Reduction", "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD ARG_MAX ARG_MIN");
assign("Softmax", "SOFTMAX LOG_SOFTMAX");
assign(
  "Activation",
  "RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 PRELU LEAKY_RELU ELU GELU HARD_SWISH LOGISTIC TANH",
);
assign(
  "Element-wise",
  `ADD SUB MUL DIV POW MAXIMUM MINIMUM SQUARED_DIFFERENCE ABS NEG SQRT RSQRT SQUARE EXP LOG ADD_N
   L2_NORMALIZATION LOCAL_RESPONSE_NORMALIZATION`,
);
assign("Concatenation", "CONCATENATION PACK");
assign("Padding", "PAD PADV2 MIRROR_PAD");
assign("Resizing", "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR");
assign("Conversion", "QUANTIZE DEQUANTIZE CAST");
assign(
  "Data movement",
  `RESHAPE SQUEEZE EXPAND_DIMS SPLIT SPLIT_V UNPACK SLICE STRIDED_SLICE TRANSPOSE TILE GATHER GATHER_ND
   DEPTH_TO_SPACE SPACE_TO_DEPTH BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND BROADCAST_TO REVERSE_V2`,
);

const order = [
  "Convolution",
  "Grouped convolution",
  "Depthwise convolution",
  "Transposed convolution",
  "Fully connected",
  "Matrix product",
  "Softmax",
  "Pooling",
  "Reduction",
  "Element-wise",
  "Activation",
  "Concatenation",
  "Padding",
  "Resizing",
  "Data movement",
  "Conversion",
];

/**
 * What kind of work an op does, e.g. `Convolution 3×3` or `Element-wise`: convolutions by their window and grouping, the rest
 * by what their operator is for. An operator that is in no class is one of its own.
 */
export function classifyOp(op: OpDetail): string {
  const window = tellWindow(op).split(" ")[0] ?? "";
  const named = (name: string) => (window === "" ? name : `${name} ${window}`);
  if (op.custom) return op.op;
  if (op.op === "CONV_2D") return named(isGrouped(op) ? "Grouped convolution" : "Convolution");
  if (op.op === "DEPTHWISE_CONV_2D") return named("Depthwise convolution");
  if (op.op === "TRANSPOSE_CONV") return named("Transposed convolution");
  return classOf.get(op.op) ?? op.op;
}

// A filter of a grouped convolution is less deep than the picture it goes over.
function isGrouped(op: OpDetail): boolean {
  const [picture, filter] = op.inputs;
  const [depth, filterDepth] = [picture?.[3], filter?.[3]];
  return depth !== undefined && filterDepth !== undefined && filterDepth < depth;
}

/** Orders class names as tables list them: what computes first, what moves data last, unknown ones at the end by name. */
export function orderClasses(a: string, b: string): number {
  const rank = (name: string) => {
    const place = order.indexOf(name.replace(/ \d+×\d+$/, ""));
    return place === -1 ? order.length : place;
  };
  return rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true });
}
