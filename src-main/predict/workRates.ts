import { median } from "../model/median.ts";
import { EvidenceTuner } from "./workEvidence.ts";
import { sumWork, type CompiledWork } from "./workDesign.ts";

/** Coefficients of a kind share one prior variance, whose scale the training networks decide. */
export interface CoefficientKind {
  prefix: string;
  /** Standard deviation to start from, of logarithms of rates. */
  deviation: number;
}

export const coefficientKinds: readonly CoefficientKind[] = [
  { prefix: "group ", deviation: 0.4 },
  { prefix: "part ", deviation: 0.5 },
  { prefix: "class ", deviation: 0.5 },
  { prefix: "calls", deviation: 1 },
  { prefix: "shape ", deviation: 0.12 },
];

/** Rates of work fitted on end-to-end times, and what is needed to tell how sure they are. */
export interface WorkRates {
  /** Natural logarithm of the milliseconds of a nominal cycle. */
  level: number;
  /** Names of the coefficients that training networks have. */
  columns: string[];
  coefficients: Float64Array;
  /** Standard deviation of each kind of coefficients, in the order of `coefficientKinds`. */
  deviations: number[];
  /** Standard deviation of the logarithm of a network's time around its prediction. */
  noise: number;
  /** Row-major, training networks × columns: the share of a network's time that a coefficient bends. */
  shares: Float64Array;
  /** Lower triangular factor (row-major) of the covariance of the training networks' logarithms. */
  factor: Float64Array;
}

/** The kind of a coefficient by its name; -1 for none. */
export function findKind(name: string): number {
  return coefficientKinds.findIndex(({ prefix }) => name.startsWith(prefix));
}

/** Nothing is known of a device's speed beforehand: a factor of 20 either way is within one deviation. */
export const levelDeviation = 3;
/** Degrees of freedom of the noise: networks far off count less, as under Student's t (`studentQuantile` is its quantile). */
const tails = 4;
const mostRounds = 8;

/**
 * Fits the rates of classes of work to the logarithms of networks' times. Each coefficient has a normal prior around the
 * nominal cost, so that classes that training networks hardly have stay near it: the sum over ops is linearised around the
 * current rates, which makes it Bayesian linear regression (a Gaussian process over networks whose covariance is that of
 * their shares of time; Rasmussen and Williams 2006, chapter 2), and that is repeated until it no longer moves (Laplace's
 * approximation by Gauss-Newton steps). Prior variances and noise maximise the evidence of the training networks.
 */
export function fitWorkRates(
  columns: readonly string[],
  networks: readonly CompiledWork[],
  logMs: Float64Array,
  plain = false,
): WorkRates {
  const count = networks.length;
  const kinds = coefficientKinds;
  const kind = columns.map((name) => (plain && name.startsWith("shape ") ? -1 : findKind(name)));
  // Sorted by kind, so that each kind's share of a covariance is one run of products.
  const order = kind.flatMap((_, column) => (kind[column]! >= 0 ? [column] : []));
  order.sort((a, b) => kind[a]! - kind[b]! || a - b);
  const width = order.length;
  const places = order.map((_, place) => place);
  const starts = kinds.map((_, of) => places.find((place) => kind[order[place]!]! >= of) ?? width);
  const ends = kinds.map((_, of) => places.find((place) => kind[order[place]!]! > of) ?? width);
  const gradient = new Float64Array(columns.length);
  const jacobian = new Float64Array(count * width);
  const sums = new Float64Array(count);
  const target = new Float64Array(count);
  let coefficients = new Float64Array(columns.length);
  const linearise = () => {
    for (let network = 0; network < count; network++) {
      gradient.fill(0);
      sums[network] = sumWork(networks[network]!, coefficients, gradient);
      for (let place = 0; place < width; place++)
        jacobian[network * width + place] = gradient[order[place]!]!;
    }
  };
  linearise();
  const startLevel = median(Array.from(sums, (sum, network) => logMs[network]! - sum));
  let level = startLevel;
  const tuner = new EvidenceTuner(
    kinds.map(({ deviation }) => deviation),
    count,
    levelDeviation,
  );
  const loss = (trial: Float64Array, trialLevel: number): number => {
    let sum = ((trialLevel - startLevel) / levelDeviation) ** 2;
    for (const column of order) sum += (trial[column]! / tuner.deviations[kind[column]!]!) ** 2;
    for (let network = 0; network < count; network++) {
      const error = logMs[network]! - trialLevel - sumWork(networks[network]!, trial);
      sum += (error * error * tuner.weights[network]!) / tuner.noise ** 2;
    }
    return sum;
  };
  const prepare = () => {
    linearise();
    for (let network = 0; network < count; network++) {
      let bent = 0;
      for (let place = 0; place < width; place++)
        bent += jacobian[network * width + place]! * coefficients[order[place]!]!;
      target[network] = logMs[network]! - sums[network]! - startLevel + bent;
    }
    tuner.setShares(jacobian, width, starts, ends, target);
  };
  for (let round = 0; round < mostRounds; round++) {
    prepare();
    if (round === 0) tuner.tune(12);
    else if (round === 2) {
      tuner.weigh(tails);
      tuner.tune(5);
      tuner.weigh(tails);
    } else if (round === 3) tuner.tune(5);
    const alpha = tuner.solve();
    const next = new Float64Array(columns.length);
    for (let place = 0; place < width; place++) {
      let sum = 0;
      for (let network = 0; network < count; network++)
        sum += jacobian[network * width + place]! * alpha[network]!;
      next[order[place]!] = sum * tuner.deviations[kind[order[place]!]!]! ** 2;
    }
    const nextLevel = startLevel + alpha.reduce((sum, value) => sum + value, 0) * levelDeviation ** 2;
    const before = loss(coefficients, level);
    let gain = 0;
    // A full step may overshoot where the sum is far from linear.
    for (let step = 1; step > 0.01; step /= 2) {
      const trial = coefficients.map((value, column) => value + step * (next[column]! - value));
      const trialLevel = level + step * (nextLevel - level);
      const after = loss(trial, trialLevel);
      if (after > before) continue;
      gain = before - after;
      coefficients = trial;
      level = trialLevel;
      break;
    }
    if (round > 3 && gain < 0.05) break;
  }
  prepare();
  tuner.solve();
  return {
    level,
    columns: order.map((column) => columns[column]!),
    coefficients: Float64Array.from(order, (column) => coefficients[column]!),
    // What does not bend has no rate to be unsure of.
    deviations: tuner.deviations.map((deviation, of) => (starts[of] === ends[of] ? 0 : deviation)),
    noise: tuner.noise,
    shares: jacobian,
    factor: tuner.copyFactor(),
  };
}
