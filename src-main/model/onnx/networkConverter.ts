import { countElements } from "../graph.ts";
import { describeShape } from "../shapeInference.ts";
import { fuseActivations, recogniseActivations } from "./activationFusing.ts";
import { foldAffine } from "./affineFolding.ts";
import { Constant } from "./constant.ts";
import { Draft } from "./draft.ts";
import { equalLists, imageOrder, LayoutWriter, plainOrder, type Activation } from "./layout.ts";
import { absorbPadding, tidyReshapes } from "./movementTidying.ts";
import type { OnnxModel, OnnxNode, OnnxValueInfo } from "./onnxModel.ts";
import { OnnxProblem } from "./onnxProblem.ts";
import { convertType } from "./onnxTensor.ts";
import { checkOperators, findFolder, findOperator, shapeOperators } from "./operatorTable.ts";
import { describeNode, Flattened, OperatorView, type Value } from "./operatorView.ts";

/** Versions of ONNX's operators whose meaning is known here. */
const operatorSets = { oldest: 7, newest: 24 };

/** Elements that all constants computed from others may have, beside four times those of the file. */
const foldedElements = 2 ** 25;

/** A converted network and what a reader of its description should know. */
export interface ConvertedNetwork {
  draft: Draft;
  notes: string[];
}

/** Turns the nodes of an ONNX model into TFLite ops; throws an OnnxProblem that names the node at fault. */
export function convertNetwork(model: OnnxModel): ConvertedNetwork {
  const opset = model.opsets.get("") ?? 0;
  if (opset < operatorSets.oldest || opset > operatorSets.newest)
    throw new OnnxProblem(
      `it uses version ${opset} of ONNX's operators; versions ${operatorSets.oldest} to ${operatorSets.newest} are known`,
      "Export the network again with opset_version=17.",
    );
  const nodes = selectNeeded(model);
  checkOperators(nodes);
  return new NetworkConverter(model, nodes, opset).convert();
}

/** The nodes the outputs depend on, in the file's order; outputs of theirs that nothing reads have no name. */
function selectNeeded(model: OnnxModel): OnnxNode[] {
  const writers = new Map<string, number>();
  model.nodes.forEach((node, index) => {
    for (const output of node.outputs) {
      if (!output) continue;
      if (writers.has(output))
        throw new OnnxProblem(`${describeNode(node)}: the value ${output} is written twice`);
      writers.set(output, index);
    }
  });
  const needed = new Set<number>();
  const pending = model.outputs.map((output) => output.name);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const index = writers.get(name);
    if (index === undefined || needed.has(index)) continue;
    needed.add(index);
    pending.push(...model.nodes[index]!.inputs);
  }
  const nodes = model.nodes.filter((_, index) => needed.has(index));
  const read = new Set([...nodes.flatMap(({ inputs }) => inputs), ...model.outputs.map(({ name }) => name)]);
  return nodes.map((node) => ({
    ...node,
    outputs: node.outputs.map((output) => (read.has(output) ? output : "")),
  }));
}

class NetworkConverter {
  private readonly model: OnnxModel;
  private readonly nodes: readonly OnnxNode[];
  private readonly opset: number;
  private readonly draft = new Draft();
  private readonly layout = new LayoutWriter(this.draft);
  private readonly values = new Map<string, Value>();
  private readonly notes: string[] = [];
  private foldable = foldedElements;

  constructor(model: OnnxModel, nodes: readonly OnnxNode[], opset: number) {
    this.model = model;
    this.nodes = nodes;
    this.opset = opset;
  }

  convert(): ConvertedNetwork {
    for (const [name, constant] of this.model.initializers) {
      this.values.set(name, constant);
      this.foldable += 4 * constant.count;
    }
    this.addInputs();
    for (const node of this.nodes) this.convertNode(node);
    this.draft.outputs = this.model.outputs.map((output) => this.finishOutput(output.name));
    foldAffine(this.draft);
    fuseActivations(this.draft);
    recogniseActivations(this.draft);
    absorbPadding(this.draft);
    tidyReshapes(this.draft);
    if (this.draft.ops.length === 0) throw new OnnxProblem("it computes nothing");
    return { draft: this.draft, notes: this.notes };
  }

  private addInputs(): void {
    const read = new Set(this.nodes.flatMap((node) => node.inputs));
    for (const input of this.model.inputs) {
      // Before IR version 4 initializers were listed as inputs too.
      if (this.values.has(input.name) || !read.has(input.name)) continue;
      const place = `the input ${input.name}`;
      const dtype = convertType(input.type, place);
      const shape = this.fixShape(input, place);
      const image = shape.length === 4 && this.becomesImage(input.name);
      const order = image ? imageOrder : plainOrder(shape.length);
      const tensor = this.draft.addInput({
        name: input.name,
        shape: order.map((axis) => shape[axis]!),
        dtype,
      });
      this.values.set(input.name, { tensor, shape, order, dtype });
    }
    if (this.draft.inputs.length === 0) throw new OnnxProblem("it has no input that its outputs depend on");
  }

