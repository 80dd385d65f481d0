/** How an operator's FLOPs are counted; `factor` is what an element-wise one does per output element. */
export interface CostClass {
  kind:
    | "movement"
    | "elementwise"
    | "reduction"
    | "pool"
    | "convolution"
    | "depthwise"
    | "transposed"
    | "convolution3d"
    | "transposed3d"
    | "fullyConnected"
    | "matrixProduct"
    | "conversion"
    | "sumOfAll"
    | "localNormalization";
  factor?: number;
}

const classes = new Map<string, CostClass>();

function assign(cost: CostClass, operators: string): void {
  for (const operator of operators.trim().split(/\s+/)) classes.set(operator, cost);
}

assign({ kind: "convolution" }, "CONV_2D");
assign({ kind: "depthwise" }, "DEPTHWISE_CONV_2D");
assign({ kind: "transposed" }, "TRANSPOSE_CONV");
assign({ kind: "convolution3d" }, "CONV_3D");
assign({ kind: "transposed3d" }, "CONV_3D_TRANSPOSE");
assign({ kind: "fullyConnected" }, "FULLY_CONNECTED");
assign({ kind: "matrixProduct" }, "BATCH_MATMUL");
assign({ kind: "pool" }, "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D");
assign({ kind: "conversion" }, "QUANTIZE DEQUANTIZE");
assign({ kind: "sumOfAll" }, "ADD_N");
assign({ kind: "localNormalization" }, "LOCAL_RESPONSE_NORMALIZATION");
assign(
  { kind: "reduction" },
  `MEAN SUM REDUCE_PROD REDUCE_MAX REDUCE_MIN REDUCE_ANY REDUCE_ALL ARG_MAX ARG_MIN CUMSUM
   SEGMENT_SUM UNSORTED_SEGMENT_SUM UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_MIN`,
);
// Square, sum, scale.
assign({ kind: "elementwise", factor: 3 }, "L2_NORMALIZATION");
// The gate and the product with it, as published FLOPs of MobileNetV3 count it.
assign({ kind: "elementwise", factor: 2 }, "HARD_SWISH");
// Four products and three sums of neighbours.
assign({ kind: "elementwise", factor: 7 }, "RESIZE_BILINEAR");
assign(
  { kind: "elementwise" },
  `ADD SUB MUL DIV POW MAXIMUM MINIMUM FLOOR_DIV FLOOR_MOD SQUARED_DIFFERENCE ATAN2
   LESS LESS_EQUAL GREATER GREATER_EQUAL EQUAL NOT_EQUAL LOGICAL_AND LOGICAL_OR LOGICAL_NOT SELECT SELECT_V2
   SOFTMAX LOG_SOFTMAX LOGISTIC TANH RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 PRELU LEAKY_RELU ELU GELU
   ABS NEG SIGN SQRT RSQRT SQUARE EXP LOG SIN COS FLOOR CEIL ROUND COMPLEX_ABS FAKE_QUANT BITWISE_XOR RIGHT_SHIFT
   STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_MINIMUM
   STABLEHLO_SUBTRACT STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_CLAMP STABLEHLO_COMPARE STABLEHLO_SELECT
   STABLEHLO_ABS STABLEHLO_NEGATE STABLEHLO_AND STABLEHLO_OR STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR
   STABLEHLO_LOG STABLEHLO_RSQRT STABLEHLO_TANH STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT`,
);
assign(
  { kind: "movement" },
  `RESHAPE SQUEEZE EXPAND_DIMS CONCATENATION SPLIT SPLIT_V PACK UNPACK SLICE STRIDED_SLICE PAD PADV2 MIRROR_PAD TRANSPOSE
   TILE GATHER GATHER_ND SCATTER_ND REVERSE_V2 REVERSE_SEQUENCE DEPTH_TO_SPACE SPACE_TO_DEPTH BATCH_TO_SPACE_ND
   SPACE_TO_BATCH_ND BROADCAST_TO BROADCAST_ARGS RESIZE_NEAREST_NEIGHBOR EMBEDDING_LOOKUP CAST BITCAST SHAPE RANK FILL
   ZEROS_LIKE ONE_HOT RANGE SPARSE_TO_DENSE DENSIFY MATRIX_DIAG MATRIX_SET_DIAG DYNAMIC_UPDATE_SLICE DILATE IMAG REAL
   VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE STABLEHLO_RESHAPE STABLEHLO_CONCATENATE STABLEHLO_BROADCAST_IN_DIM
   STABLEHLO_SLICE STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA
   STABLEHLO_TRANSPOSE STABLEHLO_CONVERT STABLEHLO_GATHER`,
);

/**
 * How a builtin operator is counted; null for the rest, whose work depends on data, on other subgraphs or on a recurrent
 * state (control flow, LSTM and its like, hash tables, non-maximum suppression, random numbers), and for unknown ones.
 */
export function costClass(operator: string): CostClass | null {
  return classes.get(operator) ?? null;
}
