import { countElements } from "../graph.ts";
import { describeShape } from "../shapeInference.ts";
import { Constant, type ConstantType } from "./constant.ts";
import type { Draft } from "./draft.ts";
import { OnnxProblem } from "./onnxProblem.ts";

/**
 * A value the network computes. ONNX counts its axes in logical order (images are NCHW); the tensor holds them in another one:
 * axis i of the tensor is the logical axis `order[i]`. Carrying the order along instead of transposing is what keeps converted
 * CNNs free of transposes: images stay NHWC, and a TRANSPOSE is written only where an op needs another order.
 */
export interface Activation {
  readonly tensor: number;
  readonly shape: readonly number[];
  readonly order: readonly number[];
  readonly dtype: ConstantType;
}

/** The order of images in TFLite: batch, height, width, channels. */
export const imageOrder: readonly number[] = [0, 2, 3, 1];

/** The order of a tensor whose axes are as in ONNX. */
export function plainOrder(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis);
}

export function equalLists(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}

/** The shape of the tensor itself. */
export function physicalShape(value: Pick<Activation, "shape" | "order">): number[] {
  return value.order.map((axis) => value.shape[axis]!);
}

/** Axes that hold more than one element, in the tensor's order; the others can be anywhere without moving data. */
function movingAxes(shape: readonly number[], order: readonly number[]): number[] {
  return order.filter((axis) => shape[axis] !== 1);
}

function isAscending(list: readonly number[]): boolean {
  return list.every((value, index) => index === 0 || list[index - 1]! < value);
}

/** Whether the tensor's elements lie as ONNX orders them. */
export function isPlain(value: Pick<Activation, "shape" | "order">): boolean {
  return isAscending(movingAxes(value.shape, value.order));
}

/** The order with axes of one element put where they read naturally: behind the axis before them, the first in front. */
function completeOrder(shape: readonly number[], moving: readonly number[]): number[] {
  const order = [...moving];
  shape.forEach((size, axis) => {
    if (size === 1) order.splice(axis === 0 ? 0 : order.indexOf(axis - 1) + 1, 0, axis);
  });
  return order;
}

/** Writes what changes the order and shape of values, each change once. */
export class LayoutWriter {
  private readonly draft: Draft;
  private readonly known = new Map<string, Activation>();

  constructor(draft: Draft) {
    this.draft = draft;
  }

  /** The same value with its axes in another order: a TRANSPOSE, or a RESHAPE when no element moves. */
  arrange(value: Activation, order: readonly number[]): Activation {
    if (equalLists(value.order, order)) return value;
    const key = `${value.tensor} ${value.shape.join()} ${value.order.join()} to ${order.join()}`;
    const known = this.known.get(key);
    if (known) return known;
    const moved = !equalLists(movingAxes(value.shape, value.order), movingAxes(value.shape, order));
    const tensor = moved
      ? this.transposeTensor(value, order)
      : this.reshapeTensor(value.tensor, physicalShape({ ...value, order }));
    const arranged = { ...value, tensor, order };
    this.known.set(key, arranged);
    return arranged;
  }

  /** The value with its axes as ONNX counts them. */
  plain(value: Activation): Activation {
    return this.arrange(value, plainOrder(value.shape.length));
  }

  /** The value under more axes: ones in front, as broadcasting adds them. */
  lift(value: Activation, rank: number): Activation {
    const added = rank - value.shape.length;
    if (added <= 0) return value;
    const shape = [...Array<number>(added).fill(1), ...value.shape];
    const order = [...plainOrder(added), ...value.order.map((axis) => axis + added)];
    return {
      ...value,
      shape,
      order,
      tensor: this.reshapeTensor(value.tensor, physicalShape({ shape, order })),
    };
  }

  /**
   * ONNX's Transpose: axis `axes[i]` becomes axis i. Nothing is written where an op that follows may want the order the tensor
   * has: images, tokens that become images, and products that transpose by themselves.
   */
  transpose(value: Activation, axes: readonly number[]): Activation {
    const turned: Activation = {
      ...value,
      shape: axes.map((axis) => value.shape[axis]!),
      order: value.order.map((axis) => axes.indexOf(axis)),
    };
    const rank = axes.length;
    const channelsFirst = [0, rank - 1, ...plainOrder(rank).slice(1, -1)];
    const lastSwapped = [...plainOrder(rank).slice(0, -2), rank - 1, rank - 2];
    const awaited = equalLists(axes, channelsFirst) || equalLists(axes, lastSwapped);
    return isPlain(value) && !awaited ? this.plain(turned) : turned;
  }

