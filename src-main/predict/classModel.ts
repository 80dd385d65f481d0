import { evaluateCorrection, type Correction } from "./correction.ts";
import type { ClassTable } from "./dataset.ts";
import { evaluateRoofline, type Roofline } from "./roofline.ts";

/** The regressor of one kernel class. */
export interface ClassModel {
  kernel: string;
  /** `lasso`, `boosting`, `lasso + boosting` (the mean of both), or the simpler model that stands in. */
  learner: string;
  /** Names of the features in the order of the columns. */
  features: string[];
  roofline: Roofline;
  /** Their mean is added to the roofline's logarithm; none for a model that stands in. */
  corrections: Correction[];
  /** Range of the corrections in training: nothing known justifies a larger one. */
  low: number;
  high: number;
  /** Range of each feature in training. */
  rangeLow: Float64Array;
  rangeHigh: Float64Array;
  rows: number;
  networks: number;
  /** Half-width of the 90 % interval of one kernel, as a logarithm. */
  spread: number;
  /** Why a simpler model stands in, or null. */
  fallback: string | null;
}

/** Milliseconds of the kernel whose features start at `start`; always positive. */
export function evaluateClass(model: ClassModel, x: Float64Array, start: number): number {
  const base = evaluateRoofline(model.roofline, x, start);
  const { corrections } = model;
  if (corrections.length === 0) return base;
  let sum = 0;
  for (const correction of corrections) sum += evaluateCorrection(correction, x, start);
  const mean = sum / corrections.length;
  return base * Math.exp(mean < model.low ? model.low : mean > model.high ? model.high : mean);
}

/** Range of each feature over a table's rows. */
export function measureRanges(table: ClassTable): Pick<ClassModel, "rangeLow" | "rangeHigh"> {
  const rangeLow = new Float64Array(table.columns).fill(Infinity);
  const rangeHigh = new Float64Array(table.columns).fill(-Infinity);
  for (let place = 0; place < table.x.length; place++) {
    const column = place % table.columns;
    const value = table.x[place]!;
    if (value < rangeLow[column]!) rangeLow[column] = value;
    if (value > rangeHigh[column]!) rangeHigh[column] = value;
  }
  return { rangeLow, rangeHigh };
}

/** Range of measured ÷ roofline over a table's rows, as logarithms. */
export function measureCorrections(table: ClassTable, roofline: Roofline): Pick<ClassModel, "low" | "high"> {
  let low = 0;
  let high = 0;
  for (let row = 0; row < table.ms.length; row++) {
    const ratio = Math.log(table.ms[row]! / evaluateRoofline(roofline, table.x, row * table.columns));
    low = Math.min(low, ratio);
    high = Math.max(high, ratio);
  }
  return { low, high };
}
