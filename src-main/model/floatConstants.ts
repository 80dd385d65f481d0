import type { Tensor } from "./graph.ts";
import type { Range } from "./quantizationScale.ts";

/** What is known of a tensor's values: mean, standard deviation, lowest and highest. */
export interface Spread {
  mean: number;
  deviation: number;
  range: Range;
}

/** The numbers of a float32 constant that is stated or stored; throws for one that is drawn, which has a limit instead. */
export function readFloats({ name, data }: Tensor): ArrayLike<number> {
  if (data?.kind === "values") return data.values;
  if (data?.kind !== "bytes") throw new Error(`the tensor ${name} holds no numbers`);
  const { buffer, byteOffset, byteLength } = data.bytes;
  if (byteOffset % 4 === 0) return new Float32Array(buffer, byteOffset, byteLength / 4);
  return new Float32Array(data.bytes.slice().buffer);
}

/** The spread of a float32 constant; for a drawn one that of its distribution, uniform in ±limit. Throws for numbers that are not finite. */
export function describeFloats(tensor: Tensor): Spread {
  const { data } = tensor;
  if (data?.kind === "random")
    return { mean: 0, deviation: data.limit / Math.sqrt(3), range: [-data.limit, data.limit] };
  const values = readFloats(tensor);
  let [sum, squares, low, high] = [0, 0, Infinity, -Infinity];
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    sum += value;
    squares += value * value;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (values.length === 0) return { mean: 0, deviation: 0, range: [0, 0] };
  if (!Number.isFinite(squares))
    throw new Error(`the tensor ${tensor.name} holds numbers that are not finite`);
  const mean = sum / values.length;
  return {
    mean,
    deviation: Math.sqrt(Math.max(squares / values.length - mean * mean, 0)),
    range: [low, high],
  };
}
