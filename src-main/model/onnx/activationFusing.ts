import { errorFunction } from "./activationOperators.ts";
import type { Draft, DraftOp } from "./draft.ts";
import { DraftUses } from "./draftUses.ts";
import { OnnxProblem } from "./onnxProblem.ts";

/** Activations an op can end in, and the ops that can. */
const fusible = new Set(["RELU", "RELU6", "RELU_N1_TO_1"]);
const carriers = new Set(["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL", "DIV"]);

/** Puts activations into the op before them, as converters do. */
export function fuseActivations(draft: Draft): void {
  const uses = new DraftUses(draft);
  for (const op of draft.ops) {
    if (!fusible.has(op.type)) continue;
    const before = uses.onlyWriter(op.inputs[0]!);
    if (!before || !carriers.has(before.type) || before.attributes["fusedActivationFunction"] !== "NONE")
      continue;
    before.attributes = { ...before.attributes, fusedActivationFunction: op.type };
    uses.absorb(op, before);
  }
  uses.finish();
}

/** Recognises hard-swish and GELU in the products that exporters spell them as; throws an OnnxProblem for an Erf in no GELU. */
export function recogniseActivations(draft: Draft): void {
  const uses = new DraftUses(draft);
  for (const op of draft.ops) {
    if (op.type !== "MUL" || op.attributes["fusedActivationFunction"] !== "NONE") continue;
    const factors = listFactors(op, uses);
    if (factors.length !== 3) continue;
    const found = matchHardSwish(draft, uses, factors) ?? matchGelu(draft, uses, factors);
    if (!found) continue;
    op.type = found.type;
    op.attributes = found.type === "GELU" ? { approximate: false } : {};
    uses.rewire(op, [found.input]);
  }
  uses.finish();
  const left = draft.ops.find((op) => op.type === errorFunction);
  if (left)
    throw new OnnxProblem(
      `the node that computes ${draft.tensor(left.outputs[0]!).name} (Erf): TFLite has the error function in GELU only`,
      "Export the network with operator set 20 (Gelu), or GELU by tanh.",
    );
}

interface Recognised {
  type: "HARD_SWISH" | "GELU";
  input: number;
}

/** The factors of a product of products that nobody else reads. */
function listFactors(op: DraftOp, uses: DraftUses): number[] {
  return op.inputs.flatMap((input) => {
    const before = uses.onlyWriter(input);
    const product = before?.type === "MUL" && before.attributes["fusedActivationFunction"] === "NONE";
    return product ? before.inputs : [input];
  });
}

function isScalar(draft: Draft, tensor: number, value: number): boolean {
  const constant = draft.tensor(tensor).constant;
  return constant?.count === 1 && Math.abs(constant.numbers()[0]! - value) < 1e-4 * Math.abs(value);
}

/** The other operand of an op of two tensors of which one is this number. */
function besideScalar(draft: Draft, op: DraftOp, value: number): number | null {
  const [left, right] = op.inputs as [number, number];
  if (isScalar(draft, right, value)) return left;
  return isScalar(draft, left, value) ? right : null;
}

// x · relu6(x + 3) ÷ 6 (Howard et al. 2019).
function matchHardSwish(draft: Draft, uses: DraftUses, factors: readonly number[]): Recognised | null {
  const others = factors.filter((factor) => !isScalar(draft, factor, 1 / 6));
  if (others.length !== 2) return null;
  for (const [x, gate] of [others, others.toReversed()] as [number, number][]) {
    const op = uses.onlyWriter(gate);
    if (op?.type !== "ADD" || op.attributes["fusedActivationFunction"] !== "RELU6") continue;
    if (besideScalar(draft, op, 3) === x) return { type: "HARD_SWISH", input: x };
  }
  return null;
}

// x · ½ · (1 + erf(x ÷ √2)) (Hendrycks and Gimpel 2016).
function matchGelu(draft: Draft, uses: DraftUses, factors: readonly number[]): Recognised | null {
  const others = factors.filter((factor) => !isScalar(draft, factor, 0.5));
  if (others.length !== 2) return null;
  for (const [x, gate] of [others, others.toReversed()] as [number, number][]) {
    const sum = uses.onlyWriter(gate);
    if (sum?.type !== "ADD") continue;
    const error = uses.onlyWriter(besideScalar(draft, sum, 1) ?? -1);
    if (error?.type !== errorFunction) continue;
    const scaled = uses.onlyWriter(error.inputs[0]!);
    if (scaled?.type === "MUL" && besideScalar(draft, scaled, Math.SQRT1_2) === x)
      return { type: "GELU", input: x };
  }
  return null;
}
