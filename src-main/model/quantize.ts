import { LabError, modelUnquantizable } from "../lab/errors.ts";
import { estimateRanges } from "./activationSpread.ts";
import { describeFloats } from "./floatConstants.ts";
import { mainSubgraph, type Graph, type Op, type Subgraph, type Tensor } from "./graph.ts";
import { scaleActivations, type Range } from "./quantizationScale.ts";
import { describeScale, quantizeOperand, quantizeWeights } from "./quantizedConstants.ts";
import { findQuantizedOperator, type ActivationScale, type QuantizedOperator } from "./quantizedOperators.ts";
import { chooseScales } from "./scaleGroups.ts";

export interface QuantizeOptions {
  /** Decides the ranges of activations that are not calibrated; default 0. */
  seed?: number;
  /** Lowest and highest value seen of activations of the entry subgraph, by tensor. */
  calibration?: ReadonlyMap<number, Range>;
}

/**
 * The full-integer form of a float32 network, as TFLite's converter makes it after training: int8 activations with one scale a
 * tensor, int8 weights with one scale a channel (fully connected layers: one), int32 biases, int8 inputs and outputs, by the
 * public 8-bit specification (https://ai.google.dev/edge/litert/models/quantization_spec). Ops TFLite has no int8 kernel for stay
 * float between DEQUANTIZE and QUANTIZE. Drawn weights stay drawn: the int8 network is the rounded float network. Rejects with
 * model-unwritable, naming what cannot be quantised.
 */
export function quantizeGraph(graph: Graph, options: QuantizeOptions = {}): Graph {
  const reason = explainUnquantizable(graph);
  if (reason) throw modelUnquantizable(graph.name, reason);
  try {
    const subgraph = mainSubgraph(graph);
    const ranges = estimateRanges(subgraph, options.seed ?? 0);
    for (const [index, range] of options.calibration ?? []) if (ranges[index]) ranges[index] = range;
    leaveRoomForSums(subgraph, ranges);
    const quantizer = new Quantizer(subgraph, chooseScales(subgraph, ranges));
    return { ...graph, subgraphs: [quantizer.quantize()] };
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw modelUnquantizable(graph.name, error instanceof Error ? error.message : String(error));
  }
}

// TFLite's int8 SUM (seen in 2.9) does not saturate: a sum rounded to one step above the range becomes the lowest number.
function leaveRoomForSums({ ops }: Subgraph, ranges: (Range | null)[]): void {
  for (const { type, outputs } of ops) {
    const range = type === "SUM" ? ranges[outputs[0]!] : null;
    if (!range) continue;
    const room = 0.01 * (Math.max(range[1], 0) - Math.min(range[0], 0));
    ranges[outputs[0]!] = [range[0] - room, range[1] + room];
  }
}

/** Whether a network holds quantised numbers: integers with a scale. */
export function isQuantized(graph: Graph): boolean {
  return graph.subgraphs.some(({ tensors }) =>
    tensors.some(({ quantization, dtype }) => quantization !== null && !dtype.includes("float")),
  );
}

function explainUnquantizable(graph: Graph): string | null {
  if (isQuantized(graph)) return "it is quantised already";
  if (graph.subgraphs.length !== 1) return `it has ${graph.subgraphs.length} subgraphs`;
  const { tensors } = mainSubgraph(graph);
  const other = tensors.find(({ dtype }) => dtype !== "float32" && /float|complex/.test(dtype));
  if (other) return `the tensor ${other.name} is ${other.dtype}`;
  const sparse = tensors.find((tensor) => tensor.sparse);
  if (sparse) return `the tensor ${sparse.name} is stored sparse`;
  return tensors.some(({ dtype }) => dtype === "float32") ? null : "it has no float32 tensor";
}

class Quantizer {
  private readonly source: Subgraph;
  private readonly scales: readonly (ActivationScale | null)[];
  private readonly tensors: Tensor[] = [];
  private readonly ops: Op[] = [];
  /** Where the forms of the source's tensors are, by form and tensor. */
  private readonly placed = new Map<string, number>();
  private readonly names = new Set<string>();

