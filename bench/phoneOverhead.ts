import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLab } from "../src-main/lab/lab.ts";
import { startAdbServer } from "../test/fake/adbServer.ts";
import { FakePhone } from "../test/fake/phone.ts";

/** How much of a campaign on a ready phone is not measuring. */
export interface OverheadFigures {
  cells: number;
  /** Mean time of a cell's benchmark processes, ms. */
  cellMs: number;
  /** Time between the end of a cell's last process and the start of the next cell's first, mean and worst, ms. */
  betweenMs: number;
  worstMs: number;
  /** Share (percent) of the campaign in which no benchmark ran on the phone. */
  idlePercent: number;
}

/**
 * Measures the lab's overhead on a fake phone under the real adb server: from the first benchmark's start to the last one's
 * end, the time in which none runs. Preparing the phone before the first cell is not in it.
 */
export async function benchPhoneOverhead(models = 4, repetitions = 3): Promise<OverheadFigures> {
  const folder = mkdtempSync(join(tmpdir(), "latlab-overhead-"));
  const server = await startAdbServer();
  const phone = await FakePhone.start({ profile: "snapdragon855" });
  await server.connect(phone.serial);
  const lab = await openLab({
    folder: join(folder, "lab"),
    adb: { env: server.environment() },
  });
  try {
    await lab.addBinary({ path: fileURLToPath(new URL("../test/fake/benchmark_model", import.meta.url)) });
    const sampling = await lab.startSample({ count: models, seed: 3 });
    const sampled = await lab.jobResult({ job: sampling.job, kind: sampling.kind });
    const { job } = await lab.startRun({
      device: phone.serial,
      coreSets: ["1large"],
      precision: "float32",
      runtime: "tflite",
      models: sampled.map((model) => model.name),
      repetitions,
      thoroughness: "standard",
    });
    const run = await lab.jobResult({ job, kind: "profile" });
    return summarizeIntervals(phone.benchmarkIntervals, run.cells);
  } finally {
    await lab.close();
    await phone.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function summarizeIntervals(
  intervals: readonly { startMs: number; endMs: number }[],
  cells: number,
): OverheadFigures {
  const gaps = intervals.slice(1).map((next, index) => Math.max(0, next.startMs - intervals[index]!.endMs));
  const busyMs = intervals.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  const idleMs = gaps.reduce((sum, gap) => sum + gap, 0);
  return {
    cells,
    cellMs: busyMs / cells,
    betweenMs: idleMs / cells,
    worstMs: Math.max(...gaps),
    idlePercent: (100 * idleMs) / (busyMs + idleMs),
  };
}

/** The figures in one line. */
export function formatOverheadFigures(figures: OverheadFigures): string {
  const seconds = (figures.cellMs / 1000).toFixed(1);
  return `phone: ${figures.cells} cells of ${seconds} s; a ready phone is idle ${figures.idlePercent.toFixed(1)} % of the campaign, ${figures.betweenMs.toFixed(0)} ms a cell, longest pause ${figures.worstMs.toFixed(0)} ms`;
}