  /**
   * ONNX's Reshape. Axes that are split or merged where they lie side by side in the tensor keep the tensor's order (channel
   * shuffle, images to tokens and back); only when merged axes lie apart does a TRANSPOSE bring them together.
   */
  reshape(value: Activation, shape: readonly number[]): Activation {
    if (equalLists(value.shape, shape)) return value;
    if (countElements(value.shape) !== countElements(shape))
      throw new OnnxProblem(`${describeShape(value.shape)} cannot be reshaped to ${describeShape(shape)}`);
    let from = value;
    let order = plainOrder(shape.length);
    if (!isPlain(value)) {
      const groups = matchAxes(value.shape, shape);
      const places = (axes: readonly number[]) => {
        const moving = movingAxes(from.shape, from.order);
        return axes.map((axis) => moving.indexOf(axis));
      };
      const sorted = () =>
        groups.toSorted((a, b) => Math.min(...places(a.from)) - Math.min(...places(b.from)));
      const together = groups.every(({ from: axes }) => {
        const [first, ...rest] = places(axes);
        return rest.every((place, index) => place === first! + index + 1);
      });
      if (!together) {
        const moving = sorted().flatMap((group) => group.from);
        from = this.arrange(value, completeOrder(value.shape, moving));
      }
      const moving = sorted().flatMap((group) => group.to);
      order = completeOrder(shape, moving);
    }
    const tensor = this.reshapeTensor(from.tensor, physicalShape({ shape, order }));
    return { tensor, shape, order, dtype: value.dtype };
  }

  /** A RESHAPE of the tensor itself; none when it has the shape already. */
  reshapeTensor(tensor: number, shape: readonly number[]): number {
    const { name, shape: before, dtype } = this.draft.tensor(tensor);
    if (equalLists(before, shape)) return tensor;
    const constant = this.draft.addConstant(`${name}/shape`, Constant.of("int32", [shape.length], shape));
    return this.draft.append("RESHAPE", [tensor, constant], [{ name: `${name}/reshape`, shape, dtype }], {
      newShape: [...shape],
    })[0]!;
  }

  private transposeTensor(value: Activation, order: readonly number[]): number {
    const { name, dtype } = this.draft.tensor(value.tensor);
    const axes = order.map((axis) => value.order.indexOf(axis));
    const before = physicalShape(value);
    const after = axes.map((axis) => before[axis]!);
    const write = (tensor: number, permutation: readonly number[], shape: readonly number[]) => {
      const constant = this.draft.addConstant(
        `${name}/order`,
        Constant.of("int32", [permutation.length], permutation),
      );
      const output = { name: `${name}/transpose`, shape, dtype };
      return this.draft.append("TRANSPOSE", [tensor, constant], [output], {}, shape.length > 4 ? 4 : 1)[0]!;
    };
    if (axes.length <= 5) return write(value.tensor, axes, after);
    // Runtimes transpose five axes at most; those that stay together count as one.
    const merged = mergeAxes(before, axes);
    const narrow = this.reshapeTensor(value.tensor, merged.shape);
    const turned = write(
      narrow,
      merged.axes,
      merged.axes.map((axis) => merged.shape[axis]!),
    );
    return this.reshapeTensor(turned, after);
  }
}

interface AxisGroup {
  from: number[];
  to: number[];
}

/** The smallest groups of axes that hold the same elements before and after a reshape; axes of one element are in none. */
function matchAxes(before: readonly number[], after: readonly number[]): AxisGroup[] {
  const groups: AxisGroup[] = [];
  const list = (shape: readonly number[]) => plainOrder(shape.length).filter((axis) => shape[axis] !== 1);
  const [left, right] = [list(before), list(after)];
  while (left.length > 0) {
    const group: AxisGroup = { from: [left.shift()!], to: [right.shift()!] };
    const size = (axes: readonly number[], shape: readonly number[]) =>
      countElements(axes.map((axis) => shape[axis]!));
    for (;;) {
      const [a, b] = [size(group.from, before), size(group.to, after)];
      if (a === b) break;
      if (a < b) group.from.push(left.shift()!);
      else group.to.push(right.shift()!);
    }
    groups.push(group);
  }
  return groups;
}

function mergeAxes(shape: readonly number[], axes: readonly number[]): { shape: number[]; axes: number[] } {
  const runs: number[][] = [];
  for (const axis of axes.filter((axis) => shape[axis] !== 1)) {
    const run = runs.at(-1);
    const next = run && plainOrder(shape.length).find((other) => other > run.at(-1)! && shape[other] !== 1);
    if (run && next === axis) run.push(axis);
    else runs.push([axis]);
  }
  const inOrder = runs.toSorted((a, b) => a[0]! - b[0]!);
  return {
    shape: inOrder.map((run) => countElements(run.map((axis) => shape[axis]!))),
    axes: runs.map((run) => inOrder.indexOf(run)),
  };
}
