import { beforeAll, describe, expect, it } from "vitest";
import { listTrueTimes, simulateMeasurement } from "../../bench/simulatedDevice.ts";
import { LabError } from "../../src-main/lab/errors.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { sampleNetwork } from "../../src-main/model/searchSpace.ts";
import type { MeasuredNetwork } from "../../src-main/predict/dataset.ts";
import {
  decodePredictor,
  describePredictor,
  encodePredictor,
  fitPredictor,
  predictNetwork,
  type FittedPredictor,
} from "../../src-main/predict/predictor.ts";

const scenario = "sim/1core/float32/tflite";
const measure = (index: number, seed = 1) => simulateMeasurement(sampleNetwork(3, index), seed);
const training = Array.from({ length: 40 }, (_, index) => measure(index));
const unseen = Array.from({ length: 40 }, (_, index) => measure(100 + index));

function fit(changed: Partial<Parameters<typeof fitPredictor>[0]> = {}): Promise<FittedPredictor> {
  return fitPredictor({ scenario, networks: training, learner: "auto", seed: 1, workers: 0, ...changed });
}

function errorOn(predictor: FittedPredictor, networks: readonly MeasuredNetwork[]): number {
  const errors = networks.map(({ graph, latencyMs }) =>
    Math.abs(predictNetwork(predictor, graph).latencyMs / latencyMs - 1),
  );
  return (100 * errors.reduce((sum, error) => sum + error, 0)) / errors.length;
}

let auto: FittedPredictor;
beforeAll(async () => {
  auto = await fit();
});

describe("a fitted predictor", () => {
  it.each(["lasso", "boosting", "auto"] as const)("by %s predicts unseen networks", async (learner) => {
    const predictor = learner === "auto" ? auto : await fit({ learner });
    const { crossValidated, baseline } = predictor.scores;
    expect(errorOn(predictor, unseen)).toBeLessThan(6);
    expect(crossValidated.mape).toBeLessThan(6);
    expect(crossValidated.mape).toBeLessThan(baseline.mape / 2);
    expect(crossValidated.models).toBe(training.length);
  });

  it("has intervals that hold about nine of ten unseen networks and kernels", async () => {
    const predicted = unseen.map(({ graph, latencyMs }) => ({
      ...predictNetwork(auto, graph),
      measuredMs: latencyMs,
    }));
    const inside = predicted.filter((p) => p.lowMs <= p.measuredMs && p.measuredMs <= p.highMs).length;
    expect(inside / unseen.length).toBeGreaterThanOrEqual(0.8);
    const ops = predicted.flatMap((prediction, place) =>
      prediction.ops.map((op) => ({ op, ms: unseen[place]!.opTimes[op.index]!.ms })),
    );
    const held = ops.filter(({ op, ms }) => op.lowMs <= ms && ms <= op.highMs).length;
    expect(held / ops.length).toBeGreaterThan(0.85);
    expect(held / ops.length).toBeLessThan(0.97);
    // Wide enough, and not by being as wide as the sea.
    const widths = predicted.map(({ lowMs, highMs }) => highMs / lowMs).sort((a, b) => a - b);
    expect(widths[20]).toBeLessThan(1.35);
  });

  it("adds up: latency is the sum of its kernels and the overhead, none of them zero", () => {
    for (const { graph } of unseen.slice(0, 10)) {
      const prediction = predictNetwork(auto, graph);
      const sum = prediction.ops.reduce((total, op) => total + op.ms, 0);
      expect(prediction.latencyMs).toBeCloseTo(sum + prediction.overheadMs, 9);
      expect(prediction.ops.length).toBe(mainSubgraph(graph).ops.length);
      for (const op of prediction.ops) {
        expect(op.ms).toBeGreaterThan(0);
        expect(op.lowMs).toBeLessThan(op.ms);
        expect(op.highMs).toBeGreaterThan(op.ms);
      }
    }
  });

  it("is bit for bit the same for any number of workers", async () => {
    const few = training.slice(0, 8);
    const [none, ...others] = await Promise.all(
      [0, 1, 2, 3].map((workers) => fit({ networks: few, workers })),
    );
    const bytes = encodePredictor({ ...none!, fitMs: 0 });
    for (const other of others) expect(encodePredictor({ ...other, fitMs: 0 })).toEqual(bytes);
    const reseeded = await fit({ networks: few, seed: 2 });
    expect(encodePredictor({ ...reseeded, fitMs: 0, seed: 1 })).not.toEqual(bytes);
  });

  it("counts a network measured in several cells once", async () => {
    const repeated = training
      .slice(0, 12)
      .flatMap((network) => [network, { ...network, cell: -network.cell }]);
    const predictor = await fit({ networks: repeated, learner: "lasso" });
    expect(predictor.trainedOn.length).toBe(12);
    expect(predictor.cells.length).toBe(24);
    expect(predictor.scores.points.length).toBe(12);
  });

  it("leaves out networks measured while the device was slow, and says so", async () => {
    const networks = training
      .slice(0, 24)
      .map((network, place) => (place === 5 ? slow(network, 1.7) : network));
    const predictor = await fit({ networks, learner: "lasso" });
    const { leftOut, trainedOn } = describePredictor(predictor);
    expect(leftOut.map(({ model }) => model)).toEqual([networks[5]!.model]);
    expect(leftOut[0]!.reason).toContain("slower than usual");
    expect(trainedOn).not.toContain(networks[5]!.model);
    expect(predictor.cells).not.toContain(networks[5]!.cell);
    // It is still predicted and scored: leaving it out of the score would be hiding it.
    expect(predictor.scores.points.map(({ model }) => model)).toContain(networks[5]!.model);
  });
});

