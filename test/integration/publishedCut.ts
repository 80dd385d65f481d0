/**
 * Small sets of measurements with the names and columns of the published data set, made for tests: networks of the zoo, the kernels the
 * lab's rules give them, and times by a formula of our own.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deduceKernels } from "../../src-main/kernels/gpu.ts";
import { costGraph, costOp } from "../../src-main/model/cost.ts";
import { mainSubgraph, type Graph } from "../../src-main/model/graph.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { findZooNetwork } from "../../src-main/model/zoo/zoo.ts";
import type { FeatureValue, PublishedFeatures } from "../../src-main/published/featureText.ts";
import { describeGraphRow } from "../../src-main/published/graphRows.ts";
import { describePublishedPhone } from "../../src-main/published/phones.ts";

/** What the cut holds. */
export interface CutPlan {
  networks: readonly string[];
  /** Phones with a GPU, as the data set names them. */
  gpus: readonly string[];
  /** Columns of CPUs, e.g. `pixel4|1large|float`. */
  cpus: readonly string[];
}

interface CutOp {
  operation: string;
  features: PublishedFeatures;
  /** By phone. */
  kernels: Map<string, { name: string; us: number }>;
}

/** Writes `dataset/cnn/tflite_cnn_real_e2e.csv` and `…_ops_gpu.csv` into a folder; the same plan gives the same bytes. */
export function writeCut(folder: string, plan: CutPlan): void {
  const place = join(folder, "dataset", "cnn");
  mkdirSync(place, { recursive: true });
  const graphs = plan.networks.map((name) => ({ name, graph: findZooNetwork(name)!.build() }));
  writeFileSync(join(place, "tflite_cnn_real_e2e.csv"), describeLatencies(plan, graphs));
  if (plan.gpus.length > 0)
    writeFileSync(join(place, "tflite_cnn_real_ops_gpu.csv"), describeOps(plan, graphs));
}

type NamedGraph = { name: string; graph: Graph };

function describeLatencies({ gpus, cpus }: CutPlan, graphs: readonly NamedGraph[]): string {
  const scenarios = [...cpus, ...gpus.map((phone) => `${phone}|gpu|float`)];
  const header = ["model", "FLOPS", "size", ...scenarios.flatMap((name) => [`${name}|mean`, `${name}|std`])];
  const rows = graphs.map(({ name, graph }) => {
    const random = createRandom(name.length);
    const times = [
      ...cpus.map((column) => timeOnCpu(graph, column)),
      ...gpus.map((phone) => timeOnGpu(graph, phone)),
    ].map((us) => us * (1 + 0.02 * (random.next() - 0.5)));
    const { flops } = costGraph(graph);
    return [name, flops, 1000, ...times.flatMap((us) => [us.toFixed(1), (us / 100).toFixed(2)])].join(",");
  });
  return `${[header.join(","), ...rows].join("\n")}\n`;
}

function describeOps({ gpus }: CutPlan, graphs: readonly NamedGraph[]): string {
  const header = [
    "model",
    "operation",
    "feature",
    ...gpus.flatMap((phone) => [`${phone}|gpu|float`, `${phone}|gpu|kernel`]),
  ];
  const rows = graphs.flatMap(({ name, graph }) =>
    listOps(graph, gpus).map(({ operation, features, kernels }) =>
      [
        name,
        operation,
        `"${writeFeatures(features)}"`,
        ...gpus.flatMap((phone) => {
          const kernel = kernels.get(phone);
          return kernel ? [kernel.us.toFixed(3), kernel.name] : ["", ""];
        }),
      ].join(","),
    ),
  );
  return `${[header.join(","), ...rows].join("\n")}\n`;
}

function listOps(graph: Graph, gpus: readonly string[]): CutOp[] {
  const main = mainSubgraph(graph);
  const kernels = gpus.map((phone) => ({ phone, times: timeKernels(graph, phone) }));
  return main.ops.flatMap((op, index) => {
    const row = describeGraphRow(main, op);
    if (!row) return [];
    const found = kernels.flatMap(({ phone, times }) => {
      const kernel = times.find(({ ops, listed }) => listed && ops.includes(index));
      return kernel ? [[phone, { name: kernel.name, us: kernel.us }] as const] : [];
    });
    return [{ ...row, kernels: new Map(found) }];
  });
}

interface TimedKernel {
  name: string;
  ops: number[];
  us: number;
  /** Has a row in the per-op table. */
  listed: boolean;
}

/** Megaflops a microsecond of a phone's GPU; told by the phone's name, so that phones differ. */
function speedOf(phone: string): number {
  return 0.05 + (phone.length % 5) / 50;
}

function timeKernels(graph: Graph, phone: string): TimedKernel[] {
  const main = mainSubgraph(graph);
  const gpu = describePublishedPhone(phone).gpu;
  if (gpu === null) throw new Error(`the GPU of ${phone} is not known`);
  return deduceKernels(graph, gpu).kernels.map(({ name, class: kernelClass, ops, inputs, outputs }) => {
    const flops = ops.reduce((sum, op) => sum + (costOp(main, main.ops[op]!).flops ?? 0), 0);
    const elements = [...inputs, ...outputs].reduce((sum, { h, w, c }) => sum + h * w * c, 0);
    const us = 15 + flops / 1e6 / speedOf(phone) + elements / 4000;
    const listed = kernelClass !== "gpu-elementwise" && kernelClass !== "gpu-winograd-transform";
    return { name, ops, us, listed };
  });
}

function timeOnGpu(graph: Graph, phone: string): number {
  const kernels = timeKernels(graph, phone);
  return 500 + kernels.reduce((sum, { us }) => sum + us + 4, 0);
}

function timeOnCpu(graph: Graph, column: string): number {
  const main = mainSubgraph(graph);
  const cores = Number(/\d/.exec(column)?.[0] ?? 1);
  const factor = column.includes("quant") ? 0.5 : 1;
  const us = main.ops.reduce((sum, op) => {
    const perMega = op.type === "DEPTHWISE_CONV_2D" ? 180 : 60;
    return sum + 2 + ((costOp(main, op).flops ?? 0) / 1e6) * perMega;
  }, 0);
  return 100 + (us * factor) / cores ** 0.9;
}

function writeFeatures(features: PublishedFeatures): string {
  const entries = Object.entries(features).map(([name, value]) => `'${name}': ${writeValue(name, value)}`);
  return `{${entries.join(", ")}}`;
}

// Numbers stand as texts, but for the channels, and a dash for what is not told.
function writeValue(name: string, value: FeatureValue): string {
  if (name === "Input_channel" && typeof value === "number") return String(value);
  return `'${value === null ? "-" : String(value)}'`;
}
