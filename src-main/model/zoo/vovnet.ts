import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import { ceilPool } from "./ceilPool.ts";
import type { ZooFamily } from "./family.ts";
import { classify } from "./resnet.ts";

/** One module a stage: channels of its five 3×3 convolutions and of its output; half the paper's. */
const stages = [
  { branch: 64, filters: 128 },
  { branch: 80, filters: 256 },
  { branch: 96, filters: 384 },
  { branch: 112, filters: 512 },
];

/** One-shot aggregation: five convolutions in a row, concatenated with the input once at the end. */
function buildModule(builder: GraphBuilder, x: Value, branch: number, filters: number): Value {
  const pieces = [x];
  for (let index = 1; index <= 5; index++)
    pieces.push(builder.conv(pieces.at(-1)!, branch, 3, { activation: "relu", name: `conv${index}` }));
  return builder.conv(builder.concat(pieces), filters, 1, { activation: "relu", name: "aggregate" });
}

function buildVovnet27s(): Graph {
  const builder = new GraphBuilder("vovnet27s");
  const relu = { activation: "relu" } as const;
  let x = builder.conv(builder.input([1, 224, 224, 3]), 64, 3, { ...relu, stride: 2, name: "stem1" });
  x = builder.conv(x, 64, 3, { ...relu, name: "stem2" });
  x = builder.conv(x, 128, 3, { ...relu, stride: 2, name: "stem3" });
  stages.forEach(({ branch, filters }, stage) => {
    x = builder.within(`stage${stage + 1}`, () =>
      buildModule(builder, stage > 0 ? ceilPool(builder, x) : x, branch, filters),
    );
  });
  return classify(builder, x);
}

/** VoVNet-27-slim. */
export const vovnet: ZooFamily = {
  family: "vovnet",
  paper:
    "Lee et al. 2019, An Energy and GPU-Computation Efficient Backbone Network for Real-Time Object Detection, arXiv 1904.09730",
  networks: { vovnet27s: buildVovnet27s },
};