  constructor(source: Subgraph, scales: readonly (ActivationScale | null)[]) {
    this.source = source;
    this.scales = scales;
    for (const { name } of source.tensors) this.names.add(name);
  }

  quantize(): Subgraph {
    const inputs = this.source.inputs.map((index) =>
      this.scales[index] && !this.tensorAt(index).isVariable ? this.placeStored(index) : this.copy(index),
    );
    for (const op of this.source.ops) {
      const operator = this.findOperator(op);
      if (operator) this.appendQuantized(op, operator);
      else this.appendFloat(op);
    }
    const outputs = this.source.outputs.map((index) =>
      this.isReal(index) ? this.readStored(index, null) : this.copy(index),
    );
    return { ...this.source, tensors: this.tensors, inputs, outputs, ops: this.ops };
  }

  /** The scale of a float32 tensor's int8 form, 0 for other tensors. */
  private scaleOf(index: number): number {
    if (!this.isReal(index)) return 0;
    const tensor = this.tensorAt(index);
    return (this.scales[index] ?? scaleActivations(describeFloats(tensor).range)).scale;
  }

  // Weights that are computed, and states that are kept between inferences, have no int8 form here.
  private findOperator(op: Op): QuantizedOperator | null {
    const operator = findQuantizedOperator(op);
    const touched = [...op.inputs, ...op.outputs].filter((index) => index >= 0);
    if (!operator || !touched.some((index) => this.isReal(index))) return null;
    if (touched.some((index) => this.tensorAt(index).isVariable)) return null;
    const { weights, scalesBelow } = operator;
    if (scalesBelow !== undefined && op.inputs.some((index) => this.scaleOf(index) >= scalesBelow))
      return null;
    if (!weights) return operator;
    const trained = [op.inputs[weights.input] ?? -1, op.inputs[weights.bias] ?? -1];
    if (!this.isReal(trained[0]!)) return null;
    return trained.every((index) => index < 0 || this.tensorAt(index).data) ? operator : null;
  }

  private appendQuantized(op: Op, operator: QuantizedOperator): void {
    const target = operator.rule === "shared" ? this.sharedScale(op) : null;
    const trained = operator.weights ? this.placeWeights(op, operator.weights) : null;
    const inputs = op.inputs.map(
      (index, place) =>
        trained?.get(place) ?? (this.isReal(index) ? this.readStored(index, target) : this.copy(index)),
    );
    const outputs = op.outputs.map((index) =>
      this.isReal(index) ? this.placeStored(index) : this.copy(index),
    );
    const version = Math.max(op.version, operator.version, op.type === "MUL" ? this.versionOfMul(op) : 1);
    this.ops.push({ ...op, version, inputs, outputs });
  }

  private appendFloat(op: Op): void {
    const inputs = op.inputs.map((index) => (this.isReal(index) ? this.readFloat(index) : this.copy(index)));
    const outputs = op.outputs.map((index) => this.copy(index));
    this.ops.push({ ...op, inputs, outputs });
  }

  private tensorAt(index: number): Tensor {
    return this.source.tensors[index]!;
  }

  private isReal(index: number): boolean {
    return this.source.tensors[index]?.dtype === "float32";
  }

  // All outputs share it; an op without real outputs compares its inputs at that of the first.
  private sharedScale(op: Op): ActivationScale | null {
    const index = [...op.outputs, ...op.inputs].find((at) => this.scales[at] != null);
    return index === undefined ? null : this.scales[index]!;
  }

  // lite/tools/versioning/op_version.cc: kernels before it take no factor of 1 or more.
  private versionOfMul(op: Op): number {
    const scaleOf = (index: number) => this.tensors[this.readStored(index, null)]!.quantization!.scales[0]!;
    const [left, right] = [scaleOf(op.inputs[0]!), scaleOf(op.inputs[1]!)];
    return (left * right) / this.scales[op.outputs[0]!]!.scale >= 1 ? 3 : 2;
  }

