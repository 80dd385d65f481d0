/** How accurate predictors are on the published measurements; see `accuracyUsage`. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { exitCodes } from "../src-main/cli/exitCodes.ts";
import { listenForInterrupt } from "../src-main/cli/interrupt.ts";
import { LabError } from "../src-main/lab/errors.ts";
import { formatDuration } from "../src-main/lab/format.ts";
import { renderAccuracyReport } from "../src-main/report/accuracyReport.ts";
import { accuracyUsage, readAccuracyOptions, UsageError, type AccuracyOptions } from "./accuracyOptions.ts";
import { runAccuracyStudies } from "./accuracyStudies.ts";
import { renderAccuracyText } from "./accuracyText.ts";

async function run(options: AccuracyOptions, signal: AbortSignal): Promise<void> {
  const result = await runAccuracyStudies(options, signal, process.stderr);
  writeWhole(options.out, renderAccuracyReport(result));
  if (options.json) process.stdout.write(`${JSON.stringify({ rows: result.table.rows }, null, 2)}\n`);
  else process.stdout.write(`${renderAccuracyText(result)}\n`);
  process.stderr.write(`\n${options.out} written after ${formatDuration(1000 * result.seconds)}\n`);
}

// The page is there whole or not at all.
function writeWhole(path: string, text: string): void {
  const part = `${path}.part`;
  try {
    writeFileSync(part, text);
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw new LabError(
      "bad-request",
      `${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? "unknown"})`,
      "Name another file by --out.",
    );
  }
}

function tellFailure(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) {
    process.stderr.write("cancelled; nothing was written\n");
    return exitCodes.cancelled;
  }
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${accuracyUsage}\n`);
    return exitCodes.usage;
  }
  if (error instanceof LabError) {
    process.stderr.write(`${error.message}. ${error.hint}\n`);
    return exitCodes.failed;
  }
  throw error;
}

const signal = listenForInterrupt();
try {
  const options = readAccuracyOptions(process.argv.slice(2));
  if (options) await run(options, signal);
  else process.stdout.write(`${accuracyUsage}\n`);
} catch (error) {
  process.exitCode = tellFailure(error, signal);
}
