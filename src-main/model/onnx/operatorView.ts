import type { Attributes } from "../graph.ts";
import { describeShape } from "../shapeInference.ts";
import { Constant, type ConstantType } from "./constant.ts";
import type { Draft } from "./draft.ts";
import type { LayoutWriter } from "./layout.ts";
import { imageOrder, physicalShape, plainOrder, type Activation } from "./layout.ts";
import type { OnnxNode } from "./onnxModel.ts";
import { OnnxProblem } from "./onnxProblem.ts";

/** TFLite counts with 32 bits. */
const longestAxis = 2 ** 31 - 1;

/**
 * A flattened value nobody has flattened yet: a matrix product with constant weights takes the elements as they lie and reorders
 * its weights instead, everyone else has them reordered.
 */
export class Flattened {
  readonly source: Activation;
  readonly shape: readonly number[];

  constructor(source: Activation, shape: readonly number[]) {
    this.source = source;
    this.shape = shape;
  }

  get dtype(): ConstantType {
    return this.source.dtype;
  }
}

/** A value of the ONNX graph: known now, or computed by the network. */
export type Value = Constant | Activation | Flattened;

/** What an op has for an output: its logical shape, and how the tensor holds it. */
export interface OutputForm {
  shape: readonly number[];
  order?: readonly number[];
  dtype?: ConstantType;
  /** Added to the name, for ops that come before the last one of a node. */
  suffix?: string;
}

/** One node as its operator sees it: its inputs and attributes, checked, and what appends ops named after it. */
export class OperatorView {
  readonly node: OnnxNode;
  /** Version of ONNX's operators. */
  readonly opset: number;
  readonly draft: Draft;
  readonly layout: LayoutWriter;
  private readonly values: readonly (Value | null)[];

  constructor(
    node: OnnxNode,
    opset: number,
    draft: Draft,
    layout: LayoutWriter,
    values: readonly (Value | null)[],
  ) {
    this.node = node;
    this.opset = opset;
    this.draft = draft;
    this.layout = layout;
    this.values = values;
  }

  /** Ends the conversion with what is wrong with this node. */
  fail(problem: string, advice: string | null = null): never {
    throw new OnnxProblem(`${describeNode(this.node)}: ${problem}`, advice);
  }

  get inputCount(): number {
    return this.values.length;
  }

  /** An input as it is, null when it is absent. */
  value(index: number): Value | null {
    return this.values[index] ?? null;
  }

  /** An input that must be there. */
  required(index: number): Value {
    return this.value(index) ?? this.fail(`its input ${index} is missing`);
  }

  /** An input as a tensor of the network, also when it is constant. */
  activation(index: number): Activation {
    return this.toActivation(this.required(index));
  }

  toActivation(value: Value): Activation {
    if (value instanceof Flattened) return this.layout.reshape(value.source, value.shape);
    if (!(value instanceof Constant)) return value;
    const tensor = this.addConstant(value, "constant");
    return { tensor, shape: value.shape, order: plainOrder(value.shape.length), dtype: value.dtype };
  }

  /** An input as an NHWC image. */
  image(index: number): Activation {
    const value = this.activation(index);
    if (value.shape.length !== 4)
      this.fail(
        `it works on images with batch, channels, height and width here, not on ${describeShape(value.shape)}`,
        "Only networks with two spatial dimensions can be converted; convert with another tool and add the .tflite file.",
      );
    return this.layout.arrange(value, imageOrder);
  }

  /** An input whose numbers must be known; `what` names it in messages. */
  constant(index: number, what: string): Constant {
    return this.optionalConstant(index, what) ?? this.fail(`its ${what} (input ${index}) is missing`);
  }

  /** An input that must be known if it is there. */
  optionalConstant(index: number, what: string): Constant | null {
    const value = this.value(index);
    if (value === null || value instanceof Constant) return value;
    return this.fail(
      `its ${what} is computed while the network runs`,
      "Export the network with fixed shapes and constant weights (constant folding on).",
    );
  }

