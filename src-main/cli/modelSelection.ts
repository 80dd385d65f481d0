import { readFileSync } from "node:fs";
import { Option, type Command } from "commander";
import type { Lab } from "../lab/contract.ts";
import { LabError, badRequest, modelUnknown } from "../lab/errors.ts";
import { findPath } from "../lab/modelFile.ts";
import { definesNetwork, matchName, wholeZoo } from "../lab/modelNames.ts";

/** A model as a file names it. */
interface Line {
  text: string;
  /** Counted from 1. */
  number: number;
}

/** The models a command is told: its arguments, and the lines of a file. */
export interface ModelSelection {
  models: string[];
  path: string | null;
  lines: Line[];
}

/** Adds the arguments that tell a command its models, and the option --from. */
export function addModelSelection(command: Command): Command {
  return command
    .argument(
      "[models...]",
      "names of the zoo and the library, `all` (the whole zoo), patterns with *, encodings (nb201:, ofa-mbv3:, proxyless:, fbnet:), .tflite or .onnx paths",
    )
    .addOption(
      new Option(
        "--from <file>",
        "also the models a file names, one a line, # begins a comment; - is standard input",
      ),
    );
}

/** Reads what a command was told; ends it when that is nothing at all. Throws bad-request for a file that cannot be read. */
export function readSelection(
  command: Command,
  models: readonly string[],
  from: string | undefined,
): ModelSelection {
  if (models.length === 0 && from === undefined)
    command.error("error: missing models (name some, or give --from FILE)");
  const lines = from === undefined ? [] : readLines(from);
  return { models: [...models], path: from ?? null, lines };
}

/**
 * The names of a selection. Rejects with bad-request or model-unknown for a line of the file that means no model, telling its
 * number; what the arguments mean is left to the lab.
 */
export async function resolveSelection(lab: Lab, { models, path, lines }: ModelSelection): Promise<string[]> {
  let names: string[] | null = null;
  for (const { text, number } of lines) {
    const place = `${path === "-" ? "Standard input" : path}, line ${number}`;
    if (meansDefined(text, place) || text === wholeZoo || findPath(text) !== null) continue;
    names ??= (await lab.models()).map(({ name }) => name);
    if (!names.some((name) => matchName(text, name))) throw prefixError(modelUnknown(text), place);
  }
  return [...models, ...lines.map(({ text }) => text)];
}

function readLines(path: string): Line[] {
  const lines = readText(path)
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .map((line, index) => ({ text: line.replace(/(^|\s)#.*$/, "").trim(), number: index + 1 }))
    .filter(({ text }) => text !== "");
  if (lines.length === 0) throw badRequest(`${path} names no model`, "Write one name or encoding a line.");
  return lines;
}

function readText(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : message;
    throw badRequest(`${path} cannot be read: ${reason}`, "Give a text file with one model a line.");
  }
}

function meansDefined(text: string, place: string): boolean {
  try {
    return definesNetwork(text);
  } catch (error) {
    throw error instanceof LabError ? prefixError(error, place) : error;
  }
}

function prefixError({ code, message, hint }: LabError, place: string): LabError {
  return new LabError(code, `${place}: ${message}`, hint);
}
