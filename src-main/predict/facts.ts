import { findConstantTensors } from "../model/constantTensors.ts";
import { costOp } from "../model/cost.ts";
import { countElements, tensorBytes, type Op, type Subgraph } from "../model/graph.ts";

/**
 * What features are computed from: the numbers of one op, batch included. Images are NHWC; tensors of another rank count
 * their last dimension as channels, the one before as width, the one before that as height, the rest as batch.
 */
export interface OpFacts {
  flops: number;
  bytes: number;
  params: number;
  batch: number;
  inHeight: number;
  inWidth: number;
  inChannels: number;
  outHeight: number;
  outWidth: number;
  outChannels: number;
  kernelHeight: number;
  kernelWidth: number;
  strideHeight: number;
  strideWidth: number;
  dilation: number;
  groups: number;
  /** Elements of all activations it reads. */
  inElements: number;
  /** Elements of all its outputs. */
  outElements: number;
  /** Bytes of the constants it reads. */
  weightBytes: number;
  /** Elements of the smallest of its inputs, constants included. */
  smallestInput: number;
  inputs: number;
  outputs: number;
}

/** Facts to be filled by `readFacts`; one object serves many ops. */
export function createFacts(): OpFacts {
  return {
    flops: 0,
    bytes: 0,
    params: 0,
    batch: 1,
    inHeight: 1,
    inWidth: 1,
    inChannels: 1,
    outHeight: 1,
    outWidth: 1,
    outChannels: 1,
    kernelHeight: 1,
    kernelWidth: 1,
    strideHeight: 1,
    strideWidth: 1,
    dilation: 1,
    groups: 1,
    inElements: 0,
    outElements: 0,
    weightBytes: 0,
    smallestInput: 0,
    inputs: 0,
    outputs: 0,
  };
}

/** Fills `facts` from an op; false when the op cannot be costed. */
export function readFacts(facts: OpFacts, subgraph: Subgraph, op: Op): boolean {
  const cost = costOp(subgraph, op);
  if (cost.flops === null) return false;
  facts.flops = cost.flops;
  facts.bytes = cost.bytes;
  facts.params = cost.params;
  const constant = findConstantTensors(subgraph);
  readTensors(facts, subgraph, op, constant);
  // Converted before the first inference: in the ones that count nothing is left to do but the call.
  if (constant[op.outputs[0] ?? -1]) facts.flops = facts.bytes = 0;
  readWindow(facts, subgraph, op);
  return true;
}

function readTensors(facts: OpFacts, subgraph: Subgraph, op: Op, constant: Uint8Array): void {
  facts.inElements = facts.outElements = facts.weightBytes = facts.inputs = 0;
  facts.smallestInput = Infinity;
  let input: readonly number[] = emptyShape;
  let found = false;
  for (const index of op.inputs) {
    const tensor = subgraph.tensors[index];
    if (!tensor) continue;
    const elements = countElements(tensor.shape);
    if (elements < facts.smallestInput) facts.smallestInput = elements;
    if (constant[index]) {
      facts.weightBytes += tensorBytes(tensor);
      // The cost of the graph counts converted weights where they are converted.
      if (!tensor.data) facts.params += elements;
      continue;
    }
    facts.inputs++;
    facts.inElements += elements;
    // The largest activation is the data; others of its inputs may be scales, shapes or axes.
    if (!found || elements > countElements(input)) input = tensor.shape;
    found = true;
  }
  if (facts.smallestInput === Infinity) facts.smallestInput = 0;
  let output: readonly number[] = emptyShape;
  facts.outputs = op.outputs.length;
  for (const index of op.outputs) {
    const tensor = subgraph.tensors[index];
    if (!tensor) continue;
    facts.outElements += countElements(tensor.shape);
    if (output === emptyShape) output = tensor.shape;
  }
  facts.inChannels = fromEnd(input, 1);
  facts.inWidth = fromEnd(input, 2);
  facts.inHeight = fromEnd(input, 3);
  facts.outChannels = fromEnd(output, 1);
  facts.outWidth = fromEnd(output, 2);
  facts.outHeight = fromEnd(output, 3);
  let batch = 1;
  for (let axis = 0; axis < output.length - 3; axis++) batch *= Math.max(output[axis]!, 1);
  facts.batch = batch;
}

const emptyShape: readonly number[] = [];

function fromEnd(shape: readonly number[], place: number): number {
  return Math.max(shape[shape.length - place] ?? 1, 1);
}

function readWindow(facts: OpFacts, subgraph: Subgraph, op: Op): void {
  const { attributes } = op;
  facts.strideHeight = positive(attributes["strideH"]);
  facts.strideWidth = positive(attributes["strideW"]);
  facts.dilation = positive(attributes["dilationHFactor"]);
  facts.kernelHeight = positive(attributes["filterHeight"]);
  facts.kernelWidth = positive(attributes["filterWidth"]);
  facts.groups = 1;
  switch (op.type) {
    case "CONV_2D":
    case "TRANSPOSE_CONV":
    case "DEPTHWISE_CONV_2D": {
      const filter = subgraph.tensors[op.inputs[1] ?? -1]?.shape ?? emptyShape;
      facts.kernelHeight = Math.max(filter[1] ?? 1, 1);
      facts.kernelWidth = Math.max(filter[2] ?? 1, 1);
      if (op.type === "CONV_2D")
        facts.groups = Math.max(1, Math.round(facts.inChannels / Math.max(filter[3] ?? 1, 1)));
      if (op.type === "DEPTHWISE_CONV_2D") facts.groups = facts.inChannels;
      return;
    }
    case "CONV_3D":
    case "CONV_3D_TRANSPOSE": {
      const filter = subgraph.tensors[op.inputs[1] ?? -1]?.shape ?? emptyShape;
      facts.kernelHeight = Math.max(filter[1] ?? 1, 1);
      facts.kernelWidth = Math.max(filter[2] ?? 1, 1) * Math.max(filter[0] ?? 1, 1);
    }
  }
}

function positive(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 1;
}
