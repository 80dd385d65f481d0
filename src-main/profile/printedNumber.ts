const plain = /^[+-]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/;

/**
 * Reads a number as C and C++ print it, exponent form included; null for anything else, such as a decimal comma, `nan`, an
 * empty field or leftovers of a damaged line.
 */
export function readPrintedNumber(text: string | undefined): number | null {
  if (text === undefined || text.length > 40 || !plain.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** The same for what cannot be negative: times, counts and sizes. */
export function readPrintedAmount(text: string | undefined): number | null {
  const value = readPrintedNumber(text);
  return value === null || value < 0 || Object.is(value, -0) ? null : value;
}
