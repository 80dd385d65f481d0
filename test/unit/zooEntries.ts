import { countElements, mainSubgraph, type Graph } from "../../src-main/model/graph.ts";
import { findZooNetwork, type ZooEntry } from "../../src-main/model/zoo/zoo.ts";

/** A network of the zoo; throws when there is none of that name. */
export function findEntry(name: string): ZooEntry {
  const entry = findZooNetwork(name);
  if (!entry) throw new Error(`The zoo has no ${name}`);
  return entry;
}

/** How often each operator occurs. */
export function countOps(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of mainSubgraph(graph).ops) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

/**
 * Trained parameters before a converter folds batch norm away: each folded norm has two numbers a channel where the folded
 * convolution has one, and biases of zeros are no parameters.
 */
export function countTrainedParameters({ family, build }: ZooEntry): number {
  const { ops, tensors } = mainSubgraph(build());
  let count = 0;
  const weightsOf = (inputs: number[]) =>
    inputs.map((index) => tensors[index]!).filter(({ dtype, data }) => dtype === "float32" && data);
  for (const op of ops) {
    const [weights, bias] = weightsOf(op.inputs);
    // Scalars belong to the operators that activations are spelt with.
    if (!weights || weights.shape.length === 0) continue;
    count += countElements(weights.shape);
    if (!bias || (bias.data?.kind === "random" && bias.data.limit === 0)) continue;
    const name = tensors[op.outputs[0]!]!.name;
    const plain = /classifier|squeeze_excite/.test(name) || /^(squeeze(res)?net|diracnet)$/.test(family);
    // These have a bias and a norm.
    const both = family === "bninception" || /^head\/(down\d|final)$/.test(name);
    count += bias.shape[0]! * (plain ? 1 : both ? 3 : 2);
  }
  return count;
}
