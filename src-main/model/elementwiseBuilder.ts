import { GraphAssembler } from "./graphAssembler.ts";
import type { DataType } from "./graph.ts";
import type { Value } from "./graphAssembler.ts";
import { broadcastShapes, describeShape } from "./shapeInference.ts";

/** What follows a layer. TFLite fuses relu and relu6 into the layer; every other one becomes its own operators. */
export type Activation =
  "none" | "relu" | "relu6" | "hard-swish" | "hard-sigmoid" | "sigmoid" | "swish" | "tanh";

/** TFLite operators of one float tensor that keep its shape and have no attributes. */
export type UnaryOperator =
  "ABS" | "NEG" | "EXP" | "LOG" | "SQRT" | "RSQRT" | "SQUARE" | "SIN" | "COS" | "FLOOR" | "ELU" | "LOGISTIC";

type BinaryOperator = "ADD" | "SUB" | "MUL" | "DIV" | "MAXIMUM" | "MINIMUM" | "SQUARED_DIFFERENCE" | "POW";

interface BinaryOptions {
  activation?: Activation;
  name?: string;
}

const activationOperators = {
  relu: "RELU",
  relu6: "RELU6",
  "hard-swish": "HARD_SWISH",
  sigmoid: "LOGISTIC",
  tanh: "TANH",
} as const;

/** TFLite's name of the activation a layer can carry itself, NONE when it cannot. */
export function fusedName(activation: Activation = "none"): "NONE" | "RELU" | "RELU6" {
  return activation === "relu" ? "RELU" : activation === "relu6" ? "RELU6" : "NONE";
}

/** Ops that work element by element: arithmetic of two tensors (broadcast where a dimension is 1) and activations. */
export class ElementwiseBuilder extends GraphAssembler {
  add(left: Value, right: Value, options: BinaryOptions = {}): Value {
    return this.combine("ADD", left, right, options);
  }

  sub(left: Value, right: Value, options: BinaryOptions = {}): Value {
    return this.combine("SUB", left, right, options);
  }

  mul(left: Value, right: Value, options: BinaryOptions = {}): Value {
    return this.combine("MUL", left, right, options);
  }

  div(left: Value, right: Value, options: BinaryOptions = {}): Value {
    return this.combine("DIV", left, right, options);
  }

  maximum(left: Value, right: Value, name?: string): Value {
    return this.combine("MAXIMUM", left, right, { name });
  }

  minimum(left: Value, right: Value, name?: string): Value {
    return this.combine("MINIMUM", left, right, { name });
  }

  squaredDifference(left: Value, right: Value, name?: string): Value {
    return this.combine("SQUARED_DIFFERENCE", left, right, { name });
  }

  pow(left: Value, right: Value, name?: string): Value {
    return this.combine("POW", left, right, { name });
  }

  /** A float scalar to combine with a tensor, e.g. `mul(x, scalar(0.5))`. */
  scalar(value: number, name = "scalar"): Value {
    return this.constant(name, [value], []);
  }

  /** An operator of one tensor that keeps the shape. */
  unary(type: UnaryOperator, x: Value, name?: string): Value {
    return this.appendUnary(type, x, this.claimName(name ?? type.toLowerCase()));
  }

  relu(x: Value, name?: string): Value {
    return this.activate(x, "relu", name);
  }

  relu6(x: Value, name?: string): Value {
    return this.activate(x, "relu6", name);
  }

  hardSwish(x: Value, name?: string): Value {
    return this.activate(x, "hard-swish", name);
  }

  sigmoid(x: Value, name?: string): Value {
    return this.activate(x, "sigmoid", name);
  }

  tanh(x: Value, name?: string): Value {
    return this.activate(x, "tanh", name);
  }

  /** GELU (Hendrycks and Gimpel 2016), x times the normal distribution at x; needs TFLite 2.9 or newer. */
  gelu(x: Value, name?: string): Value {
    const full = this.claimName(name ?? "gelu");
    const attributes = { approximate: false };
    return this.appendOne({ type: "GELU", name: full, inputs: [x], outputShape: x.shape, attributes });
  }

