/**
 * The one intermediate representation of a network: read from and written to .tflite, built by the zoo and the search
 * space, mapped to kernels, turned into features. Tensors and ops refer to each other by index within their subgraph.
 */

/** Element types in the order of TFLite's schema (`TensorType`), so that the index is the code in the file. */
export const dataTypes = [
  "float32",
  "float16",
  "int32",
  "uint8",
  "int64",
  "string",
  "bool",
  "int16",
  "complex64",
  "int8",
  "float64",
  "complex128",
  "uint64",
  "resource",
  "variant",
  "uint32",
  "uint16",
  "int4",
  "bfloat16",
  "int2",
  "uint4",
  "float8e4m3fn",
  "float8e5m2",
] as const;

export type DataType = (typeof dataTypes)[number];

/** Affine quantisation: real = scale × (stored − zeroPoint); one scale for the tensor or one per slice of `axis`. */
export interface Quantization {
  scales: number[];
  zeroPoints: number[];
  axis: number;
  /** Calibration range where the file has one; kept so that a rewritten file is the same. */
  min: number[];
  max: number[];
}

/**
 * Values of a constant tensor, by reference. `bytes` is a view onto the file that was read, never a copy. `random` is drawn
 * when the file is written: uniform in ±`limit`, little-endian, from `seed`; so a graph without written weights is small.
 * `rounded` is the quantised form of `random`: the
 * same drawn numbers (as float32) divided by `scale`, rounded, shifted by `zeroPoint` and kept within `lowest` and `highest`.
 * `values` holds small constants a builder states itself (paddings, shapes, axes). `derived` is computed from another file's
 * bytes each time it is asked for (weights in another order or type), so that a large model never exists twice.
 */
export type ConstantData =
  | { kind: "bytes"; bytes: Uint8Array }
  | { kind: "random"; seed: number; limit: number }
  | { kind: "values"; values: number[] }
  | {
      kind: "rounded";
      seed: number;
      limit: number;
      scale: number;
      zeroPoint: number;
      lowest: number;
      highest: number;
    }
  | { kind: "derived"; length: number; derive: () => Uint8Array };

export interface Tensor {
  name: string;
  /** Dimensions, NHWC for images; [] is a scalar. Dynamic dimensions hold the placeholder of the file (usually 1). */
  shape: number[];
  /** The shape with −1 at each dynamic dimension; absent when every dimension is fixed. */
  shapeSignature?: number[];
  dtype: DataType;
  /** Null for activations and for inputs. */
  data: ConstantData | null;
  quantization: Quantization | null;
  isVariable: boolean;
  /** True when the file stores the constant in a sparse encoding. */
  sparse: boolean;
}

/** A JSON value of an op's attributes. Names are those of TFLite's option tables in lower camel case (`strideH`, `padding`). */
export type AttributeValue = number | string | boolean | null | number[] | string[];
export type Attributes = Record<string, AttributeValue>;

export interface Op {
  /** TFLite builtin operator name (`CONV_2D`), or the custom operator's own name. */
  type: string;
  custom: boolean;
  /** Operator version of the file. */
  version: number;
  /** Indices into the subgraph's tensors; −1 is an absent optional input. */
  inputs: number[];
  outputs: number[];
  attributes: Attributes;
  /** A custom operator's options, uninterpreted. */
  customOptions?: Uint8Array;
  /** Names of intermediate tensors of fused LSTM-like operators, by index. */
  intermediates?: number[];
}

export interface Subgraph {
  name: string;
  tensors: Tensor[];
  inputs: number[];
  outputs: number[];
  /** In execution order. */
  ops: Op[];
}

export interface Graph {
  name: string;
  description: string;
  /** The first one is the entry; others are bodies of control flow. */
  subgraphs: Subgraph[];
  /** Metadata of the file by name, by reference. */
  metadata: { name: string; bytes: Uint8Array }[];
}

/** Number of elements of a shape; dynamic dimensions count as their placeholder, a scalar as 1. */
export function countElements(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) count *= Math.max(dimension, 0);
  return count;
}

const bitsOf: Record<DataType, number> = {
  float32: 32,
  float16: 16,
  int32: 32,
  uint8: 8,
  int64: 64,
  string: 0,
  bool: 8,
  int16: 16,
  complex64: 64,
  int8: 8,
  float64: 64,
  complex128: 128,
  uint64: 64,
  resource: 0,
  variant: 0,
  uint32: 32,
  uint16: 16,
  int4: 4,
  bfloat16: 16,
  int2: 2,
  uint4: 4,
  float8e4m3fn: 8,
  float8e5m2: 8,
};

/** Bytes a dense tensor takes in memory; 0 for types without a fixed size. */
export function tensorBytes(tensor: Pick<Tensor, "shape" | "dtype">): number {
  return Math.ceil((countElements(tensor.shape) * bitsOf[tensor.dtype]) / 8);
}

/** The entry subgraph. */
export function mainSubgraph(graph: Graph): Subgraph {
  return graph.subgraphs[0]!;
}
