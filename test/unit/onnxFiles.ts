/** Writes small .onnx files as exporters write them, and describes them for the reference that computes them. */
import protobuf from "protobufjs/minimal.js";
import { halfBits } from "../../src-main/model/constants.ts";
import { createRandom } from "../../src-main/model/random.ts";

/** What an attribute of a node holds: a whole number, a text, a list of whole numbers, a float, floats, or a tensor. */
export type AttributeContent =
  | number
  | string
  | readonly number[]
  | { float: number }
  | { floats: readonly number[] }
  | { tensor: TestTensor };

/** How a tensor stores its numbers. */
export type Storage = "raw" | "typed" | "float16" | "double" | "external";

export interface TestTensor {
  shape: readonly number[];
  type: "float" | "int64" | "int32" | "bool";
  values: readonly number[];
  storage?: Storage;
}

export interface TestNode {
  type: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Record<string, AttributeContent>;
  domain?: string;
}

interface TestInput {
  name: string;
  /** Null leaves the shape out. */
  shape: readonly (number | string)[] | null;
  type: number;
}

const typeCodes = { float: 1, int64: 7, int32: 6, bool: 9 };

/** A network under construction; `encode` gives the file. Names look like those of PyTorch's exporter. */
export class OnnxNetwork {
  readonly opset: number;
  readonly nodes: TestNode[] = [];
  readonly tensors = new Map<string, TestTensor>();
  readonly inputs: TestInput[] = [];
  readonly outputs: string[] = [];
  producer = "pytorch";
  private seed = 1;

  constructor(opset = 17) {
    this.opset = opset;
  }

  input(shape: readonly (number | string)[], name = "input", type = 1): string {
    this.inputs.push({ name, shape, type });
    return name;
  }

  /** A weight of seeded numbers in ±limit. */
  weight(shape: readonly number[], name: string, limit = 0.5, storage: Storage = "raw"): string {
    const random = createRandom(this.seed++);
    const count = shape.reduce((product, size) => product * size, 1);
    const values = Array.from({ length: count }, () => Math.fround((random.next() * 2 - 1) * limit));
    return this.tensor({ shape, type: "float", values, storage }, name);
  }

  tensor(tensor: TestTensor, name: string): string {
    this.tensors.set(name, tensor);
    return name;
  }

  /** An initializer of whole numbers. */
  integers(values: readonly number[], name: string, shape: readonly number[] = [values.length]): string {
    return this.tensor({ shape, type: "int64", values }, name);
  }

  floats(values: readonly number[], name: string, shape: readonly number[] = [values.length]): string {
    return this.tensor({ shape, type: "float", values: values.map(Math.fround) }, name);
  }

  /** A node with one output, which it gives. */
  node(type: string, inputs: readonly string[], attributes: Record<string, AttributeContent> = {}): string {
    return this.nodeOf(type, inputs, 1, attributes)[0]!;
  }

  nodeOf(
    type: string,
    inputs: readonly string[],
    outputCount: number,
    attributes: Record<string, AttributeContent> = {},
  ): string[] {
    const name = `/net/${type}_${this.nodes.length}`;
    const outputs = Array.from({ length: outputCount }, (_, index) => `${name}_output_${index}`);
    this.nodes.push({ type, name, inputs, outputs, attributes });
    return outputs;
  }

  /** A Constant node, as exporters write shapes and axes. */
  constant(
    values: readonly number[],
    shape: readonly number[] = [values.length],
    type: TestTensor["type"] = "int64",
  ): string {
    return this.node("Constant", [], { value: { tensor: { shape, type, values } } });
  }

  conv(
    x: string,
    filter: readonly number[],
    attributes: Record<string, AttributeContent> = {},
    bias = true,
  ): string {
    const name = `conv${this.nodes.length}`;
    const limit = Math.sqrt(3 / filter.slice(1).reduce((product, size) => product * size, 1));
    const inputs = [x, this.weight(filter, `${name}.weight`, limit)];
    if (bias) inputs.push(this.weight([filter[0]!], `${name}.bias`, 0.2));
    return this.node("Conv", inputs, { kernel_shape: filter.slice(2), ...attributes });
  }

  batchNorm(x: string, channels: number): string {
    const name = `bn${this.nodes.length}`;
    const positive = (suffix: string) => {
      const key = this.weight([channels], `${name}.${suffix}`, 0.3);
      const tensor = this.tensors.get(key)!;
      return this.tensor({ ...tensor, values: tensor.values.map((value) => Math.fround(1 + value)) }, key);
    };
    const parameters = [
      positive("weight"),
      this.weight([channels], `${name}.bias`, 0.3),
      this.weight([channels], `${name}.running_mean`, 0.3),
      positive("running_var"),
    ];
    return this.node("BatchNormalization", [x, ...parameters], { epsilon: { float: 1e-5 } });
  }

  output(...names: readonly string[]): this {
    this.outputs.push(...names);
    return this;
  }

  encode(): Uint8Array {
    return encodeModel(this, encodeGraph(this));
  }
}

/** Bytes of one message. */
type Fields = (writer: protobuf.Writer) => void;

export function message(write: Fields): Uint8Array {
  const writer = protobuf.Writer.create();
  write(writer);
  return writer.finish();
}

/** Adds a field of bytes, which a message inside another is. */
export function addBytes(writer: protobuf.Writer, field: number, bytes: Uint8Array): void {
  writer.uint32((field << 3) | 2).bytes(bytes);
}