  private fixShape(input: OnnxValueInfo, place: string): number[] {
    if (!input.shape)
      throw new OnnxProblem(`${place} has no shape`, "Export the network with fixed input shapes.");
    return input.shape.map((size, axis) => {
      if (typeof size === "number" && size > 0) {
        if (size > 2 ** 31 - 1) throw new OnnxProblem(`${place} has the dimension ${size}`);
        return size;
      }
      const named = typeof size === "string" && size ? size : "?";
      if (axis > 0)
        throw new OnnxProblem(
          `${place} has the dynamic dimension ${axis} (${named.slice(0, 60)})`,
          "Export the network with a fixed size; only the batch may be dynamic and is taken as 1.",
        );
      this.notes.push(`dynamic batch of ${input.name.slice(0, 60)} taken as 1`);
      return 1;
    });
  }

  /** Whether an input of four axes meets an operator on images before one that sees its axes as something else. */
  private becomesImage(name: string): boolean {
    const pending = new Set([name]);
    for (const node of this.nodes) {
      if (!node.inputs.some((input) => pending.has(input))) continue;
      if (imageOperators.has(node.type)) return true;
      if (carryingOperators.has(node.type)) for (const output of node.outputs) pending.add(output);
    }
    return false;
  }

  private convertNode(node: OnnxNode): void {
    const values = node.inputs.map((name) => {
      if (!name) return null;
      const value = this.values.get(name);
      if (!value)
        throw new OnnxProblem(
          `${describeNode(node)}: nothing before it writes its input ${name.slice(0, 120)}`,
        );
      return value;
    });
    const view = new OperatorView(node, this.opset, this.draft, this.layout, values);
    let results: Value | Value[];
    try {
      results = this.computeKnown(view, values) ?? this.convertComputed(view);
    } catch (error) {
      if (error instanceof OnnxProblem && !/^(a )?node /.test(error.message))
        view.fail(error.message, error.advice);
      throw error;
    }
    const list = Array.isArray(results) ? results : [results];
    node.outputs.forEach((output, index) => {
      if (!output) return;
      const value = list[index] ?? view.fail(`its output ${index} is not supported`);
      if (this.values.has(output)) view.fail(`the value ${output} is written twice`);
      this.values.set(output, value);
    });
  }

  private computeKnown(view: OperatorView, values: readonly (Value | null)[]): Constant | Constant[] | null {
    if (shapeOperators.has(view.node.type)) return describeSize(view);
    const folder = findFolder(view.node);
    if (!folder || values.some((value) => value !== null && !(value instanceof Constant))) return null;
    const result = folder(view);
    for (const constant of Array.isArray(result) ? result : [result])
      if (!values.includes(constant)) this.foldable -= constant.count;
    if (this.foldable < 0) view.fail("the constants computed before the network runs are too large");
    return result;
  }

  private convertComputed(view: OperatorView): Value | Value[] {
    const operator = findOperator(view.node);
    if (!operator)
      return view.fail(
        "it can only be computed from constants and shapes here, not while the network runs",
        "Export the network without it, or convert it with another tool and add the .tflite file.",
      );
    return operator(view);
  }

  private finishOutput(name: string): number {
    const value = this.values.get(name);
    if (!value) throw new OnnxProblem(`nothing writes the output ${name.slice(0, 120)}`);
    if (value instanceof Constant) throw new OnnxProblem(`the output ${name.slice(0, 120)} is a constant`);
    const activation: Activation =
      value instanceof Flattened ? this.layout.reshape(value.source, value.shape) : value;
    // Images stay as TFLite has them.
    const image = equalLists(activation.order, imageOrder);
    return image ? activation.tensor : this.layout.plain(activation).tensor;
  }
}

function describeSize(view: OperatorView): Constant {
  const { shape } = view.required(0);
  if (view.node.type === "Size") return Constant.of("int64", [], [countElements(shape)]);
  const rank = shape.length;
  const clamp = (place: number) => Math.min(Math.max(place < 0 ? place + rank : place, 0), rank);
  const sizes = shape.slice(clamp(view.integer("start", 0)), clamp(view.integer("end", rank)));
  if (sizes.some((size) => size > 2 ** 31)) view.fail(`the shape ${describeShape(shape)} is impossible`);
  return Constant.of("int64", [sizes.length], sizes);
}

/** Operators on images. */
const imageOperators: ReadonlySet<string> = new Set([
  "Conv",
  "ConvTranspose",
  "MaxPool",
  "AveragePool",
  "GlobalAveragePool",
  "GlobalMaxPool",
  "BatchNormalization",
  "InstanceNormalization",
  "GroupNormalization",
  "LRN",
  "Resize",
  "Upsample",
  "DepthToSpace",
  "SpaceToDepth",
]);

/** Operators that leave an image an image. */
const carryingOperators: ReadonlySet<string> = new Set([
  ..."Add Sub Mul Div Pow Max Min Sum Mean Abs Neg Exp Log Sqrt Relu Clip Sigmoid Tanh HardSwish HardSigmoid".split(
    " ",
  ),
  ..."LeakyRelu PRelu Elu Gelu Identity Dropout Cast Pad Slice Split Concat".split(" "),
]);
