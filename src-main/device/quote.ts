import { badRequest } from "../lab/errors.ts";

/**
 * One word of a POSIX shell that stands for `text`, whatever is in it: single quotes, inside which nothing is special. Half
 * surrogate pairs become U+FFFD, as they do in UTF-8. Rejects with bad-request what no shell word can hold, a NUL.
 */
export function quote(text: string): string {
  if (text.includes("\0"))
    throw badRequest(
      `${JSON.stringify(text.slice(0, 80))} holds a NUL character, which no command line can carry`,
      "Take the character out of the name.",
    );
  // A single quote cannot stand inside single quotes: the word is left, an escaped one written, and entered again.
  return `'${text.toWellFormed().replaceAll("'", String.raw`'\''`)}'`;
}
