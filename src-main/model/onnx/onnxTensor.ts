import { halfValue } from "../constants.ts";
import { countElements } from "../graph.ts";
import { Constant, type ConstantType, type Numbers } from "./constant.ts";
import type { ExternalData, ExternalPlace } from "./externalData.ts";
import { OnnxProblem } from "./onnxProblem.ts";
import { readFields, readVarints, type Allowance } from "./protobufFields.ts";

/** An element type of ONNX: how it is stored and what it becomes. */
interface StoredType {
  name: string;
  /** Bytes an element takes in raw data. */
  bytes: number;
  becomes: ConstantType;
}

/** Element types by their code in `TensorProto.DataType`. */
const storedTypes: Partial<Record<number, StoredType>> = {
  1: { name: "float32", bytes: 4, becomes: "float32" },
  2: { name: "uint8", bytes: 1, becomes: "uint8" },
  3: { name: "int8", bytes: 1, becomes: "int8" },
  4: { name: "uint16", bytes: 2, becomes: "int32" },
  5: { name: "int16", bytes: 2, becomes: "int32" },
  6: { name: "int32", bytes: 4, becomes: "int32" },
  7: { name: "int64", bytes: 8, becomes: "int64" },
  9: { name: "bool", bytes: 1, becomes: "bool" },
  10: { name: "float16", bytes: 2, becomes: "float32" },
  11: { name: "float64", bytes: 8, becomes: "float32" },
  12: { name: "uint32", bytes: 4, becomes: "int64" },
  13: { name: "uint64", bytes: 8, becomes: "int64" },
  16: { name: "bfloat16", bytes: 2, becomes: "float32" },
};

const otherTypes: Partial<Record<number, string>> = {
  8: "string",
  14: "complex64",
  15: "complex128",
  17: "float8",
  18: "float8",
  19: "float8",
  20: "float8",
  21: "uint4",
  22: "int4",
  23: "float4",
};

/** What elements of the ONNX type become; throws an OnnxProblem for types without a place in a converted network. */
export function convertType(code: number, place: string): ConstantType {
  const type = storedTypes[code];
  if (type) return type.becomes;
  const name = otherTypes[code];
  throw new OnnxProblem(
    name
      ? `${place}: elements of type ${name} are not supported`
      : `${place}: the element type ${code} is not known`,
  );
}

/** A tensor of the file: its name and its constant. */
export interface NamedConstant {
  name: string;
  constant: Constant;
}

/** More axes than any operator has; keeps damaged files from being taken for tensors. */
const mostAxes = 16;

/** Reads a TensorProto; the numbers stay in the file. Throws an OnnxProblem for wrong lengths or types. */
export function readOnnxTensor(
  bytes: Uint8Array,
  place: string,
  allowance: Allowance,
  external: ExternalData,
): NamedConstant {
  const dims: number[] = [];
  const typed: Uint8Array[] = [];
  let typedField = 0;
  let raw: Uint8Array | null = null;
  let [name, code, location] = ["", 0, 0];
  const entries = new Map<string, string>();
  allowance.charge(500, place);
  readFields(bytes, place, allowance, (field) => {
    if (field.number === 1) field.integersInto(dims);
    else if (field.number === 2) code = field.integer();
    else if (field.number === 8) name = field.text();
    else if (field.number === 9) raw = field.bytes();
    else if (field.number === 13) readEntry(field.bytes(), place, allowance, entries);
    else if (field.number === 14) location = field.integer();
    else if ([4, 5, 7, 10, 11].includes(field.number)) {
      typed.push(field.elements());
      typedField = field.number;
    }
  });
  const at = name ? `${place} ${name}` : place;
  const becomes = convertType(code, at);
  const type = storedTypes[code]!;
  if (
    dims.length > mostAxes ||
    dims.some((size) => size < 0) ||
    !Number.isSafeInteger(countElements(dims) * 8)
  )
    throw new OnnxProblem(`${at}: its shape ${dims.slice(0, mostAxes).join("×")} is impossible`);
  const count = countElements(dims);
  const stored = count * type.bytes;
  const fromRaw = (data: Uint8Array) => decodeRaw(data, type.name);
  if (location === 1) {
    const read = external.open(readPlace(entries, at), stored, at);
    return { name, constant: new Constant(becomes, dims, () => fromRaw(read())) };
  }
  if (raw !== null) {
    const data: Uint8Array = raw;
    if (data.length !== stored)
      throw new OnnxProblem(`${at}: it has ${data.length} bytes of data where its shape needs ${stored}`);
    // These lie in the file as TFLite stores them.
    const same = type.name === becomes && count > 0 ? data : null;
    return { name, constant: new Constant(becomes, dims, () => fromRaw(data), same) };
  }
  const held = countTyped(typed, typedField);
  if (held !== count) throw new OnnxProblem(`${at}: it has ${held} numbers where its shape needs ${count}`);
  return {
    name,
    constant: new Constant(becomes, dims, () => decodeTyped(typed, typedField, type.name, count)),
  };
}

