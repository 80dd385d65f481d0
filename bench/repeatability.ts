/**
 * How well measurement repeats on this computer: some networks, each measured in several separate cells spread over
 * some minutes; prints each network's spread (largest − smallest) / smallest beside the one that the median of a plain
 * benchmark without canary gives, run right after each cell's round. usage: npm run repeatability -- [--networks 10] [--cells 5] [--minutes 10] [--cores 1core] [--json]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import type { Measurement } from "../src-main/lab/contract.ts";
import { formatMs, formatPercent } from "../src-main/lab/format.ts";
import { openLab } from "../src-main/lab/lab.ts";
import { runHostPass } from "../src-main/profile/hostProcess.ts";
import { planCell } from "../src-main/profile/plan.ts";
import { quantile } from "../src-main/profile/speedState.ts";

const { values } = parseArgs({
  options: {
    networks: { type: "string", default: "10" },
    cells: { type: "string", default: "5" },
    minutes: { type: "string", default: "10" },
    cores: { type: "string", default: "1core" },
    json: { type: "boolean", default: false },
  },
});
const [networks, cells, minutes] = [values.networks, values.cells, values.minutes].map(Number) as [
  number,
  number,
  number,
];

const folder = mkdtempSync(join(tmpdir(), "latency-lab-repeatability-"));
const out = join(folder, "networks");
const lab = await openLab({ folder });
const note = (text: string): void => void process.stderr.write(`${text}\n`);

function spread(results: readonly number[]): number {
  return ((Math.max(...results) - Math.min(...results)) / Math.min(...results)) * 100;
}

try {
  const sampled = await lab.jobResult(await lab.startSample({ count: networks, seed: 11, out }));
  const models = sampled.map((model) => model.name);
  const coreSet = (await lab.devices())[0]!.coreSets.find((candidate) => candidate.name === values.cores);
  if (!coreSet) throw new Error(`this computer has no core set ${values.cores}`);
  const measured = new Map<string, Measurement[]>(models.map((model) => [model, []]));
  const plain = new Map<string, number[]>(models.map((model) => [model, []]));
  const start = performance.now();
  for (let round = 0; round < cells; round++) {
    const due = (round / Math.max(cells - 1, 1)) * minutes * 60_000 - (performance.now() - start);
    if (due > 0) await wait(due);
    const started = await lab.startRun({
      device: "host",
      coreSets: [values.cores],
      precision: "float32",
      runtime: "tflite",
      models,
      seed: round,
      thoroughness: "standard",
    });
    await lab.jobResult(started);
    for (const cell of (await lab.run({ run: started.run })).cellList)
      measured.get(cell.model)!.push(await lab.measurement({ cell: cell.id }));
    for (const model of models) {
      const pass = await runHostPass({
        modelPath: join(out, `${model}.tflite`),
        coreSet,
        runtime: "tflite",
        plan: planCell("standard").endToEnd,
        perOp: false,
        canaryPath: null,
        canaryReferenceUs: 0,
      });
      plain.get(model)!.push(quantile(pass.samples!.us, 0.5) / 1000);
    }
    note(`round ${round + 1} of ${cells} after ${Math.round((performance.now() - start) / 1000)} s`);
  }
  const rows = models.map((model) => {
    const of = measured.get(model)!;
    const kept = of.map(({ cell }) => cell.latencyMs ?? NaN);
    const noisy = of.filter(({ cell }) => cell.state !== "done").length;
    return { model, kept, noisy, keptSpread: spread(kept), plainSpread: spread(plain.get(model)!) };
  });
  const summary = {
    cores: values.cores,
    minutes: (performance.now() - start) / 60_000,
    medianSpread: quantile(
      rows.map((row) => row.keptSpread),
      0.5,
    ),
    worstSpread: Math.max(...rows.map((row) => row.keptSpread)),
    plainMedianSpread: quantile(
      rows.map((row) => row.plainSpread),
      0.5,
    ),
    plainWorstSpread: Math.max(...rows.map((row) => row.plainSpread)),
    noisyCells: rows.reduce((sum, row) => sum + row.noisy, 0),
  };
  if (values.json) console.log(JSON.stringify({ ...summary, rows }));
  else {
    const table = new Table({
      head: ["network", "results", "spread", "plain medians"],
      style: { head: [], border: [] },
    });
    for (const row of rows)
      table.push([
        row.model,
        row.kept.map((ms) => formatMs(ms)).join("  "),
        formatPercent(row.keptSpread),
        formatPercent(row.plainSpread),
      ]);
    console.log(table.toString());
    console.log(
      `${values.cores}, ${cells} cells a network over ${summary.minutes.toFixed(1)} min: median spread ${formatPercent(summary.medianSpread)}, worst ${formatPercent(summary.worstSpread)}, ${summary.noisyCells} noisy cells`,
    );
    console.log(
      `plain medians without canary: median spread ${formatPercent(summary.plainMedianSpread)}, worst ${formatPercent(summary.plainWorstSpread)}`,
    );
  }
} finally {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
}
