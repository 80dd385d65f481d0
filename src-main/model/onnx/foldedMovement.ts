import { countElements } from "../graph.ts";
import { broadcastShapes, concatenateShapes, describeShape } from "../shapeInference.ts";
import { Constant, type Numbers } from "./constant.ts";
import { plainOrder } from "./layout.ts";
import { convertType } from "./onnxTensor.ts";
import type { OperatorView } from "./operatorView.ts";
import { flattenedShape, reshapedShape, squeezedShape, unsqueezedShape } from "./reshaping.ts";

/** Computes a node whose inputs are all known. */
export type Folder = (view: OperatorView) => Constant | Constant[];

export function emptyLike(constant: Constant, count: number): Numbers {
  return constant.dtype === "float32" ? new Float32Array(count) : new Float64Array(count);
}

/** Number of elements each step along an axis passes over. */
export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => countElements(shape.slice(axis + 1)));
}

/** Elements of a constant at `base` + the sum of place × step over the axes of `shape`. */
function pick(
  constant: Constant,
  shape: readonly number[],
  base: number,
  steps: readonly number[],
): Constant {
  const source = constant.numbers();
  const target = emptyLike(constant, countElements(shape));
  const place = shape.map(() => 0);
  let from = base;
  for (let to = 0; to < target.length; to++) {
    target[to] = source[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++place[axis]! < shape[axis]!) break;
      from -= steps[axis]! * shape[axis]!;
      place[axis] = 0;
    }
  }
  return Constant.of(constant.dtype, shape, target);
}

/** A constant repeated along axes of one element, as broadcasting does; throws when the shapes do not match. */
export function broadcast(constant: Constant, shape: readonly number[]): Constant {
  if (shape.length === constant.shape.length && shape.every((size, axis) => size === constant.shape[axis]))
    return constant;
  const added = shape.length - constant.shape.length;
  const strides = stridesOf(constant.shape);
  const steps = shape.map((_, axis) =>
    axis < added || constant.shape[axis - added] === 1 ? 0 : strides[axis - added]!,
  );
  return pick(constant, shape, 0, steps);
}

/** Ends the conversion when a constant computed from others would fill the memory. */
export function checkFoldedSize(view: OperatorView, shape: readonly number[]): void {
  if (!(countElements(shape) <= largestFolded) || shape.some((size) => !Number.isInteger(size) || size < 0))
    view.fail(`it makes a constant of ${describeShape(shape.slice(0, 16))}`);
}

/** Elements of a constant computed from others. */
const largestFolded = 2 ** 24;

function constantOf(view: OperatorView, index: number): Constant {
  return view.constant(index, "input");
}

function broadcastable(view: OperatorView, shapes: readonly (readonly number[])[]): number[] {
  let shape: number[] = [];
  try {
    for (const other of shapes) shape = broadcastShapes(shape, other);
  } catch {
    view.fail(`the shapes ${shapes.map(describeShape).join(" and ")} do not match`);
  }
  checkFoldedSize(view, shape);
  return shape;
}

/** Brings the inputs to one shape by broadcasting. */
export function broadcastInputs(view: OperatorView, inputs: readonly Constant[]): Constant[] {
  const shape = broadcastable(
    view,
    inputs.map((input) => input.shape),
  );
  return inputs.map((input) => broadcast(input, shape));
}

function stated(view: OperatorView): Constant {
  const { attributes } = view.node;
  const get = (name: string) => attributes.get(name);
  const tensor = get("value")?.tensor;
  if (tensor) return tensor;
  if (get("value_float")) return Constant.of("float32", [], [view.float("value_float", 0)]);
  if (get("value_int")) return Constant.of("int64", [], [view.integer("value_int", 0)]);
  const floats = get("value_floats")?.floats;
  if (floats) return Constant.of("float32", [floats.length], floats);
  const integers = get("value_ints")?.integers;
  if (integers) return Constant.of("int64", [integers.length], integers);
  return view.fail("its value is of a kind that is not supported");
}

function filled(view: OperatorView): Constant {
  const shape = view.integersOf(0, "shape") ?? view.fail("it has no shape");
  checkFoldedSize(view, shape);
  const value = view.node.attributes.get("value")?.tensor;
  const number = value?.numbers()[0] ?? 0;
  const result = Constant.of(value?.dtype ?? "float32", [], [number]);
  return broadcast(result, shape);
}

function range(view: OperatorView): Constant {
  const [start, limit, step] = [0, 1, 2].map((index) => constantOf(view, index).numbers()[0] ?? 0) as [
    number,
    number,
    number,
  ];
  const count = Math.max(0, Math.ceil((limit - start) / step));
  checkFoldedSize(view, [count]);
  return Constant.of(
    constantOf(view, 0).dtype,
    [count],
    Array.from({ length: count }, (_, index) => start + index * step),
  );
}

function gather(view: OperatorView): Constant {
  const [data, indices] = [constantOf(view, 0), constantOf(view, 1)];
  const axis = view.axis(view.integer("axis", 0), data.shape.length);
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  checkFoldedSize(view, shape);
  const length = data.shape[axis]!;
  const inner = countElements(data.shape.slice(axis + 1));
  const source = data.numbers();
  const target = emptyLike(data, countElements(shape));
  const places = Array.from(indices.numbers(), (place) => view.axis(place, length));
  let to = 0;
  for (let outer = 0; to < target.length; outer++)
    for (const place of places)
      for (let rest = 0; rest < inner; rest++)
        target[to++] = source[(outer * length + place) * inner + rest]!;
  return Constant.of(data.dtype, shape, target);
}

