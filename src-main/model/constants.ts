import { countElements, tensorBytes, type ConstantData, type DataType, type Tensor } from "./graph.ts";
import { createRandom, createUniform, fillUniform } from "./random.ts";

/** Bytes a tensor's constant takes in a file; throws an Error that says why it cannot be stored. */
export function constantLength(tensor: Tensor, data: ConstantData): number {
  if (data.kind === "bytes" || data.kind === "derived") {
    const dense = !tensor.sparse && sizedTypes.has(tensor.dtype);
    const length = data.kind === "bytes" ? data.bytes.length : data.length;
    if (dense && length !== tensorBytes(tensor))
      throw new Error(`its constant has ${length} bytes where its shape needs ${tensorBytes(tensor)}`);
    return length;
  }
  if (data.kind === "random" && /^(uint|bool)/.test(tensor.dtype))
    throw new Error(`constants of type ${tensor.dtype} cannot be drawn`);
  if (data.kind === "rounded" && tensor.dtype !== "int8" && tensor.dtype !== "int32")
    throw new Error(`constants of type ${tensor.dtype} cannot be quantised`);
  if (!sizedTypes.has(tensor.dtype)) throw new Error(`constants of type ${tensor.dtype} cannot be stated`);
  const elements = countElements(tensor.shape);
  if (data.kind === "values" && data.values.length !== elements)
    throw new Error(`its constant has ${data.values.length} values where its shape needs ${elements}`);
  return tensorBytes(tensor);
}

/** Types whose elements have a fixed size. */
const sizedTypes = new Set<DataType>([
  "float32",
  "float16",
  "bfloat16",
  "float64",
  "int4",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "bool",
  "complex64",
  "complex128",
]);

/**
 * Writes a constant into `target`, which has the length `constantLength` gave and starts at a multiple of 16 in its
 * buffer. Little-endian. Throws an Error for a type that cannot be drawn or stated.
 */
export function writeConstant(target: Uint8Array, dtype: DataType, data: ConstantData): void {
  if (data.kind === "bytes") target.set(data.bytes);
  else if (data.kind === "derived") target.set(data.derive());
  else if (data.kind === "random" && dtype === "float32") {
    // In place, so that a large model never exists twice; every platform this runs on is little-endian.
    const floats = new Float32Array(target.buffer, target.byteOffset, target.length / 4);
    fillUniform(floats, data.seed, data.limit);
  } else if (data.kind === "rounded") {
    // The same holds here; the type was checked by `constantLength`.
    fillRounded(
      dtype === "int8"
        ? new Int8Array(target.buffer, target.byteOffset, target.length)
        : new Int32Array(target.buffer, target.byteOffset, target.length / 4),
      data,
    );
  } else {
    const count = dtype === "int4" ? target.length * 2 : target.length / elementBytes(dtype);
    writeElements(target, dtype, count, data.kind === "values" ? stated(data.values) : drawn(data));
  }
}

/** Bytes of a constant drawn at a time: large enough to be quick, small beside any model. */
const chunkBytes = 2 ** 22;

/**
 * The bytes of a constant of `length` bytes piece by piece, so that a large one never lies in memory whole. A piece is valid
 * until the next one is asked for. Throws an Error for a type that cannot be drawn or stated.
 */
export function* constantChunks(dtype: DataType, data: ConstantData, length: number): Generator<Uint8Array> {
  if (data.kind === "bytes") {
    yield data.bytes;
  } else if (data.kind === "random" && dtype === "float32") {
    const fill = createUniform(data.seed, data.limit);
    const floats = new Float32Array(Math.min(length, chunkBytes) / 4);
    for (let left = length / 4; left > 0; left -= floats.length) {
      const piece = floats.subarray(0, Math.min(left, floats.length));
      fill(piece);
      yield new Uint8Array(piece.buffer, 0, piece.byteLength);
    }
  } else {
    const bytes = new Uint8Array(length);
    writeConstant(bytes, dtype, data);
    yield bytes;
  }
}

