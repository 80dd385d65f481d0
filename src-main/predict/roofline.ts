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
}

/** Time of the kernel whose features start at `start`; never below the floor that keeps logarithms finite. */
export function evaluateRoofline(line: Roofline, row: Float64Array, start = 0): number {
  const ms =
    line.constantMs + line.msPerFlop * row[start + flopsColumn]! + line.msPerByte * row[start + bytesColumn]!;
  return ms > floorMs ? ms : floorMs;
}

const floorMs = 1e-5;

/** Fits the line to rows of features and times with least relative error. */
export function fitRoofline(table: { columns: number; x: Float64Array; ms: Float64Array }): Roofline {
  const terms = new Float64Array(table.ms.length * 3);
  for (let row = 0; row < table.ms.length; row++) {
    terms[row * 3] = 1;
    terms[row * 3 + 1] = table.x[row * table.columns + flopsColumn]!;
    terms[row * 3 + 2] = table.x[row * table.columns + bytesColumn]!;
  }
  const [constantMs, msPerFlop, msPerByte] = fitRelativeNonNegative(terms, 3, table.ms);
  return { constantMs: constantMs!, msPerFlop: msPerFlop!, msPerByte: msPerByte! };
}
