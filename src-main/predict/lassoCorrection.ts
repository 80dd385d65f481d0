import {
  createDesign,
  expandRow,
  listTerms,
  none,
  standardiseValue,
  type Design,
  type Term,
} from "./design.ts";
import type { FeatureColumn } from "./featureColumns.ts";
import { LassoPath, largestPenalty, listPenalties, type LinearModel } from "./lasso.ts";
import { addRow, combineMoments, createMoments } from "./moments.ts";
import { meanSquaredError } from "./learningTable.ts";
import type { CorrectionFit, CorrectionTable } from "./correction.ts";

/** A sparse sum of standardised features and their products. */
export interface LassoCorrection {
  kind: "lasso";
  design: Design;
  intercept: number;
  /** Columns of each term; the second is −1 for a single column. */
  first: Int16Array;
  second: Int16Array;
  coefficients: Float64Array;
}

/** Value for the row that starts at `start`. */
export function evaluateLasso(model: LassoCorrection, x: Float64Array, start: number): number {
  const { design, first, second, coefficients } = model;
  let sum = model.intercept;
  // Each column is transformed once, and only when a term uses it.
  const columns = design.mean.length;
  const cache = cached.length >= columns ? cached : (cached = new Float64Array(columns));
  for (let column = 0; column < columns; column++)
    if (design.deviation[column]! > 0) cache[column] = standardiseValue(design, column, x[start + column]!);
  for (let term = 0; term < coefficients.length; term++) {
    const other = second[term]!;
    const value = cache[first[term]!]!;
    sum += coefficients[term]! * (other === none ? value : value * cache[other]!);
  }
  return sum;
}

let cached = new Float64Array(32);

/** A Lasso with the models that did not see one fold each. */
export interface LassoFit extends CorrectionFit<LassoCorrection> {
  foldModels: LassoCorrection[];
}

/**
 * Lasso on standardised features and their products, the penalty chosen by cross-validation over folds of whole networks.
 * Moments are summed once per fold, so a fold's path costs no further pass over the rows.
 */
export function fitLassoCorrection(
  table: CorrectionTable,
  features: readonly FeatureColumn[],
  products: boolean,
): LassoFit {
  const design = createDesign(features, table.x);
  const terms = listTerms(design, products);
  const rows = table.y.length;
  const expanded = new Float64Array(rows * terms.length);
  const scratch = new Float64Array(features.length);
  const parts = Array.from({ length: table.folds }, () => createMoments(terms.length));
  for (let row = 0; row < rows; row++) {
    const view = expanded.subarray(row * terms.length, (row + 1) * terms.length);
    expandRow(design, terms, table.x, row * features.length, scratch, view);
    addRow(parts[table.fold[row]!]!, view, table.y[row]!, 1);
  }
  const total = parts.reduce((sum, part) => combineMoments(sum, part, 1));
  const penalties = listPenalties(largestPenalty(total));
  const paths = parts.map((part) => new LassoPath(combineMoments(total, part, -1), exactness));
  const whole = new LassoPath(total, exactness);
  let best: {
    step: number;
    loss: number;
    model: LinearModel;
    held: LinearModel[];
    heldOut: Float64Array;
  } | null = null;
  for (let step = 0; step < penalties.length; step++) {
    const penalty = penalties[step]!;
    const model = whole.solve(penalty);
    const held = paths.map((path) => path.solve(penalty));
    const heldOut = table.y.map((_, row) =>
      applyModel(held[table.fold[row]!]!, expanded, row * terms.length),
    );
    const loss = meanSquaredError(heldOut, table.y);
    if (!best || loss < best.loss) best = { step, loss, model, held, heldOut };
    // The error along a path falls, then rises: small penalties cost most and would only be worse.
    else if (step - best.step >= patience) break;
  }
  return {
    model: compile(design, terms, best!.model),
    foldModels: best!.held.map((model) => compile(design, terms, model)),
    heldOut: best!.heldOut,
    note: `penalty ${penalties[best!.step]!.toPrecision(3)}`,
  };
}

/** What a sweep changes below this moves no prediction by a thousandth of the targets' spread. */
const exactness = { tolerance: 5e-4, sweeps: 60 };
/** Steps without a better error after which the path ends. */
const patience = 5;

function applyModel(model: LinearModel, expanded: Float64Array, start: number): number {
  const { coefficients } = model;
  let sum = model.intercept;
  for (let term = 0; term < coefficients.length; term++) sum += coefficients[term]! * expanded[start + term]!;
  return sum;
}

function compile(design: Design, terms: readonly Term[], model: LinearModel): LassoCorrection {
  const used = terms.flatMap((term, place) =>
    model.coefficients[place] === 0 ? [] : [{ term, coefficient: model.coefficients[place]! }],
  );
  return {
    kind: "lasso",
    design,
    intercept: model.intercept,
    first: Int16Array.from(used, ({ term }) => term[0]),
    second: Int16Array.from(used, ({ term }) => term[1]),
    coefficients: Float64Array.from(used, ({ coefficient }) => coefficient),
  };
}
