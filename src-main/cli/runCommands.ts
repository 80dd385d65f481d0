import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import type { Precision, RunDetail, Runtime, Started, Thoroughness } from "../lab/contract.ts";
import { benchmarkFailed, labUnwritable } from "../lab/errors.ts";
import { formatSpread } from "../lab/format.ts";
import { describeWriteError } from "../lab/outputFolder.ts";
import { addModelSelection, readSelection, resolveSelection } from "./modelSelection.ts";
import { readInteger, readList, readOptions, seedOption, thoroughnessOption } from "./options.ts";
import { printJson, printLine, printTable } from "./output.ts";
import { Session } from "./session.ts";

interface ProfileOptions {
  device: string[];
  cores?: string[];
  gpu?: boolean;
  precision: Precision;
  runtime: Runtime;
  repetitions?: number;
  seed?: number;
  thoroughness?: Thoroughness;
  resume?: number;
  retry?: boolean;
  from?: string;
}

/** Adds `profile` and `export`. */
export function addRunCommands(program: Command, signal: AbortSignal): void {
  addModelSelection(program.command("profile"))
    .description("measure models: a run over core sets, resumable at any time")
    .addOption(
      new Option(
        "--device <ids>",
        "which device; several phones with commas between them measure side by side",
      )
        .argParser(readList)
        .default(["host"], "host"),
    )
    .addOption(
      new Option("--cores <sets>", "core sets with commas between them, as `devices` names them").argParser(
        readList,
      ),
    )
    .addOption(new Option("--gpu", "measure on the GPU").conflicts("cores"))
    .addOption(
      new Option("--precision <precision>", "number format")
        .choices(["float32", "float16", "int8"])
        .default("float32"),
    )
    .addOption(
      new Option("--runtime <runtime>", "what runs the model")
        .choices(["tflite", "xnnpack", "gpu-cl"])
        .default("tflite"),
    )
    .addOption(
      new Option("--repetitions <number>", "cells of each model and scenario").argParser(
        readInteger(1, 1000),
      ),
    )
    .addOption(seedOption())
    .addOption(thoroughnessOption())
    .addOption(
      new Option("--resume <run>", "go on with a run instead of starting one").argParser(readInteger(1)),
    )
    .addOption(new Option("--retry", "with --resume: also measure failed and noisy cells again"))
    .action((models: string[], _options, command: Command) => {
      const options = readOptions<ProfileOptions>(command);
      checkProfile(command, options, models);
      const selection = options.resume === undefined ? readSelection(command, models, options.from) : null;
      return Session.use(options, signal, async (session) => {
        const names = selection ? await resolveSelection(session.lab, selection) : [];
        const started = await startProfiles(session, options, names);
        const outcomes = await session.finishAll(started);
        const details = await Promise.all(started.map(({ run }) => session.lab.run({ run })));
        const ended = outcomes.some(({ status }) => status === "fulfilled");
        // A run that broke off still has cells; where none ended there is nothing but the error to tell.
        if (ended && session.json) printJson(describeRuns(details));
        else if (ended) details.forEach(printRun);
        tellOutcomes(outcomes, details);
      });
    });

  program
    .command("export")
    .description("write measurements as CSV, to standard output or a file")
    .addOption(new Option("--scenario <id>", "only those of a scenario"))
    .addOption(new Option("--ops", "one line an operator instead of one a cell"))
    .addOption(new Option("--out <file>", "where it goes"))
    .action((_options, command: Command) => {
      const options = readOptions<{ scenario?: string; ops?: boolean; out?: string }>(command);
      return Session.use(options, signal, async ({ lab, json }) => {
        const { scenario, ops } = options;
        const { csv, rows } = await lab.exportMeasurements({ scenario, ops });
        const path = options.out === undefined ? null : resolve(options.out);
        if (path !== null) writeCsv(path, csv);
        if (json) printJson(path === null ? { rows, csv } : { rows, path });
        else if (path === null) process.stdout.write(csv);
        else printLine(`${rows} rows in ${path}`);
      });
    });
}

