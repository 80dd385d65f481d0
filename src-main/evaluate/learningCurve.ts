import { meanOf } from "../model/mean.ts";
/** Mean error of predictors trained on so many networks. */
export interface CurvePoint {
  trainSize: number;
  mape: number;
}

/** Error as a power of the training size: scale × size^(−exponent). */
export interface PowerLaw {
  scale: number;
  exponent: number;
}

/**
 * Fits a power law by least squares on logarithms (learning curves of this shape: Hestness et al. 2017, "Deep Learning Scaling
 * is Predictable, Empirically"); null with fewer than two sizes. A curve that rises gets exponent 0: more data never harm.
 */
export function fitPowerLaw(points: readonly CurvePoint[]): PowerLaw | null {
  const usable = points.filter((point) => point.trainSize > 0 && point.mape > 0);
  if (new Set(usable.map((point) => point.trainSize)).size < 2) return null;
  const x = usable.map((point) => Math.log(point.trainSize));
  const y = usable.map((point) => Math.log(point.mape));
  const xMean = meanOf(x);
  const yMean = meanOf(y);
  let xy = 0;
  let xx = 0;
  x.forEach((value, place) => {
    xy += (value - xMean) * (y[place]! - yMean);
    xx += (value - xMean) ** 2;
  });
  const exponent = Math.max(-xy / xx, 0);
  return { scale: Math.exp(yMean + exponent * xMean), exponent };
}

/** Error the law expects of a training size. */
export function evaluatePowerLaw(law: PowerLaw, trainSize: number): number {
  return law.scale * trainSize ** -law.exponent;
}

/** Below this relative gain more networks are not worth the measuring. */
const worthwhile = 0.03;

/**
 * One sentence on what more training networks would bring, from the error at each training size and the number of networks
 * there are; null when the sizes say nothing. The law is followed to at most twice the networks it was fitted on.
 */
export function describeOutlook(points: readonly CurvePoint[], networks: number): string | null {
  const law = fitPowerLaw(points);
  if (!law) return null;
  const largest = points.reduce((a, b) => (b.trainSize > a.trainSize ? b : a));
  const now = Math.max(networks, largest.trainSize);
  const more = roundUp(Math.min(Math.max(now * 0.5, 10), 2 * largest.trainSize));
  // From the last measured error on, not from the fitted one: the sentence must agree with the table.
  const expected = (size: number) =>
    largest.mape * (evaluatePowerLaw(law, size) / evaluatePowerLaw(law, largest.trainSize));
  const before = expected(now);
  const after = expected(now + more);
  if (before - after < worthwhile * before)
    return `More models would hardly lower the error; it stays near ${before.toFixed(1)} %.`;
  return `${more} more models would bring the error from ${before.toFixed(1)} % to about ${after.toFixed(1)} %.`;
}

function roundUp(count: number): number {
  return Math.ceil(count / 10) * 10;
}
