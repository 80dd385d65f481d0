import { sumWork, type CompiledWork } from "./workDesign.ts";
import { findKind, levelDeviation, type WorkRates } from "./workRates.ts";

/** A predicted time as a distribution of its logarithm. */
export interface WorkPrediction {
  /** Natural logarithm of milliseconds. */
  logMs: number;
  /** Scale of Student's t distribution with as many degrees of freedom as the noise has in `fitWorkRates`. */
  deviation: number;
}

/**
 * By how much the variance of rates is more than under known scales: those are estimates too. With it 90 % intervals hold nine in
 * ten networks of unknown kinds in the published measurements; `npm run accuracy` counts.
 */
export const estimatedScales = 1.5;

/** Rates ready to predict networks compiled with a list of columns. */
export class WorkPredictor {
  private readonly rates: WorkRates;
  private readonly coefficients: Float64Array;
  /** Place of each column among those of the rates; -1 for one that no training network has. */
  private readonly places: Int32Array;
  private readonly variances: Float64Array;
  private readonly gradient: Float64Array;

  constructor(rates: WorkRates, columns: readonly string[]) {
    this.rates = rates;
    const known = new Map(rates.columns.map((name, place) => [name, place]));
    this.places = Int32Array.from(columns, (name) => known.get(name) ?? -1);
    this.coefficients = Float64Array.from(this.places, (place) => rates.coefficients[place] ?? 0);
    this.variances = Float64Array.from(columns, (name) => (rates.deviations[findKind(name)] ?? 0) ** 2);
    this.gradient = new Float64Array(columns.length);
  }

  /** Predicts a network, or one op of it when `work` holds the terms of that alone. */
  predict(work: CompiledWork): WorkPrediction {
    this.gradient.fill(0);
    const sum = sumWork(work, this.coefficients, this.gradient);
    return { logMs: this.rates.level + sum, deviation: Math.sqrt(this.measureVariance()) };
  }

  // The variance of a Gaussian process at a point (Rasmussen and Williams 2006, equation 2.26) and the noise.
  private measureVariance(): number {
    const { rates, gradient, places, variances } = this;
    const { shares, factor, noise } = rates;
    const width = rates.columns.length;
    const count = Math.round(Math.sqrt(factor.length));
    let variance = levelDeviation ** 2;
    const bent = new Float64Array(width);
    gradient.forEach((share, column) => {
      if (share === 0) return;
      variance += share * share * variances[column]!;
      if (places[column]! >= 0) bent[places[column]!] = share * variances[column]!;
    });
    const known = new Float64Array(count);
    for (let row = 0; row < count; row++) {
      let sum = levelDeviation ** 2;
      for (let place = 0; place < width; place++) sum += bent[place]! * shares[row * width + place]!;
      for (let k = 0; k < row; k++) sum -= factor[row * count + k]! * known[k]!;
      known[row] = sum / factor[row * count + row]!;
      variance -= known[row]! ** 2;
    }
    return estimatedScales * Math.max(variance, 0) + noise ** 2;
  }
}

/**
 * Predicts by several fits of the same networks: the mean of their logarithms, which errs less than each where their errors
 * differ. They see the same networks, so their deviations do not shrink by averaging; by as much as they differ, all may err.
 */
export function predictByAll(predictors: readonly WorkPredictor[], work: CompiledWork): WorkPrediction {
  return meanPrediction(predictors.map((predictor) => predictor.predict(work)));
}

/** The mean of what several fits predict of one piece of work. */
export function meanPrediction(each: readonly WorkPrediction[]): WorkPrediction {
  const mean = (pick: (prediction: WorkPrediction) => number) =>
    each.reduce((sum, prediction) => sum + pick(prediction), 0) / each.length;
  const logs = each.map(({ logMs }) => logMs);
  return {
    logMs: mean(({ logMs }) => logMs),
    deviation: Math.hypot(
      mean(({ deviation }) => deviation),
      Math.max(...logs) - Math.min(...logs),
    ),
  };
}