  /** Integers of a constant input, null when it is absent. */
  integersOf(index: number, what: string): number[] | null {
    const constant = this.optionalConstant(index, what);
    if (constant && constant.count > 1024) this.fail(`its ${what} has ${constant.count} numbers`);
    return constant ? [...constant.numbers()] : null;
  }

  integer(name: string, fallback: number): number {
    return this.node.attributes.get(name)?.integer ?? fallback;
  }

  float(name: string, fallback: number): number {
    return this.node.attributes.get(name)?.float ?? fallback;
  }

  text(name: string, fallback: string): string {
    return this.node.attributes.get(name)?.text ?? fallback;
  }

  /** A list of integers, null when the node has none of that name. */
  integers(name: string): number[] | null {
    return this.node.attributes.get(name)?.integers ?? null;
  }

  /** A list of integers given as an attribute by older operator sets and as an input by newer ones. */
  integersFrom(index: number, name: string): number[] | null {
    return this.integersOf(index, name) ?? this.integers(name);
  }

  /** Whether output `index` is wanted by name. */
  hasOutput(index: number): boolean {
    return Boolean(this.node.outputs[index]);
  }

  /** An axis counted from the front. */
  axis(axis: number, rank: number): number {
    const resolved = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(resolved) || resolved < 0 || resolved >= rank)
      this.fail(`its axis ${axis} does not exist in ${rank} dimensions`);
    return resolved;
  }

  /** The tensor of a constant, named after the node. */
  addConstant(constant: Constant, suffix: string): number {
    return this.draft.addConstant(`${this.node.outputs[0] ?? this.node.name}/${suffix}`, constant);
  }

  /** The tensor of integers a TFLite op takes as an input (paddings, axes, shapes). */
  addIntegers(values: readonly number[], suffix: string, shape: readonly number[] = [values.length]): number {
    return this.addConstant(Constant.of("int32", shape, values), suffix);
  }

  /** Appends an op whose outputs have these forms, named after the node's outputs. */
  appendMany(
    type: string,
    inputs: readonly number[],
    forms: readonly OutputForm[],
    attributes: Attributes,
  ): Activation[] {
    const values = forms.map((form) => ({
      dtype: "float32" as const,
      order: plainOrder(form.shape.length),
      ...form,
    }));
    const outputs = values.map(({ shape, order, dtype }, index) => {
      this.checkShape(shape);
      const name = this.node.outputs[index] || `${describeNode(this.node)}/${index}`;
      return { name, shape: physicalShape({ shape, order }), dtype };
    });
    const tensors = this.draft.append(type, inputs, outputs, attributes);
    return values.map(({ shape, order, dtype }, index) => ({ tensor: tensors[index]!, shape, order, dtype }));
  }

  /** Appends an op with one output. */
  append(
    type: string,
    inputs: readonly number[],
    form: OutputForm,
    attributes: Attributes = {},
    version = 1,
  ): Activation {
    const { shape, dtype = "float32", suffix } = form;
    const order = form.order ?? plainOrder(shape.length);
    this.checkShape(shape);
    const base = this.node.outputs[0] || this.node.name || this.node.type;
    const name = suffix ? `${base}/${suffix}` : base;
    const output = { name, shape: physicalShape({ shape, order }), dtype };
    const [tensor] = this.draft.append(type, inputs, [output], attributes, version);
    return { tensor: tensor!, shape, order, dtype };
  }

  private checkShape(shape: readonly number[]): void {
    if (shape.some((size) => !Number.isInteger(size) || size < 1 || size > longestAxis))
      this.fail(`its result would have the impossible shape ${describeShape(shape)}`);
  }
}

/** A node in words: its name or its first output, and its operator. */
export function describeNode(node: OnnxNode): string {
  const name = node.name || node.outputs.find(Boolean) || "";
  return name ? `node ${shorten(name)} (${node.type})` : `a node ${node.type}`;
}

function shorten(name: string): string {
  return name.length > 120 ? `${name.slice(0, 117)}…` : name;
}
