import { Option, type Command } from "commander";
import type {
  EvaluatedLearner,
  Evaluation,
  FitRequest,
  LearnerChoice,
  Prediction,
  PredictorDetail,
  Protocol,
  Scores,
  Thoroughness,
  Validation,
} from "../lab/contract.ts";
import {
  formatCount,
  formatDuration,
  formatError,
  formatMs,
  formatNumber,
  formatPercent,
} from "../lab/format.ts";
import { addModelSelection, readSelection, resolveSelection } from "./modelSelection.ts";
import {
  learnerOption,
  readInteger,
  readIntegers,
  readList,
  readOptions,
  scenarioOption,
  seedOption,
  thoroughnessOption,
} from "./options.ts";
import { printJson, printLine, printTable, type Column } from "./output.ts";
import { Session } from "./session.ts";

/** Adds `fit`, `predict`, `evaluate` and `validate`. */
export function addPredictorCommands(program: Command, signal: AbortSignal): void {
  program
    .command("fit")
    .description("fit a predictor on the measurements of a scenario")
    .addOption(scenarioOption())
    .addOption(learnerOption().default("auto"))
    .addOption(new Option("--models <names>", "train on these only").argParser(readList))
    .addOption(
      new Option("--exclude <names>", "train on all but these").argParser(readList).conflicts("models"),
    )
    .addOption(seedOption())
    .action((_options, command: Command) => {
      const { scenario, learner, models, exclude, seed, ...options } = readOptions<FitRequest>(command);
      return Session.use(options, signal, async (session) => {
        const request = { scenario, learner, models, exclude, seed };
        const summary = await session.finish(await session.lab.startFit(request));
        const { id, ...rest } = summary;
        if (session.json) printJson({ predictor: id, ...rest });
        else printPredictor(await session.lab.predictor({ predictor: id }));
      });
    });

  addModelSelection(program.command("predict"))
    .description("predict the latency of models nobody has measured")
    .addOption(scenarioOption())
    .addOption(new Option("--predictor <id>", "not the newest of the scenario").argParser(readInteger(1)))
    .addOption(new Option("--no-ops", "leave the operators out"))
    .addOption(new Option("--jsonl", "one JSON document a line"))
    .action((models: string[], _options, command: Command) => {
      const options = readOptions<PredictOptions>(command);
      const selection = readSelection(command, models, options.from);
      return Session.use(options, signal, async ({ lab, json }) => {
        const { scenario, predictor, ops } = options;
        const names = await resolveSelection(lab, selection);
        const predictions = await lab.predict({ models: names, scenario, predictor, ops });
        if (options.jsonl) for (const one of predictions) printLine(JSON.stringify(one));
        else if (json) printJson(predictions);
        else printPredictions(predictions);
      });
    });

  program
    .command("evaluate")
    .description("tell how well predictors do on networks they have not seen")
    .addOption(scenarioOption())
    .addOption(
      new Option("--protocol <name>", "what is held out: random networks or whole families")
        .choices(["random", "family"])
        .default("random"),
    )
    .addOption(
      new Option("--train-sizes <numbers>", "training networks, with commas").argParser(readIntegers),
    )
    .addOption(new Option("--splits <number>", "how often it is split anew").argParser(readInteger(1, 1000)))
    .addOption(seedOption())
    .addOption(learnerOption(["flops"]))
    .action((_options, command: Command) => {
      const options = readOptions<EvaluateOptions>(command);
      return Session.use(options, signal, async (session) => {
        const { scenario, protocol, trainSizes, splits, seed, learner } = options;
        // Every accuracy table carries the line through FLOPs.
        const learners = learner && [...new Set<EvaluatedLearner>([learner, "flops"])];
        const request = { scenario, protocol, trainSizes, splits, seed, learners };
        const evaluation = await session.finish(await session.lab.startEvaluate(request));
        if (session.json) printJson(evaluation);
        else printEvaluation(evaluation);
      });
    });

  addModelSelection(program.command("validate"))
    .description("predict models, measure them and compare")
    .addOption(scenarioOption())
    .addOption(thoroughnessOption())
    .action((models: string[], _options, command: Command) => {
      const options = readOptions<ValidateOptions>(command);
      const selection = readSelection(command, models, options.from);
      return Session.use(options, signal, async (session) => {
        const { scenario, thoroughness } = options;
        const names = await resolveSelection(session.lab, selection);
        const started = await session.lab.startValidate({ models: names, scenario, thoroughness });
        const validations = await session.finish(started);
        if (session.json) printJson(validations);
        else printValidations(validations);
      });
    });
}

interface PredictOptions {
  scenario: string;
  predictor?: number;
  ops: boolean;
  jsonl?: boolean;
  from?: string;
}

interface ValidateOptions {
  scenario: string;
  thoroughness?: Thoroughness;
  from?: string;
}

