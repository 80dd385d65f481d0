import { findDefinedNetwork } from "../model/definedNetworks.ts";

/** The word that stands for every network of the zoo. */
export const wholeZoo = "all";

/** Whether a name is the one given, or fits a pattern in which `*` stands for anything. */
export function matchName(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === name;
  const [first, last] = [parts.shift()!, parts.pop()!];
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false;
  // The leftmost place of each part leaves most room to the next.
  let place = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, place);
    if (found < 0) return false;
    place = found + part.length;
  }
  return place <= name.length - last.length;
}

/** Whether a name alone defines a network, as those of the zoo and encodings do; throws bad-request for an encoding with a mistake. */
export function definesNetwork(name: string): boolean {
  return findDefinedNetwork(name) !== null;
}
