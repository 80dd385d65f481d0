import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

/** How the command is used. */
export const accuracyUsage = `npm run accuracy -- DIR [options]
  DIR                  folder of the mobile-ml-benchmark data set, or its dataset folder
  --only gpu|cpu       GPUs (kernels timed) or CPUs (end-to-end times alone); both without it
  --scenarios PATTERN  scenarios whose id matches the regular expression
  --learners A,B       learners to fit; all without it
  --sizes N,N          training sizes; the usual ones without it
  --seeds N            random splits of each training size (5)
  --workers N          worker threads (one a core)
  --out FILE           where the page is written (accuracy.html)
  --json               print only {"rows": […]}`;

/** The options of the command. */
export interface AccuracyOptions {
  folder: string;
  only: "gpu" | "cpu" | null;
  scenarios: RegExp | null;
  learners: string[];
  trainSizes: number[];
  seeds: number;
  workers: number;
  out: string;
  json: boolean;
}

/** The command was used wrongly. */
export class UsageError extends Error {}

/** Reads the command line; throws a UsageError. Null when only help was asked for. */
export function readAccuracyOptions(args: readonly string[]): AccuracyOptions | null {
  const { values, positionals } = parse(args);
  if (values.help) return null;
  const [folder] = positionals;
  if (folder === undefined || positionals.length !== 1)
    throw new UsageError(`one folder is needed, not ${positionals.length}`);
  const { only } = values;
  if (only !== undefined && only !== "gpu" && only !== "cpu")
    throw new UsageError(`--only is gpu or cpu, not ${only}`);
  return {
    folder,
    only: only ?? null,
    scenarios: values.scenarios === undefined ? null : readPattern(values.scenarios),
    learners: readList(values.learners),
    trainSizes: readList(values.sizes).map((size) => readCount("--sizes", size)),
    seeds: readCount("--seeds", values.seeds),
    workers: values.workers === undefined ? availableParallelism() : readCount("--workers", values.workers),
    out: values.out,
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        only: { type: "string" },
        scenarios: { type: "string" },
        learners: { type: "string", default: "" },
        sizes: { type: "string", default: "" },
        seeds: { type: "string", default: "5" },
        workers: { type: "string" },
        out: { type: "string", default: "accuracy.html" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readList(text: string): string[] {
  return text.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
}

function readCount(option: string, text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1)
    throw new UsageError(`${option} wants whole numbers from 1, not ${text}`);
  return count;
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(`--scenarios: ${(error as Error).message}`);
  }
}
