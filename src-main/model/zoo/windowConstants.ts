import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";

// TensorFlow's converter computes constants itself up to this size and leaves larger ones to each inference.
const largestFoldedBytes = 2 ** 20;

/**
 * What attention within windows adds to its scores, as the converter leaves it: folded into one constant where that is small,
 * else computed by operators. Constants that are equal in several layers are one.
 */
export class WindowConstants {
  private readonly builder: GraphBuilder;
  private readonly window: number;
  private readonly tokens: number;
  private readonly masks = new Map<string, Value | null>();
  private indices: Value | null = null;

  constructor(builder: GraphBuilder, window: number) {
    this.builder = builder;
    this.window = window;
    this.tokens = window * window;
  }

  /** A layer's learnt bias for each pair of places in a window, [heads, tokens, tokens]. */
  positionBias(heads: number): Value {
    const { builder, tokens } = this;
    const shape = [heads, tokens, tokens];
    if (4 * heads * tokens * tokens <= largestFoldedBytes)
      return builder.parameter("position_bias", shape, 0.02);
    return builder.within("position_bias", () => {
      const table = builder.parameter("table", [(2 * this.window - 1) ** 2, heads], 0.02);
      this.indices ??= builder.constant("indices", listOffsets(this.window), undefined, "int32");
      const looked = builder.reshape(builder.gather(table, this.indices), [tokens, tokens, heads], "pairs");
      return builder.transpose(looked, [2, 0, 1], "by_head");
    });
  }

  /**
   * What keeps apart, in windows of a shifted image, tokens that are no neighbours: −100 for such pairs, to be added to
   * scores with an axis of heads; null where nothing has to be added.
   */
  mask(side: number, shift: number): Value | null {
    const key = `${side} ${shift}`;
    const known = this.masks.get(key);
    if (known !== undefined) return known;
    const mask = this.buildMask(side, shift);
    this.masks.set(key, mask);
    return mask;
  }

  private buildMask(side: number, shift: number): Value | null {
    const { builder, tokens } = this;
    const windows = (side / this.window) ** 2;
    const shape = [windows, tokens, tokens];
    const folded = 4 * windows * tokens * tokens <= largestFoldedBytes;
    // A small mask of zeros is left out; a large one is not found to be of zeros.
    if (shift === 0 && folded) return null;
    const inner = [1, windows, 1, tokens, tokens];
    const differences = listDifferences(side, this.window, shift);
    if (folded) {
      const values = differences.map((difference) => (difference === 0 ? 0 : -100));
      return builder.constant("mask", values, inner);
    }
    return builder.within("mask", () => {
      const zero = builder.scalar(0, "zero");
      const apart = builder.constant("differences", differences, shape);
      const far = builder.compare("NOT_EQUAL", apart, zero, "apart");
      const masked = builder.select(far, builder.scalar(-100, "penalty"), apart, "masked");
      const near = builder.compare("EQUAL", masked, zero, "near");
      return builder.reshape(builder.select(near, zero, masked, "cleared"), inner, "for_heads");
    });
  }
}

/** For each pair of places in a window the row of the bias table that belongs to the offset between them. */
function listOffsets(window: number): number[] {
  const span = 2 * window - 1;
  return listPlaces(window).flatMap(([row, column]) =>
    listPlaces(window).map(
      ([otherRow, otherColumn]) => (row - otherRow + window - 1) * span + column - otherColumn + window - 1,
    ),
  );
}

function listPlaces(side: number): [row: number, column: number][] {
  return Array.from({ length: side * side }, (_, place) => [Math.floor(place / side), place % side]);
}

/**
 * The shifted image consists of nine regions, whose pixels were neighbours before the shift: for each window and pair of its
 * tokens, the difference of their regions' numbers; all zeros without a shift.
 */
function listDifferences(side: number, window: number, shift: number): number[] {
  const band = (at: number) => (shift === 0 || at < side - window ? 0 : at < side - shift ? 1 : 2);
  const places = listPlaces(window);
  return listPlaces(side / window).flatMap(([windowRow, windowColumn]) => {
    const regions = places.map(
      ([row, column]) => 3 * band(windowRow * window + row) + band(windowColumn * window + column),
    );
    return regions.flatMap((region) => regions.map((other) => other - region));
  });
}
