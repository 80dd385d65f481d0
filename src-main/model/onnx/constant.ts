import { countElements, tensorBytes, type ConstantData, type DataType } from "../graph.ts";

/** Numbers of a constant: float32 for float types, float64 for everything else (integers beyond 2^53 are the nearest ones). */
export type Numbers = Float32Array | Float64Array;

/** Element types a converted network works with; float16, bfloat16 and float64 become float32 when read. */
export type ConstantType = Extract<DataType, "float32" | "int32" | "int64" | "bool" | "uint8" | "int8">;

/** Constants up to this many elements keep their numbers once they were read. */
const kept = 4096;

/**
 * A constant of an ONNX graph in logical (ONNX) order. Its numbers are read from the file when somebody asks, and what is derived
 * from it (another order, another scale) is computed from there each time, so that large weights are never held twice.
 */
export class Constant {
  readonly dtype: ConstantType;
  readonly shape: readonly number[];
  private readonly read: () => Numbers;
  private readonly stored: Uint8Array | null;
  private cached: Numbers | null = null;
  private data: ConstantData | null = null;
  private readonly variants = new Map<string, Constant>();
  private turned: { base: Constant; order: readonly number[] } | null = null;

  /** `stored` are the bytes as TFLite stores this constant, when the file has them so. */
  constructor(
    dtype: ConstantType,
    shape: readonly number[],
    read: () => Numbers,
    stored: Uint8Array | null = null,
  ) {
    this.dtype = dtype;
    this.shape = shape;
    this.read = read;
    this.stored = stored;
  }

  static of(dtype: ConstantType, shape: readonly number[], values: ArrayLike<number>): Constant {
    const numbers = dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
    return new Constant(dtype, shape, () => numbers);
  }

  get count(): number {
    return countElements(this.shape);
  }

  /** Its numbers in logical order; not to be changed. */
  numbers(): Numbers {
    if (this.cached) return this.cached;
    const numbers = this.read();
    if (numbers.length <= kept) this.cached = numbers;
    return numbers;
  }

  /** The same numbers under another shape of as many elements. */
  reshape(shape: readonly number[]): Constant {
    if (shape.length === this.shape.length && shape.every((size, axis) => size === this.shape[axis]))
      return this;
    return this.variant(
      `reshape ${shape.join()}`,
      () => new Constant(this.dtype, shape, () => this.numbers(), this.stored),
    );
  }

  /** Axis `order[i]` becomes axis i. */
  transpose(order: readonly number[]): Constant {
    // Back to where it came from is the original, with the bytes of the file.
    if (this.turned) {
      const { base, order: before } = this.turned;
      return base.transpose(order.map((axis) => before[axis]!));
    }
    const shape = order.map((axis) => this.shape[axis]!);
    if (
      order
        .filter((axis) => this.shape[axis] !== 1)
        .every((axis, place, list) => place === 0 || list[place - 1]! < axis)
    )
      return this.reshape(shape);
    return this.variant(`transpose ${order.join()}`, () => {
      const read = () => permute(this.numbers(), this.shape, order);
      const turned = new Constant(this.dtype, shape, read);
      turned.turned = { base: this, order };
      return turned;
    });
  }

  /** Each number as `change` makes it from the number and its place. */
  map(change: (value: number, index: number) => number, dtype: ConstantType = this.dtype): Constant {
    return new Constant(dtype, this.shape, () => {
      const numbers = this.numbers();
      const result =
        dtype === "float32" ? new Float32Array(numbers.length) : new Float64Array(numbers.length);
      for (let index = 0; index < numbers.length; index++) result[index] = change(numbers[index]!, index);
      return result;
    });
  }

  /** What a tensor of the graph holds; the same object each time, so that tensors which share a constant share its bytes. */
  toData(): ConstantData {
    this.data ??= this.describe();
    return this.data;
  }

  private describe(): ConstantData {
    if (this.stored) return { kind: "bytes", bytes: this.stored };
    if (this.count <= kept) return { kind: "values", values: [...this.numbers()] };
    const { dtype } = this;
    return {
      kind: "derived",
      length: tensorBytes({ dtype, shape: [...this.shape] }),
      derive: () => encode(this.numbers(), dtype),
    };
  }

  // Two layers with one weight ask for the same variant; finding it keeps their weight one.
  private variant(key: string, create: () => Constant): Constant {
    let found = this.variants.get(key);
    if (!found) this.variants.set(key, (found = create()));
    return found;
  }
}

function permute(source: Numbers, shape: readonly number[], order: readonly number[]): Numbers {
  const target =
    source instanceof Float32Array ? new Float32Array(source.length) : new Float64Array(source.length);
  const strides = shape.map((_, axis) => countElements(shape.slice(axis + 1)));
  const sizes = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const last = sizes.length - 1;
  const [innerSize, innerStep] = [sizes[last] ?? 1, steps[last] ?? 0];
  const place = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.length;) {
    for (let inner = 0, at = from; inner < innerSize; inner++, at += innerStep) target[to++] = source[at]!;
    let axis = last - 1;
    for (; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++place[axis]! < sizes[axis]!) break;
      from -= steps[axis]! * sizes[axis]!;
      place[axis] = 0;
    }
    if (axis < 0) break;
  }
  return target;
}

function encode(numbers: Numbers, dtype: ConstantType): Uint8Array {
  if (dtype === "float32" && numbers instanceof Float32Array)
    return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  if (dtype === "int32") return new Uint8Array(Int32Array.from(numbers).buffer);
  if (dtype === "int64") return new Uint8Array(BigInt64Array.from(numbers, (value) => BigInt(value)).buffer);
  return Uint8Array.from(numbers);
}
