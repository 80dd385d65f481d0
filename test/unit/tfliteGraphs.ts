import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ConstantData, DataType, Graph, Op, Subgraph, Tensor } from "../../src-main/model/graph.ts";

/** A tensor with everything a test does not care about left at its plainest. */
export function tensor(name: string, shape: number[], more: Partial<Tensor> = {}): Tensor {
  return {
    name,
    shape,
    dtype: "float32",
    data: null,
    quantization: null,
    isVariable: false,
    sparse: false,
    ...more,
  };
}

/** A constant with stated values. */
export function constant(
  name: string,
  shape: number[],
  values: number[],
  dtype: DataType = "float32",
): Tensor {
  return tensor(name, shape, { dtype, data: { kind: "values", values } });
}

/** A constant drawn when written. */
export function weights(name: string, shape: number[], seed: number, limit = 0.5): Tensor {
  const data: ConstantData = { kind: "random", seed, limit };
  return tensor(name, shape, { data });
}

/** An op with everything a test does not care about left out. */
export function op(type: string, inputs: number[], outputs: number[], more: Partial<Op> = {}): Op {
  return { type, custom: false, version: 1, inputs, outputs, attributes: {}, ...more };
}

/** A graph of one subgraph. */
export function network(
  tensors: Tensor[],
  inputs: number[],
  outputs: number[],
  ops: Op[],
  name = "net",
): Graph {
  const main: Subgraph = { name: "main", tensors, inputs, outputs, ops };
  return { name, description: `${name} of a test`, subgraphs: [main], metadata: [] };
}

/** A file of an npm package that nobody here wrote. */
export function readPublished(name: "face_detection" | "hands", file: string): Uint8Array {
  return readFileSync(new URL(`../../node_modules/@mediapipe/${name}/${file}.tflite`, import.meta.url));
}

/** The published files whose constants are all dense. */
export const densePublished = [
  ["face_detection", "face_detection_short_range"],
  ["face_detection", "face_detection_full_range"],
  ["hands", "hand_landmark_lite"],
  ["hands", "hand_landmark_full"],
] as const;

/** A graph that has one of everything the format can store: quantisation, dynamic shapes, control flow, custom operators. */
export function everythingGraph(): Graph {
  const shared: ConstantData = { kind: "bytes", bytes: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64) };
  const main: Subgraph = {
    name: "main",
    tensors: [
      tensor("image", [1, 6, 5, 4], { shapeSignature: [-1, 6, 5, 4] }),
      weights("filter", [8, 3, 3, 2], 11),
      constant("bias", [8], [1, 2, 3, 4, 5, 6, 7, 8]),
      tensor("convolved", [1, 6, 5, 8]),
      tensor("shape", [2], { dtype: "int32", data: { kind: "values", values: [1, 240] } }),
      tensor("flat", [1, 240]),
      tensor("quantized weights", [3, 240], {
        dtype: "int8",
        data: { kind: "random", seed: 5, limit: 127 },
        quantization: { scales: [0.5, 0.25, 0.125], zeroPoints: [0, 0, 0], axis: 0, min: [], max: [] },
      }),
      tensor("dense", [1, 3], {
        dtype: "int8",
        quantization: { scales: [0.125], zeroPoints: [-128], axis: 0, min: [-1.5], max: [1.5] },
      }),
      tensor("left", [2], { data: shared }),
      tensor("right", [2], { data: shared }),
      tensor("state", [2], { isVariable: true }),
      tensor("custom out", [2]),
      tensor("branch", [2]),
      tensor("condition", [], { dtype: "bool", data: { kind: "values", values: [1] } }),
      tensor("", [], { dtype: "int64", data: { kind: "values", values: [-(2 ** 40)] } }),
      tensor("wide", [2], { dtype: "float64" }),
    ],
    inputs: [0],
    outputs: [7, 12],
    ops: [
      op("CONV_2D", [0, 1, 2], [3], {
        attributes: {
          padding: "SAME",
          strideW: 1,
          strideH: 1,
          fusedActivationFunction: "RELU6",
          dilationWFactor: 2,
        },
      }),
      op("RESHAPE", [3, 4], [5], { attributes: { newShape: [1, 240] } }),
      op("FULLY_CONNECTED", [5, 6, -1], [7], { version: 4, attributes: { keepNumDims: true } }),
      op("Made Up ✓", [8, 9, 10], [11], { custom: true, customOptions: Uint8Array.of(1, 2, 3) }),
      op("IF", [13, 11], [12], { attributes: { thenSubgraphIndex: 1, elseSubgraphIndex: 1 } }),
      op("RANDOM_UNIFORM", [4], [15], { attributes: { seed: 7, seed2: "9223372036854775807" } }),
    ],
  };
  const branch: Subgraph = {
    name: "branch",
    tensors: [tensor("x", [2]), tensor("alpha", [2], { data: shared }), tensor("y", [2])],
    inputs: [0],
    outputs: [2],
    ops: [op("PRELU", [0, 1], [2], { intermediates: [-1, 1] })],
  };
  return {
    name: "everything",
    description: "one of everything — ünïcode",
    subgraphs: [main, branch],
    metadata: [
      { name: "min_runtime_version", bytes: new TextEncoder().encode("1.5.0") },
      { name: "empty", bytes: new Uint8Array() },
    ],
  };
}

/** The graph as text, with hashes in the place of long bytes: equal texts are equal graphs, and compare fast. */
export function describeGraph(graph: Graph): string {
  return JSON.stringify(graph, (_, value: unknown) =>
    value instanceof Uint8Array ? createHash("sha256").update(value).digest("hex") : value,
  );
}
