// Control and invisible format characters (also those that turn the direction of writing), line ends, lone surrogates.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** One printable line of what a phone said: control characters become spaces, and it ends after `limit` characters. */
export function cleanText(text: string, limit = 120): string {
  const line = text
    .slice(0, limit * 4)
    .replace(unprintable, " ")
    .replace(/\s+/g, " ")
    .trim();
  return line.length <= limit
    ? line
    : `${line
        .slice(0, limit - 1)
        .toWellFormed()
        .trimEnd()}…`;
}

/** The same, or null when nothing is left. */
export function cleanTextOrNull(text: string | null | undefined, limit = 120): string | null {
  return text === null || text === undefined ? null : cleanText(text, limit) || null;
}

/** A number a phone wrote, when it is one and within the bounds; else null. */
export function parseNumber(text: string | undefined, lowest: number, highest: number): number | null {
  if (text === undefined || !/^\s*[-+]?\d{1,15}(?:\.\d{1,15})?\s*$/.test(text)) return null;
  const value = Number(text);
  return value >= lowest && value <= highest ? value : null;
}
