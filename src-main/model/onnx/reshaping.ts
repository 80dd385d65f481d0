import { countElements } from "../graph.ts";
import { describeShape } from "../shapeInference.ts";
import type { OperatorView } from "./operatorView.ts";

/** The shape a Reshape node gives; 0 copies a dimension and −1 takes what is left. */
export function reshapedShape(view: OperatorView, before: readonly number[]): number[] {
  const wanted = view.integersFrom(1, "shape") ?? view.fail("it has no shape");
  const copies = view.integer("allowzero", 0) === 0;
  const shape = wanted.map((size, axis) => (size === 0 && copies ? (before[axis] ?? 0) : size));
  const count = countElements(before);
  const rest = shape.indexOf(-1);
  if (rest >= 0) shape[rest] = count / countElements(shape.with(rest, 1));
  if (shape.some((size) => !Number.isInteger(size) || size < 0) || countElements(shape) !== count)
    view.fail(`${describeShape(before)} cannot be reshaped to [${wanted.slice(0, 16).join()}]`);
  return shape;
}

/** The shape a Flatten node gives: the axes before `axis` as one, the others as one. */
export function flattenedShape(view: OperatorView, before: readonly number[]): number[] {
  const rank = before.length;
  const given = view.integer("axis", 1);
  const axis = given === rank ? rank : given < 0 ? given + rank : given;
  if (!(axis >= 0 && axis <= rank)) view.fail(`its axis ${given} does not exist in ${rank} dimensions`);
  return [countElements(before.slice(0, axis)), countElements(before.slice(axis))];
}

/** The shape a Squeeze node gives. */
export function squeezedShape(view: OperatorView, before: readonly number[]): number[] {
  const axes = view.integersFrom(1, "axes")?.map((axis) => view.axis(axis, before.length));
  if (!axes) return before.filter((size) => size !== 1);
  const wrong = axes.find((axis) => before[axis] !== 1);
  if (wrong !== undefined) view.fail(`axis ${wrong} of ${describeShape(before)} has more than one element`);
  return before.filter((_, axis) => !axes.includes(axis));
}

/** The shape an Unsqueeze node gives. */
export function unsqueezedShape(view: OperatorView, before: readonly number[]): number[] {
  const given = view.integersFrom(1, "axes") ?? view.fail("it has no axes");
  const rank = before.length + given.length;
  const axes = given.map((axis) => view.axis(axis, rank));
  if (new Set(axes).size !== axes.length) view.fail(`its axes [${given.join()}] repeat each other`);
  const rest = [...before];
  return Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!));
}
