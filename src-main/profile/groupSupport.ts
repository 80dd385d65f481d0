import { mainSubgraph, type Graph } from "../model/graph.ts";
import { countGroups } from "../model/groupSplitting.ts";

/**
 * Whether a TFLite of this version runs CONV_2D with groups, in float and int8: from 2.10 on, where version 6 of the operator
 * came (lite/tools/versioning/op_version.cc). Earlier ones, 2.9 among them, refuse the whole network, with XNNPACK too.
 */
export function runsGroups(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}

/** How many convolutions of the entry subgraph have groups. */
export function countGroupedConvolutions(graph: Graph): number {
  const main = mainSubgraph(graph);
  return main.ops.filter((op) => countGroups(main, op) > 1).length;
}

/**
 * Why TFLite of a version does not run a network with so many grouped convolutions, in words, or null when it does. Such a
 * network is not measured with its groups split: SPLIT, small convolutions and CONCATENATION take another time than one kernel,
 * so that the time would be another network's.
 */
export function explainGroups(grouped: number, version: string): string | null {
  if (grouped === 0 || runsGroups(version)) return null;
  const noun = grouped === 1 ? "a CONV_2D" : `${grouped} CONV_2D`;
  return `it has ${noun} with groups, which TFLite ${version} of this computer cannot run (2.10 is the first that can)`;
}
