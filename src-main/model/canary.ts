import { GraphBuilder } from "./builder.ts";
import type { Graph } from "./graph.ts";

/** Name of the canary network; a new structure gets a new number, so that stored references are never compared across. */
export const canaryName = "canary-1";

/**
 * The small fixed network (12 MFLOPs, about 5 MB touched) that is run between inferences to tell the device's speed state.
 * It suffers from what measured networks suffer from: convolutions for the arithmetic units, depthwise, elementwise and
 * concatenation over maps beyond the first-level cache, and a fully connected layer whose weights exceed a core's own cache.
 */
export function buildCanary(): Graph {
  const builder = new GraphBuilder(canaryName, { seed: 1, description: "Latency Lab speed canary" });
  const image = builder.input([1, 96, 96, 3]);
  let x = builder.conv(image, 16, 3, { stride: 2, activation: "relu6", name: "stem" });
  x = builder.within("separable1", () => {
    const y = builder.depthwise(x, 3, { activation: "relu6" });
    return builder.conv(y, 32, 1, { activation: "relu6", name: "pointwise" });
  });
  x = builder.within("memory", () => {
    const swished = builder.hardSwish(x);
    const sum = builder.add(x, swished);
    const product = builder.mul(sum, swished);
    return builder.maxPool(builder.concat([x, swished, sum, product]), 2);
  });
  x = builder.within("separable2", () => {
    const y = builder.depthwise(x, 3, { stride: 2, activation: "relu6" });
    return builder.conv(y, 48, 1, { activation: "relu6", name: "pointwise" });
  });
  x = builder.conv(x, 48, 3, { stride: 2, activation: "relu6", name: "convolution" });
  x = builder.within("head", () => {
    const y = builder.conv(x, 512, 1, { activation: "relu6", name: "features" });
    return builder.fullyConnected(builder.globalAveragePool(y), 1000, { name: "classifier" });
  });
  return builder.build(x);
}
