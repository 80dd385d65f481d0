import { Constant } from "./constant.ts";
import type { Operator } from "./elementwiseOperators.ts";
import { multiplyMatrices } from "./matrixOperators.ts";
import type { OperatorView, Value } from "./operatorView.ts";

/**
 * Einsum of two operands as a matrix product: letters in both operands and the result count over batches, letters in both but
 * not in the result are summed over, the others are rows and columns.
 */
function einsum(view: OperatorView): Value {
  const equation = view.text("equation", "").replace(/\s+/g, "");
  const advice =
    "Only products of two tensors can be converted, such as those of attention (bhid,bhjd->bhij).";
  const match = /^([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)$/.exec(equation);
  const [, left, right, result] =
    match?.map((letters) => [...letters]) ??
    view.fail(`the equation ${equation.slice(0, 60)} is not supported`, advice);
  if (view.inputCount !== 2) view.fail(`it has ${view.inputCount} operands for two`);
  for (const letters of [left!, right!, result!])
    if (new Set(letters).size !== letters.length)
      view.fail(`the equation ${equation} takes a diagonal`, advice);
  const operands = [view.required(0), view.required(1)] as const;
  const sizes = new Map<string, number>();
  [left!, right!].forEach((letters, index) => {
    const { shape } = operands[index]!;
    if (letters.length !== shape.length)
      view.fail(`${letters.join("")} does not name the axes of ${shape.join("×")}`);
    letters.forEach((letter, axis) => {
      const size = sizes.get(letter) ?? shape[axis]!;
      if (size !== shape[axis]) view.fail(`the axis ${letter} has ${size} elements and ${shape[axis]}`);
      sizes.set(letter, size);
    });
  });
  const inLeft = (letter: string) => left!.includes(letter);
  const inRight = (letter: string) => right!.includes(letter);
  const inResult = (letter: string) => result!.includes(letter);
  const batch = result!.filter((letter) => inLeft(letter) && inRight(letter));
  const rows = result!.filter((letter) => inLeft(letter) && !inRight(letter));
  const columns = result!.filter((letter) => inRight(letter) && !inLeft(letter));
  const summed = left!.filter((letter) => inRight(letter) && !inResult(letter));
  const counted = batch.length + rows.length + columns.length;
  const alone = [...left!, ...right!].some((letter) => !inResult(letter) && !summed.includes(letter));
  if (counted !== result!.length || alone)
    view.fail(`the equation ${equation} sums over an axis of one operand`, advice);
  const shapeOf = (letters: readonly string[]) => letters.map((letter) => sizes.get(letter)!);
  const product = (letters: readonly string[]) => shapeOf(letters).reduce((total, size) => total * size, 1);
  const arrange = (
    value: Value,
    letters: readonly string[],
    order: readonly string[],
    shape: readonly number[],
  ): Value => {
    const axes = order.map((letter) => letters.indexOf(letter));
    if (value instanceof Constant) return value.transpose(axes).reshape(shape);
    return view.layout.reshape(view.layout.transpose(view.toActivation(value), axes), shape);
  };
  const a = arrange(
    operands[0],
    left!,
    [...batch, ...rows, ...summed],
    [...shapeOf(batch), product(rows), product(summed)],
  );
  const b = arrange(
    operands[1],
    right!,
    [...batch, ...summed, ...columns],
    [...shapeOf(batch), product(summed), product(columns)],
  );
  const multiplied = multiplyMatrices(view, a, b);
  const order = [...batch, ...rows, ...columns];
  const full = view.layout.reshape(multiplied, shapeOf(order));
  return view.layout.transpose(
    full,
    result!.map((letter) => order.indexOf(letter)),
  );
}

/** Sums of products by an equation. */
export const einsumOperators: Record<string, Operator> = { Einsum: einsum };
