/**
 * Compares the time and the cross-validated error of our boosting with xgboost's `hist` on the same table, with the same numbers
 * of trees, depth and bins. Each fit is timed several times in turn and the fastest counts: other programs only slow a fit down.
 * xgboost is found in the Python of this computer (Debian: python3-xgboost) and is no dependency.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fitBoosting, predictRows, type BoostingOptions } from "../src-main/predict/boosting.ts";
import type { LearningTable } from "../src-main/predict/learningTable.ts";
import { runFitJobs } from "../src-main/predict/fitPool.ts";
import { makeBoostingTable } from "./boostingTable.ts";

const rows = 60_000;
const folds = 5;
const repeats = 3;
const shared = { trees: 300, learningRate: 0.1, l2: 1, minLeaf: 1, bins: 255 };
const depth = 6;
const threads = 2;
const script = fileURLToPath(new URL("xgboostFit.py", import.meta.url));
const pythons = ["python3", "/usr/bin/python3"];

const options: BoostingOptions = {
  ...shared,
  maxDepth: depth,
  maxLeaves: 2 ** depth,
  rowShare: 1,
  columnShare: 1,
  patience: 0,
  seed: 1,
};

interface Outcome {
  seconds: number;
  rmse: number;
}

async function main(): Promise<number> {
  const python = pythons.find(hasXgboost);
  if (python === undefined) {
    console.error("error: no Python here has xgboost (on Debian: apt install python3-xgboost)");
    return 1;
  }
  const table = makeBoostingTable(rows, 1);
  const folder = mkdtempSync(join(tmpdir(), "latency-lab-xgboost-"));
  const [ours, theirs]: [Outcome[], Outcome[]] = [[], []];
  try {
    for (let fold = 0; fold < folds; fold++) {
      const train = pickRows(table, (row) => row % folds !== fold);
      const held = pickRows(table, (row) => row % folds === fold);
      const [our, their]: [Outcome[], Outcome[]] = [[], []];
      for (let repeat = 0; repeat < repeats; repeat++) {
        our.push(fitOurs(train, held));
        their.push(fitTheirs(python, folder, train, held));
      }
      ours.push(pickFastest(our));
      theirs.push(pickFastest(their));
      const ratio = ours[fold]!.seconds / theirs[fold]!.seconds;
      console.log(
        `fold ${fold + 1}: ours ${describe(ours[fold]!)}; xgboost ${describe(theirs[fold]!)}; ratio ${ratio.toFixed(2)}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const [our, their] = [average(ours), average(theirs)];
  const together = await timeTogether(table);
  console.log(
    `${(rows * (folds - 1)) / folds} rows × ${table.columns} features, ${shared.trees} trees of depth ${depth}, ${shared.bins} bins; xgboost hist with ${threads} threads`,
  );
  console.log(`one fit on one thread: ${(our.seconds / their.seconds).toFixed(2)} × xgboost's time on two`);
  console.log(
    `all ${folds} fits on ${threads} threads, as the lab runs them: ${(together / (folds * their.seconds)).toFixed(2)} × xgboost's time`,
  );
  console.log(`cross-validated error: ${(our.rmse / their.rmse).toFixed(4)} × xgboost's`);
  return 0;
}

function pickFastest(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce((fastest, outcome) => (outcome.seconds < fastest.seconds ? outcome : fastest));
}

function hasXgboost(python: string): boolean {
  try {
    execFileSync(python, ["-c", "import xgboost"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function fitOurs(train: LearningTable, held: LearningTable): Outcome {
  const started = performance.now();
  const { ensemble } = fitBoosting(train, options);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, rmse: measureError(predictRows(ensemble, held), held) };
}

// Our threads share fits, not rows: the lab has classes and folds enough to keep all of them busy.
async function timeTogether(table: LearningTable): Promise<number> {
  const jobs = Array.from({ length: folds }, (_, fold) => ({
    kind: "boosting" as const,
    table: pickRows(table, (row) => row % folds !== fold),
    options,
  }));
  const started = performance.now();
  await runFitJobs<"boosting">(jobs, { workers: threads });
  return (performance.now() - started) / 1000;
}

function fitTheirs(python: string, folder: string, train: LearningTable, held: LearningTable): Outcome {
  writeTable(join(folder, "train.bin"), train);
  writeTable(join(folder, "held.bin"), held);
  const output = execFileSync(python, [script], {
    input: JSON.stringify({ ...shared, folder, depth, threads, columns: train.columns }),
    maxBuffer: 1 << 28,
  });
  const { seconds, predicted } = JSON.parse(output.toString()) as { seconds: number; predicted: number[] };
  return { seconds, rmse: measureError(predicted, held) };
}

function writeTable(path: string, { x, y }: LearningTable): void {
  writeFileSync(path, Buffer.concat([Buffer.from(x.buffer), Buffer.from(y.buffer)]));
}

function pickRows(table: LearningTable, isPicked: (row: number) => boolean): LearningTable {
  const picked = [...table.y.keys()].filter(isPicked);
  const { columns } = table;
  const x = new Float64Array(picked.length * columns);
  picked.forEach((row, place) =>
    x.set(table.x.subarray(row * columns, (row + 1) * columns), place * columns),
  );
  return { columns, x, y: Float64Array.from(picked, (row) => table.y[row]!) };
}

function measureError(predicted: ArrayLike<number>, { y }: LearningTable): number {
  let sum = 0;
  for (let row = 0; row < y.length; row++) sum += (predicted[row]! - y[row]!) ** 2;
  return Math.sqrt(sum / y.length);
}

function average(outcomes: readonly Outcome[]): Outcome {
  const mean = (pick: (outcome: Outcome) => number) =>
    outcomes.reduce((sum, outcome) => sum + pick(outcome), 0) / outcomes.length;
  return { seconds: mean(({ seconds }) => seconds), rmse: mean(({ rmse }) => rmse) };
}

function describe({ seconds, rmse }: Outcome): string {
  return `${seconds.toFixed(2)} s, error ${rmse.toFixed(5)}`;
}

process.exitCode = await main();
