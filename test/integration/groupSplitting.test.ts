import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { splitGroups } from "../../src-main/model/groupSplitting.ts";
import { quantizeGraph } from "../../src-main/model/quantize.ts";
import { loadTflite, locateTfliteLibrary } from "../../src-main/profile/tfliteLibrary.ts";
import { outputScale, runReal } from "./quantizedRuntime.ts";

const path = locateTfliteLibrary();

describe.skipIf(!path)("a split convolution computes what the grouped one is defined to", () => {
  const builder = new GraphBuilder("grouped");
  const graph = builder.build(builder.conv(builder.input([1, 1, 1, 4]), 4, 1, { groups: 2 }));
  const { ops, tensors, inputs, outputs } = mainSubgraph(graph);
  // Filters 1 and 2 see channels 1 and 2, filters 3 and 4 see channels 3 and 4.
  tensors[ops[0]!.inputs[1]!]!.data = { kind: "values", values: [1, 2, 3, 4, 5, 6, 7, 8] };
  tensors[ops[0]!.inputs[2]!]!.data = { kind: "values", values: [0.5, 0, 0, -0.5] };

  test("in float32", () => {
    const [output] = runReal(loadTflite(path!), splitGroups(graph), (index) => 10 ** index);
    expect([...output!]).toEqual([21.5, 43, 6500, 8699.5]);
  });

  test("in int8, each group with its channels' scales", () => {
    const calibration = new Map([
      [inputs[0]!, [-1, 1] as const],
      [outputs[0]!, [-0.5, 8.5] as const],
    ]);
    const quantized = quantizeGraph(graph, { calibration });
    const [output] = runReal(
      loadTflite(path!),
      splitGroups(quantized),
      (index) => [0.5, -0.5, 1, 0.25][index]!,
    );
    const exact = [0, -0.5, 6.5, 8.5];
    exact.forEach((value, at) =>
      expect(Math.abs(output![at]! - value)).toBeLessThan(2 * outputScale(quantized)),
    );
  });
});
