import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { classify } from "./resnet.ts";

/** Table 1 of the paper at 18 layers: channels and convolutions of each stage, a 2×2 pool between stages. */
const stages = [
  { filters: 64, depth: 4 },
  { filters: 128, depth: 4 },
  { filters: 256, depth: 4 },
  { filters: 512, depth: 4 },
];

function buildDiracnet18(): Graph {
  const builder = new GraphBuilder("diracnet18v2");
  let x = builder.conv(builder.input([1, 224, 224, 3]), 64, 7, { stride: 2, padding: 3, name: "stem" });
  // A ReLU stands before every convolution; behind a convolution it is fused, behind a pool it is not.
  x = builder.relu(builder.maxPool(x, 3, { stride: 2, padding: "same", name: "stem_pool" }));
  stages.forEach(({ filters, depth }, stage) => {
    builder.within(`stage${stage + 1}`, () => {
      for (let index = 1; index <= depth; index++) {
        const pooled = index === depth && stage < stages.length - 1;
        const activation = pooled ? "none" : "relu";
        x = builder.conv(x, filters, 3, { padding: 1, activation, name: `conv${index}` });
        if (pooled) x = builder.relu(builder.maxPool(x, 2, { padding: "valid", name: "pool" }));
      }
    });
  });
  return classify(builder, x);
}

/** DiracNets of version 2, whose skip connections and norms are folded into the filters. */
export const diracnet: ZooFamily = {
  family: "diracnet",
  paper:
    "Zagoruyko and Komodakis 2017, DiracNets: Training Very Deep Neural Networks Without Skip-Connections, arXiv 1706.00388",
  networks: { diracnet18v2: buildDiracnet18 },
};
