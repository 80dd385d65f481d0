/** A scenario with whole networks' times only, from its published file to predictions in the lab and on the command line. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCpuScenarios } from "../../src-main/evaluate/cpuScenarios.ts";
import { studyCpu, type CpuStudyRequest } from "../../src-main/evaluate/cpuStudy.ts";
import type { PredictorDetail } from "../../src-main/lab/contract.ts";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { costGraph } from "../../src-main/model/cost.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { findZooNetwork } from "../../src-main/model/zoo/zoo.ts";
import { fitPredictor } from "../../src-main/predict/predictor.ts";
import { runCommand } from "./commandLine.ts";
import { finish } from "./finish.ts";

const scenario = "made/1large/float32/tflite";
const measured = [
  ..."resnet10 resnet12 resnet14 resnet18_wd4 preresnet10 preresnet18_wd4 seresnet10 squeezenet_v1_1".split(
    " ",
  ),
  ..."squeezeresnet_v1_1 mobilenet_wd2 mobilenet_wd4 mobilenetv2_wd2 mobilenetv2_wd4 fdmobilenet_wd4".split(
    " ",
  ),
];
/** Nobody measured it; it is timed by the same rule to check predictions against. */
const unseen = "mobilenet_w3d4";

/** Microseconds of a made-up phone: so much for arithmetic, for traffic and for each op. */
function timeNetwork(name: string): number {
  const graph = findZooNetwork(name)!.build();
  const { flops, bytes } = costGraph(graph);
  return flops / 2e4 + bytes / 4e3 + 5 * mainSubgraph(graph).ops.length;
}

function writeTable(path: string, changed: Record<string, number> = {}): void {
  const rows = measured.map((name) => {
    const us = timeNetwork(name) * (changed[name] ?? 1);
    return `${name},,,${us},${us / 100},${us / 2}`;
  });
  const header = "model,FLOPS,size,made|1large|float|mean,made|1large|float|std,made|1large|quant|mean";
  writeFileSync(path, [header, ...rows, "nobodys_network,,,1000,1,500"].join("\n"));
}

let folder: string;
let file: string;
let lab: OpenedLab;
let detail: PredictorDetail;
const notes: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "latlab-e2e-"));
  file = join(folder, "tflite_cnn_real_e2e.csv");
  writeTable(file);
  lab = await openLab({ folder: join(folder, "lab") });
  lab.subscribe((event) => {
    if (event.type === "job" && event.job.kind === "fit" && event.job.progress.state === "running")
      notes.push(event.job.progress.note);
  });
  await finish(lab, lab.startImportPublished({ path: folder }));
  const { id } = await finish(lab, lab.startFit({ scenario }));
  detail = await lab.predictor({ predictor: id });
}, 120_000);
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a predictor from end-to-end times alone", () => {
  it("says so, with scores by cross-validation and no error of single kernels", () => {
    expect(detail.endToEndOnly).toBe(true);
    expect([...detail.trainedOn].sort()).toEqual([...measured].sort());
    expect(detail.points.length).toBe(measured.length);
    expect(detail.crossValidated.mape).toBeLessThan(detail.baseline.mape);
    for (const row of detail.classes) {
      expect(row.medianApe).toBeNull();
      expect(row.fallback).toContain("inferred");
    }
    expect(detail.classes.reduce((sum, { timeShare }) => sum + timeShare, 0)).toBeCloseTo(100, 6);
  });

  it("tells of networks without a graph while it fits", () => {
    expect(notes.some((note) => note.includes("1 network without a graph"))).toBe(true);
  });

  it("predicts a network nobody measured; its ops are inferred and add up", async () => {
    const [prediction] = await lab.predict({ models: [unseen], scenario });
    const { ops, latencyMs, lowMs, highMs, overheadMs } = prediction!;
    expect(Math.abs(latencyMs / (timeNetwork(unseen) / 1000) - 1)).toBeLessThan(0.15);
    expect(ops.reduce((sum, { ms }) => sum + ms, overheadMs)).toBeCloseTo(latencyMs, 9);
    expect(ops.length).toBe(mainSubgraph(findZooNetwork(unseen)!.build()).ops.length);
    expect(lowMs).toBeLessThan(latencyMs);
    expect(highMs).toBeGreaterThan(latencyMs);
    for (const op of ops) {
      expect(op.inferred).toBe(true);
      expect(op.lowMs).toBeLessThan(op.ms);
      expect(op.highMs).toBeGreaterThan(op.ms);
    }
  });

  it("widens its intervals where networks surprise it, and trusts few that do not no more than the deviations it predicts", async () => {
    const fit = async (changed: Record<string, number>) => {
      const networks = measured.map((model, cell) => ({
        ...{ model, family: model, cell, opTimes: [] },
        graph: findZooNetwork(model)!.build(),
        latencyMs: (timeNetwork(model) / 1000) * (changed[model] ?? 1),
      }));
      const { endToEnd } = await fitPredictor({ scenario, networks, learner: "auto", seed: 1, workers: 0 });
      return endToEnd!.spread;
    };
    // 90 % of Student's t distribution with 4 degrees of freedom lie within 2.132 scales.
    expect(await fit({})).toBe(2.132);
    expect(await fit({ resnet12: 2, mobilenet_wd2: 2 })).toBeGreaterThan(3);
  });

  it("names kernels that no measured network has, and is less sure of them", async () => {
    const [known, strange] = await lab.predict({ models: [unseen, "regnetx002"], scenario });
    const grouped = strange!.ops.filter(({ kernel }) => kernel === "conv-grouped");
    expect(grouped.length).toBeGreaterThan(0);
    for (const op of grouped)
      expect(op.extrapolated.join()).toContain("no measured network has a conv-grouped");
    expect(known!.ops.every(({ extrapolated }) => extrapolated.length === 0)).toBe(true);
    expect(strange!.highMs / strange!.latencyMs).toBeGreaterThan(known!.highMs / known!.latencyMs);
  });

  it("outlives its process: read back, it predicts the same", async () => {
    const [before] = await lab.predict({ models: [unseen], scenario });
    const other = await openLab({ folder: join(folder, "lab") });
    try {
      const [after] = await other.predict({ models: [unseen], scenario });
      expect(after).toEqual(before);
    } finally {
      await other.close();
    }
  });

  it("is refused for a learner that needs times of ops", async () => {
    await expect(finish(lab, lab.startFit({ scenario, learner: "lasso" }))).rejects.toMatchObject({
      code: "too-little-data",
      message: expect.stringContaining("times of single ops") as string,
    });
  });

  it("is evaluated like others: against the line, on networks left out", async () => {
    const evaluation = await finish(
      lab,
      lab.startEvaluate({ scenario, protocol: "random", trainSizes: [8, 11], splits: 2 }),
    );
    expect(evaluation.rows.map(({ learner, trainSize }) => `${learner} ${trainSize}`).sort()).toEqual(
      ["auto 8", "auto 11", "flops 8", "flops 11"].sort(),
    );
    const of = (learner: string) => evaluation.rows.filter((row) => row.learner === learner);
    of("auto").forEach((row, place) => expect(row.mape).toBeLessThan(of("flops")[place]!.mape));
    for (const { lowMs, predictedMs, highMs } of evaluation.predictions) {
      expect(lowMs).toBeLessThan(predictedMs);
      expect(highMs).toBeGreaterThan(predictedMs);
    }
    const families = await finish(lab, lab.startEvaluate({ scenario, protocol: "family" }));
    const named = new Set(families.predictions.map(({ model }) => model));
    expect([...named].sort()).toEqual([...measured].sort());
    await expect(finish(lab, lab.startEvaluate({ scenario, learners: ["lasso"] }))).rejects.toMatchObject({
      code: "too-little-data",
    });
  });

  it("is fitted and told in words on the command line", async () => {
    const at = ["--lab", join(folder, "lab")];
    const fitted = await runCommand(["fit", "--scenario", "made/1large/int8/tflite", ...at]);
    expect(fitted.stderr).not.toContain("error:");
    expect(fitted.stdout).toContain("end-to-end times alone (no op was timed)");
    const predicted = await runCommand(["predict", unseen, "--scenario", scenario, ...at]);
    expect(predicted.stdout).toContain("The times of the ops are inferred");
    expect(predicted.stdout).toMatch(/CONV_2D.*inferred/);
  }, 60_000);
});

