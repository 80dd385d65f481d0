import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildResidualStages, buildShortcut, classify } from "./resnet.ts";
import type { ResidualUnit } from "./resnet.ts";

/** A unit of ResNet-50 with a kernel of 3 or 1 in the middle; no convolution is padded. */
interface BagnetUnit extends ResidualUnit {
  kernel: 1 | 3;
}

/** The units of ResNet-50 with stride in the first three stages and a 3×3 kernel in the first unit of the first two. */
function planStages(): BagnetUnit[][] {
  return [3, 4, 6, 3].map((depth, stage) =>
    Array.from({ length: depth }, (_, unit): BagnetUnit => {
      const first = unit === 0;
      return {
        filters: 256 * 2 ** stage,
        stride: first && stage < 3 ? 2 : 1,
        kernel: first && stage < 2 ? 3 : 1,
      };
    }),
  );
}

function buildUnit(builder: GraphBuilder, x: Value, unit: BagnetUnit): Value {
  const { filters, stride, kernel } = unit;
  const relu = { activation: "relu", padding: "valid" } as const;
  let y = builder.conv(x, filters / 4, 1, { ...relu, name: "conv1" });
  y = builder.conv(y, filters / 4, kernel, { ...relu, stride, name: "conv2" });
  y = builder.conv(y, filters, 1, { padding: "valid", name: "conv3" });
  let shortcut = buildShortcut(builder, x, unit);
  const [height, width] = [y.shape[1]!, y.shape[2]!];
  // The 3×3 kernel consumed a border; the shortcut loses it at the bottom and at the right.
  if (shortcut.shape[1]! > height)
    shortcut = builder.stridedSlice(shortcut, [0, 0, 0, 0], [1, height, width, filters], { name: "crop" });
  return builder.add(y, shortcut, { activation: "relu" });
}

function buildBagnet9(): Graph {
  const builder = new GraphBuilder("bagnet9");
  let x = builder.conv(builder.input([1, 224, 224, 3]), 64, 1, { bias: false, name: "stem1" });
  x = builder.conv(x, 64, 3, { padding: "valid", activation: "relu", name: "stem2" });
  return classify(
    builder,
    buildResidualStages(builder, x, planStages(), (input, unit) => buildUnit(builder, input, unit)),
  );
}

/** BagNets see the image in patches; the number is a patch's side in pixels. */
export const bagnet: ZooFamily = {
  family: "bagnet",
  paper:
    "Brendel and Bethge 2019, Approximating CNNs with Bag-of-local-Features models works surprisingly well on ImageNet, arXiv 1904.00760",
  networks: { bagnet9: buildBagnet9 },
};
