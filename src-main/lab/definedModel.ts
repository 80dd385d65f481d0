import { costGraph } from "../model/cost.ts";
import type { DefinedNetwork } from "../model/definedNetworks.ts";
import { estimateFileBytes } from "../model/fileSize.ts";
import { mainSubgraph, type Graph } from "../model/graph.ts";
import { hashRecipe, type NewRecipe } from "../store/recipes.ts";
import type { ModelSummary } from "./contract.ts";

/** What a list tells of a network that nobody has put into the library. */
type Description = Omit<ModelSummary, "addedAt" | "measuredOn">;

/** A model an argument stands for by its name alone; nothing is built before something is asked that needs the graph. */
export class DefinedModel {
  readonly kind = "defined";
  readonly network: DefinedNetwork;
  private description: Description | null = null;

  constructor(network: DefinedNetwork) {
    this.network = network;
  }

  get name(): string {
    return this.network.name;
  }

  /** The hash it has in the library. */
  get hash(): string {
    return this.describe().hash;
  }

  buildGraph(): Graph {
    return this.network.build();
  }

  /** Its figures; `bytes` is estimated within 1 %. */
  describe(): Description {
    this.description ??= describeGraph(this.network, this.buildGraph());
    return this.description;
  }

  /** What the library keeps of it. */
  createRecipe(): NewRecipe {
    const graph = this.buildGraph();
    this.description ??= describeGraph(this.network, graph);
    const { name, family, kind, ops, flops, params, bytes } = this.description;
    return { name, family, kind, graph, ops, flops, params, bytes };
  }
}

function describeGraph({ name, family, kind }: DefinedNetwork, graph: Graph): Description {
  const { flops, params } = costGraph(graph);
  return {
    name,
    family,
    kind,
    ops: mainSubgraph(graph).ops.length,
    flops,
    params,
    bytes: estimateFileBytes(graph),
    hash: hashRecipe(graph),
  };
}
