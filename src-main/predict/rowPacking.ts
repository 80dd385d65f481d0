/** Added to a number and taken away again, it rounds: from here to twice as far numbers are 1 apart. */
const rounder = 1.5 * 2 ** 52;

/**
 * Rows as single numbers that can be summed: `count · unit + gradient`, both whole numbers, so that one addition does the work
 * of two. Whole numbers below 2^53 add exactly: no order of rows changes a sum, and a difference of sums has no rounding error.
 *
 * Gradients are rounded to steps: with 50,000 rows of 2⁻¹⁹ of the largest gradient, with fewer rows of less. That is too fine to
 * change a split that matters (Shi et al. 2022, "Quantized Training of Gradient Boosting Decision Trees", boost with 2 to 5 bits).
 */
export class RowPacking {
  /** The packed rows. */
  readonly values: Float64Array;
  /** What one row is worth in a packed sum: a power of two, at least four times any sum of gradients. */
  unit = 1;
  /** Added to a packed sum and taken away again, it leaves the count times the unit. */
  counter = rounder;
  /** The gradient one step stands for. */
  step = 1;

  constructor(rows: number) {
    this.values = new Float64Array(rows);
  }

  /** Packs all rows. `counts` tells how often a row is counted, once when null; its gradient is already so multiplied. */
  pack(gradients: Float64Array, counts: Uint32Array | null): void {
    const { values } = this;
    const rows = values.length;
    let largest = 0;
    let total = counts ? 0 : rows;
    for (let row = 0; row < rows; row++) {
      const size = Math.abs(gradients[row]!);
      if (size > largest) largest = size;
      if (counts) total += counts[row]!;
    }
    // 53 bits hold the count and, below it, the gradients' sum within a quarter of the unit: rounding to units never misses.
    const bits = 53 - Math.ceil(Math.log2(total + 1));
    const most = Math.floor(2 ** (bits - 2) / Math.max(rows, 1));
    const unit = 2 ** bits;
    // Gradients too small for a quotient are none.
    const scale = most / largest;
    const stepsPerGradient = scale < Infinity ? scale : 1;
    for (let row = 0; row < rows; row++) {
      const whole = gradients[row]! * stepsPerGradient + rounder - rounder;
      values[row] = counts ? counts[row]! * unit + whole : unit + whole;
    }
    this.unit = unit;
    this.counter = rounder * unit;
    this.step = 1 / stepsPerGradient;
  }

  /** How often rows are counted in a packed sum. */
  count(sum: number): number {
    return (sum + this.counter - this.counter) / this.unit;
  }
}
