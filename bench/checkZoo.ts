import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { costGraph } from "../src-main/model/cost.ts";
import { estimateFileBytes } from "../src-main/model/fileSize.ts";
import { findZooNetwork, listZoo } from "../src-main/model/zoo/zoo.ts";
import { loadTflite, locateTfliteLibrary } from "../src-main/profile/tfliteLibrary.ts";
import type { TfliteLibrary } from "../src-main/profile/tfliteLibrary.ts";
import { compareRows, listGraphRows } from "./graphRows.ts";
import { countPublishedFlops } from "./publishedFlops.ts";
import { readPublishedZoo } from "./publishedRows.ts";
import type { PublishedNetwork, PublishedZoo } from "./publishedRows.ts";
import { runZooNetwork } from "./runZooNetwork.ts";
import { formatZooReport, zooLimits } from "./zooReport.ts";
import type { ZooCheck } from "./zooReport.ts";

const usage = `npm run check-zoo -- DIR [--only PATTERN] [--runtime] [--json]
  DIR             folder of the published data set (holds dataset/cnn and dataset/vit, or the tables themselves)
  --only PATTERN  networks whose name matches the regular expression
  --runtime       also write each network, run it once in TensorFlow Lite and read it back
  --json          print the checks as JSON`;

interface Options {
  folder: string;
  only: RegExp;
  runtime: boolean;
  json: boolean;
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string", default: "" },
      runtime: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  if (positionals.length !== 1) throw new Error(`one folder is needed, not ${positionals.length}\n${usage}`);
  return { ...values, folder: positionals[0]!, only: new RegExp(values.only) };
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
    runtime: null,
    faults: [],
  };
  if (!graph) return { ...check, faults: ["the zoo does not have it"] };
  if (runtime) {
    check.runtime = runZooNetwork(runtime.library, graph, join(runtime.folder, `${name}.tflite`));
    if (!check.runtime.ran) check.faults.push("it does not run");
    if (!check.runtime.roundTrip) check.faults.push("reading and writing it again gives another file");
  }
  check.ours = {
    flops: costGraph(graph).flops,
    bytes: check.runtime?.fileBytes ?? estimateFileBytes(graph),
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
  const library = options.runtime ? openRuntime() : null;
  const folder = mkdtempSync(join(tmpdir(), "latlab-check-zoo-"));
  try {
    const checks = listNetworks(zoo)
      .filter(({ name }) => options.only.test(name))
      .map((network) =>
        checkNetwork(network, zoo.rows.get(network.name), library ? { library, folder } : null),
      );
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
