import type { Tensor } from "../model/graph.ts";

/** The numbers of a small constant of int32 or int64 (paddings, axes), or null when it holds something else. */
export function readConstantNumbers({ data, dtype }: Tensor): number[] | null {
  if (!data) return null;
  if (data.kind === "values") return data.values;
  if (data.kind !== "bytes" || (dtype !== "int32" && dtype !== "int64")) return null;
  const size = dtype === "int32" ? 4 : 8;
  const { buffer, byteOffset, byteLength } = data.bytes;
  const view = new DataView(buffer, byteOffset, byteLength);
  return Array.from({ length: Math.floor(byteLength / size) }, (_, place) =>
    size === 4 ? view.getInt32(place * 4, true) : Number(view.getBigInt64(place * 8, true)),
  );
}
