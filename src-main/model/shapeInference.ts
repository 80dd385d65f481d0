/** Where zeros go round an image before a window slides over it, as TFLite counts it. */
export type PaddingScheme = "SAME" | "VALID";

/** Extent a kernel covers with its dilation. */
export function dilatedKernel(kernel: number, dilation: number): number {
  return (kernel - 1) * dilation + 1;
}

/**
 * Output length of a sliding window in one dimension, by TFLite's definition (`ComputeOutSize` in `kernels/padding.h`):
 * SAME gives ⌈input / stride⌉, VALID gives ⌈(input − dilated kernel + 1) / stride⌉. Throws when the window does not fit.
 */
export function slideWindow(
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: PaddingScheme,
): number {
  for (const [what, value] of Object.entries({ input, kernel, stride, dilation }))
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`The ${what} must be a positive integer, not ${value}`);
  if (padding === "SAME") return Math.ceil(input / stride);
  const size = Math.ceil((input - dilatedKernel(kernel, dilation) + 1) / stride);
  if (size < 1)
    throw new Error(
      `A window of ${dilatedKernel(kernel, dilation)} does not fit into ${input} without padding`,
    );
  return size;
}

/** Output length of a transposed convolution in one dimension: the input length whose convolution gives `input`. */
export function unslideWindow(input: number, kernel: number, stride: number, padding: PaddingScheme): number {
  return padding === "SAME" ? input * stride : input * stride + Math.max(kernel - stride, 0);
}

/** Shape of an elementwise op on two tensors whose dimensions match or are 1 (NumPy's rule); throws when they do not. */
export function broadcastShapes(left: readonly number[], right: readonly number[]): number[] {
  const rank = Math.max(left.length, right.length);
  return Array.from({ length: rank }, (_, axis) => {
    const a = left[axis - rank + left.length] ?? 1;
    const b = right[axis - rank + right.length] ?? 1;
    if (a !== b && a !== 1 && b !== 1)
      throw new Error(
        `Shapes ${describeShape(left)} and ${describeShape(right)} do not match at axis ${axis}`,
      );
    return a === 1 ? b : a;
  });
}

/** Shape of tensors laid side by side along `axis`; throws when another dimension differs. */
export function concatenateShapes(shapes: readonly (readonly number[])[], axis: number): number[] {
  const first = shapes[0];
  if (!first) throw new Error("Concatenation needs at least one tensor");
  const result = [...first];
  for (const shape of shapes.slice(1)) {
    if (shape.length !== first.length || shape.some((size, at) => at !== axis && size !== first[at]))
      throw new Error(
        `Shapes ${describeShape(first)} and ${describeShape(shape)} do not match for a concatenation along axis ${axis}`,
      );
    result[axis]! += shape[axis]!;
  }
  return result;
}

/** A shape without the reduced axes, or with 1 in their place. */
export function reduceShape(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  if (keepDims) return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** The new shape of a reshape, with one −1 filled in from the number of elements; throws when the counts differ. */
export function resolveReshape(shape: readonly number[], wanted: readonly number[]): number[] {
  const count = shape.reduce((product, size) => product * size, 1);
  const known = wanted.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const unknown = wanted.filter((size) => size === -1).length;
  const fits = unknown === 0 ? known === count : unknown === 1 && known > 0 && count % known === 0;
  if (!fits) throw new Error(`${describeShape(shape)} cannot be reshaped to ${describeShape(wanted)}`);
  return wanted.map((size) => (size === -1 ? count / known : size));
}

/** Shape of a batched matrix product with optional transposition of the last two axes; throws when inner sizes differ. */
export function multiplyShapes(
  left: readonly number[],
  right: readonly number[],
  transposeLeft: boolean,
  transposeRight: boolean,
): number[] {
  if (left.length < 2 || right.length < 2)
    throw new Error(`A matrix product needs two axes: ${describeShape(left)}, ${describeShape(right)}`);
  const [rows, inner] = transposeLeft ? [left.at(-1)!, left.at(-2)!] : [left.at(-2)!, left.at(-1)!];
  const [height, columns] = transposeRight ? [right.at(-1)!, right.at(-2)!] : [right.at(-2)!, right.at(-1)!];
  if (inner !== height)
    throw new Error(
      `Matrices ${describeShape(left)} and ${describeShape(right)} cannot be multiplied: ${inner} ≠ ${height}`,
    );
  return [...broadcastShapes(left.slice(0, -2), right.slice(0, -2)), rows, columns];
}

/** An axis counted from the front; −1 is the last one. Throws when the shape has no such axis. */
export function resolveAxis(shape: readonly number[], axis: number): number {
  const resolved = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(resolved) || resolved < 0 || resolved >= shape.length)
    throw new Error(`${describeShape(shape)} has no axis ${axis}`);
  return resolved;
}

/** A shape in words: `1×224×224×3`, `scalar`. */
export function describeShape(shape: readonly number[]): string {
  return shape.length === 0 ? "scalar" : shape.join("×");
}