describe("what a predictor does not know", () => {
  it("is uncovered with a reason, never 0 in silence", () => {
    const { graph } = unseen[0]!;
    const changed = structuredClone(graph);
    const ops = mainSubgraph(changed).ops;
    ops[2] = { ...ops[2]!, type: "Mystery", custom: true };
    const prediction = predictNetwork(auto, changed);
    expect(prediction.uncovered).toEqual([
      { index: 2, op: "Mystery", reason: expect.stringContaining("custom") },
    ]);
    expect(prediction.ops.map((op) => op.index)).not.toContain(2);
  });

  it("is estimated from related kernels, marked, and widens the interval", () => {
    const { graph } = unseen[0]!;
    const before = predictNetwork(auto, graph);
    const changed = structuredClone(graph);
    const ops = mainSubgraph(changed).ops;
    const place = ops.findIndex((op) => op.type === "CONV_2D");
    // A class no network of the search space has.
    const relu = ops.findIndex((op) => op.type === "MEAN" || op.type === "AVERAGE_POOL_2D");
    ops[relu] = { ...ops[relu]!, type: "TANH", attributes: {} };
    const prediction = predictNetwork(auto, changed);
    const op = prediction.ops.find(({ index }) => index === relu)!;
    expect(op.kernel).toBe("activation-tanh");
    expect(op.ms).toBeGreaterThan(0);
    expect(op.extrapolated[0]).toMatch(/no activation-tanh kernel was measured/);
    expect(prediction.highMs / prediction.latencyMs).toBeGreaterThan(before.highMs / before.latencyMs);
    expect(prediction.ops.find(({ index }) => index === place)!.extrapolated).toEqual([]);
  });

  it("outside the training range grows with the work and says what lies outside", () => {
    const { graph } = unseen[0]!;
    const huge = structuredClone(graph);
    const main = mainSubgraph(huge);
    const place = main.ops.findIndex((op) => op.type === "CONV_2D");
    const op = main.ops[place]!;
    const scale = (tensor: number) => {
      const shape = main.tensors[tensor]!.shape;
      main.tensors[tensor] = {
        ...main.tensors[tensor]!,
        shape: [shape[0]!, shape[1]! * 20, shape[2]! * 20, shape[3]!],
      };
    };
    scale(op.inputs[0]!);
    scale(op.outputs[0]!);
    const before = predictNetwork(auto, graph).ops[place]!;
    const after = predictNetwork(auto, huge).ops[place]!;
    expect(after.ms).toBeGreaterThan(before.ms * 100);
    expect(after.ms).toBeLessThan(before.ms * 1600);
    expect(after.extrapolated.join()).toMatch(/above the .* seen in training/);
    expect(after.highMs / after.ms).toBeGreaterThan((before.highMs / before.ms) * 1.5);
  });

  it("of a class with few rows is told in its fallback", () => {
    const { classes } = describePredictor(auto);
    const simple = classes.filter(({ learner }) => learner === "roofline");
    expect(simple.length).toBeGreaterThan(0);
    for (const { fallback } of simple) expect(fallback).toMatch(/too few/);
    for (const { learner, fallback } of classes) if (learner !== "roofline") expect(fallback).toBeNull();
    expect(classes.reduce((sum, { timeShare }) => sum + timeShare, 0)).toBeCloseTo(100, 6);
  });

  it("includes the overhead the device adds", async () => {
    const networks = training
      .slice(0, 16)
      .map((network) => ({ ...network, latencyMs: network.latencyMs + 12 }));
    const predictor = await fit({ networks, learner: "lasso" });
    expect(describePredictor(predictor).overheadMs).toBeGreaterThan(11);
    expect(describePredictor(predictor).overheadMs).toBeLessThan(14);
    const { graph } = unseen[0]!;
    const { overheadMs, latencyMs, ops } = predictNetwork(predictor, graph);
    expect(overheadMs).toBeGreaterThan(10);
    expect(latencyMs - ops.reduce((sum, op) => sum + op.ms, 0)).toBeCloseTo(overheadMs, 9);
  });
});

