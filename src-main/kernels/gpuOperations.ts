import type { GpuRuleSet } from "./gpuRules.ts";

/** How the parser takes a TFLite operator. */
export interface GpuOperation {
  /** The delegate's name of the operation. */
  type: string;
  /** How it is parsed: by its own rule or as one of the common forms. */
  form: "unary" | "binary" | "own";
  /** The first rule set that takes it. */
  since: GpuRuleSet;
}

const operations = new Map<string, GpuOperation>();

function assign(form: GpuOperation["form"], pairs: string, since: GpuRuleSet = "tflite-2.10"): void {
  for (const pair of pairs.trim().split(/\s+/)) {
    const [operator, type] = pair.split("=");
    operations.set(operator!, { type: type ?? operator!.toLowerCase(), form, since });
  }
}

// The operators for which NewOperationParser (model_builder.cc) has a parser, with OperationType's names (operations.cc).
assign(
  "unary",
  `ABS COS ELU EXP FLOOR HARD_SWISH LOG NEG RSQRT LOGISTIC=sigmoid SIN SQRT SQUARE TANH CAST
   RELU=relu RELU6=relu RELU_N1_TO_1=relu LEAKY_RELU=relu PRELU=prelu
   QUANTIZE=quantize_and_dequantize DEQUANTIZE=quantize_and_dequantize`,
);
assign("unary", "GELU SIGN RELU_0_TO_1=relu", "litert-2026");
assign(
  "binary",
  `ADD MUL SUB=subtract DIV MAXIMUM MINIMUM POW SQUARED_DIFFERENCE=squared_diff FLOOR_DIV FLOOR_MOD
   EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL NOT_EQUAL`,
);
assign("binary", "LOGICAL_AND", "litert-2026");
assign(
  "own",
  `CONV_2D=convolution_2d DEPTHWISE_CONV_2D=depthwise_convolution TRANSPOSE_CONV=convolution_transposed
   FULLY_CONNECTED=fully_connected BATCH_MATMUL=batched_matmul AVERAGE_POOL_2D=pooling_2d MAX_POOL_2D=pooling_2d
   MEAN=mean SUM=reduce_sum REDUCE_MAX=reduce_maximum REDUCE_MIN=reduce_minimum REDUCE_PROD=reduce_product
   CONCATENATION=concat PACK=concat SPLIT=split SPLIT_V=split SLICE=slice STRIDED_SLICE=slice PAD=pad MIRROR_PAD=pad
   RESHAPE=reshape TRANSPOSE=transpose SOFTMAX=softmax RESIZE_BILINEAR=resize RESIZE_NEAREST_NEIGHBOR=resize
   DEPTH_TO_SPACE=depth_to_space SPACE_TO_DEPTH=space_to_depth GATHER=gather TILE=tile SELECT_V2=select_v2
   ONE_HOT=one_hot ADD_N=add`,
);
assign("own", "CUMSUM=cumsum", "litert-2026");

/** How the delegate's parser takes an operator, or null when it has no parser for it in that version. */
export function findGpuOperation(operator: string, rules: GpuRuleSet): GpuOperation | null {
  const operation = operations.get(operator);
  if (!operation || (operation.since === "litert-2026" && rules === "tflite-2.10")) return null;
  return operation;
}

/** Operations whose kernels work on each element by itself, so that they can be linked to the kernel before them. */
const elementwise = new Set([
  ...[...operations.values()].filter(({ form }) => form !== "own").map(({ type }) => type),
]);

/** Whether the delegate makes an operation as an element-wise one. */
export function isElementwise(type: string): boolean {
  return elementwise.has(type);
}