export function addText(writer: protobuf.Writer, field: number, text: string): void {
  writer.uint32((field << 3) | 2).string(text);
}

export function addInteger(writer: protobuf.Writer, field: number, value: number): void {
  writer.uint32(field << 3).int64(value);
}

/** A whole model round the bytes of its graph. */
export function encodeModel(network: Pick<OnnxNetwork, "opset" | "producer">, graph: Uint8Array): Uint8Array {
  return message((writer) => {
    addInteger(writer, 1, 8);
    addText(writer, 2, network.producer);
    addText(writer, 3, "2.4.0");
    addBytes(writer, 7, graph);
    addBytes(
      writer,
      8,
      message((opset) => {
        addText(opset, 1, "");
        addInteger(opset, 2, network.opset);
      }),
    );
  });
}

export function encodeGraph(network: OnnxNetwork): Uint8Array {
  return message((writer) => {
    for (const node of network.nodes) addBytes(writer, 1, encodeNode(node));
    addText(writer, 2, "main_graph");
    for (const [name, tensor] of network.tensors) addBytes(writer, 5, encodeTensor(tensor, name));
    for (const input of network.inputs) addBytes(writer, 11, encodeInput(input));
    for (const name of network.outputs) addBytes(writer, 12, encodeInput({ name, shape: null, type: 1 }));
  });
}

export function encodeInput({ name, shape, type }: TestInput): Uint8Array {
  const dims = message((writer) => {
    for (const size of shape ?? [])
      addBytes(
        writer,
        1,
        message((dim) => (typeof size === "number" ? addInteger(dim, 1, size) : addText(dim, 2, size))),
      );
  });
  const tensorType = message((writer) => {
    addInteger(writer, 1, type);
    if (shape) addBytes(writer, 2, dims);
  });
  return message((writer) => {
    addText(writer, 1, name);
    addBytes(
      writer,
      2,
      message((inner) => addBytes(inner, 1, tensorType)),
    );
  });
}

export function encodeNode(node: TestNode): Uint8Array {
  return message((writer) => {
    for (const input of node.inputs) addText(writer, 1, input);
    for (const output of node.outputs) addText(writer, 2, output);
    addText(writer, 3, node.name);
    addText(writer, 4, node.type);
    for (const [name, content] of Object.entries(node.attributes))
      addBytes(writer, 5, encodeAttribute(name, content));
    if (node.domain) addText(writer, 7, node.domain);
  });
}

function encodeAttribute(name: string, content: AttributeContent): Uint8Array {
  return message((writer) => {
    addText(writer, 1, name);
    if (typeof content === "number") {
      addInteger(writer, 3, content);
      addInteger(writer, 20, 2);
    } else if (typeof content === "string") {
      addText(writer, 4, content);
      addInteger(writer, 20, 3);
    } else if ("float" in content) {
      writer.uint32((2 << 3) | 5).float(content.float);
      addInteger(writer, 20, 1);
    } else if ("floats" in content) {
      for (const value of content.floats) writer.uint32((7 << 3) | 5).float(value);
      addInteger(writer, 20, 6);
    } else if ("tensor" in content) {
      addBytes(writer, 5, encodeTensor(content.tensor, ""));
      addInteger(writer, 20, 4);
    } else {
      // Exporters write these one by one, as proto2 does.
      for (const value of content) addInteger(writer, 8, value);
      addInteger(writer, 20, 7);
    }
  });
}

/** Where external weights go in tests: one file, one tensor after another. */
export const externalName = "weights.data";

export function encodeTensor(tensor: TestTensor, name: string, externalOffset = 0): Uint8Array {
  const { shape, type, values, storage = "raw" } = tensor;
  return message((writer) => {
    for (const size of shape) addInteger(writer, 1, size);
    const code = storage === "float16" ? 10 : storage === "double" ? 11 : typeCodes[type];
    addInteger(writer, 2, code);
    if (storage === "typed") encodeTyped(writer, type, values);
    if (name) addText(writer, 8, name);
    if (storage === "external") {
      const entries = {
        location: externalName,
        offset: String(externalOffset),
        length: String(4 * values.length),
      };
      for (const [key, value] of Object.entries(entries))
        addBytes(
          writer,
          13,
          message((entry) => {
            addText(entry, 1, key);
            addText(entry, 2, value);
          }),
        );
      addInteger(writer, 14, 1);
    } else if (storage !== "typed") addBytes(writer, 9, rawBytes(type, values, storage));
  });
}

function encodeTyped(writer: protobuf.Writer, type: TestTensor["type"], values: readonly number[]): void {
  const packed = message((inner) => {
    for (const value of values) {
      if (type === "float") inner.float(value);
      else inner.int64(value);
    }
  });
  addBytes(writer, type === "float" ? 4 : type === "int64" ? 7 : 5, packed);
}

function rawBytes(type: TestTensor["type"], values: readonly number[], storage: Storage): Uint8Array {
  if (storage === "float16") return new Uint8Array(Uint16Array.from(values, halfBits).buffer);
  if (storage === "double") return new Uint8Array(Float64Array.from(values).buffer);
  if (type === "float") return new Uint8Array(Float32Array.from(values).buffer);
  if (type === "int32") return new Uint8Array(Int32Array.from(values).buffer);
  if (type === "int64") return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return Uint8Array.from(values);
}
