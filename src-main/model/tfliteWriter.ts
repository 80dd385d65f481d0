import { Builder } from "flatbuffers";
import { LabError, modelUnwritable } from "../lab/errors.ts";
import { constantChunks } from "./constants.ts";
import { dataTypes, type Graph, type Op, type Quantization, type Subgraph, type Tensor } from "./graph.ts";
import { chooseOptionTable, writeOptionTable } from "./operatorOptionsWriter.ts";
import { bufferAlignment, planFile, type FilePlan, type OperatorEntry } from "./tfliteFilePlan.ts";

const schemaVersion = 3;
/** FlatBuffers addresses with signed 32-bit offsets. */
const largestFile = 2 ** 31 - 1;

/** Writes a graph as a .tflite file in memory; the same graph gives the same bytes. Throws like `streamTflite`. */
export function writeTflite(graph: Graph): Uint8Array {
  let file = new Uint8Array();
  let written = 0;
  for (const { bytes, fileBytes } of streamTflite(graph)) {
    if (written === 0) file = new Uint8Array(fileBytes);
    file.set(bytes, written);
    written += bytes.length;
  }
  return file;
}

/** A piece of a .tflite file, valid until the next one is asked for. */
export interface FileChunk {
  bytes: Uint8Array;
  /** Size of the whole file. */
  fileBytes: number;
}

/**
 * Writes a graph as a .tflite file piece by piece: first the tables, then the constants, drawn as they are asked for, so
 * that memory stays near that of the tables however large the model is. Throws `model-unwritable` that names the op or
 * tensor at fault.
 */
export function* streamTflite(graph: Graph): Generator<FileChunk, void, undefined> {
  try {
    const plan = planFile(graph);
    const constants = layConstants(plan);
    if (plan.tableBytes + constants.bytes > largestFile) throw new Error("it would be larger than 2 GiB");
    const builder = new Builder(plan.tableBytes);
    // The tables take a multiple of the alignment, so that what follows them keeps it.
    builder.prep(bufferAlignment, 0);
    builder.finish(writeModel(builder, graph, plan, constants.positions), "TFL3");
    const tables = builder.asUint8Array();
    const fileBytes = tables.length + constants.bytes;
    yield { bytes: tables, fileBytes };
    let written = 0;
    for (const [index, { data, dtype, length }] of plan.buffers.entries()) {
      const position = constants.positions[index]!;
      if (position === 0 || data === null) continue;
      yield { bytes: startVector(position - written, length), fileBytes };
      for (const bytes of constantChunks(dtype, data, length)) yield { bytes, fileBytes };
      written = position + countBytes + length;
    }
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw modelUnwritable(graph.name || "the model", error instanceof Error ? error.message : String(error));
  }
}

/** Bytes of a vector's length, which stands before its elements. */
const countBytes = 4;

// Where the vector of each buffer starts behind the tables; 0 for an empty one, which has none.
function layConstants({ buffers }: FilePlan): { positions: number[]; bytes: number } {
  let bytes = 0;
  const positions = buffers.map(({ data, length }) => {
    if (!data || length === 0) return 0;
    const start = Math.ceil((bytes + countBytes) / bufferAlignment) * bufferAlignment;
    bytes = start + length;
    return start - countBytes;
  });
  return { positions, bytes };
}

function startVector(padding: number, length: number): Uint8Array {
  const bytes = new Uint8Array(padding + countBytes);
  new DataView(bytes.buffer).setUint32(padding, length, true);
  return bytes;
}

function writeModel(builder: Builder, graph: Graph, plan: FilePlan, positions: readonly number[]): number {
  const buffers = positions.map((position) => writeBuffer(builder, position));
  const bufferVector = writeOffsets(builder, buffers);
  const metadata = graph.metadata.map(({ name }, index) => {
    const text = builder.createString(name);
    builder.startObject(2);
    builder.addFieldOffset(0, text, 0);
    builder.addFieldInt32(1, plan.metadataBuffers[index]!, 0);
    return builder.endObject();
  });
  const metadataVector = metadata.length > 0 ? writeOffsets(builder, metadata) : 0;
  const subgraphs = graph.subgraphs.map((subgraph, index) => writeSubgraph(builder, subgraph, plan, index));
  const subgraphVector = writeOffsets(builder, subgraphs);
  const codeVector = writeOffsets(
    builder,
    plan.codes.map((entry) => writeOperatorCode(builder, entry)),
  );
  const description = builder.createString(graph.description);
  builder.startObject(8);
  builder.addFieldInt32(0, schemaVersion, 0);
  builder.addFieldOffset(1, codeVector, 0);
  builder.addFieldOffset(2, subgraphVector, 0);
  builder.addFieldOffset(3, description, 0);
  builder.addFieldOffset(4, bufferVector, 0);
  builder.addFieldOffset(6, metadataVector, 0);
  return builder.endObject();
}

function writeBuffer(builder: Builder, position: number): number {
  builder.startObject(1);
  // The builder counts from the end of the tables; what follows them lies at negative places.
  if (position > 0) builder.addFieldOffset(0, -position, 0);
  return builder.endObject();
}