  private placeWeights(op: Op, places: NonNullable<QuantizedOperator["weights"]>): Map<number, number> {
    const filter = op.inputs[places.input]!;
    const bias = op.inputs[places.bias] ?? -1;
    const activation = op.inputs[places.activation]!;
    const { scale } = this.scales[activation] ?? this.operandScale(activation);
    const key = `weights ${filter} ${bias} ${places.axis} ${scale}`;
    const found = new Map<number, number>();
    if (!this.placed.has(key)) {
      const biasTensor = bias >= 0 ? this.tensorAt(bias) : null;
      const made = quantizeWeights(this.tensorAt(filter), biasTensor, places.axis, scale);
      this.placed.set(key, this.add(made.weights, "int8"));
      if (made.bias) this.placed.set(`${key} bias`, this.add(made.bias, "int32"));
    }
    found.set(places.input, this.placed.get(key)!);
    if (bias >= 0) found.set(places.bias, this.placed.get(`${key} bias`)!);
    return found;
  }

  private operandScale(index: number): ActivationScale {
    const { scales, zeroPoints } = this.tensors[this.readStored(index, null)]!.quantization!;
    return { scale: scales[0]!, zeroPoint: zeroPoints[0]! };
  }

  /** The int8 form of a float32 tensor, at `target` where that is given and the tensor's own scale is another. */
  private readStored(index: number, target: ActivationScale | null): number {
    const tensor = this.tensorAt(index);
    const own = this.scales[index];
    if (!own || tensor.data) {
      const key = `operand ${index} ${target?.scale} ${target?.zeroPoint}`;
      const known = this.placed.get(key);
      return known ?? this.remember(key, this.add(quantizeOperand(tensor, target), "int8"));
    }
    const stored = this.placed.get(`stored ${index}`) ?? this.convertToStored(index);
    if (!target || (target.scale === own.scale && target.zeroPoint === own.zeroPoint)) return stored;
    const key = `rescaled ${index} ${target.scale} ${target.zeroPoint}`;
    const known = this.placed.get(key);
    if (known !== undefined) return known;
    const rescaled = this.add({ ...tensor, dtype: "int8", quantization: describeScale(target) }, "rescaled");
    this.convert("QUANTIZE", 1, stored, rescaled);
    return this.remember(key, rescaled);
  }

  private convertToStored(index: number): number {
    const float = this.placed.get(`float ${index}`);
    if (float === undefined)
      throw new Error(`the tensor ${this.tensorAt(index).name} is read before it is written`);
    const stored = this.placeStored(index);
    this.convert("QUANTIZE", 1, float, stored);
    return stored;
  }

  private placeStored(index: number): number {
    const quantization = describeScale(this.scales[index]!);
    const stored = this.add({ ...this.tensorAt(index), dtype: "int8", quantization }, "int8");
    return this.remember(`stored ${index}`, stored);
  }

  private readFloat(index: number): number {
    const known = this.placed.get(`float ${index}`);
    if (known !== undefined) return known;
    const stored = this.placed.get(`stored ${index}`);
    if (stored === undefined) return this.copy(index);
    const float = this.add({ ...this.tensorAt(index), quantization: null }, "float32");
    this.convert("DEQUANTIZE", 2, stored, float);
    return this.remember(`float ${index}`, float);
  }

  /** A tensor as it is: constants of other types, and what float ops compute. */
  private copy(index: number): number {
    if (index < 0) return index;
    const key = `float ${index}`;
    return (
      this.placed.get(key) ?? this.remember(key, this.add(this.tensorAt(index), this.tensorAt(index).dtype))
    );
  }

  private convert(type: "QUANTIZE" | "DEQUANTIZE", version: number, from: number, to: number): void {
    this.ops.push({ type, custom: false, version, inputs: [from], outputs: [to], attributes: {} });
  }

  private remember(key: string, place: number): number {
    this.placed.set(key, place);
    return place;
  }

  // The first form of a tensor keeps its name; further ones say what they are.
  private add(tensor: Tensor, form: string): number {
    let name = tensor.name;
    if (!this.names.delete(name)) {
      const base = `${tensor.name}/${form}`;
      name = base;
      for (let number = 2; this.taken.has(name); number++) name = `${base}${number}`;
    }
    this.taken.add(name);
    return this.tensors.push({ ...tensor, name }) - 1;
  }

  private readonly taken = new Set<string>();
}
