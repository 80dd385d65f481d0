import { InvalidArgumentError, Option, type Command } from "commander";
import type { CommonOptions } from "./session.ts";

/** Reads a whole number within limits; commander tells the rest. */
export function readInteger(lowest: number, highest = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text.trim()) || value < lowest || value > highest)
      throw new InvalidArgumentError(
        highest === Number.MAX_SAFE_INTEGER
          ? `It must be a whole number from ${lowest}.`
          : `It must be a whole number from ${lowest} to ${highest}.`,
      );
    return value;
  };
}

/** Reads a list with commas in which empty entries mean nothing. */
export function readList(text: string): string[] {
  const list = text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (list.length === 0) throw new InvalidArgumentError("It must name at least one.");
  return list;
}

/** Reads a list of whole numbers with commas. */
export function readIntegers(text: string): number[] {
  return readList(text).map(readInteger(1));
}

export const highestSeed = 0xffffffff;

export function seedOption(): Option {
  return new Option("--seed <number>", "where random choices start").argParser(readInteger(0, highestSeed));
}

export function scenarioOption(): Option {
  return new Option(
    "--scenario <id>",
    "device/cores/precision/runtime, e.g. host/1core/float32/tflite",
  ).makeOptionMandatory();
}

export function learnerOption(extra: readonly string[] = []): Option {
  return new Option("--learner <name>", "what is fitted").choices([
    "auto",
    "lasso",
    "forest",
    "boosting",
    "perceptron",
    "linear-boosting",
    ...extra,
  ]);
}

export function thoroughnessOption(): Option {
  return new Option("--thoroughness <level>", "how long each cell is measured").choices([
    "quick",
    "standard",
    "thorough",
  ]);
}

/** The options of a command together with those every command takes. */
export function readOptions<T extends object>(command: Command): T & CommonOptions {
  return command.optsWithGlobals<T & CommonOptions>();
}
