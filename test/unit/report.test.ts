import { describe, expect, it } from "vitest";
import { describeHost } from "../../src-main/device/host.ts";
import type { DemoResult, PredictedPoint } from "../../src-main/lab/contract.ts";
import { renderReport } from "../../src-main/report/report.ts";

const point: PredictedPoint = {
  model: "</script><b>evil & sons",
  family: "sampled-split",
  flops: 1.5e9,
  measuredMs: 80,
  predictedMs: 84,
  lowMs: 75,
  highMs: 95,
};
const scores = { models: 1, mape: 5, medianApe: 5, within5: 100, within10: 100, spearman: null };

const result: DemoResult = {
  device: describeHost({ version: "2.9.0", problem: null }),
  scenarios: [
    {
      scenario: "host/1core/float32/tflite",
      rows: 900,
      fitMs: 1234,
      learners: [
        { learner: "auto", ...scores },
        { learner: "flops", ...scores, mape: 31.5 },
      ],
      best: "auto",
      mape: 5,
      baselineMape: 31.5,
      noise: 1.25,
      trainedOn: 40,
      worst: [point],
      closest: [point],
      points: [point],
      slowState: true,
    },
  ],
  seconds: 312.4,
  report: "report.html",
  breakdown: null,
  remarks: ["This computer was in its slow state"],
};

describe("the demo's report", () => {
  const html = renderReport(result);

  it("needs nothing from outside its own page", () => {
    expect(html).not.toMatch(/(src|href)\s*=\s*["']?(https?:|\/\/)/i);
    expect(html).not.toMatch(/@import|url\(/);
    expect(html.length).toBeGreaterThan(100_000);
  });

  it("shows names as text, in markup and in scripts", () => {
    expect(html).not.toContain("</script><b>");
    expect(html).toContain("&lt;/script&gt;&lt;b&gt;evil &amp; sons");
    const drawings = /<script type="application\/json" id="drawings">(.*?)<\/script>/s.exec(html)![1]!;
    expect(JSON.stringify(JSON.parse(drawings))).toContain("evil & sons");
  });

  it("tells error, baseline, noise, chosen learner and the slow state", () => {
    for (const text of [
      "5.0 %",
      "31.5 %",
      "1.3 %",
      "6.3 times",
      "chosen by cross-validation",
      "slow state",
      "900 op times",
    ])
      expect(html).toContain(text);
  });
});