function checkProfile(command: Command, options: ProfileOptions, models: readonly string[]): void {
  if (options.resume !== undefined) {
    if (models.length > 0 || options.from !== undefined)
      command.error("error: --resume takes no models (the run has its own)");
    return;
  }
  if (options.retry) command.error("error: --retry needs --resume RUN (it measures cells of that run again)");
  if (models.length === 0 && options.from === undefined)
    command.error("error: missing models (name some, or give --from FILE or --resume RUN)");
  if (options.gpu && options.runtime !== "gpu-cl" && command.getOptionValueSource("runtime") === "cli")
    command.error(`error: --gpu runs with gpu-cl, not with ${options.runtime} (leave --runtime out)`);
  if (!options.cores && !options.gpu)
    command.error("error: missing --cores SET or --gpu (`latlab devices` lists the core sets)");
}

type StartedRun = Started<"profile"> & { run: number };

// All or none: what was started for the first devices is taken back when a later one cannot be measured so.
async function startProfiles(
  { lab }: Session,
  options: ProfileOptions,
  models: string[],
): Promise<StartedRun[]> {
  if (options.resume !== undefined)
    return [await lab.resumeRun({ run: options.resume, retry: options.retry })];
  const { precision, repetitions, seed, thoroughness } = options;
  const coreSets = options.gpu ? ["gpu"] : (options.cores ?? []);
  const runtime = options.gpu ? "gpu-cl" : options.runtime;
  const started: StartedRun[] = [];
  try {
    for (const device of new Set(options.device))
      started.push(
        await lab.startRun({
          device,
          coreSets,
          precision,
          runtime,
          models,
          repetitions,
          seed,
          thoroughness,
        }),
      );
    return started;
  } catch (error) {
    for (const { job, run } of started) {
      await lab.cancelJob({ job });
      await lab.jobResult({ job, kind: "profile" }).catch(() => undefined);
      await lab.removeRun({ run });
    }
    throw error;
  }
}

function describeRuns(details: readonly RunDetail[]): unknown {
  const runs = details.map(({ id, cellList: _, ...run }) => ({ run: id, ...run }));
  return runs.length === 1 ? runs[0] : runs;
}

// One that broke off is told before cells that failed: it has more left to do.
function tellOutcomes(
  outcomes: readonly PromiseSettledResult<unknown>[],
  details: readonly RunDetail[],
): void {
  const broken = outcomes.find((outcome) => outcome.status === "rejected");
  if (broken) throw broken.reason;
  details.forEach(tellFailures);
}

function printRun(run: RunDetail): void {
  printTable(
    [
      { head: "model" },
      { head: "scenario" },
      { head: "latency", numeric: true },
      { head: "kept", numeric: true },
      { head: "state" },
    ],
    run.cellList.map((cell) => [
      cell.model,
      cell.scenario,
      formatSpread(cell.latencyMs, cell.spreadMs),
      `${cell.kept}/${cell.total}`,
      cell.state,
    ]),
  );
  printLine(
    `Run ${run.id}: ${run.done} done, ${run.noisy} noisy, ${run.failed} failed of ${run.cells} cells`,
  );
}

// A run that measured nothing has failed; a few refused models are its result, and are told.
function tellFailures(run: RunDetail): void {
  const failed = run.cellList.filter((cell) => cell.state === "failed");
  const [first] = failed;
  if (!first) return;
  const reason = first.error ?? `${first.model} did not run on ${first.scenario}`;
  if (failed.length === run.cells) throw benchmarkFailedAs(first.model, first.scenario, reason);
  process.stderr.write(`warning: ${failed.length} of ${run.cells} cells failed; the first: ${reason}\n`);
}

function benchmarkFailedAs(model: string, scenario: string, reason: string): Error {
  // The cell's own error already names model and scenario.
  const prefix = `${model} did not run on ${scenario}: `;
  return benchmarkFailed(model, scenario, reason.startsWith(prefix) ? reason.slice(prefix.length) : reason);
}

function writeCsv(path: string, csv: string): void {
  try {
    writeFileSync(path, csv);
  } catch (error) {
    throw labUnwritable(path, describeWriteError(error));
  }
}
