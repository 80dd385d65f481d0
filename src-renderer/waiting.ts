/** What a run says while it measures nothing. */

/**
 * The part of a run's note that tells what it waits for, e.g. a phone that is gone or too warm; null while it measures. A
 * note may name the cell first: `net on 8AB/1large/float32/tflite: cooling: 36 °C`.
 */
export function findWaiting(note: string): string | null {
  const found = /(?:^|: )((?:waiting (?:for|until)|cooling:) .*)$/su.exec(note);
  return found?.[1] ?? null;
}

/** What is waited for, without the figures that change meanwhile: the same for as long as one waits for the same. */
export function nameWaiting(waiting: string): string {
  return waiting.split(/: |, /)[0]!;
}

/** The time left that a waiting tells, e.g. `about 2 min`, in ms; null when it tells none. */
export function readTimeLeft(waiting: string): number | null {
  const [, amount, unit] = /\babout (\d+) (s|min|h)\b/.exec(waiting) ?? [];
  if (amount === undefined) return null;
  const unitMs = unit === "s" ? 1000 : unit === "min" ? 60_000 : 3_600_000;
  return Number(amount) * unitMs;
}
