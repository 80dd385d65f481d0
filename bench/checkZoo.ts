import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { costGraph } from "../src-main/model/cost.ts";
import { estimateFileBytes } from "../src-main/model/fileSize.ts";
import { quantizeGraph } from "../src-main/model/quantize.ts";
import { findZooNetwork, listZoo } from "../src-main/model/zoo/zoo.ts";
import { loadTflite, locateTfliteLibrary } from "../src-main/profile/tfliteLibrary.ts";
import type { TfliteLibrary } from "../src-main/profile/tfliteLibrary.ts";
import { compareRows, listGraphRows } from "./graphRows.ts";
import { countPublishedFlops } from "./publishedFlops.ts";
import { readPublishedZoo } from "./publishedRows.ts";
import type { PublishedNetwork, PublishedZoo } from "./publishedRows.ts";
import { runZooNetwork } from "./runZooNetwork.ts";
import { formatZooReport, zooLimits } from "./zooReport.ts";
import type { RunPrecision, ZooCheck } from "./zooReport.ts";

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

function openRuntime(): TfliteLibrary {
  const path = locateTfliteLibrary();
  if (!path) throw new Error("the TensorFlow Lite library is not installed; leave out --runtime");
  return loadTflite(path);
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

function checkNetwork(
  network: Pick<ZooCheck, "name" | "kind" | "published">,
  publishedRows: readonly string[] | undefined,
  precisions: readonly RunPrecision[],
  runtime: { library: TfliteLibrary; folder: string } | null,
): ZooCheck {
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
  if (runtime)
    for (const precision of precisions) {
      const form = precision === "int8" ? quantizeGraph(graph) : graph;
      const verdict = runZooNetwork(runtime.library, form, join(runtime.folder, `${name}.tflite`));
      check.runs[precision] = verdict;
      if (!verdict.ran) check.faults.push(`it does not run at ${precision}`);
      if (!verdict.roundTrip)
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
    // The published count of transformers leaves operators out; the limit is for structure, so both count alike.
    if (kind === "vit") check.countedFlops = countPublishedFlops(graph);
    const flops = check.countedFlops ?? check.ours.flops;
    if (Math.abs(flops / published.flops - 1) > limits.flops)
      check.faults.push(`FLOPs differ by more than ${100 * limits.flops} %`);
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

function run(): void {
  const options = readOptions();
  const zoo = readPublishedZoo(options.folder);
  const library = options.precisions.length > 0 ? openRuntime() : null;
  const folder = mkdtempSync(join(tmpdir(), "latlab-check-zoo-"));
  try {
    const networks = listNetworks(zoo).filter(({ name }) => options.only.test(name));
    const checks = networks.map((network, index) => {
      if (library) console.error(`${index + 1} of ${networks.length}: ${network.name}`);
      const rows = zoo.rows.get(network.name);
      return checkNetwork(network, rows, options.precisions, library ? { library, folder } : null);
    });
    console.log(options.json ? JSON.stringify(checks, null, 2) : formatZooReport(checks));
    if (checks.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  run();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
