import { countElements } from "./graph.ts";
import type { Attributes, ConstantData, DataType, Graph, Op, Tensor } from "./graph.ts";
import { deriveSeed } from "./random.ts";
import { describeShape } from "./shapeInference.ts";

/** A tensor of a graph under construction. */
export interface Value {
  /** Index into the tensors of the subgraph. */
  readonly tensor: number;
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** One operator to append: the op's own path is `name`; its output tensors carry it too. */
export interface OpRequest {
  type: string;
  name: string;
  version?: number;
  inputs: readonly Value[];
  outputShapes: readonly (readonly number[])[];
  /** Type of the outputs; default that of the first input that is no constant, else float32. */
  outputType?: DataType;
  attributes: Attributes;
}

/**
 * The ground of the builder: it collects tensors and ops under readable, unique names made of the path of blocks
 * (`block3/expand/filter`), and gives every weight a seed from its name, so a network is the same wherever it is built.
 */
export class GraphAssembler {
  readonly name: string;
  readonly seed: number;
  private readonly description: string;
  private readonly tensors: Tensor[] = [];
  private readonly ops: Op[] = [];
  private readonly inputs: number[] = [];
  private readonly path: string[] = [];
  private readonly taken = new Map<string, number>();

  constructor(name: string, options: { seed?: number; description?: string } = {}) {
    this.name = name;
    this.seed = options.seed ?? 0;
    this.description = options.description ?? "";
  }

  /** How many ops have been appended, to tell which ops a block consists of. */
  get opCount(): number {
    return this.ops.length;
  }

  /** An input of the network, NHWC for images. */
  input(shape: readonly number[], options: { name?: string; dtype?: DataType } = {}): Value {
    const name = this.claimName(options.name ?? "input");
    const value = this.addTensor(name, shape, options.dtype ?? "float32", null);
    this.inputs.push(value.tensor);
    return value;
  }

  /** Builds what `body` builds under a block of the given name; a name used before in the same place gets a number. */
  within<T>(block: string, body: () => T): T {
    const full = this.claimName(block);
    const inner = full.slice(full.lastIndexOf("/") + 1);
    this.path.push(inner);
    try {
      return body();
    } finally {
      this.path.pop();
    }
  }

  /** A trained parameter: random numbers in ±`limit`, drawn from the builder's seed and the name when the file is written. */
  parameter(name: string, shape: readonly number[], limit: number): Value {
    return this.addWeight(this.claimName(name), shape, limit);
  }

  /** A small constant stated by the architecture, e.g. the 3 of hard-swish; `shape` [] is a scalar. */
  constant(
    name: string,
    values: readonly number[],
    shape: readonly number[] = [values.length],
    dtype: DataType = "float32",
  ): Value {
    return this.addValues(this.claimName(name), values, shape, dtype);
  }

  /** The finished graph; throws when nothing was built or an output is unknown. */
  build(outputs: Value | readonly Value[]): Graph {
    const list = "tensor" in outputs ? [outputs] : outputs;
    if (this.inputs.length === 0) throw new Error(`${this.name} has no input`);
    if (list.length === 0) throw new Error(`${this.name} has no output`);
    for (const output of list)
      if (!this.tensors[output.tensor]) throw new Error(`${this.name} has no tensor ${output.tensor}`);
    return {
      name: this.name,
      description: this.description,
      subgraphs: [
        {
          name: "main",
          tensors: this.tensors,
          inputs: this.inputs,
          outputs: list.map((output) => output.tensor),
          ops: this.ops,
        },
      ],
      metadata: [],
    };
  }

  /** A full path nobody has yet, below the current block. */
  protected claimName(name: string): string {
    const full = [...this.path, name].join("/");
    const used = this.taken.get(full) ?? 0;
    this.taken.set(full, used + 1);
    return used === 0 ? full : this.claimName(`${name}_${used}`);
  }

  /** A weight under its full name. */
  protected addWeight(fullName: string, shape: readonly number[], limit: number): Value {
    if (!(limit >= 0 && Number.isFinite(limit)))
      throw new Error(`${fullName} needs a finite limit, not ${limit}`);
    const seed = deriveSeed(this.seed, fullName);
    return this.addTensor(fullName, shape, "float32", { kind: "random", seed, limit });
  }

  /** An int32 constant (paddings, shapes, axes) under its full name. */
  protected addIntegers(fullName: string, values: readonly number[], shape = [values.length]): Value {
    return this.addValues(fullName, values, shape, "int32");
  }

  /** A constant of stated values under its full name. */
  protected addValues(
    fullName: string,
    values: readonly number[],
    shape: readonly number[],
    dtype: DataType,
  ): Value {
    if (countElements(shape) !== values.length)
      throw new Error(`${fullName} has ${values.length} values for the shape ${describeShape(shape)}`);
    return this.addTensor(fullName, shape, dtype, { kind: "values", values: [...values] });
  }

  /** Appends an op and returns its outputs, named after it. */
  protected append(request: OpRequest): Value[] {
    const dtype =
      request.outputType ??
      request.inputs.find((input) => this.tensors[input.tensor]?.data === null)?.dtype ??
      "float32";
    const outputs = request.outputShapes.map((shape, index) => {
      const several = request.outputShapes.length > 1;
      return this.addTensor(several ? `${request.name}/${index}` : request.name, shape, dtype, null);
    });
    this.ops.push({
      type: request.type,
      custom: false,
      version: request.version ?? 1,
      inputs: request.inputs.map((input) => input.tensor),
      outputs: outputs.map((output) => output.tensor),
      attributes: request.attributes,
    });
    return outputs;
  }

  /** Appends an op with one output. */
  protected appendOne(request: Omit<OpRequest, "outputShapes"> & { outputShape: readonly number[] }): Value {
    const { outputShape, ...rest } = request;
    return this.append({ ...rest, outputShapes: [outputShape] })[0]!;
  }

  private addTensor(
    name: string,
    shape: readonly number[],
    dtype: DataType,
    data: ConstantData | null,
  ): Value {
    for (const size of shape)
      if (!Number.isInteger(size) || size < 1)
        throw new Error(`${name} has an impossible shape ${describeShape(shape)}`);
    const tensor: Tensor = {
      name,
      shape: [...shape],
      dtype,
      data,
      quantization: null,
      isVariable: false,
      sparse: false,
    };
    return { tensor: this.tensors.push(tensor) - 1, shape: tensor.shape, dtype };
  }
}
