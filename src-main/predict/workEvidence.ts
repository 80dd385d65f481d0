import { solveCholesky } from "./linear.ts";
import { addFourProducts } from "./rowProducts.ts";

/** A factor of 2 is a usual distance between a scale and what one would have guessed. */
const scaleDeviation = 0.7;
/** Usual deviation of a network's time from the sum of its parts, as a logarithm. */
const usualNoise = 0.03;

/**
 * The covariance of linearised networks: a sum of one part for each kind of coefficients, one for the level and noise on the
 * diagonal. Finds the scales of the parts under which the targets are most probable.
 */
export class EvidenceTuner {
  /** Standard deviation of each kind of coefficients. */
  deviations: number[];
  noise = usualNoise;
  /** How much each network counts: its noise variance is divided by this. */
  readonly weights: Float64Array;
  private readonly usual: number[];
  private readonly count: number;
  private readonly level: number;
  /** Lower triangles, one number a kind side by side. */
  private readonly parts: Float64Array;
  private readonly matrix: Float64Array;
  private target: Float64Array;

  constructor(deviations: number[], count: number, levelDeviation: number) {
    this.deviations = deviations;
    this.usual = deviations;
    this.count = count;
    this.level = levelDeviation ** 2;
    this.weights = new Float64Array(count).fill(1);
    this.parts = new Float64Array(((count * (count + 1)) / 2) * deviations.length);
    this.matrix = new Float64Array(count * count);
    this.target = new Float64Array(count);
  }

  /** Takes the networks' derivatives by coefficients (row-major, `width` columns); kind k's are those from `starts[k]` to `ends[k]`. */
  setShares(
    jacobian: Float64Array,
    width: number,
    starts: readonly number[],
    ends: readonly number[],
    target: Float64Array,
  ): void {
    const { count, parts } = this;
    const kinds = this.usual.length;
    // Room for three networks more, as products are taken by fours.
    const shares = new Float64Array((count + 3) * width);
    shares.set(jacobian);
    const sums = new Float64Array(4);
    for (let row = 0; row < count; row++)
      for (let kind = 0; kind < kinds; kind++) {
        const start = starts[kind]!;
        const length = ends[kind]! - start;
        for (let column = 0; column <= row; column += 4) {
          sums.fill(0);
          addFourProducts(
            shares,
            row * width + start,
            shares,
            column * width + start,
            width,
            length,
            sums,
            0,
          );
          const first = ((row * (row + 1)) / 2 + column) * kinds + kind;
          for (let next = 0; next < 4 && column + next <= row; next++)
            parts[first + next * kinds] = sums[next]!;
        }
      }
    this.target = target;
  }

  /** Covariance⁻¹ × target under the present scales. */
  solve(): Float64Array {
    this.fill(this.deviations, this.noise);
    return solveCholesky(this.matrix, this.target)!;
  }

  /** The Cholesky factor of the covariance that was solved last, row-major, zero above the diagonal. */
  copyFactor(): Float64Array {
    return this.matrix.map((value, place) => (place % this.count <= place / this.count ? value : 0));
  }

  /**
   * Weighs networks by how surprising each is to the others (its leave-one-out residual in predicted deviations; Rasmussen and
   * Williams 2006, section 5.4.2), as a Student's t distribution with so many degrees of freedom would.
   */
  weigh(tails: number): void {
    const { count } = this;
    const alpha = this.solve();
    const inverse = this.invertFactor();
    for (let network = 0; network < count; network++) {
      let diagonal = 0;
      for (let k = network; k < count; k++) diagonal += inverse[network * count + k]! ** 2;
      // Against the noise of a network that counts fully: one that was set aside must not look harmless for it.
      const variance = 1 / diagonal + this.noise ** 2 * (1 - 1 / this.weights[network]!);
      const surprise = (alpha[network]! / diagonal) ** 2 / Math.max(variance, this.noise ** 2);
      this.weights[network] = Math.min(1, (tails + 1) / (tails + surprise));
    }
  }