interface EvaluateOptions {
  scenario: string;
  protocol: Protocol;
  trainSizes?: number[];
  splits?: number;
  seed?: number;
  learner?: LearnerChoice | "flops";
}

/** Columns that show how well something predicts. */
export const scoreColumns: readonly Column[] = [
  { head: "models", numeric: true },
  { head: "MAPE", numeric: true },
  { head: "median error", numeric: true },
  { head: "within 5 %", numeric: true },
  { head: "within 10 %", numeric: true },
  { head: "Spearman", numeric: true },
];

/** The cells of `scoreColumns`. */
export function listScores(scores: Scores): string[] {
  return [
    formatCount(scores.models),
    formatPercent(scores.mape),
    formatPercent(scores.medianApe),
    formatPercent(scores.within5, 0),
    formatPercent(scores.within10, 0),
    formatNumber(scores.spearman),
  ];
}

function printPredictor(predictor: PredictorDetail): void {
  printLine(
    `Predictor ${predictor.id} for ${predictor.scenario}: ${predictor.learner}, ${describeRows(predictor)} of ${predictor.models} models, fitted in ${formatDuration(predictor.fitMs)}`,
  );
  printTable(
    [{ head: "cross-validated" }, ...scoreColumns],
    [
      [predictor.learner, ...listScores(predictor.crossValidated)],
      ["FLOPs only", ...listScores(predictor.baseline)],
    ],
  );
  printLine();
  printTable(
    [
      { head: "kernel" },
      { head: "rows", numeric: true },
      { head: "learner" },
      { head: "median error", numeric: true },
      { head: "share of time", numeric: true },
      { head: "remark" },
    ],
    predictor.classes.map((row) => [
      row.kernel,
      formatCount(row.rows),
      row.learner,
      formatPercent(row.medianApe),
      formatPercent(row.timeShare),
      row.fallback ?? "",
    ]),
  );
}

function describeRows({ endToEndOnly, rows }: PredictorDetail): string {
  return endToEndOnly ? "end-to-end times alone (no op was timed)" : `${formatCount(rows)} op rows`;
}

function printPredictions(predictions: readonly Prediction[]): void {
  printTable(
    [
      { head: "model" },
      { head: "predicted", numeric: true },
      { head: "from", numeric: true },
      { head: "to", numeric: true },
      { head: "measured", numeric: true },
      { head: "not covered" },
    ],
    predictions.map((one) => [
      one.model,
      formatMs(one.latencyMs),
      formatMs(one.lowMs),
      formatMs(one.highMs),
      formatMs(one.measuredMs),
      [...new Set(one.uncovered.map(({ op }) => op))].join(" "),
    ]),
  );
  const [only, ...others] = predictions;
  if (!only || others.length > 0 || only.ops.length === 0) return;
  const measured = new Map(only.measuredOps.map((time) => [time.op, time.ms]));
  printLine();
  printTable(
    [
      { head: "#", numeric: true },
      { head: "op" },
      { head: "kernel" },
      { head: "predicted", numeric: true },
      { head: "measured", numeric: true },
      { head: "remark" },
    ],
    only.ops.map((op) => [
      String(op.index),
      op.op,
      op.kernel,
      formatMs(op.ms),
      formatMs(measured.get(op.index)),
      [...(op.inferred ? ["inferred"] : []), ...op.extrapolated].join("; "),
    ]),
  );
  if (only.ops.some((op) => op.inferred))
    printLine(
      "The times of the ops are inferred: none was ever timed on this scenario, each is its share of what end-to-end times taught.",
    );
  else printLine(`between the ops: ${formatMs(only.overheadMs)}`);
}

function printEvaluation(evaluation: Evaluation): void {
  printTable(
    [
      { head: "learner" },
      { head: "protocol" },
      { head: "trained on", numeric: true },
      { head: "splits", numeric: true },
      ...scoreColumns,
      { head: "in interval", numeric: true },
      { head: "half-width", numeric: true },
    ],
    evaluation.rows.map((row) => [
      row.learner === "flops" ? "FLOPs only" : row.learner,
      row.protocol,
      formatCount(row.trainSize),
      formatCount(row.splits),
      ...listScores(row),
      formatPercent(row.inside, 0),
      formatPercent(row.halfWidth),
    ]),
  );
  if (evaluation.outlook) printLine(evaluation.outlook);
}

function printValidations(validations: readonly Validation[]): void {
  printTable(
    [
      { head: "model" },
      { head: "predicted", numeric: true },
      { head: "measured", numeric: true },
      { head: "error", numeric: true },
      { head: "inside interval" },
      { head: "remark" },
    ],
    validations.map((one) => [
      one.model,
      formatMs(one.predictedMs),
      formatMs(one.measuredMs),
      formatError(one.error),
      one.insideInterval ? "yes" : "no",
      [one.noisy ? "measured noisily" : "", one.learntFrom ? "learnt from: proves nothing" : ""]
        .filter((remark) => remark !== "")
        .join(", "),
    ]),
  );
}