/**
 * Fills `target` with the quantised form of the numbers `fillUniform` gives for the seed and limit. In pieces, so that the float
 * form of a large tensor never exists.
 */
function fillRounded(target: Int8Array | Int32Array, data: ConstantData & { kind: "rounded" }): void {
  const { scale, zeroPoint, lowest, highest } = data;
  const draw = createUniform(data.seed, data.limit);
  const piece = new Float32Array(4096);
  for (let start = 0; start < target.length; start += piece.length) {
    draw(piece);
    const count = Math.min(piece.length, target.length - start);
    for (let index = 0; index < count; index++)
      target[start + index] = quantizeNumber(piece[index]!, scale, zeroPoint, lowest, highest);
  }
}

/** The stored number of a real one, half away from zero as TFLite rounds; kept within `lowest` and `highest`. */
export function quantizeNumber(
  value: number,
  scale: number,
  zeroPoint: number,
  lowest: number,
  highest: number,
): number {
  const steps = value / scale;
  const rounded = steps < 0 ? -Math.round(-steps) : Math.round(steps);
  return Math.min(Math.max(rounded + zeroPoint, lowest), highest);
}

function stated(values: readonly number[]): (index: number) => number {
  return (index) => values[index] ?? 0;
}

function drawn(data: { seed: number; limit: number }): (index: number) => number {
  const random = createRandom(data.seed);
  return () => (random.next() * 2 - 1) * data.limit;
}

function elementBytes(dtype: DataType): number {
  return tensorBytes({ shape: [1], dtype });
}

function writeElements(
  target: Uint8Array,
  dtype: DataType,
  count: number,
  value: (index: number) => number,
): void {
  const view = new DataView(target.buffer, target.byteOffset, target.length);
  const write = elementWriter(view, dtype);
  if (!write) throw new Error(`constants of type ${dtype} cannot be stated`);
  for (let index = 0; index < count; index++) write(index, value(index));
}

function elementWriter(view: DataView, dtype: DataType): ((index: number, value: number) => void) | null {
  switch (dtype) {
    case "float32":
      return (index, value) => view.setFloat32(index * 4, value, true);
    case "float64":
      return (index, value) => view.setFloat64(index * 8, value, true);
    case "float16":
      return (index, value) => view.setUint16(index * 2, halfBits(value), true);
    case "bfloat16":
      return (index, value) => view.setUint16(index * 2, bfloatBits(value), true);
    case "bool":
      return (index, value) => view.setUint8(index, value ? 1 : 0);
    case "int8":
    case "uint8":
      return (index, value) => view.setUint8(index, Math.round(value));
    case "int16":
    case "uint16":
      return (index, value) => view.setUint16(index * 2, Math.round(value), true);
    case "int32":
    case "uint32":
      return (index, value) => view.setUint32(index * 4, Math.round(value), true);
    case "int64":
    case "uint64":
      return (index, value) => view.setBigInt64(index * 8, BigInt(Math.round(value)), true);
    case "int4":
      return (index, value) => {
        const shift = (index % 2) * 4;
        const byte = view.getUint8(index >> 1) & (0xf0 >> shift);
        view.setUint8(index >> 1, byte | ((Math.round(value) & 0xf) << shift));
      };
    default:
      return null;
  }
}

const bits = new DataView(new ArrayBuffer(4));

function floatBits(value: number): number {
  bits.setFloat32(0, value);
  return bits.getUint32(0);
}

/** Bits of the nearest IEEE 754 binary16 number, ties to even. */
export function halfBits(value: number): number {
  const word = floatBits(value);
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 is half way from the largest half to the next one; from there on everything rounds to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | roundEven(Math.abs(Math.fround(value)) * 2 ** 24);
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** Number that binary16 bits stand for. */
export function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bfloatBits(value: number): number {
  const word = floatBits(value);
  if ((word & 0x7fffffff) > 0x7f800000) return (word >>> 16) | 0x40;
  return ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff;
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