  /** EQUAL or NOT_EQUAL of two tensors, broadcast where a dimension is 1; a tensor of booleans. */
  compare(type: "EQUAL" | "NOT_EQUAL", left: Value, right: Value, name?: string): Value {
    const full = this.claimName(name ?? type.toLowerCase());
    return this.appendBinary(type, full, left, right, {}, "bool");
  }

  /** SELECT_V2: `left` where the condition holds, else `right`, broadcast where a dimension is 1. */
  select(condition: Value, left: Value, right: Value, name?: string): Value {
    const full = this.claimName(name ?? "select");
    if (condition.dtype !== "bool" || left.dtype !== right.dtype)
      throw new Error(`${full}: ${condition.dtype} cannot choose between ${left.dtype} and ${right.dtype}`);
    return this.appendOne({
      type: "SELECT_V2",
      name: full,
      inputs: [condition, left, right],
      outputShape: broadcastShapes(condition.shape, broadcastShapes(left.shape, right.shape)),
      outputType: left.dtype,
      attributes: {},
    });
  }

  /** The activation as operators of its own; "none" gives the tensor back. */
  activate(x: Value, activation: Activation, name?: string): Value {
    if (activation === "none") return x;
    return this.appendActivation(x, activation, this.claimName(name ?? activation));
  }

  /** What a layer could not fuse, as operators named after it. */
  protected activateUnfused(x: Value, activation: Activation = "none", layer: string): Value {
    return activation === "none" ? x : this.appendActivation(x, activation, `${layer}/${activation}`);
  }

  /** What is left to do after a layer that fused what TFLite can fuse. */
  protected activateRest(x: Value, activation: Activation = "none", layer: string): Value {
    return fusedName(activation) === "NONE" ? this.activateUnfused(x, activation, layer) : x;
  }

  private combine(type: BinaryOperator, left: Value, right: Value, options: BinaryOptions): Value {
    const name = this.claimName(options.name ?? type.toLowerCase());
    const fusible = type === "ADD" || type === "SUB" || type === "MUL" || type === "DIV";
    if (!fusible) return this.appendBinary(type, name, left, right, {});
    const y = this.appendBinary(type, name, left, right, arithmetic(type, fusedName(options.activation)));
    return this.activateRest(y, options.activation, name);
  }

  private appendBinary(
    type: BinaryOperator | "EQUAL" | "NOT_EQUAL",
    name: string,
    left: Value,
    right: Value,
    attributes: Record<string, string | boolean>,
    outputType?: DataType,
  ): Value {
    if (left.dtype !== right.dtype) throw new Error(`${name}: ${left.dtype} and ${right.dtype} do not mix`);
    let outputShape: number[];
    try {
      outputShape = broadcastShapes(left.shape, right.shape);
    } catch (error) {
      const shapes = `${describeShape(left.shape)} and ${describeShape(right.shape)}`;
      throw new Error(`${name}: the shapes ${shapes} do not match`, { cause: error });
    }
    return this.appendOne({ type, name, inputs: [left, right], outputShape, outputType, attributes });
  }

  private appendUnary(type: string, x: Value, name: string): Value {
    return this.appendOne({ type, name, inputs: [x], outputShape: x.shape, attributes: {} });
  }

  private appendActivation(x: Value, activation: Exclude<Activation, "none">, name: string): Value {
    if (activation === "swish") {
      const gate = this.appendUnary("LOGISTIC", x, `${name}/gate`);
      return this.appendBinary("MUL", name, x, gate, arithmetic("MUL", "NONE"));
    }
    if (activation === "hard-sigmoid") {
      // relu6(x + 3) ÷ 6, the two operators converters write for it.
      const three = this.addValues(`${name}/three`, [3], [], "float32");
      const shifted = this.appendBinary("ADD", `${name}/shift`, x, three, arithmetic("ADD", "RELU6"));
      const sixth = this.addValues(`${name}/sixth`, [1 / 6], [], "float32");
      return this.appendBinary("MUL", name, shifted, sixth, arithmetic("MUL", "NONE"));
    }
    return this.appendUnary(activationOperators[activation], x, name);
  }
}

function arithmetic(type: "ADD" | "SUB" | "MUL" | "DIV", fused: string): Record<string, string | boolean> {
  const attributes = { fusedActivationFunction: fused };
  return type === "ADD" || type === "SUB" ? { ...attributes, potScaleInt16: true } : attributes;
}
