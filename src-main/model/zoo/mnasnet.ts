import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import type { ZooFamily } from "./family.ts";
import { buildInvertedUnit, buildStages, buildStem, channelsOf, classifyDense } from "./mobileBlocks.ts";

/** A row of the paper's figure 7: expansion, kernel, squeeze-excite, channels, units, stride of the first unit. */
type Row = readonly [expansion: number, kernel: 3 | 5, "SE" | "", channels: number, units: number, stride: 1 | 2];

interface Plan {
  rows: readonly Row[];
  /** Whether the unit before the last convolution, which changes the channels, may add its input. */
  features: number;
}

const plans: Record<string, Plan> = {
  mnasnet_a1: {
    rows: [
      [1, 3, "", 16, 1, 1],
      [6, 3, "", 24, 2, 2],
      [3, 5, "SE", 40, 3, 2],
      [6, 3, "", 80, 4, 2],
      [6, 3, "SE", 112, 2, 1],
      [6, 5, "SE", 160, 3, 2],
      [6, 3, "", 320, 1, 1],
    ],
    features: 1280,
  },
  mnasnet_b1: {
    rows: [
      [1, 3, "", 16, 1, 1],
      [3, 3, "", 24, 3, 2],
      [3, 5, "", 40, 3, 2],
      [6, 5, "", 80, 3, 2],
      [6, 3, "", 96, 2, 1],
      [6, 5, "", 192, 4, 2],
      [6, 3, "", 320, 1, 1],
    ],
    features: 1280,
  },
};