function writeOperatorCode(builder: Builder, { code, custom, version }: OperatorEntry): number {
  const name = custom === null ? 0 : builder.createString(custom);
  builder.startObject(4);
  // Old readers look at the byte only, where 127 stands for every newer operator.
  builder.addFieldInt8(0, Math.min(code, 127), 0);
  builder.addFieldOffset(1, name, 0);
  builder.addFieldInt32(2, version, 1);
  builder.addFieldInt32(3, code, 0);
  return builder.endObject();
}

function writeSubgraph(builder: Builder, subgraph: Subgraph, plan: FilePlan, index: number): number {
  const tensors = subgraph.tensors.map((tensor, place) =>
    writeTensor(builder, tensor, plan.tensorBuffers[index]![place]!),
  );
  const ops = subgraph.ops.map((op, place) => writeOp(builder, op, place, plan.opCodes[index]![place]!));
  const tensorVector = writeOffsets(builder, tensors);
  const opVector = writeOffsets(builder, ops);
  const inputs = writeInts(builder, subgraph.inputs);
  const outputs = writeInts(builder, subgraph.outputs);
  const name = subgraph.name ? builder.createString(subgraph.name) : 0;
  builder.startObject(5);
  builder.addFieldOffset(0, tensorVector, 0);
  builder.addFieldOffset(1, inputs, 0);
  builder.addFieldOffset(2, outputs, 0);
  builder.addFieldOffset(3, opVector, 0);
  builder.addFieldOffset(4, name, 0);
  return builder.endObject();
}

function writeTensor(builder: Builder, tensor: Tensor, buffer: number): number {
  const shape = writeInts(builder, tensor.shape);
  const name = builder.createString(tensor.name);
  const quantization = tensor.quantization ? writeQuantization(builder, tensor.quantization) : 0;
  const signature = tensor.shapeSignature ? writeInts(builder, tensor.shapeSignature) : 0;
  builder.startObject(9);
  builder.addFieldOffset(0, shape, 0);
  builder.addFieldInt8(1, dataTypes.indexOf(tensor.dtype), 0);
  builder.addFieldInt32(2, buffer, 0);
  builder.addFieldOffset(3, name, 0);
  builder.addFieldOffset(4, quantization, 0);
  builder.addFieldInt8(5, tensor.isVariable ? 1 : 0, 0);
  builder.addFieldOffset(7, signature, 0);
  // Tells newer readers that an empty shape is a scalar, not an unknown rank.
  builder.addFieldInt8(8, 1, 0);
  return builder.endObject();
}

function writeQuantization(builder: Builder, { min, max, scales, zeroPoints, axis }: Quantization): number {
  const minVector = writeFloats(builder, min);
  const maxVector = writeFloats(builder, max);
  const scaleVector = writeFloats(builder, scales);
  let zeroPointVector = 0;
  if (zeroPoints.length > 0) {
    builder.startVector(8, zeroPoints.length, 8);
    for (let index = zeroPoints.length - 1; index >= 0; index--) builder.addInt64(BigInt(zeroPoints[index]!));
    zeroPointVector = builder.endVector();
  }
  builder.startObject(7);
  builder.addFieldOffset(0, minVector, 0);
  builder.addFieldOffset(1, maxVector, 0);
  builder.addFieldOffset(2, scaleVector, 0);
  builder.addFieldOffset(3, zeroPointVector, 0);
  builder.addFieldInt32(6, axis, 0);
  return builder.endObject();
}

function writeOp(builder: Builder, op: Op, place: number, code: number): number {
  try {
    const table = op.custom ? null : chooseOptionTable(op);
    const options = table ? writeOptionTable(builder, table, op.attributes) : 0;
    const inputs = writeInts(builder, op.inputs);
    const outputs = writeInts(builder, op.outputs);
    const customOptions = op.customOptions ? builder.createByteVector(op.customOptions) : 0;
    const intermediates = op.intermediates ? writeInts(builder, op.intermediates) : 0;
    builder.startObject(13);
    builder.addFieldInt32(0, code, 0);
    builder.addFieldOffset(1, inputs, 0);
    builder.addFieldOffset(2, outputs, 0);
    if (table) {
      builder.addFieldInt8(table.union === 1 ? 3 : 11, table.number, 0);
      builder.addFieldOffset(table.union === 1 ? 4 : 12, options, 0);
    }
    builder.addFieldOffset(5, customOptions, 0);
    builder.addFieldOffset(8, intermediates, 0);
    return builder.endObject();
  } catch (error) {
    throw new Error(`the op ${place} (${op.type}): ${(error as Error).message}`, { cause: error });
  }
}

function writeOffsets(builder: Builder, offsets: readonly number[]): number {
  builder.startVector(4, offsets.length, 4);
  for (let index = offsets.length - 1; index >= 0; index--) builder.addOffset(offsets[index]!);
  return builder.endVector();
}

function writeInts(builder: Builder, values: readonly number[]): number {
  builder.startVector(4, values.length, 4);
  for (let index = values.length - 1; index >= 0; index--) builder.addInt32(values[index]!);
  return builder.endVector();
}

function writeFloats(builder: Builder, values: readonly number[]): number {
  if (values.length === 0) return 0;
  builder.startVector(4, values.length, 4);
  for (let index = values.length - 1; index >= 0; index--) builder.addFloat32(values[index]!);
  return builder.endVector();
}
