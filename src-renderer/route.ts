/** The nouns of the left rail, each a screen. */
export const nouns = ["devices", "models", "runs", "predictors", "predict"] as const;
export type Noun = (typeof nouns)[number];

/** Where the window is: a noun, what of it (`["12", "cells", "34"]`), and choices worth keeping in the address. */
export interface Route {
  noun: Noun;
  path: string[];
  query: Record<string, string>;
}

/** Reads an address such as `#/runs/12?view=samples`; anything unknown is the devices. */
export function parseRoute(hash: string): Route {
  const [pathText = "", queryText = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [first = "", ...rest] = pathText
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  const noun = nouns.find((candidate) => candidate === first);
  if (!noun) return { noun: "devices", path: [], query: {} };
  return { noun, path: rest, query: Object.fromEntries(new URLSearchParams(queryText)) };
}

// A broken escape in a typed address is the text itself, not a reason to fail.
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a route, e.g. `#/runs/12`. */
export function formatRoute(
  noun: Noun,
  path: readonly (string | number)[] = [],
  query: Record<string, string | number | undefined> = {},
): string {
  const parts = [noun, ...path.map((part) => encodeURIComponent(String(part)))];
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== "") search.set(key, String(value));
  const queryText = search.toString();
  return `#/${parts.join("/")}${queryText ? `?${queryText}` : ""}`;
}

/** A number of a route's path, or null when it is not a positive whole number. */
export function readId(part: string | undefined): number | null {
  return part !== undefined && /^[1-9]\d{0,14}$/.test(part) ? Number(part) : null;
}