  /** Climbs to scales of greater evidence by so many quasi-Newton steps (BFGS; Nocedal and Wright 2006, chapter 6) on their logarithms. */
  tune(steps: number): void {
    const size = this.usual.length + 1;
    let logs = Float64Array.from([...this.deviations, this.noise], Math.log);
    let slope = new Float64Array(size);
    let value = this.rate(logs, slope);
    const inverse = new Float64Array(size * size);
    for (let i = 0; i < size; i++) inverse[i * size + i] = 0.3;
    for (let step = 0; step < steps; step++) {
      const move = new Float64Array(size);
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++) move[i]! -= inverse[i * size + j]! * slope[j]!;
      const longest = move.reduce((most, part) => Math.max(most, Math.abs(part)), 0);
      if (longest < 0.03) break;
      let scale = Math.min(1, longestStep / longest);
      let trial = logs;
      let trialSlope = slope;
      let rated = Infinity;
      for (; scale > 0.02; scale /= 3) {
        trial = logs.map((log, place) => log + scale * move[place]!);
        trialSlope = new Float64Array(size);
        rated = this.rate(trial, trialSlope);
        if (rated < value) break;
      }
      if (!(rated < value)) break;
      updateInverse(
        inverse,
        trial.map((log, place) => log - logs[place]!),
        trialSlope.map((part, place) => part - slope[place]!),
      );
      logs = trial;
      slope = trialSlope;
      value = rated;
    }
    this.deviations = Array.from(logs.subarray(0, -1), Math.exp);
    this.noise = Math.exp(logs.at(-1)!);
  }

  // −log evidence up to a constant and its derivatives, with a weak prior on the scales so that few networks cannot rule one out.
  private rate(logs: Float64Array, slope: Float64Array): number {
    const { count, matrix, target, parts, weights } = this;
    const kinds = this.usual.length;
    const deviations = Array.from(logs.subarray(0, -1), Math.exp);
    const noise = Math.exp(logs.at(-1)!);
    this.fill(deviations, noise);
    const alpha = solveCholesky(matrix, target);
    if (!alpha) return Infinity;
    let value = 0;
    for (let row = 0; row < count; row++)
      value += (target[row]! * alpha[row]!) / 2 + Math.log(matrix[row * count + row]!);
    const inverse = this.invertFactor();
    const sums = new Float64Array(4);
    let entry = 0;
    for (let row = 0; row < count; row++)
      for (let column = 0; column <= row; column++) {
        if (column % 4 === 0) {
          sums.fill(0);
          addFourProducts(
            inverse,
            row * count + row,
            inverse,
            column * count + row,
            count,
            count - row,
            sums,
            0,
          );
        }
        let sum = sums[column % 4]! - alpha[row]! * alpha[column]!;
        if (row === column) slope[kinds]! += (sum * noise ** 2) / weights[row]!;
        else sum *= 2;
        for (let kind = 0; kind < kinds; kind++) slope[kind]! += sum * parts[entry++]!;
      }
    for (let kind = 0; kind < kinds; kind++) slope[kind]! *= deviations[kind]! ** 2;
    logs.forEach((log, place) => {
      const distance = (log - Math.log(this.usual[place] ?? usualNoise)) / scaleDeviation;
      value += distance ** 2 / 2;
      slope[place]! += distance / scaleDeviation;
    });
    return value;
  }

  // Row j holds column j of the inverse of the factor in `matrix`; three rows of zeros follow, as products are taken by fours.
  private invertFactor(): Float64Array {
    const { count, matrix } = this;
    const inverse = new Float64Array((count + 3) * count);
    for (let j = 0; j < count; j++) {
      const start = j * count;
      inverse[start + j] = 1 / matrix[start + j]!;
      for (let row = j + 1; row < count; row++) {
        let sum = 0;
        for (let k = j; k < row; k++) sum -= matrix[row * count + k]! * inverse[start + k]!;
        inverse[start + row] = sum / matrix[row * count + row]!;
      }
    }
    return inverse;
  }

  private fill(deviations: readonly number[], noise: number): void {
    const { count, matrix, parts, weights } = this;
    const variances = Float64Array.from(deviations, (deviation) => deviation ** 2);
    let entry = 0;
    for (let row = 0; row < count; row++) {
      for (let column = 0; column <= row; column++) {
        let sum = this.level;
        for (let kind = 0; kind < variances.length; kind++) sum += variances[kind]! * parts[entry++]!;
        matrix[row * count + column] = sum;
      }
      matrix[row * count + row]! += noise ** 2 / weights[row]!;
    }
  }
}

/** No scale moves further in one step than by this, as a logarithm. */
const longestStep = 1;

// The usual update of an inverse Hessian from a move and the change of slope along it; skipped where the function curves the wrong way.
function updateInverse(inverse: Float64Array, move: Float64Array, change: Float64Array): void {
  const size = move.length;
  let curvature = 0;
  for (let i = 0; i < size; i++) curvature += move[i]! * change[i]!;
  if (!(curvature > 1e-9)) return;
  const turned = new Float64Array(size);
  let turn = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) turned[i]! += inverse[i * size + j]! * change[j]!;
    turn += turned[i]! * change[i]!;
  }
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++)
      inverse[i * size + j]! +=
        ((1 + turn / curvature) * move[i]! * move[j]! - move[i]! * turned[j]! - turned[i]! * move[j]!) /
        curvature;
}
