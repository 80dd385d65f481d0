import { findConstantTensors } from "../model/constantTensors.ts";
import { countElements } from "../model/graph.ts";
import type { Op, Subgraph, Tensor } from "../model/graph.ts";
import { findGpuOperation } from "./gpuOperations.ts";
import type { GpuSettings } from "./gpuRules.ts";

/**
 * Why the delegate leaves an op to the CPU, in words; null when it takes it. Conditions of the parsers' IsSupported and of
 * the checks while building (tensorflow/lite/delegates/gpu/common/model_builder.cc, operation_selector.cc).
 */
export function refuseOp(subgraph: Subgraph, op: Op, settings: GpuSettings): string | null {
  if (op.custom) return `${op.type} is a custom operator the delegate does not know`;
  const operation = findGpuOperation(op.type, settings.rules);
  if (!operation) return `the delegate has no ${op.type}`;
  const view = viewOp(subgraph, op);
  return (
    refuseTensors(view) ??
    (operation.form === "binary" && view.runtime.length === 0 ? "both operands are constants" : null) ??
    refusals[op.type]?.(view, settings) ??
    null
  );
}

interface OpView {
  op: Op;
  tensor: (place: number) => Tensor | undefined;
  isConstant: (place: number) => boolean;
  /** Activations it reads and writes. */
  runtime: Tensor[];
  outputs: Tensor[];
}

function viewOp(subgraph: Subgraph, op: Op): OpView {
  const constant = findConstantTensors(subgraph);
  const tensor = (place: number) => subgraph.tensors[op.inputs[place] ?? -1];
  const isConstant = (place: number) => constant[op.inputs[place] ?? -1] === 1;
  const runtime = op.inputs.flatMap((index) =>
    index >= 0 && constant[index] === 0 ? (subgraph.tensors[index] ?? []) : [],
  );
  return { op, tensor, isConstant, runtime, outputs: op.outputs.flatMap((i) => subgraph.tensors[i] ?? []) };
}

const integerInputs = new Set(["CAST", "GATHER", "SELECT_V2", "ONE_HOT", "EQUAL", "NOT_EQUAL"]);

function refuseTensors({ op, runtime, outputs }: OpView): string | null {
  for (const { name, shape, shapeSignature, dtype, quantization } of [...runtime, ...outputs]) {
    if (shape.length > 4) return `${name} has ${shape.length} dimensions; the delegate knows four`;
    if (shapeSignature?.includes(-1)) return `${name} has a dimension that is not fixed`;
    const real = dtype === "float32" || dtype === "float16";
    const quantized = (dtype === "int8" || dtype === "uint8") && quantization !== null;
    if (!real && !quantized && !(integerInputs.has(op.type) && /^(int32|bool)$/.test(dtype)))
      return `${name} is of type ${dtype}`;
  }
  return outputs.length === 0 ? "it has no output" : null;
}

function needConstant(places: readonly number[], what: string): Refusal {
  return ({ isConstant }) => (places.every(isConstant) ? null : `its ${what} are computed, not constant`);
}

type Refusal = (view: OpView, settings: GpuSettings) => string | null;
const refusals: Record<string, Refusal> = {
  CONV_2D: ({ tensor }) => {
    const [input, filter] = [tensor(0)?.shape, tensor(1)?.shape];
    if (input?.length !== 4 || filter?.length !== 4) return "its input and filter are not four-dimensional";
    return input[3]! % filter[3]! === 0 ? null : "its input channels are no multiple of its filter's depth";
  },
  DEPTHWISE_CONV_2D: ({ tensor }) =>
    tensor(0)?.shape.length === 4 && tensor(1)?.shape.length === 4
      ? null
      : "its input and filter are not four-dimensional",
  TRANSPOSE_CONV: ({ tensor }) =>
    tensor(2)?.shape.length === 4 && tensor(1)?.shape.length === 4
      ? null
      : "its input and filter are not four-dimensional",
  FULLY_CONNECTED: ({ tensor, isConstant }) => {
    const [input, weights] = [tensor(0)?.shape ?? [], tensor(1)?.shape ?? []];
    if (weights.length !== 2) return "its weights are not a matrix";
    if (!isConstant(1)) return "its weights are computed";
    const depth = weights[1]!;
    const batch = input.length > 1 ? input[0]! : 1;
    const matches = input.at(-1) === depth || countElements(input) === depth * batch;
    return matches ? null : "its input does not fit its weights without a change of batch";
  },
  BATCH_MATMUL: ({ op, outputs }, { rules }) => {
    const shape = outputs[0]?.shape ?? [];
    // A three-dimensional tensor's first dimension is the batch.
    if (rules === "tflite-2.10" && shape.length > 2 && shape[0]! > 1)
      return "a matrix product of several batches came later to the delegate";
    return op.attributes["adjX"] === true ? "its first operand is transposed" : null;
  },
  MEAN: needConstant([1], "axes"),
  SUM: needConstant([1], "axes"),
  REDUCE_MAX: needConstant([1], "axes"),
  REDUCE_MIN: needConstant([1], "axes"),
  REDUCE_PROD: needConstant([1], "axes"),
  PAD: needConstant([1], "paddings"),
  MIRROR_PAD: ({ op, isConstant }) =>
    op.attributes["mode"] === "REFLECT" && isConstant(1) ? null : "only constant REFLECT padding is known",
  TRANSPOSE: needConstant([1], "axes"),
  TILE: needConstant([1], "multiples"),
  SLICE: needConstant([1, 2], "begin and size"),
  STRIDED_SLICE: (view, settings) => {
    const { attributes } = view.op;
    const mask = ["ellipsisMask", "newAxisMask", "shrinkAxisMask"].find(
      (name) => Number(attributes[name]) > 0,
    );
    return mask ? `it uses ${mask}` : needConstant([1, 2, 3], "begin, end and strides")(view, settings);
  },
  SPLIT: needConstant([0], "axis"),
  SPLIT_V: needConstant([1, 2], "sizes and axis"),
  SOFTMAX: ({ op }) => (Number(op.attributes["beta"] ?? 1) === 1 ? null : "its beta is not 1"),
  RESIZE_BILINEAR: needConstant([1], "sizes"),
  RESIZE_NEAREST_NEIGHBOR: needConstant([1], "sizes"),
};
