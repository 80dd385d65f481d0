import { countElements, type Attributes, type Graph, type Tensor } from "../graph.ts";
import type { Constant, ConstantType } from "./constant.ts";
import { OnnxProblem } from "./onnxProblem.ts";

/** A tensor of the converted network, in TFLite's order of axes. */
export interface DraftTensor {
  name: string;
  shape: readonly number[];
  dtype: ConstantType;
  constant: Constant | null;
}

/** An op of the converted network; −1 is an absent optional input. */
export interface DraftOp {
  type: string;
  version: number;
  inputs: number[];
  outputs: number[];
  attributes: Attributes;
}

/** What an op to append has for an output. */
export interface DraftOutput {
  name: string;
  shape: readonly number[];
  dtype: ConstantType;
}

/** The network under conversion: ops are appended in order, then rewritten as a whole. */
export class Draft {
  readonly tensors: DraftTensor[] = [];
  readonly inputs: number[] = [];
  ops: DraftOp[] = [];
  outputs: number[] = [];
  private readonly names = new Map<string, number>();
  private readonly constants = new Map<Constant, number>();

  addInput(output: DraftOutput): number {
    const tensor = this.addTensor(output, null);
    this.inputs.push(tensor);
    return tensor;
  }

  /** The tensor of a constant; one constant is one tensor. */
  addConstant(name: string, constant: Constant): number {
    const known = this.constants.get(constant);
    if (known !== undefined) return known;
    const tensor = this.addTensor({ name, shape: constant.shape, dtype: constant.dtype }, constant);
    this.constants.set(constant, tensor);
    return tensor;
  }

  /** Appends an op and gives its output tensors. */
  append(
    type: string,
    inputs: readonly number[],
    outputs: readonly DraftOutput[],
    attributes: Attributes = {},
    version = 1,
  ): number[] {
    const tensors = outputs.map((output) => this.addTensor(output, null));
    this.ops.push({ type, version, inputs: [...inputs], outputs: tensors, attributes });
    return tensors;
  }

  tensor(index: number): DraftTensor {
    return this.tensors[index]!;
  }

  /** The finished graph of what is used, with the tensors in the order of their use. */
  toGraph(name: string, description: string): Graph {
    const places = new Map<number, number>();
    const tensors: Tensor[] = [];
    const place = (index: number): number => {
      if (index < 0) return -1;
      let known = places.get(index);
      if (known === undefined) {
        const { constant, shape, ...rest } = this.tensors[index]!;
        known = tensors.length;
        places.set(index, known);
        tensors.push({
          ...rest,
          shape: [...shape],
          data: constant ? constant.toData() : null,
          quantization: null,
          isVariable: false,
          sparse: false,
        });
      }
      return known;
    };
    const inputs = this.inputs.map(place);
    const ops = this.ops.map((op) => ({
      type: op.type,
      custom: false,
      version: op.version,
      inputs: op.inputs.map(place),
      outputs: op.outputs.map(place),
      attributes: op.attributes,
    }));
    const outputs = this.outputs.map(place);
    return { name, description, subgraphs: [{ name: "main", tensors, inputs, outputs, ops }], metadata: [] };
  }

  private addTensor({ name, shape, dtype }: DraftOutput, constant: Constant | null): number {
    if (!Number.isSafeInteger(countElements(shape) * 8))
      throw new OnnxProblem(`the tensor ${name}: the shape ${shape.join("×")} is impossibly large`);
    return this.tensors.push({ name: this.claimName(name), shape: [...shape], dtype, constant }) - 1;
  }

  private claimName(name: string): string {
    const used = this.names.get(name) ?? 0;
    this.names.set(name, used + 1);
    return used === 0 ? name : this.claimName(`${name}_${used}`);
  }
}