function readEntry(bytes: Uint8Array, place: string, allowance: Allowance, into: Map<string, string>): void {
  let [key, value] = ["", ""];
  readFields(bytes, place, allowance, (field) => {
    if (field.number === 1) key = field.text();
    else if (field.number === 2) value = field.text();
  });
  into.set(key, value);
}

function readPlace(entries: ReadonlyMap<string, string>, place: string): ExternalPlace {
  const location = entries.get("location");
  if (!location) throw new OnnxProblem(`${place}: its weights lie in another file that is not named`);
  const number = (key: string) => {
    const text = entries.get(key);
    if (text === undefined) return null;
    if (!/^\d{1,15}$/.test(text))
      throw new OnnxProblem(`${place}: the ${key} of its data is ${JSON.stringify(text)}`);
    return Number(text);
  };
  return { location, offset: number("offset") ?? 0, length: number("length") };
}

function decodeRaw(data: Uint8Array, type: string): Numbers {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const floats = (bytes: number, read: (at: number) => number) =>
    Float32Array.from({ length: data.length / bytes }, (_, index) => read(index * bytes));
  const integers = (bytes: number, read: (at: number) => number) =>
    Float64Array.from({ length: data.length / bytes }, (_, index) => read(index * bytes));
  switch (type) {
    case "float32":
      // Views need their alignment, which protobuf does not keep.
      return data.byteOffset % 4 === 0
        ? new Float32Array(data.buffer, data.byteOffset, data.length / 4)
        : new Float32Array(data.slice().buffer);
    case "float16":
      return floats(2, (at) => halfValue(view.getUint16(at, true)));
    case "bfloat16":
      return new Float32Array(
        Uint32Array.from({ length: data.length / 2 }, (_, at) => view.getUint16(at * 2, true) << 16).buffer,
      );
    case "float64":
      return floats(8, (at) => view.getFloat64(at, true));
    case "int8":
      return integers(1, (at) => view.getInt8(at));
    case "int16":
      return integers(2, (at) => view.getInt16(at, true));
    case "uint16":
      return integers(2, (at) => view.getUint16(at, true));
    case "int32":
      return integers(4, (at) => view.getInt32(at, true));
    case "uint32":
      return integers(4, (at) => view.getUint32(at, true));
    case "int64":
      return integers(8, (at) => Number(view.getBigInt64(at, true)));
    case "uint64":
      return integers(8, (at) => Number(view.getBigUint64(at, true)));
    default:
      return integers(1, (at) => view.getUint8(at));
  }
}

/** Fields of TensorProto whose elements have a fixed size on the wire: float_data and double_data. */
const fixedBytes: Partial<Record<number, number>> = { 4: 4, 10: 8 };

function countTyped(chunks: readonly Uint8Array[], field: number): number {
  const fixed = fixedBytes[field];
  let count = 0;
  for (const chunk of chunks) {
    if (fixed) count += chunk.length / fixed;
    // Only the last byte of a varint has its highest bit clear.
    else for (const byte of chunk) if (byte < 128) count++;
  }
  return count;
}

function decodeTyped(chunks: readonly Uint8Array[], field: number, type: string, count: number): Numbers {
  const isFloat = /float/.test(type);
  const numbers = isFloat ? new Float32Array(count) : new Float64Array(count);
  let place = 0;
  for (const chunk of chunks) {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    if (field === 4)
      for (let at = 0; at + 4 <= chunk.length; at += 4) numbers[place++] = view.getFloat32(at, true);
    else if (field === 10)
      for (let at = 0; at + 8 <= chunk.length; at += 8) numbers[place++] = view.getFloat64(at, true);
    else
      for (const value of readVarints(chunk))
        numbers[place++] =
          type === "float16" ? halfValue(value & 0xffff) : type === "bfloat16" ? bfloatValue(value) : value;
  }
  return numbers;
}

function bfloatValue(bits: number): number {
  return new Float32Array(Uint32Array.of((bits & 0xffff) << 16).buffer)[0]!;
}
