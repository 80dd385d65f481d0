import { Option, type Command } from "commander";
import type { ModelKernels, Precision } from "../lab/contract.ts";
import { formatCount } from "../lab/format.ts";
import { addModelSelection, readSelection, resolveSelection } from "./modelSelection.ts";
import { readOptions } from "./options.ts";
import { printJson, printLine, printTable } from "./output.ts";
import { Session } from "./session.ts";

interface KernelOptions {
  target: string;
  runtime?: "tflite" | "xnnpack";
  precision?: Precision;
  from?: string;
}

/** Adds `kernels`. */
export function addKernelCommand(program: Command, signal: AbortSignal): void {
  addModelSelection(program.command("kernels"))
    .description("tell which kernels a CPU or a GPU runs for models, and why")
    .addOption(
      new Option(
        "--target <target>",
        'cpu, or gpu: and the name its driver gives, e.g. "gpu:Adreno (TM) 640"',
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option("--runtime <runtime>", "of the CPU (default: tflite)").choices(["tflite", "xnnpack"]),
    )
    .addOption(
      new Option(
        "--precision <precision>",
        "arithmetic (default: float32 on a CPU, float16 on a GPU)",
      ).choices(["float32", "float16", "int8"]),
    )
    .action((models: string[], _options, command: Command) => {
      const options = readOptions<KernelOptions>(command);
      const selection = readSelection(command, models, options.from);
      return Session.use(options, signal, async ({ lab, json }) => {
        const { target, runtime, precision } = options;
        const names = await resolveSelection(lab, selection);
        const found = await lab.kernels({ models: names, target, runtime, precision });
        if (json) printJson(joinModels(found));
        else found.forEach(printKernels);
      });
    });
}

/** One document however many models there are: each kernel names its model. */
function joinModels(found: readonly ModelKernels[]) {
  const [first] = found;
  return {
    target: first?.target,
    precision: first?.precision,
    gpu: first?.gpu,
    kernels: found.flatMap(({ model, kernels }) => kernels.map((kernel) => ({ model, ...kernel }))),
    cpu: found.flatMap(({ model, cpu }) => cpu.map((op) => ({ model, ...op }))),
  };
}

function printKernels({ model, target, precision, gpu, kernels, cpu }: ModelKernels): void {
  const ops = new Set(kernels.flatMap((kernel) => kernel.ops)).size;
  printLine(`${model} on ${target}, ${precision}: ${formatCount(kernels.length)} kernels for ${ops} ops`);
  if (gpu) printLine(gpu.rules);
  printTable(
    [{ head: "kernel" }, ...(gpu ? [{ head: "variant" }] : []), { head: "ops" }, { head: "why" }],
    kernels.map((kernel) => [
      kernel.class ?? "not predictable",
      ...(gpu ? [kernel.variant ?? ""] : []),
      kernel.ops.join(" "),
      kernel.why.join("; "),
    ]),
  );
  if (cpu.length > 0) {
    printLine(`Left to the CPU: ${formatCount(cpu.length)} ops`);
    printTable(
      [{ head: "#", numeric: true }, { head: "op" }, { head: "why" }],
      cpu.map(({ index, op, reason }) => [String(index), op, reason]),
    );
  }
  printLine();
}
