import { describe, expect, it } from "vitest";
import { tabulateAccuracy } from "../../src-main/evaluate/accuracyTable.ts";
import type { AccuracyTrial } from "../../src-main/evaluate/accuracyTrial.ts";
import { renderAccuracyReport } from "../../src-main/report/accuracyReport.ts";
import { describeMeans, describeScenarios, listSheets } from "../../src-main/report/accuracySheets.ts";

function makeTrial(more: Partial<AccuracyTrial>, factor: number): AccuracyTrial {
  const networks = ["resnet10", "hrnet_w18", "</script><b>evil"];
  return {
    scenario: "red/gpu/float16/gpu-cl",
    kind: "gpu",
    learner: "lasso",
    protocol: "random",
    trainSize: 10,
    split: 0,
    points: networks.map((network, place) => {
      const measuredMs = 100 * (place + 1);
      return {
        network,
        family: "resnet",
        measuredMs,
        predictedMs: measuredMs * factor,
        oracleMs: measuredMs * 1.02,
        factor: place === 0 ? 1.01 : 2,
      };
    }),
    kernels: [{ kernel: "gpu-conv", measuredMs: 2, predictedMs: 2 * factor }],
    ...more,
  };
}

const trials = [
  makeTrial({}, 1.25),
  makeTrial({ trainSize: 20 }, 1.08),
  makeTrial({ protocol: "family", trainSize: 20 }, 1.4),
  makeTrial({ learner: "boosting", trainSize: 20 }, 1.16),
  makeTrial({ kind: "cpu", scenario: "red/1large/float32/tflite" }, 1.5),
];
const result = {
  trials,
  table: tabulateAccuracy(trials),
  scatter: new Map([["red/gpu/float16/gpu-cl", 3.25]]),
  seconds: 75,
};

describe("the sheets", () => {
  it("put learners against sizes and left-out families, with the oracle and the scatter below", () => {
    const { columns, rows } = describeMeans(result, "gpu");
    expect(columns.map(({ head }) => head).slice(0, 4)).toEqual(["learner", "10", "20", "family out"]);
    expect(rows.map((row) => row.slice(0, 4))).toEqual([
      ["Lasso", "25.0 %", "8.0 %", "40.0 %"],
      ["Boosting", "–", "16.0 %", "–"],
      ["true kernel times (oracle)", "2.0 %", "2.0 %", "2.0 %"],
      ["kernels alone", "23.0 %", "6.0 %", "38.0 %"],
      ["in its 90\u00a0% interval", "67 %", "67 %", "67 %"],
      ["half-width of intervals", "100.0 %", "100.0 %", "100.0 %"],
      ["scatter of inferences", "3.3 %", "3.3 %", "3.3 %"],
    ]);
    expect(rows.every((row) => row.length === columns.length)).toBe(true);
  });

  it("name every scenario with every learner", () => {
    const { rows } = describeScenarios(result, "gpu");
    expect(rows.map(([scenario, learner]) => [scenario, learner])).toEqual([
      ["red/gpu/float16/gpu-cl", "Lasso"],
      ["red/gpu/float16/gpu-cl", "Boosting"],
    ]);
  });

  it("have as many cells in a row as columns", () => {
    for (const { columns, rows } of listSheets(result))
      for (const row of rows) expect(row).toHaveLength(columns.length);
  });
});

describe("the page", () => {
  const html = renderAccuracyReport(result);

  it("needs nothing from outside", () => {
    expect(html).not.toMatch(/(src|href)\s*=\s*["']?(https?:|\/\/)/i);
    expect(html).not.toMatch(/@import|url\(/);
  });

  it("shows names as text, in markup and in scripts", () => {
    expect(html).not.toContain("</script><b>");
    const drawings = /<script type="application\/json" id="drawings">(.*?)<\/script>/s.exec(html)![1]!;
    expect(JSON.stringify(JSON.parse(drawings))).toContain("evil");
  });

  it("has a place for every drawing and a drawing for every place", () => {
    const drawings = /<script type="application\/json" id="drawings">(.*?)<\/script>/s.exec(html)![1]!;
    const drawn = (JSON.parse(drawings) as { id: string }[]).map(({ id }) => id);
    const places = [...html.matchAll(/<canvas id="([^"]+)"/g)].map((match) => match[1]);
    expect(drawn.sort()).toEqual(places.sort());
    expect(drawn).toContain("gpu-classes");
  });

  it("tells the leading learner with its error and what the oracle leaves", () => {
    expect(html).toContain("Least error at the largest training size: <b>8.0 %</b> with 20 networks (Lasso)");
    expect(html).toContain("With the true time of every kernel 2.0 % would remain");
  });
});
