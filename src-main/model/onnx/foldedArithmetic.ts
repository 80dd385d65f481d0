import { countElements } from "../graph.ts";
import { Constant, type ConstantType } from "./constant.ts";
import { broadcastInputs, emptyLike, stridesOf, type Folder } from "./foldedMovement.ts";
import type { OperatorView } from "./operatorView.ts";

function binary(compute: (a: number, b: number, whole: boolean) => number, result?: ConstantType): Folder {
  return (view) => {
    const inputs = Array.from({ length: view.inputCount }, (_, index) => view.constant(index, "input"));
    if (inputs.length < 2) view.fail(`it has ${inputs.length} inputs for two`);
    const [first, ...others] = broadcastInputs(view, inputs) as [Constant, ...Constant[]];
    const whole = first.dtype !== "float32";
    let numbers = first.numbers();
    for (const other of others) {
      const operand = other.numbers();
      const before = numbers;
      numbers = result ? new Float64Array(before.length) : emptyLike(first, before.length);
      for (let index = 0; index < before.length; index++)
        numbers[index] = compute(before[index]!, operand[index]!, whole);
    }
    return Constant.of(result ?? first.dtype, first.shape, numbers);
  };
}

function unary(compute: (value: number) => number): Folder {
  return (view) => {
    const data = view.constant(0, "input");
    return Constant.of(data.dtype, data.shape, data.numbers().map(compute));
  };
}

// Sizes kept from becoming negative, as padding computed from shapes has it.
function clip(view: OperatorView): Constant {
  const data = view.constant(0, "input");
  const bound = (index: number, name: string, fallback: number) =>
    view.optionalConstant(index, name)?.numbers()[0] ?? view.float(name, fallback);
  const [low, high] = [bound(1, "min", -Infinity), bound(2, "max", Infinity)];
  const numbers = data.numbers().map((value) => Math.min(Math.max(value, low), high));
  return Constant.of(data.dtype, data.shape, numbers);
}

function choose(view: OperatorView): Constant {
  const inputs = [0, 1, 2].map((index) => view.constant(index, "input"));
  const [condition, yes, no] = broadcastInputs(view, inputs) as [Constant, Constant, Constant];
  const [flags, left, right] = [condition.numbers(), yes.numbers(), no.numbers()];
  const numbers = left.map((value, index) => (flags[index] ? value : right[index]!));
  return Constant.of(yes.dtype, yes.shape, numbers);
}

function reduction(
  combine: (a: number, b: number) => number,
  finish?: (value: number, count: number) => number,
): Folder {
  return (view) => {
    const data = view.constant(0, "input");
    const given = view.integersFrom(1, "axes") ?? [];
    if (given.length === 0 && view.integer("noop_with_empty_axes", 0)) return data;
    const rank = data.shape.length;
    const axes =
      given.length > 0 ? given.map((axis) => view.axis(axis, rank)) : data.shape.map((_, axis) => axis);
    const kept = data.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const [before, after] = [stridesOf(data.shape), stridesOf(kept)];
    const numbers = data.numbers();
    const result = emptyLike(data, countElements(kept)).fill(NaN);
    const seen = new Uint8Array(result.length);
    for (let index = 0; index < numbers.length; index++) {
      let to = 0;
      for (let axis = 0; axis < rank; axis++)
        if (!axes.includes(axis))
          to += (Math.floor(index / before[axis]!) % data.shape[axis]!) * after[axis]!;
      result[to] = seen[to] ? combine(result[to]!, numbers[index]!) : numbers[index]!;
      seen[to] = 1;
    }
    if (finish)
      for (let index = 0; index < result.length; index++)
        result[index] = finish(result[index]!, numbers.length / result.length);
    const shape = view.integer("keepdims", 1) ? kept : kept.filter((_, axis) => !axes.includes(axis));
    return Constant.of(data.dtype, shape, result);
  };
}

const flag = (value: boolean) => (value ? 1 : 0);

/** Operators that compute with known elements: shapes, masks, position tables, weights. */
export const arithmeticFolders: Record<string, Folder> = {
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b, whole) => (whole ? Math.trunc(a / b) : a / b)),
  // The sign is that of the divisor for integers; fmod is for floats.
  Mod: binary((a, b, whole) => (whole ? a - b * Math.floor(a / b) : a % b)),
  Pow: binary((a, b) => a ** b),
  Min: binary((a, b) => Math.min(a, b)),
  Max: binary((a, b) => Math.max(a, b)),
  Equal: binary((a, b) => flag(a === b), "bool"),
  Greater: binary((a, b) => flag(a > b), "bool"),
  GreaterOrEqual: binary((a, b) => flag(a >= b), "bool"),
  Less: binary((a, b) => flag(a < b), "bool"),
  LessOrEqual: binary((a, b) => flag(a <= b), "bool"),
  And: binary((a, b) => flag(a !== 0 && b !== 0), "bool"),
  Or: binary((a, b) => flag(a !== 0 || b !== 0), "bool"),
  Not: unary((value) => flag(value === 0)),
  Clip: clip,
  Relu: unary((value) => Math.max(value, 0)),
  Neg: unary((value) => -value),
  Abs: unary(Math.abs),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Reciprocal: unary((value) => 1 / value),
  Where: choose,
  ReduceSum: reduction((a, b) => a + b),
  ReduceProd: reduction((a, b) => a * b),
  ReduceMax: reduction(Math.max),
  ReduceMin: reduction(Math.min),
  ReduceMean: reduction(
    (a, b) => a + b,
    (sum, count) => sum / count,
  ),
};
