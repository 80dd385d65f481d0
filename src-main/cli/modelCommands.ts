import { join, resolve } from "node:path";
import { Option, type Command } from "commander";
import type { ModelDetail, ModelSummary, OpDetail, Precision } from "../lab/contract.ts";
import { formatBytes, formatCount, formatFlops, formatShape, formatShortCount } from "../lab/format.ts";
import { addModelSelection, readSelection, resolveSelection } from "./modelSelection.ts";
import { readInteger, readOptions, seedOption } from "./options.ts";
import { printJson, printLine, printTable } from "./output.ts";
import { Session } from "./session.ts";

/** Adds `models`, `inspect`, `build` and `sample`. */
export function addModelCommands(program: Command, signal: AbortSignal): void {
  program
    .command("models")
    .description("list the lab's models, or add and remove some")
    .argument("[text]", "only those whose name or family holds it")
    .addOption(new Option("--family <name>", "only those of a family"))
    .addOption(
      new Option("--kind <kind>", "only those of a kind").choices(["zoo", "sampled", "file", "published"]),
    )
    .addOption(new Option("--add <files...>", "put .tflite or .onnx files into the library first"))
    .addOption(new Option("--remove <names...>", "take models out of the library first"))
    .action((text: string | undefined, _options, command: Command) => {
      const options = readOptions<ListOptions>(command);
      return Session.use(options, signal, async ({ lab, json }) => {
        if (options.add) await lab.addModels({ paths: options.add });
        if (options.remove) await lab.removeModels({ names: options.remove });
        const models = await lab.models({ text, family: options.family, kind: options.kind });
        if (json) printJson(models);
        else printModels(models);
      });
    });

  addModelSelection(program.command("inspect"))
    .description("show a model's operators, shapes, attributes and cost")
    .action((models: string[], _options, command: Command) => {
      const options = readOptions<{ from?: string }>(command);
      const selection = readSelection(command, models, options.from);
      return Session.use(options, signal, async ({ lab, json }) => {
        const details = await lab.inspect({ models: await resolveSelection(lab, selection) });
        if (json) printJson(details);
        else details.forEach(printDetail);
      });
    });

  addModelSelection(program.command("build"))
    .description("write models as .tflite files")
    .addOption(
      new Option("--precision <precision>", "number format of the files")
        .choices(["float32", "float16", "int8"])
        .default("float32"),
    )
    .addOption(new Option("--out <folder>", "where the files go").makeOptionMandatory())
    .action((models: string[], _options, command: Command) => {
      const options = readOptions<{ precision: Precision; out: string; from?: string }>(command);
      const selection = readSelection(command, models, options.from);
      return Session.use(options, signal, async (session) => {
        const { precision, out } = options;
        const names = await resolveSelection(session.lab, selection);
        const built = await session.finish(await session.lab.startBuild({ names, precision, out }));
        if (session.json) printJson(built);
        else
          printTable(
            [{ head: "model" }, { head: "size", numeric: true }, { head: "file" }],
            built.map((model) => [model.name, formatBytes(model.bytes), model.path]),
          );
      });
    });

  program
    .command("sample")
    .description("draw networks from the search space into the library")
    .addOption(
      new Option("--count <number>", "how many").argParser(readInteger(1, 100_000)).makeOptionMandatory(),
    )
    .addOption(seedOption().default(1))
    .addOption(new Option("--out <folder>", "also write them there as .tflite files"))
    .action((_options, command: Command) => {
      const options = readOptions<{ count: number; seed: number; out?: string }>(command);
      return Session.use(options, signal, async (session) => {
        const { count, seed, out } = options;
        const models = await session.finish(await session.lab.startSample({ count, seed, out }));
        const located = models.map((model) =>
          out === undefined ? model : { ...model, path: join(resolve(out), `${model.name}.tflite`) },
        );
        if (session.json) printJson(located);
        else printModels(models);
      });
    });
}

interface ListOptions {
  family?: string;
  kind?: ModelSummary["kind"];
  add?: string[];
  remove?: string[];
}

function printModels(models: readonly ModelSummary[]): void {
  if (models.length === 0) {
    printLine(
      "No such models. All of them are listed by `latlab models`; `latlab sample --count 20` draws more.",
    );
    return;
  }
  printTable(
    [
      { head: "model" },
      { head: "family" },
      { head: "kind" },
      { head: "ops", numeric: true },
      { head: "FLOPs", numeric: true },
      { head: "parameters", numeric: true },
      { head: "size", numeric: true },
      { head: "measured on" },
    ],
    models.map((model) => [
      model.name,
      model.family,
      model.kind,
      formatCount(model.ops),
      formatFlops(model.flops),
      formatShortCount(model.params),
      formatBytes(model.bytes),
      describeMeasuredOn(model.measuredOn),
    ]),
  );
}

// A published network has a hundred scenarios, which would push the table out of any window; --json lists them.
function describeMeasuredOn(scenarios: readonly string[]): string {
  if (scenarios.length <= 3) return scenarios.join(" ");
  const devices = [...new Set(scenarios.map((id) => id.split("/")[0]!))];
  return `${scenarios.length} scenarios of ${devices.join(", ")}`;
}

function printDetail(model: ModelDetail): void {
  const tensors = (list: ModelDetail["inputs"]) =>
    list.map((tensor) => `${formatShape(tensor.shape)} ${tensor.dtype}`).join(", ");
  printLine(
    `${model.name}: ${formatFlops(model.flops)}, ${formatShortCount(model.params)} parameters, ${formatBytes(model.bytes)}`,
  );
  printLine(`inputs ${tensors(model.inputs)}; outputs ${tensors(model.outputs)}`);
  const remarks = [
    model.quantized ? "quantised" : "",
    model.sparse ? "holds sparse weights" : "",
    model.dynamic ? "has dynamic dimensions" : "",
    model.subgraphs > 1 ? `${model.subgraphs} subgraphs` : "",
    ...model.uncosted.map(({ op, count }) => `${count} × ${op} without a cost`),
  ].filter((remark) => remark !== "");
  if (remarks.length > 0) printLine(remarks.join("; "));
  printTable(
    [
      { head: "#", numeric: true },
      { head: "op" },
      { head: "inputs" },
      { head: "outputs" },
      { head: "FLOPs", numeric: true },
      { head: "parameters", numeric: true },
      { head: "attributes" },
    ],
    model.ops.map((op) => [
      model.subgraphs > 1 ? `${op.subgraph}:${op.index}` : String(op.index),
      op.custom ? `${op.op} (custom)` : op.op,
      op.inputs.map(formatShape).join(" "),
      op.outputs.map(formatShape).join(" "),
      formatFlops(op.flops),
      formatShortCount(op.params),
      describeAttributes(op),
    ]),
  );
  printLine();
}

function describeAttributes({ attributes }: OpDetail): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join("×") : String(value)}`)
    .join(" ");
}