describe("requests that cannot be met", () => {
  const codeOf = async (promise: Promise<unknown>) => {
    const error: unknown = await promise.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(LabError);
    return (error as LabError).code;
  };

  it("are refused in words", async () => {
    expect(await codeOf(fit({ networks: training.slice(0, 3) }))).toBe("too-little-data");
    // Whole networks' times alone suffice for the lab's own choice, not for learners of single ops.
    const untimed = training.map((network) => ({ ...network, opTimes: [] }));
    expect(await codeOf(fit({ networks: untimed, learner: "lasso" }))).toBe("too-little-data");
    expect(await codeOf(fit({ networks: untimed.slice(0, 3) }))).toBe("too-little-data");
    expect(await codeOf(fit({ scenario: "nonsense" }))).toBe("bad-request");
    expect(await codeOf(fit({ scenario: "phone/gpu/float16/gpu-cl" }))).toBe("scenario-unsupported");
    expect(await codeOf(fit({ networks: [{ ...training[0]!, latencyMs: NaN }, ...training] }))).toBe(
      "bad-request",
    );
  });

  it.each([0, 2])("end at once when cancelled (%i workers)", async (workers) => {
    const controller = new AbortController();
    const notes: string[] = [];
    const fitting = fit({
      workers,
      signal: controller.signal,
      onProgress: (done, total, note) => {
        notes.push(`${done}/${total} ${note}`);
        if (done === 3) controller.abort();
      },
    });
    expect(await codeOf(fitting)).toBe("cancelled");
    expect(notes.length).toBeLessThan(10);
    const before = AbortSignal.abort();
    expect(await codeOf(fit({ workers, signal: before }))).toBe("cancelled");
  });
});

describe("a stored predictor", () => {
  it("predicts exactly as before", () => {
    const again = decodePredictor(encodePredictor(auto));
    for (const { graph } of unseen.slice(0, 5))
      expect(predictNetwork(again, graph)).toEqual(predictNetwork(auto, graph));
    expect(describePredictor(again)).toEqual(describePredictor(auto));
  });

  it("says why it cannot be read", () => {
    const bytes = encodePredictor(auto);
    const spoil = (change: (copy: Uint8Array, view: DataView) => Uint8Array | undefined) => () => {
      const copy = bytes.slice();
      return decodePredictor(change(copy, new DataView(copy.buffer)) ?? copy);
    };
    expect(spoil((_, view) => void view.setUint32(8, 99, true))).toThrow(/newer Latency Lab \(format 99/);
    expect(spoil((copy) => copy.subarray(0, copy.length - 5))).toThrow(/damaged/);
    expect(spoil((copy) => copy.subarray(0, 25))).toThrow(/cut off/);
    expect(spoil((copy) => void (copy[copy.length - 100]! ^= 1))).toThrow(/checksum/);
    expect(() => decodePredictor(new Uint8Array(3))).toThrow(/not a stored predictor/);
    expect(() => decodePredictor(new TextEncoder().encode('{"hello": "world, how are you"}'))).toThrow(
      /not a stored/,
    );
  });

  it("is refused when its parts do not fit together", () => {
    const reread = (changed: Partial<FittedPredictor>) => () =>
      decodePredictor(encodePredictor({ ...auto, ...changed }));
    const [first, ...rest] = auto.classes;
    expect(reread({ classes: [{ ...first!, features: ["FLOPs"] }, ...rest] })).toThrow(/other features/);
    expect(reread({ classes: [{ ...first!, rangeLow: new Float64Array(1) }, ...rest] })).toThrow(
      /number of features/,
    );
    expect(reread({ standIns: [] })).toThrow(/structure/);
    expect(reread({ spread: NaN })).toThrow(/structure .* spread/);
    const trees = auto.classes.flatMap((model) =>
      model.corrections.flatMap((correction) =>
        correction.kind === "boosting" ? [{ model, correction }] : [],
      ),
    )[0]!;
    // A child before its parent would make a walk go round for ever.
    const looping = {
      ...trees.correction,
      trees: { ...trees.correction.trees, left: trees.correction.trees.left.map(() => 0) },
    };
    expect(
      reread({
        classes: auto.classes.map((model) =>
          model === trees.model ? { ...model, corrections: [looping] } : model,
        ),
      }),
    ).toThrow(/do not exist/);
  });

  it("survives random damage as a clear refusal or the same predictor", () => {
    const bytes = encodePredictor(auto);
    for (let trial = 0; trial < 200; trial++) {
      const copy = bytes.slice();
      copy[(trial * 7919) % 400]! ^= 1 << (trial % 8);
      expect(() => decodePredictor(copy)).toThrow();
    }
  });
});

describe("the simulated device", () => {
  it("is what the predictor is after: its true times, without noise", () => {
    const errors = unseen.flatMap(({ graph }) => {
      const truth = listTrueTimes(graph);
      return predictNetwork(auto, graph).ops.map((op) => Math.abs(op.ms / truth[op.index]! - 1));
    });
    errors.sort((a, b) => a - b);
    expect(errors[errors.length >> 1]!).toBeLessThan(0.05);
  });
});

function slow(network: MeasuredNetwork, factor: number): MeasuredNetwork {
  return {
    ...network,
    latencyMs: network.latencyMs * factor,
    opTimes: network.opTimes.map(({ op, ms }) => ({ op, ms: ms * factor })),
  };
}
