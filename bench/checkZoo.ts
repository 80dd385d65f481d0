import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { costGraph } from "../src-main/model/cost.ts";
import { estimateFileBytes } from "../src-main/model/fileSize.ts";
import { findZooNetwork, listZoo } from "../src-main/model/zoo/zoo.ts";
import { locateTfliteLibrary } from "../src-main/profile/tfliteLibrary.ts";
import { compareRows, listGraphRows } from "./graphRows.ts";
import { countPublishedFlops } from "./publishedFlops.ts";
import { readPublishedZoo } from "./publishedRows.ts";
import type { PublishedNetwork, PublishedZoo } from "./publishedRows.ts";
import { formatZooReport, zooLimits } from "./zooReport.ts";
import type { RunPrecision, ZooCheck } from "./zooReport.ts";
import { ZooRunner } from "./zooRunner.ts";

const usage = `npm run check-zoo -- DIR [--only PATTERN] [--runtime] [--precision float32|int8|both] [--json]
  DIR             folder of the published data set (holds dataset/cnn and dataset/vit, or the tables themselves)
  --only PATTERN  networks whose name matches the regular expression
  --runtime       also write each network, run it once in TensorFlow Lite and read it back
  --precision P   in which form it is written and run: float32 (default), int8 or both; implies --runtime
  --json          print the checks as JSON`;

interface Options {
  folder: string;
  only: RegExp;
  /** Forms in which the networks are run; empty when they are not. */
  precisions: readonly RunPrecision[];
  json: boolean;
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string", default: "" },
      runtime: { type: "boolean", default: false },
      precision: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  if (positionals.length !== 1) throw new Error(`one folder is needed, not ${positionals.length}\n${usage}`);
  const precision = values.precision ?? "float32";
  if (precision !== "float32" && precision !== "int8" && precision !== "both")
    throw new Error(`${precision} is no precision of this check\n${usage}`);
  const forms: RunPrecision[] = precision === "both" ? ["float32", "int8"] : [precision];
  return {
    folder: positionals[0]!,
    only: new RegExp(values.only),
    precisions: values.runtime || values.precision !== undefined ? forms : [],
    json: values.json,
  };
}

function openRunner(folder: string): ZooRunner {
  const path = locateTfliteLibrary();
  if (!path) throw new Error("the TensorFlow Lite library is not installed; leave out --runtime");
  return new ZooRunner(path, folder);
}

/** The networks to check: the published CNNs, the published transformers the zoo has, then the rest of the zoo. */
function listNetworks(zoo: PublishedZoo): Pick<ZooCheck, "name" | "kind" | "published">[] {
  const take = (kind: "cnn" | "vit", networks: Map<string, PublishedNetwork>) =>
    [...networks].map(([name, published]) => ({ name, kind, published }));
  const rest = listZoo().filter(({ name }) => !zoo.cnn.has(name) && !zoo.vit.has(name));
  return [
    ...take("cnn", zoo.cnn),
    ...take("vit", zoo.vit).filter(({ name }) => findZooNetwork(name)),
    ...rest.map(({ name }) => ({ name, kind: "unpublished" as const, published: null })),
  ];
}

/** Published FLOPs have six digits or more. */
const roundedFlops = 5e-6;

async function checkNetwork(
  network: Pick<ZooCheck, "name" | "kind" | "published">,
  publishedRows: readonly string[] | undefined,
  precisions: readonly RunPrecision[],
  runner: ZooRunner | null,
): Promise<ZooCheck> {
  const { name, kind, published } = network;
  const graph = findZooNetwork(name)?.build();
  const check: ZooCheck = {
    ...network,
    ours: null,
    flopsDeviation: null,
    countedFlops: null,
    bytesDeviation: null,
    rows: null,
    runs: {},
    faults: [],
  };
  if (!graph) return { ...check, faults: ["the zoo does not have it"] };
  if (runner)
    for (const precision of precisions) {
      const verdict = await runner.run({ name, precision });
      check.runs[precision] = verdict;
      if (!verdict.ran) check.faults.push(`it does not run at ${precision}`);
      if (verdict.roundTrip === false)
        check.faults.push(`reading and writing it again gives another file at ${precision}`);
    }
  check.ours = {
    flops: costGraph(graph).flops,
    bytes: check.runs.float32?.fileBytes ?? estimateFileBytes(graph),
  };
  if (published && kind !== "unpublished") {
    check.flopsDeviation = check.ours.flops / published.flops - 1;
    check.bytesDeviation = check.ours.bytes / published.bytes - 1;
    const limits = zooLimits[kind];
    if (Math.abs(check.flopsDeviation) > limits.flops)
      check.faults.push(`FLOPs differ by more than ${100 * limits.flops} %`);
    // The published count of transformers leaves operators out; counted alike, nothing but rounding may differ.
    if (kind === "vit") {
      check.countedFlops = countPublishedFlops(graph);
      if (Math.abs(check.countedFlops / published.flops - 1) > roundedFlops)
        check.faults.push("FLOPs counted as published differ");
    }
    if (Math.abs(check.bytesDeviation) > limits.bytes)
      check.faults.push(`size differs by more than ${100 * limits.bytes} %`);
  }
  if (publishedRows) {
    check.rows = compareRows(listGraphRows(graph), publishedRows);
    const { missing, extra } = check.rows;
    if (missing.length + extra.length > 0) check.faults.push("the ops are not those published");
  }
  return check;
}

async function run(): Promise<void> {
  const options = readOptions();
  const zoo = readPublishedZoo(options.folder);
  const folder = mkdtempSync(join(tmpdir(), "latlab-check-zoo-"));
  let runner: ZooRunner | null = null;
  try {
    if (options.precisions.length > 0) runner = openRunner(folder);
    const networks = listNetworks(zoo).filter(({ name }) => options.only.test(name));
    if (networks.length === 0) throw new Error(`no network has a name that matches ${options.only.source}`);
    const checks: ZooCheck[] = [];
    for (const [index, network] of networks.entries()) {
      if (runner) console.error(`${index + 1} of ${networks.length}: ${network.name}`);
      checks.push(await checkNetwork(network, zoo.rows.get(network.name), options.precisions, runner));
    }
    console.log(options.json ? JSON.stringify(checks, null, 2) : formatZooReport(checks));
    if (checks.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
  } finally {
    runner?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
