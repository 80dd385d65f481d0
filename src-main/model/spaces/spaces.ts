import { badRequest } from "../../lab/errors.ts";
import type { Graph } from "../graph.ts";
import { fbnetSpace } from "./fbnet.ts";
import { nasBench201Spaces } from "./nasBench201.ts";
import { onceForAllSpace } from "./onceForAll.ts";
import { proxylessSpace } from "./proxylessnas.ts";
import { EncodingError, type SearchSpace } from "./space.ts";

/** All search spaces whose candidates can be handed over as text. */
export const searchSpaces: readonly SearchSpace[] = [
  ...nasBench201Spaces,
  onceForAllSpace,
  proxylessSpace,
  fbnetSpace,
];

/** A candidate of a search space as a network: `name` is prefix and usual encoding, the same for all ways to write it. */
export interface CandidateNetwork {
  name: string;
  family: string;
  build: () => Graph;
}

/**
 * The network of `prefix:encoding`, or null when nothing of that form was given (patterns with * neither). Throws bad-request for
 * an encoding with a mistake, saying at which character and what is allowed there.
 */
export function findCandidate(text: string): CandidateNetwork | null {
  const colon = text.indexOf(":");
  const space = searchSpaces.find(({ prefix }) => prefix === text.slice(0, Math.max(colon, 0)));
  if (!space || text.includes("*")) return null;
  try {
    const { encoding, build } = space.read(text.slice(colon + 1));
    const name = `${space.prefix}:${encoding}`;
    return { name, family: space.family, build: () => build(name) };
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error;
    // People count characters from 1, and see the prefix too.
    const place = colon + 2 + error.position;
    throw badRequest(`${shorten(text)} is no network: at character ${place} ${error.message}`, error.allowed);
  }
}

/** The paper of a family of candidates, or null. */
export function findSpacePaper(family: string): string | null {
  return searchSpaces.find((space) => space.family === family)?.paper ?? null;
}

const longestShown = 60;

function shorten(text: string): string {
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}
