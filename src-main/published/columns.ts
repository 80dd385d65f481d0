import type { Precision, Runtime } from "../lab/contract.ts";
import { publishedUnreadable } from "../lab/errors.ts";
import type { PublishedFileName } from "./fileName.ts";

/** Where a published number was measured: the phone, and the rest of a scenario as the lab names it. */
export interface PublishedScenario {
  phone: string;
  /** A core set's name (`1large+2med`), or `gpu`. */
  cores: string;
  precision: Precision;
  runtime: Runtime;
}

/** A column of numbers or of kernel names, by its place in the row. */
export interface ScenarioColumns {
  scenario: PublishedScenario;
  /** Column of the mean. */
  mean: number;
  /** Column of the standard deviation, or null. */
  std: number | null;
  /** Column of the names of the kernels that ran, or null. */
  kernel: number | null;
}

/** What the header of a published file tells. */
export interface PublishedHeader {
  names: string[];
  model: number;
  /** Only in end-to-end files; null when absent. */
  flops: number | null;
  size: number | null;
  /** Both only in per-op files, else -1. */
  operation: number;
  feature: number;
  scenarios: ScenarioColumns[];
}

/**
 * Reads a header: `model`, then `FLOPS` and `size` end to end or `operation` and `feature` per op, then columns named
 * `phone|cores|precision|mean`, `…|std`, in per-op files also `phone|cores|precision` and `phone|cores|kernel`. Other columns are passed
 * over when they have no `|`. Rejects with data-unreadable naming line and column.
 */
export function readHeader(
  path: string,
  line: number,
  names: string[],
  file: PublishedFileName,
): PublishedHeader {
  const fail = (column: number, problem: string) =>
    publishedUnreadable(path, { line, column: column + 1, name: names[column] }, problem);
  const seen = new Map<string, number>();
  names.forEach((name, column) => {
    if (seen.has(name)) throw fail(column, `the name stands above two columns`);
    seen.set(name, column);
  });
  const need = (name: string) => {
    const column = seen.get(name);
    if (column === undefined) throw publishedUnreadable(path, { line }, `the header has no column ${name}`);
    return column;
  };
  const perOp = file.info === "ops";
  const header: PublishedHeader = {
    names,
    model: need("model"),
    flops: seen.get("FLOPS") ?? null,
    size: seen.get("size") ?? null,
    operation: perOp ? need("operation") : -1,
    feature: perOp ? need("feature") : -1,
    scenarios: [],
  };
  const byId = new Map<string, Partial<ScenarioColumns> & { scenario: PublishedScenario }>();
  const kernels = new Map<string, number>();
  names.forEach((name, column) => {
    if (!name.includes("|")) return;
    const parts = name.split("|");
    const [phone = "", cores = "", third = "", statistic] = parts;
    if (parts.length < 3 || parts.length > 4 || phone === "" || /[/\p{Cc}]/u.test(phone))
      throw fail(column, "it does not read phone|cores|precision|mean");
    const coreSet = readCores(cores);
    if (coreSet === null)
      throw fail(column, `${JSON.stringify(cores)} is no core set such as 1large2med, nor gpu`);
    if (third === "kernel" && statistic === undefined && perOp) {
      kernels.set(`${phone}|${coreSet}`, column);
      return;
    }
    const precision = readPrecision(third, coreSet);
    if (precision === null) throw fail(column, `${JSON.stringify(third)} is no precision (float, quant)`);
    if (statistic === undefined && !perOp) throw fail(column, "it does not read phone|cores|precision|mean");
    const scenario = { phone, cores: coreSet, precision, runtime: readRuntime(file, coreSet) };
    const id = `${phone}|${coreSet}|${precision}`;
    const known = byId.get(id) ?? { scenario };
    byId.set(id, known);
    if (statistic === "std") known.std = column;
    else if (statistic === undefined || statistic === "mean") {
      if (known.mean !== undefined) throw fail(column, "another column holds the same measurements");
      known.mean = column;
    }
  });
  for (const { scenario, mean, std } of byId.values())
    if (mean !== undefined) {
      const kernel = kernels.get(`${scenario.phone}|${scenario.cores}`) ?? null;
      header.scenarios.push({ scenario, mean, std: std ?? null, kernel });
    }
  if (header.scenarios.length === 0)
    throw publishedUnreadable(path, { line }, "the header has no column phone|cores|precision|mean");
  return header;
}

// The data set writes `1large2med`, the lab `1large+2med`.
function readCores(text: string): string | null {
  if (text === "gpu") return text;
  if (!/^(?:\d+[a-z]+\+?)+$/.test(text)) return null;
  return text.match(/\d+[a-z]+/g)!.join("+");
}

// GPUs ran with 16-bit floats, as the data set says of its files.
function readPrecision(text: string, cores: string): Precision | null {
  switch (text) {
    case "float":
      return cores === "gpu" ? "float16" : "float32";
    case "quant":
      return "int8";
    default:
      return null;
  }
}

function readRuntime({ framework }: PublishedFileName, cores: string): Runtime {
  if (framework === "torch") return "torch";
  return cores === "gpu" ? "gpu-cl" : "tflite";
}
