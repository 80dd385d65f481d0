import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { LabError, describeError } from "../lab/errors.ts";
import { addBinaryCommands } from "./binaryCommands.ts";
import { addDeviceCommands } from "./deviceCommands.ts";
import { addDoorCommands } from "./doorCommands.ts";
import { exitCodes } from "./exitCodes.ts";
import { addImportCommands } from "./importCommands.ts";
import { addKernelCommand } from "./kernelCommand.ts";
import { addModelCommands } from "./modelCommands.ts";
import { addPhoneCommands } from "./phoneCommands.ts";
import { addPredictorCommands } from "./predictorCommands.ts";
import { addRunCommands } from "./runCommands.ts";

/** The command line. `signal` cancels the command that runs. */
export function createProgram(signal: AbortSignal): Command {
  const program = new Command("latlab")
    .description("Measures, predicts and validates the inference latency of neural networks")
    .version(packageJson.version)
    .option("--lab <folder>", "the lab's data folder (default: $LATLAB_HOME or the user's data folder)")
    .option("--json", "one JSON document on standard output and nothing else")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(joinLines(text)) })
    .exitOverride();
  addDeviceCommands(program, signal);
  addPhoneCommands(program, signal);
  addBinaryCommands(program, signal);
  addModelCommands(program, signal);
  addKernelCommand(program, signal);
  addRunCommands(program, signal);
  addImportCommands(program, signal);
  addPredictorCommands(program, signal);
  addDoorCommands(program, signal);
  return program;
}

// Commander puts its guess at what was meant on a line of its own, and where it has none says nothing of what to do.
function joinLines(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, " ");
  return line.endsWith(")") ? `${line}\n` : `${line.replace(/\.$/, "")} (--help tells what there is)\n`;
}

/** Runs a command line (without the program's name) and gives its exit code; errors are one line on standard error. */
export async function runProgram(args: readonly string[], signal: AbortSignal): Promise<number> {
  const program = createProgram(signal);
  try {
    if (args.length === 0) {
      program.outputHelp({ error: true });
      return exitCodes.usage;
    }
    await program.parseAsync([...args], { from: "user" });
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (signal.aborted && isCancellation(error)) return tellError(error, exitCodes.cancelled);
    const usage = error instanceof LabError && error.code === "bad-request";
    return tellError(error, usage ? exitCodes.usage : exitCodes.failed);
  }
}

function isCancellation(error: unknown): boolean {
  return error instanceof LabError && error.code === "cancelled";
}

function tellError(error: unknown, code: number): number {
  const { message, hint } = describeError(error);
  process.stderr.write(`error: ${message} (${hint.replace(/\.$/, "")})\n`);
  return code;
}
