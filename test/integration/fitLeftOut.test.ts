import { describe, expect, it } from "vitest";
import { simulateMeasurement } from "../../bench/simulatedDevice.ts";
import { sampleNetwork } from "../../src-main/model/searchSpace.ts";
import type { MeasuredNetwork } from "../../src-main/predict/dataset.ts";
import { fitPredictor } from "../../src-main/predict/predictor.ts";

const measured = Array.from({ length: 20 }, (_, index) => simulateMeasurement(sampleNetwork(3, index), 1));

/** A network measured while the device was six times slower, with an activation that no other network has. */
function disturb(network: MeasuredNetwork): MeasuredNetwork {
  const subgraphs = network.graph.subgraphs.map((subgraph) => ({
    ...subgraph,
    ops: subgraph.ops.map((op) => (op.type === "HARD_SWISH" ? { ...op, type: "TANH" } : op)),
  }));
  return {
    ...network,
    graph: { ...network.graph, subgraphs },
    latencyMs: 6 * network.latencyMs,
    opTimes: network.opTimes.map((time) => ({ ...time, ms: 6 * time.ms })),
  };
}

describe("a fit that leaves out a disturbed network", () => {
  it("does without the kernel classes which only that network has", async () => {
    const place = measured.findIndex(({ graph }) =>
      graph.subgraphs[0]!.ops.some((op) => op.type === "HARD_SWISH"),
    );
    const networks = measured.with(place, disturb(measured[place]!));
    const { leftOut, scores } = await fitPredictor({
      scenario: "sim/1core/float32/tflite",
      networks,
      learner: "lasso",
      seed: 1,
      workers: 0,
    });
    expect(leftOut.map(({ model }) => model)).toEqual([networks[place]!.model]);
    expect(scores.classes.map(({ kernel }) => kernel)).not.toContain("activation-tanh");
    expect(scores.points.map(({ model }) => model)).toContain(networks[place]!.model);
  });
});
