import { countElements } from "../graph.ts";
import { Constant } from "./constant.ts";
import type { Draft, DraftOp } from "./draft.ts";
import { DraftUses } from "./draftUses.ts";

/** Where a layer with weights has its filter and bias, and which output channel an element of the filter belongs to. */
interface WeightedLayer {
  filter: number;
  bias: number;
  channelOf: (shape: readonly number[]) => (index: number) => number;
  /** Operator version with a bias. */
  version: (op: DraftOp) => number;
}

const outerChannel = (shape: readonly number[]) => {
  const inner = countElements(shape.slice(1));
  return (index: number) => Math.floor(index / inner);
};

const sameVersion = (op: DraftOp) => op.version;

const layers: Partial<Record<string, WeightedLayer>> = {
  CONV_2D: { filter: 1, bias: 2, channelOf: outerChannel, version: sameVersion },
  DEPTHWISE_CONV_2D: {
    filter: 1,
    bias: 2,
    channelOf: (shape) => (index) => index % shape.at(-1)!,
    version: sameVersion,
  },
  FULLY_CONNECTED: {
    filter: 1,
    bias: 2,
    channelOf: outerChannel,
    version: (op) => (op.attributes["keepNumDims"] === true ? 5 : 1),
  },
  TRANSPOSE_CONV: { filter: 1, bias: 3, channelOf: outerChannel, version: () => 3 },
};

/**
 * Multiplies factors and adds offsets per channel that follow a layer with weights (batch normalisation, biases of matrix products)
 * into its filter and bias, as converters do.
 */
export function foldAffine(draft: Draft): void {
  const uses = new DraftUses(draft);
  for (const op of draft.ops) {
    if (!["MUL", "ADD", "SUB"].includes(op.type) || op.attributes["fusedActivationFunction"] !== "NONE")
      continue;
    const [input, operand] = op.inputs as [number, number];
    const constant = draft.tensor(operand).constant;
    const before = uses.onlyWriter(input);
    const layer = before && layers[before.type];
    if (!constant || !layer || uses.isRemoved(before)) continue;
    if ((before.attributes["fusedActivationFunction"] ?? "NONE") !== "NONE") continue;
    const channels = draft.tensor(input).shape.at(-1)!;
    const perChannel = constant.shape.length === 1 && constant.count === channels;
    if (constant.dtype !== "float32" || !(perChannel || constant.count === 1)) continue;
    if (constant.shape.length > draft.tensor(input).shape.length) continue;
    if (!foldInto(draft, uses, before, layer, op.type, constant, channels)) continue;
    uses.absorb(op, before);
  }
  uses.finish();
}

function foldInto(
  draft: Draft,
  uses: DraftUses,
  op: DraftOp,
  layer: WeightedLayer,
  type: string,
  operand: Constant,
  channels: number,
): boolean {
  const filter = draft.tensor(op.inputs[layer.filter]!);
  const biasTensor = op.inputs[layer.bias];
  const bias = biasTensor === undefined ? null : draft.tensor(biasTensor).constant;
  if (!filter.constant || (biasTensor !== undefined && !bias)) return false;
  const numbers = operand.numbers();
  const value = (channel: number) => numbers[numbers.length === 1 ? 0 : channel]!;
  const inputs = [...op.inputs];
  const replaceBias = (change: (offset: number, channel: number) => number) => {
    const offsets = bias?.numbers() ?? new Float32Array(channels);
    const changed = Constant.of("float32", [channels], Array.from(offsets, change));
    const name = biasTensor === undefined ? `${filter.name}/bias` : draft.tensor(biasTensor).name;
    inputs[layer.bias] = draft.addConstant(name, changed);
    op.version = layer.version(op);
  };
  if (type === "MUL") {
    const channelOf = layer.channelOf(filter.shape);
    const scaled = filter.constant.map((weight, index) => weight * value(channelOf(index)));
    inputs[layer.filter] = draft.addConstant(filter.name, scaled);
    if (bias) replaceBias((offset, channel) => offset * value(channel));
  } else if (type === "ADD") replaceBias((offset, channel) => offset + value(channel));
  else replaceBias((offset, channel) => offset - value(channel));
  uses.rewire(op, inputs);
  return true;
}
