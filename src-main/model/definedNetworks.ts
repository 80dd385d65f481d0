import type { Graph } from "./graph.ts";
import { findCandidate, findSpacePaper } from "./spaces/spaces.ts";
import { findZooNetwork, zooFamilies } from "./zoo/zoo.ts";

/** A network that its name alone defines: one of the zoo, or what an encoding of a search space stands for. */
export interface DefinedNetwork {
  /** An encoding in its usual form, whatever it was written like. */
  name: string;
  /** As the library lists it; candidates of a search space count as sampled. */
  kind: "zoo" | "sampled";
  family: string;
  build: () => Graph;
}

/** The network a name defines, or null when it defines none; throws bad-request for an encoding with a mistake, saying where. */
export function findDefinedNetwork(name: string): DefinedNetwork | null {
  const entry = findZooNetwork(name);
  if (entry) return { name, kind: "zoo", family: entry.family, build: entry.build };
  const candidate = findCandidate(name);
  return candidate && { ...candidate, kind: "sampled" };
}

/** The paper the networks of a family come from, or null for a family that is not from one. */
export function findPaper(family: string): string | null {
  return zooFamilies.find((known) => known.family === family)?.paper ?? findSpacePaper(family);
}
