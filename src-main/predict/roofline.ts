import { bytesColumn, flopsColumn } from "./features.ts";
import { fitRelativeNonNegative } from "./linear.ts";

/**
 * The simplest model of a kernel: a constant, a time per FLOP and a time per byte moved, none of them negative. It is physical
 * where nothing was measured, so it stands under every regressor and in for the ones that cannot be fitted. (The roofline of
 * Williams, Waterman, Patterson 2009 takes the larger of both times; a sum is smoother and can be fitted by least squares.)
 */
export interface Roofline {
  constantMs: number;
  msPerFlop: number;
  msPerByte: number;
  /** Times per unit of further columns, for kernels whose time needs more than two numbers to be told of. */
  further?: { column: number; msPerUnit: number }[];
}

/** Time of the kernel whose features start at `start`; never below the floor that keeps logarithms finite. */
export function evaluateRoofline(line: Roofline, row: Float64Array, start = 0): number {
  let ms =
    line.constantMs + line.msPerFlop * row[start + flopsColumn]! + line.msPerByte * row[start + bytesColumn]!;
  if (line.further) for (const { column, msPerUnit } of line.further) ms += msPerUnit * row[start + column]!;
  return ms > floorMs ? ms : floorMs;
}

const floorMs = 1e-5;

/** Fits the line to rows of features and times with least relative error; `further` are the columns it may use besides. */
export function fitRoofline(
  table: { columns: number; x: Float64Array; ms: Float64Array },
  further: readonly number[] = [],
): Roofline {
  const used = [flopsColumn, bytesColumn, ...further];
  const size = used.length + 1;
  const terms = new Float64Array(table.ms.length * size);
  for (let row = 0; row < table.ms.length; row++) {
    terms[row * size] = 1;
    used.forEach((column, place) => {
      terms[row * size + 1 + place] = table.x[row * table.columns + column]!;
    });
  }
  const [constantMs, msPerFlop, msPerByte, ...rates] = fitRelativeNonNegative(terms, size, table.ms);
  const line = { constantMs: constantMs!, msPerFlop: msPerFlop!, msPerByte: msPerByte! };
  const rest = further.map((column, place) => ({ column, msPerUnit: rates[place]! }));
  return rest.length > 0 ? { ...line, further: rest } : line;
}