describe("the CPU study", () => {
  const study = async (changed: Record<string, number> = {}, more: Partial<CpuStudyRequest> = {}) => {
    writeTable(file, changed);
    const { scenarios, skipped } = await readCpuScenarios([file], (id) => id === scenario);
    expect(skipped).toEqual(["nobodys_network"]);
    const request: CpuStudyRequest = {
      scenarios,
      learners: ["flops", "additive", "shrunken", "end-to-end"],
      trainSizes: [8, 10, 50],
      splits: 2,
      seed: 1,
      workers: 0,
    };
    return studyCpu({ ...request, ...more });
  };

  it("tries every learner on networks left out at random, by family and by coarse family", async () => {
    const trials = await study();
    const families = new Set(measured.map((name) => findZooNetwork(name)!.family));
    for (const learner of ["flops", "additive", "shrunken", "end-to-end"]) {
      const own = trials.filter((trial) => trial.learner === learner);
      const random = own.filter(({ protocol }) => protocol === "random");
      // 50 networks are more than there are.
      expect(random.map(({ trainSize }) => trainSize).sort((a, b) => a - b)).toEqual([8, 8, 10, 10]);
      for (const { trainSize, points } of random) expect(points.length).toBe(measured.length - trainSize);
      const byFamily = own.filter(({ protocol }) => protocol === "family");
      expect(byFamily.length).toBe(families.size);
      expect(byFamily.flatMap(({ points }) => points.map(({ network }) => network)).sort()).toEqual(
        [...measured].sort(),
      );
      expect(own.some(({ protocol }) => protocol === "coarse-family")).toBe(true);
    }
    const errorOf = (learner: string) => {
      const points = trials.filter((trial) => trial.learner === learner).flatMap((trial) => trial.points);
      return points.reduce((sum, p) => sum + Math.abs(p.predictedMs / p.measuredMs - 1), 0) / points.length;
    };
    expect(errorOf("end-to-end")).toBeLessThan(errorOf("flops") / 2);
  }, 60_000);

  it("never lets a tested network's own time into its prediction", async () => {
    const only = { learners: ["end-to-end"], trainSizes: [8], splits: 1 } as const;
    const [honest] = await study({}, only);
    const tested = honest!.points.map(({ network }) => network);
    const [changed] = await study(Object.fromEntries(tested.map((name) => [name, 7])), only);
    expect(changed!.points.map(({ predictedMs }) => predictedMs)).toEqual(
      honest!.points.map(({ predictedMs }) => predictedMs),
    );
    expect(changed!.points[0]!.measuredMs).toBeCloseTo(7 * honest!.points[0]!.measuredMs, 6);
  }, 60_000);

  it("gives the same for any number of workers", async () => {
    const only = { learners: ["end-to-end"], trainSizes: [8], splits: 1 } as const;
    expect(await study({}, { ...only, workers: 1 })).toEqual(await study({}, only));
  }, 60_000);
});
