import { countElements } from "../graph.ts";
import { describeShape } from "../shapeInference.ts";
import { Constant } from "./constant.ts";
import { checkFoldedSize, stridesOf, type Folder } from "./foldedMovement.ts";
import type { OperatorView } from "./operatorView.ts";

const reductions: Record<string, (before: number, update: number) => number> = {
  none: (_, update) => update,
  add: (before, update) => before + update,
  mul: (before, update) => before * update,
  max: Math.max,
  min: Math.min,
};

// Masks of shifted windows (Swin) are constants that a model writes region by region.
function scatter(view: OperatorView): Constant {
  const [data, indices, updates] = (["data", "indices", "updates"] as const).map((name, index) =>
    view.constant(index, name),
  ) as [Constant, Constant, Constant];
  const depth = indices.shape.at(-1) ?? 0;
  const inner = data.shape.slice(depth);
  const expected = [...indices.shape.slice(0, -1), ...inner];
  if (depth < 1 || depth > data.shape.length || updates.count !== countElements(expected))
    view.fail(
      `updates ${describeShape(updates.shape)} at ${describeShape(indices.shape)} do not fit ${describeShape(data.shape)}`,
    );
  checkFoldedSize(view, data.shape);
  const name = view.text("reduction", "none");
  const reduce = Object.hasOwn(reductions, name) ? reductions[name]! : null;
  if (!reduce) view.fail(`its reduction ${name} is not known`);
  const [places, values, result] = [indices.numbers(), updates.numbers(), data.numbers().slice()];
  const strides = stridesOf(data.shape);
  const length = countElements(inner);
  for (let row = 0; row < places.length / depth; row++) {
    let start = 0;
    for (let axis = 0; axis < depth; axis++) {
      const [place, size] = [places[row * depth + axis]!, data.shape[axis]!];
      if (place < -size || place >= size) view.fail(`its index ${place} lies outside of ${size} elements`);
      start += (place < 0 ? place + size : place) * strides[axis]!;
    }
    for (let offset = 0; offset < length; offset++)
      result[start + offset] = reduce(result[start + offset]!, values[row * length + offset]!);
  }
  return Constant.of(data.dtype, data.shape, result);
}

/** Operators that write some elements of a known array. */
export const scatterFolders: Record<string, Folder> = { ScatterND: scatter };
