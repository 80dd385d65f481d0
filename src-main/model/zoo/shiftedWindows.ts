import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";

/** An image [1, side, side, features] as windows [windows, window × window, features], row by row. */
export function cutWindows(builder: GraphBuilder, image: Value, window: number): Value {
  return builder.within("cut", () => {
    const [, side, , features] = image.shape as [number, number, number, number];
    const count = side / window;
    // Without the axis of the batch, because runtimes before TFLite 2.11 transpose five axes at most.
    const grid = builder.reshape(image, [count, window, count, window, features], "grid");
    const together = builder.transpose(grid, [0, 2, 1, 3, 4], "windows");
    return builder.reshape(together, [count * count, window * window, features], "tokens");
  });
}

/** Undoes `cutWindows`. */
export function joinWindows(builder: GraphBuilder, windows: Value, window: number, side: number): Value {
  return builder.within("join", () => {
    const features = windows.shape[2]!;
    const count = side / window;
    const grid = builder.reshape(windows, [count, count, window, window, features], "grid");
    const rows = builder.transpose(grid, [0, 2, 1, 3, 4], "rows");
    return builder.reshape(rows, [1, side, side, features], "image");
  });
}

/** A square image whose pixels move up and left by `shift`, those pushed out coming in on the other side: slices and concatenations. */
export function rollImage(builder: GraphBuilder, image: Value, shift: number, name: string): Value {
  return builder.within(name, () =>
    [1, 2].reduce((x, axis) => {
      const whole = [0, 0, 0, 0];
      const rest = builder.slice(x, whole.with(axis, shift), x.shape.with(axis, -1), "rest");
      const first = builder.slice(x, whole, x.shape.with(axis, shift), "first");
      return builder.concat([rest, first], { axis, name: "rolled" });
    }, image),
  );
}

/** Adds a mask [windows, tokens, tokens] to the scores [windows, heads, tokens, tokens] of all heads. */
export function addMask(builder: GraphBuilder, scores: Value, mask: Value): Value {
  const [windows, heads, tokens] = scores.shape as [number, number, number, number];
  const byWindow = builder.reshape(scores, [1, windows, heads, tokens, tokens], "by_window");
  const masked = builder.add(byWindow, mask, { name: "masked" });
  return builder.reshape(masked, scores.shape, "masked_scores");
}
