import type { Attributes } from "../graph.ts";
import { broadcastShapes, describeShape } from "../shapeInference.ts";
import { Constant, type ConstantType } from "./constant.ts";
import { isPlain, plainOrder, type Activation } from "./layout.ts";
import { Flattened, type OperatorView, type Value } from "./operatorView.ts";

/** What an operator of the ONNX graph becomes: its outputs in order. */
export type Operator = (view: OperatorView) => Value | Value[];

/** TFLite operators of two tensors that can end in an activation. */
type Arithmetic = "ADD" | "SUB" | "MUL" | "DIV";
type Binary = Arithmetic | "MAXIMUM" | "MINIMUM" | "POW" | "SQUARED_DIFFERENCE";

const commutative = new Set<string>(["ADD", "MUL", "MAXIMUM", "MINIMUM"]);

/** Attributes of an op that TFLite can end in an activation. */
export function arithmeticAttributes(type: string): Attributes {
  if (type === "ADD" || type === "SUB") return { fusedActivationFunction: "NONE", potScaleInt16: true };
  return type === "MUL" || type === "DIV" ? { fusedActivationFunction: "NONE" } : {};
}

/** A float scalar to combine with. */
export function scalar(value: number): Constant {
  return Constant.of("float32", [], [value]);
}

/** Appends an op of two values by NumPy's broadcasting; `suffix` names one that is not the last of its node. */
export function combine(
  view: OperatorView,
  type: Binary,
  left: Value,
  right: Value,
  suffix?: string,
): Activation {
  // Converters put the constant second.
  const swapped = left instanceof Constant && commutative.has(type);
  const { tensors, shape, order, dtype } = align(view, swapped ? [right, left] : [left, right]);
  return view.append(type, tensors, { shape, order, dtype, suffix }, arithmeticAttributes(type));
}

interface Aligned {
  tensors: number[];
  shape: number[];
  order: readonly number[];
  dtype: ConstantType;
}

/** Brings values that are combined element by element into one order of axes. */
export function align(view: OperatorView, values: readonly Value[]): Aligned {
  const given = values.map((value) => (value instanceof Flattened ? view.toActivation(value) : value));
  let shape: number[] = [];
  try {
    for (const value of given) shape = broadcastShapes(shape, value.shape);
  } catch {
    view.fail(`the shapes ${given.map((value) => describeShape(value.shape)).join(" and ")} do not match`);
  }
  const rank = shape.length;
  const computed = given.filter((value): value is Activation => !(value instanceof Constant));
  const leading = computed.filter((value) => value.shape.length === rank);
  const order = (leading.find((value) => !isPlain(value)) ?? leading[0])?.order ?? plainOrder(rank);
  const tensors = given.map((value) => {
    if (value instanceof Constant) return view.addConstant(fitConstant(value, rank, order), "operand");
    const plain = value.shape.length < rank && order.every((axis, place) => axis === place) && isPlain(value);
    return plain
      ? view.layout.plain(value).tensor
      : view.layout.arrange(view.layout.lift(value, rank), order).tensor;
  });
  return { tensors, shape, order, dtype: computed[0]?.dtype ?? given[0]!.dtype };
}

// Converters store a factor per channel as a vector, so ones in front are dropped.
function fitConstant(constant: Constant, rank: number, order: readonly number[]): Constant {
  const lifted = constant.reshape([
    ...Array<number>(rank - constant.shape.length).fill(1),
    ...constant.shape,
  ]);
  const arranged = lifted.transpose(order);
  const first = arranged.shape.findIndex((size) => size !== 1);
  return arranged.reshape(first < 0 ? [] : arranged.shape.slice(first));
}

/** Appends an op of one value that keeps its shape. */
export function unary(
  view: OperatorView,
  type: string,
  value: Value,
  options: { suffix?: string; attributes?: Attributes; dtype?: ConstantType } = {},
): Activation {
  const x = view.toActivation(value);
  const form = { shape: x.shape, order: x.order, dtype: options.dtype ?? x.dtype, suffix: options.suffix };
  return view.append(type, [x.tensor], form, options.attributes ?? {});
}

function binaryOperator(type: Binary): Operator {
  return (view) => combine(view, type, view.required(0), view.required(1));
}

/** Operators of any number of tensors, combined one after another. */
function variadicOperator(type: Binary): Operator {
  return (view) => {
    let result = view.required(0);
    for (let index = 1; index < view.inputCount; index++)
      result = combine(view, type, result, view.required(index));
    return result;
  };
}

function unaryOperator(type: string): Operator {
  return (view) => unary(view, type, view.required(0));
}

// Converters multiply by the reciprocal of a constant divisor.
function divide(view: OperatorView): Value {
  const divisor = view.required(1);
  if (divisor instanceof Constant && divisor.dtype === "float32")
    return combine(
      view,
      "MUL",
      view.required(0),
      divisor.map((value) => 1 / value),
    );
  return combine(view, "DIV", view.required(0), divisor);
}

function power(view: OperatorView): Value {
  const exponent = view.required(1);
  const x = view.required(0);
  if (exponent instanceof Constant && exponent.count === 1) {
    const value = exponent.numbers()[0]!;
    if (value === 2) return unary(view, "SQUARE", x);
    if (value === 0.5) return unary(view, "SQRT", x);
    if (value === -0.5) return unary(view, "RSQRT", x);
    return combine(view, "POW", x, scalar(value));
  }
  return combine(view, "POW", x, exponent);
}

function mean(view: OperatorView): Value {
  const sum = variadicOperator("ADD")(view) as Value;
  return combine(view, "MUL", sum, scalar(1 / view.inputCount));
}

function select(view: OperatorView): Value {
  const { tensors, shape, order } = align(view, [view.required(0), view.required(1), view.required(2)]);
  const dtype = view.required(1).dtype;
  return view.append("SELECT_V2", tensors, { shape, order, dtype });
}

/** Arithmetic and functions of single elements. */
export const elementwiseOperators: Record<string, Operator> = {
  Add: binaryOperator("ADD"),
  Sub: binaryOperator("SUB"),
  Mul: binaryOperator("MUL"),
  Div: divide,
  Pow: power,
  Max: variadicOperator("MAXIMUM"),
  Min: variadicOperator("MINIMUM"),
  Sum: variadicOperator("ADD"),
  Mean: mean,
  Where: select,
  Abs: unaryOperator("ABS"),
  Neg: unaryOperator("NEG"),
  Exp: unaryOperator("EXP"),
  Log: unaryOperator("LOG"),
  Sqrt: unaryOperator("SQRT"),
  Floor: unaryOperator("FLOOR"),
  Ceil: unaryOperator("CEIL"),
  Round: unaryOperator("ROUND"),
  Sin: unaryOperator("SIN"),
  Cos: unaryOperator("COS"),
  Reciprocal: (view) => combine(view, "DIV", scalar(1), view.required(0)),
};
