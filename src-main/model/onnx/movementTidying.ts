import { dilatedKernel } from "../shapeInference.ts";
import type { Draft, DraftOp } from "./draft.ts";
import { DraftUses } from "./draftUses.ts";
import { equalLists } from "./layout.ts";

/** Makes one reshape of several, and drops the axes of a mean in the mean itself. */
export function tidyReshapes(draft: Draft): void {
  const uses = new DraftUses(draft);
  const alias = new Map<number, number>();
  for (const op of draft.ops) {
    const inputs = op.inputs.map((input) => alias.get(input) ?? input);
    if (!equalLists(inputs, op.inputs)) uses.rewire(op, inputs);
    if (op.type !== "RESHAPE") continue;
    const before = uses.writer(op.inputs[0]!);
    if (before?.type === "RESHAPE") uses.rewire(op, [before.inputs[0]!, op.inputs[1]!]);
    const output = op.outputs[0]!;
    const isOutput = draft.outputs.includes(output);
    const { shape } = draft.tensor(op.inputs[0]!);
    if (equalLists(shape, draft.tensor(output).shape) && !isOutput) {
      alias.set(output, op.inputs[0]!);
      continue;
    }
    const reduction = uses.onlyWriter(op.inputs[0]!);
    if (reduction?.type === "MEAN" && reduction.attributes["keepDims"] === true) {
      const axes = [...draft.tensor(reduction.inputs[1]!).constant!.numbers()];
      const squeezed = shape.filter((_, axis) => !axes.includes(axis));
      if (!equalLists(squeezed, draft.tensor(output).shape)) continue;
      reduction.attributes = { keepDims: false };
      uses.absorb(op, reduction);
    }
  }
  uses.finish();
}

/** Leaves out zeros that a convolution adds itself with SAME: networks made for TensorFlow pad like that when exported. */
export function absorbPadding(draft: Draft): void {
  const uses = new DraftUses(draft);
  for (const op of draft.ops) {
    if (op.type !== "CONV_2D" && op.type !== "DEPTHWISE_CONV_2D") continue;
    const pad = uses.onlyWriter(op.inputs[0]!);
    if (pad?.type !== "PAD" || op.attributes["padding"] !== "VALID" || !isSame(draft, pad, op)) continue;
    op.attributes = { ...op.attributes, padding: "SAME" };
    uses.rewire(op, [pad.inputs[0]!, ...op.inputs.slice(1)]);
  }
  uses.finish();
}

function isSame(draft: Draft, pad: DraftOp, op: DraftOp): boolean {
  const margins = draft.tensor(pad.inputs[1]!).constant!.numbers();
  const input = draft.tensor(pad.inputs[0]!).shape;
  const filter = draft.tensor(op.inputs[1]!).shape;
  const output = draft.tensor(op.outputs[0]!).shape;
  if (input.length !== 4 || [0, 1, 6, 7].some((place) => margins[place] !== 0)) return false;
  return ([1, 2] as const).every((axis) => {
    const letter = axis === 1 ? "H" : "W";
    const stride = Number(op.attributes[`stride${letter}`]);
    const extent = dilatedKernel(filter[axis]!, Number(op.attributes[`dilation${letter}Factor`]));
    const total = Math.max(0, (output[axis]! - 1) * stride + extent - input[axis]!);
    return output[axis] === Math.ceil(input[axis]! / stride) && margins[2 * axis] === Math.floor(total / 2);
  });
}
