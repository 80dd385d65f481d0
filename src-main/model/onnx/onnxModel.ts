import type { Constant } from "./constant.ts";
import type { ExternalData } from "./externalData.ts";
import { OnnxProblem } from "./onnxProblem.ts";
import { readOnnxTensor } from "./onnxTensor.ts";
import { Allowance, readFields, type ProtobufField } from "./protobufFields.ts";

/** An attribute of a node; the fields its type does not use are empty. */
export interface OnnxAttribute {
  float?: number;
  integer?: number;
  text?: string;
  tensor?: Constant;
  floats: number[];
  integers: number[];
  /** It holds a subgraph, texts, or another thing no operator here knows. */
  other: boolean;
}

/** A node of the graph: an operator with the names of its values; "" is an absent optional one. */
export interface OnnxNode {
  name: string;
  type: string;
  /** "" is ONNX's own set of operators. */
  domain: string;
  inputs: string[];
  outputs: string[];
  attributes: Map<string, OnnxAttribute>;
}

/** A value that goes in or out; dimensions without a number are names or null. */
export interface OnnxValueInfo {
  name: string;
  /** Code in `TensorProto.DataType`; 0 when the file has none. */
  type: number;
  shape: (number | string | null)[] | null;
}

/** What an .onnx file holds, as far as a network needs it. */
export interface OnnxModel {
  /** The program that wrote it, with its version. */
  producer: string;
  /** Versions of the operator sets by domain. */
  opsets: Map<string, number>;
  nodes: OnnxNode[];
  initializers: Map<string, Constant>;
  inputs: OnnxValueInfo[];
  outputs: OnnxValueInfo[];
}

/** Reads the protobuf of an .onnx file; throws an OnnxProblem for bytes that are none. */
export function readOnnxModel(bytes: Uint8Array, external: ExternalData): OnnxModel {
  if (bytes.length === 0) throw new OnnxProblem("the file is empty");
  // Views of a Node Buffer would be Buffers, which comparisons treat as something else.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const allowance = new Allowance(plain.length);
  const model: OnnxModel = {
    producer: "",
    opsets: new Map(),
    nodes: [],
    initializers: new Map(),
    inputs: [],
    outputs: [],
  };
  const graphs: Uint8Array[] = [];
  let version = "";
  readFields(plain, "model", allowance, (field) => {
    if (field.number === 2) model.producer = field.text();
    else if (field.number === 3) version = field.text();
    else if (field.number === 7) graphs.push(field.bytes());
    else if (field.number === 8) readOpset(field.bytes(), model, allowance);
  });
  if (graphs.length !== 1) throw new OnnxProblem("it holds no ONNX graph");
  if (!model.opsets.has(""))
    throw new OnnxProblem("it does not say which version of ONNX's operators it uses");
  model.producer = [model.producer, version].filter(Boolean).join(" ");
  readGraph(graphs[0]!, model, allowance, external);
  return model;
}

function readOpset(bytes: Uint8Array, model: OnnxModel, allowance: Allowance): void {
  let [domain, version] = ["", 0];
  readFields(bytes, "opset", allowance, (field) => {
    if (field.number === 1) domain = field.text();
    else if (field.number === 2) version = field.integer();
  });
  model.opsets.set(plainDomain(domain), version);
}

function plainDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

function readGraph(bytes: Uint8Array, model: OnnxModel, allowance: Allowance, external: ExternalData): void {
  let sparse = 0;
  readFields(bytes, "graph", allowance, (field) => {
    if (field.number === 1)
      model.nodes.push(readNode(field.bytes(), model.nodes.length, allowance, external));
    else if (field.number === 5) {
      const { name, constant } = readOnnxTensor(field.bytes(), "initializer", allowance, external);
      if (model.initializers.has(name)) throw new OnnxProblem(`it has two initializers named ${name}`);
      model.initializers.set(name, constant);
    } else if (field.number === 11) model.inputs.push(readValueInfo(field.bytes(), allowance));
    else if (field.number === 12) model.outputs.push(readValueInfo(field.bytes(), allowance));
    else if (field.number === 15) sparse++;
  });
  if (sparse > 0) throw new OnnxProblem(`it has ${sparse} sparse initializers, which are not supported`);
}

function readNode(bytes: Uint8Array, index: number, allowance: Allowance, external: ExternalData): OnnxNode {
  const place = `node ${index}`;
  allowance.charge(400, place);
  const node: OnnxNode = { name: "", type: "", domain: "", inputs: [], outputs: [], attributes: new Map() };
  readFields(bytes, place, allowance, (field) => {
    if (field.number === 1) node.inputs.push(field.text());
    else if (field.number === 2) node.outputs.push(field.text());
    else if (field.number === 3) node.name = field.text();
    else if (field.number === 4) node.type = field.text();
    else if (field.number === 5) readAttribute(field, node, place, allowance, external);
    else if (field.number === 7) node.domain = plainDomain(field.text());
  });
  if (!node.type) throw new OnnxProblem(`${place}: it has no operator`);
  return node;
}

function readAttribute(
  from: ProtobufField,
  node: OnnxNode,
  place: string,
  allowance: Allowance,
  external: ExternalData,
): void {
  allowance.charge(300, place);
  const attribute: OnnxAttribute = { floats: [], integers: [], other: false };
  let name = "";
  readFields(from.bytes(), `${place}, attribute`, allowance, (field) => {
    if (field.number === 1) name = field.text();
    else if (field.number === 2) attribute.float = field.float();
    else if (field.number === 3) attribute.integer = field.integer();
    else if (field.number === 4) attribute.text = field.text();
    else if (field.number === 5)
      attribute.tensor = readOnnxTensor(field.bytes(), `${place}, attribute`, allowance, external).constant;
    else if (field.number === 7) field.floatsInto(attribute.floats);
    else if (field.number === 8) field.integersInto(attribute.integers);
    else if ([6, 9, 10, 11, 14, 15, 21, 22, 23].includes(field.number)) attribute.other = true;
  });
  node.attributes.set(name, attribute);
}

function readValueInfo(bytes: Uint8Array, allowance: Allowance): OnnxValueInfo {
  const info: OnnxValueInfo = { name: "", type: 0, shape: null };
  const place = "input or output";
  allowance.charge(300, place);
  readFields(bytes, place, allowance, (field) => {
    if (field.number === 1) info.name = field.text();
    else if (field.number === 2)
      readFields(field.bytes(), place, allowance, (type) => {
        if (type.number === 1) readTensorType(type.bytes(), info, allowance);
      });
  });
  return info;
}

function readTensorType(bytes: Uint8Array, info: OnnxValueInfo, allowance: Allowance): void {
  const place = `value ${info.name}`;
  readFields(bytes, place, allowance, (field) => {
    if (field.number === 1) info.type = field.integer();
    else if (field.number === 2) {
      const shape: OnnxValueInfo["shape"] = [];
      readFields(field.bytes(), place, allowance, (dimension) => {
        if (dimension.number !== 1) return;
        let size: number | string | null = null;
        allowance.charge(16, place);
        readFields(dimension.bytes(), place, allowance, (part) => {
          if (part.number === 1) size = part.integer();
          else if (part.number === 2) size = part.text();
        });
        shape.push(size);
      });
      info.shape = shape;
    }
  });
}
