import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { runDemo } from "../../src-main/lab/demo.ts";
import { openLab } from "../../src-main/lab/lab.ts";

const folder = mkdtempSync(join(tmpdir(), "latency-lab-demo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("the demo samples, profiles, fits, predicts before it measures, and leaves a lab and a report", async () => {
  const lab = await openLab({ folder: join(folder, "lab") });
  try {
    const report = join(folder, "report.html");
    const notes: string[] = [];
    const result = await runDemo({
      lab,
      request: { seed: 3, report },
      signal: new AbortController().signal,
      onProgress: (_done, _total, note) => notes.push(note),
      size: {
        pilot: 1,
        train: { fewest: 6, most: 6, seconds: 0 },
        test: { fewest: 2, most: 2, seconds: 0 },
      },
    });
    expect(result.scenarios.length).toBe(Math.min(2, result.device.coreSets.length));
    for (const scenario of result.scenarios) {
      expect(scenario.learners.map((row) => row.learner)).toEqual(["lasso", "boosting", "auto", "flops"]);
      expect(scenario.trainedOn).toBe(7);
      expect(scenario.points.length).toBe(2);
      expect(scenario.noise).toBeGreaterThanOrEqual(0);
      expect(scenario.rows).toBeGreaterThan(100);
      for (const point of scenario.points) expect(point.predictedMs).toBeGreaterThan(0);
    }
    const trained = await lab.predictor({ predictor: (await lab.predictors())[0]!.id });
    const unseen = result.scenarios[0]!.points.map((point) => point.model);
    expect(trained.trainedOn.filter((model) => unseen.includes(model))).toEqual([]);
    expect(result.breakdown!.measuredOps.length).toBe(result.breakdown!.ops.length);
    expect(readFileSync(report, "utf8")).toContain("Where the time of");
    expect((await lab.runs()).map((run) => run.state)).toEqual(["done", "done", "done"]);
    expect(notes.at(-1)).toMatch(/measuring 2 networks/);
  } finally {
    await lab.close();
  }
}, 900_000);