function concatenate(view: OperatorView): Constant {
  const inputs = Array.from({ length: view.inputCount }, (_, index) => constantOf(view, index));
  const axis = view.axis(view.integer("axis", 0), inputs[0]!.shape.length);
  let shape: number[];
  try {
    shape = concatenateShapes(
      inputs.map((input) => input.shape),
      axis,
    );
  } catch {
    return view.fail(
      `the shapes ${inputs.map((input) => describeShape(input.shape)).join(", ")} do not fit together`,
    );
  }
  checkFoldedSize(view, shape);
  const target = emptyLike(inputs[0]!, countElements(shape));
  const inner = countElements(shape.slice(axis + 1));
  const blocks = inputs.map((input) => ({ numbers: input.numbers(), length: input.shape[axis]! * inner }));
  let to = 0;
  for (let outer = 0; to < target.length; outer++)
    for (const { numbers, length } of blocks)
      for (let index = 0; index < length; index++) target[to++] = numbers[outer * length + index]!;
  return Constant.of(inputs[0]!.dtype, shape, target);
}

function slice(view: OperatorView): Constant {
  const data = constantOf(view, 0);
  const starts = view.integersFrom(1, "starts") ?? view.fail("it has no starts");
  const ends = view.integersFrom(2, "ends") ?? view.fail("it has no ends");
  const axes = view.integersFrom(3, "axes") ?? plainOrder(starts.length);
  const steps = view.integersOf(4, "steps") ?? starts.map(() => 1);
  if (new Set([starts.length, ends.length, axes.length, steps.length]).size !== 1)
    view.fail("its starts, ends, axes and steps differ in number");
  const strides = stridesOf(data.shape);
  const [shape, moves] = [[...data.shape], [...strides]];
  let base = 0;
  axes.forEach((given, index) => {
    const axis = view.axis(given, data.shape.length);
    const length = data.shape[axis]!;
    const step = steps[index]!;
    if (step === 0) view.fail("its step is 0");
    const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
    const clamp = (place: number) => Math.min(Math.max(place < 0 ? place + length : place, low), high);
    const [start, end] = [clamp(starts[index]!), clamp(ends[index]!)];
    shape[axis] = Math.max(0, Math.ceil((end - start) / step));
    base += start * strides[axis]!;
    moves[axis] = step * strides[axis]!;
  });
  return pick(data, shape, base, moves);
}

function expand(view: OperatorView): Constant {
  const data = constantOf(view, 0);
  const shape = broadcastable(view, [
    data.shape,
    view.integersOf(1, "shape") ?? view.fail("it has no shape"),
  ]);
  return broadcast(data, shape);
}

function tile(view: OperatorView): Constant {
  const data = constantOf(view, 0);
  const repeats = view.integersOf(1, "repeats") ?? view.fail("it has no repeats");
  if (repeats.length !== data.shape.length) view.fail(`its repeats do not fit ${describeShape(data.shape)}`);
  const shape = data.shape.map((size, axis) => size * repeats[axis]!);
  checkFoldedSize(view, shape);
  const apart = data.reshape(data.shape.flatMap((size) => [1, size]));
  return broadcast(
    apart,
    data.shape.flatMap((size, axis) => [repeats[axis]!, size]),
  ).reshape(shape);
}

function cast(view: OperatorView): Constant {
  const data = constantOf(view, 0);
  const dtype = convertType(view.integer("to", 0), "a Cast");
  if (dtype === data.dtype) return data;
  if (dtype === "bool") return data.map((value) => (value === 0 ? 0 : 1), dtype);
  return data.map(dtype === "float32" ? (value) => value : Math.trunc, dtype);
}

function transpose(view: OperatorView): Constant {
  const data = constantOf(view, 0);
  const rank = data.shape.length;
  const axes = view.integers("perm") ?? plainOrder(rank).reverse();
  if (axes.length !== rank || plainOrder(rank).some((axis) => !axes.includes(axis)))
    view.fail(`[${axes.slice(0, 16).join()}] is no order of ${rank} axes`);
  return data.transpose(axes);
}

function nonZero(view: OperatorView): Constant {
  const data = constantOf(view, 0);
  const strides = stridesOf(data.shape);
  const places = [...data.numbers().keys()].filter((index) => data.numbers()[index] !== 0);
  const rows = data.shape.map((size, axis) =>
    places.map((index) => Math.floor(index / strides[axis]!) % size),
  );
  return Constant.of("int64", [data.shape.length, places.length], rows.flat());
}

function reshaping(shapeOf: (view: OperatorView, before: readonly number[]) => number[]): Folder {
  return (view) => constantOf(view, 0).reshape(shapeOf(view, constantOf(view, 0).shape));
}

/** Operators that only move known elements. */
export const movementFolders: Record<string, Folder> = {
  Constant: stated,
  ConstantOfShape: filled,
  Range: range,
  Gather: gather,
  Concat: concatenate,
  Slice: slice,
  Expand: expand,
  Tile: tile,
  Cast: cast,
  Transpose: transpose,
  NonZero: nonZero,
  Reshape: reshaping(reshapedShape),
  Flatten: reshaping(flattenedShape),
  Squeeze: reshaping(squeezedShape),
  Unsqueeze: reshaping(unsqueezedShape),
  Identity: (view) => constantOf(view, 0),
  Dropout: (view) => constantOf(view, 0),
};
