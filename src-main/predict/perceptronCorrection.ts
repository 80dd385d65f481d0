import { meanOf } from "../model/mean.ts";
import { deriveSeed } from "../model/random.ts";
import { selectCorrectionRows, type CorrectionFit, type CorrectionTable } from "./correction.ts";
import { createDesign, standardiseValue, type Design } from "./design.ts";
import type { FeatureColumn } from "./featureColumns.ts";
import { evaluatePerceptron, fitPerceptron, type Perceptron } from "./perceptron.ts";

/** The mean of perceptrons, each trained without another fold of the networks. */
export interface PerceptronCorrection {
  kind: "perceptron";
  design: Design;
  mean: number;
  deviation: number;
  networks: Perceptron[];
}

/** Value for the row that starts at `start`. */
export function evaluatePerceptrons(model: PerceptronCorrection, x: Float64Array, start: number): number {
  const row = standardiseRow(model.design, x, start, new Float64Array(model.design.mean.length), 0);
  let sum = 0;
  for (const network of model.networks) sum += evaluatePerceptron(network, row);
  return model.mean + (model.deviation * sum) / Math.max(model.networks.length, 1);
}

const options = {
  hidden: [12],
  steps: 500,
  batch: 24,
  learningRate: 0.02,
  decay: 3e-4,
  lookEvery: 30,
  patience: 6,
};

/**
 * Small perceptrons on standardised features: one for each fold of whole networks, which stops when the error on the networks
 * held out no longer falls. Their mean is the model, and what each says of its own fold is the held-out prediction.
 */
export function fitPerceptronCorrection(
  table: CorrectionTable,
  features: readonly FeatureColumn[],
  seed: number,
): CorrectionFit<PerceptronCorrection> {
  const { columns } = table;
  const rows = table.y.length;
  const design = createDesign(features, table.x);
  const mean = meanOf(table.y);
  const deviation = Math.sqrt(table.y.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rows) || 1;
  const x = new Float64Array(table.x.length);
  for (let row = 0; row < rows; row++) standardiseRow(design, table.x, row * columns, x, row * columns);
  const standard = { ...table, x, y: table.y.map((value) => (value - mean) / deviation) };
  const heldOut = new Float64Array(rows).fill(mean);
  const networks: Perceptron[] = [];
  for (let fold = 0; fold < table.folds; fold++) {
    const train = selectCorrectionRows(standard, (row) => table.fold[row] !== fold);
    const held = selectCorrectionRows(standard, (row) => table.fold[row] === fold);
    if (train.rows.length === 0 || held.rows.length === 0) continue;
    const network = fitPerceptron(
      train.table,
      { ...options, seed: deriveSeed(seed, "perceptron", fold) },
      held.table,
    );
    networks.push(network);
    for (const row of held.rows)
      heldOut[row] = mean + deviation * evaluatePerceptron(network, x, row * columns);
  }
  return {
    model: { kind: "perceptron", design, mean, deviation, networks },
    heldOut,
    note: `${networks.length} networks of ${options.hidden.join(" and ")} hidden units`,
  };
}

function standardiseRow(
  design: Design,
  x: Float64Array,
  start: number,
  out: Float64Array,
  at: number,
): Float64Array {
  for (let column = 0; column < design.mean.length; column++)
    out[at + column] =
      design.deviation[column]! > 0 ? standardiseValue(design, column, x[start + column]!) : 0;
  return out;
}
