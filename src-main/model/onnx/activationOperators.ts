import type { Attributes } from "../graph.ts";
import { combine, scalar, unary, type Operator } from "./elementwiseOperators.ts";
import { isPlain, plainOrder } from "./layout.ts";
import { Flattened, type OperatorView, type Value } from "./operatorView.ts";

/** Stands for the error function until what it is part of is recognised; no runtime has such an operator. */
export const errorFunction = "ERF";

function clip(view: OperatorView): Value {
  const x = view.required(0);
  // Operator sets before 11 have the bounds as attributes.
  const bound = (index: number, name: string, fallback: number) =>
    view.optionalConstant(index, name)?.numbers()[0] ?? view.float(name, fallback);
  const [low, high] = [bound(1, "min", -Infinity), bound(2, "max", Infinity)];
  if (Number.isNaN(low) || Number.isNaN(high)) view.fail("its bounds are no numbers");
  // Exporters write the largest float for no bound.
  const [open, closed] = [low <= -3.4e38, high >= 3.4e38];
  if (low === 0 && closed) return unary(view, "RELU", x);
  if (low === 0 && high === 6) return unary(view, "RELU6", x);
  if (low === -1 && high === 1) return unary(view, "RELU_N1_TO_1", x);
  let result: Value = x;
  if (!closed) result = combine(view, "MINIMUM", result, scalar(high), open ? undefined : "minimum");
  return open ? result : combine(view, "MAXIMUM", result, scalar(low));
}

// clip(a x + b, 0, 1) = relu6(6 a x + 6 b) ÷ 6; with the usual a = 1/6 the three operators become ADD with RELU6 and MUL.
function hardSigmoid(view: OperatorView): Value {
  const [alpha, beta] = [view.float("alpha", 0.2), view.float("beta", 0.5)];
  const factor = Math.abs(alpha * 6 - 1) < 1e-6 ? 1 : alpha * 6;
  let x: Value = view.required(0);
  if (factor !== 1) x = combine(view, "MUL", x, scalar(factor), "slope");
  const shifted = combine(view, "ADD", x, scalar(beta * 6), "shift");
  const bounded = unary(view, "RELU6", shifted, { suffix: "bound" });
  return combine(view, "MUL", bounded, scalar(1 / 6));
}

function parametricRelu(view: OperatorView): Value {
  const given = view.required(0);
  const x = given instanceof Flattened ? view.toActivation(given) : given;
  const slope = view.constant(1, "slope");
  if (slope.count === 1) return unary(view, "LEAKY_RELU", x, { attributes: { alpha: slope.numbers()[0]! } });
  const value = view.toActivation(x);
  const rank = value.shape.length;
  if (slope.shape.length > rank)
    view.fail(`its slope has ${slope.shape.length} dimensions, its input ${rank}`);
  const lifted = slope.reshape([...Array<number>(rank - slope.shape.length).fill(1), ...slope.shape]);
  if (lifted.shape.some((size, axis) => size !== 1 && size !== value.shape[axis]))
    view.fail(`its slope ${slope.shape.join("×")} does not fit ${value.shape.join("×")}`);
  const arranged = lifted.transpose(value.order);
  // The slope has no batch in TFLite.
  const alpha = arranged.shape[0] === 1 ? arranged.reshape(arranged.shape.slice(1)) : arranged;
  const inputs = [value.tensor, view.addConstant(alpha, "slope")];
  return view.append("PRELU", inputs, { shape: value.shape, order: value.order });
}

function elu(view: OperatorView): Value {
  const alpha = view.float("alpha", 1);
  if (alpha !== 1) view.fail(`TFLite's ELU has alpha 1, not ${alpha}`);
  return unary(view, "ELU", view.required(0));
}

// ln(e^x + 1), in the operators a runtime has.
function softplus(view: OperatorView, suffix?: string): Value {
  const powers = unary(view, "EXP", view.required(0), { suffix: "exp" });
  const shifted = combine(view, "ADD", powers, scalar(1), "shift");
  return unary(view, "LOG", shifted, { suffix });
}

function mish(view: OperatorView): Value {
  const gate = unary(view, "TANH", softplus(view, "softplus"), { suffix: "gate" });
  return combine(view, "MUL", view.required(0), gate);
}

function swish(view: OperatorView): Value {
  return combine(
    view,
    "MUL",
    view.required(0),
    unary(view, "LOGISTIC", view.required(0), { suffix: "gate" }),
  );
}

/** SOFTMAX over the axes from the given one on: TFLite's knows the last axis only. */
function softmaxOperator(type: "SOFTMAX" | "LOG_SOFTMAX"): Operator {
  return (view) => {
    const x = view.activation(0);
    const rank = x.shape.length;
    const attributes: Attributes = type === "SOFTMAX" ? { beta: 1 } : {};
    if (rank === 0) view.fail("its input has no dimension");
    const axis = view.axis(view.integer("axis", view.opset >= 13 ? -1 : 1), rank);
    // Up to operator set 12 all axes from the given one on count as one.
    const joined = view.opset < 13 && x.shape.slice(axis + 1).some((size) => size !== 1);
    if (joined) {
      const rows = x.shape.slice(0, axis).reduce((product, size) => product * size, 1);
      const flat = view.layout.plain(
        view.layout.reshape(x, [rows, x.shape.slice(axis).reduce((product, size) => product * size, 1)]),
      );
      const result = view.append(type, [flat.tensor], { shape: flat.shape }, attributes);
      return view.layout.reshape(result, x.shape);
    }
    const last = x.order.at(-1) === axis;
    const others = (isPlain(x) ? plainOrder(rank) : x.order).filter((other) => other !== axis);
    const arranged = last ? x : view.layout.arrange(x, [...others, axis]);
    return view.append(type, [arranged.tensor], { shape: x.shape, order: arranged.order }, attributes);
  };
}

/** Activation functions and softmax. */
export const activationOperators: Record<string, Operator> = {
  Relu: (view) => unary(view, "RELU", view.required(0)),
  Clip: clip,
  Sigmoid: (view) => unary(view, "LOGISTIC", view.required(0)),
  Tanh: (view) => unary(view, "TANH", view.required(0)),
  HardSwish: (view) => unary(view, "HARD_SWISH", view.required(0)),
  HardSigmoid: hardSigmoid,
  LeakyRelu: (view) =>
    unary(view, "LEAKY_RELU", view.required(0), { attributes: { alpha: view.float("alpha", 0.01) } }),
  PRelu: parametricRelu,
  Elu: elu,
  Gelu: (view) =>
    unary(view, "GELU", view.required(0), {
      attributes: { approximate: view.text("approximate", "none") === "tanh" },
    }),
  Erf: (view) => unary(view, errorFunction, view.required(0)),
  Softplus: (view) => softplus(view),
  Mish: mish,
  Swish: swish,
  Softmax: softmaxOperator("SOFTMAX"),
  LogSoftmax: softmaxOperator("LOG_SOFTMAX"),
};
