import { formatScenario } from "../device/scenario.ts";
import { findZooNetwork } from "../model/zoo/zoo.ts";
import type { MeasuredNetwork } from "../predict/dataset.ts";
import { alignRows } from "../published/graphRows.ts";
import { mergeAllKernels } from "../published/kernelMerging.ts";
import { describePublishedPhone } from "../published/phones.ts";
import { findPublishedFiles } from "../published/publishedFiles.ts";
import { readPublishedEndToEnd, readPublishedOps, type PublishedOp } from "../published/readPublished.ts";

/** Networks measured on the GPU of one phone, kernel by kernel. */
export interface GpuPhoneData {
  scenario: string;
  /** As its driver names it. */
  gpu: string;
  networks: MeasuredNetwork[];
}

/** What a folder of published measurements tells of GPUs. */
export interface GpuPhones {
  phones: GpuPhoneData[];
  /** Networks with kernel times that the zoo has no graph of. */
  withoutGraph: string[];
  /** Phones with kernel times whose GPU is not known, so that its kernels cannot be deduced. */
  withoutGpu: string[];
}

/**
 * Reads the networks with kernel times on GPUs and their end-to-end latencies from a folder of published measurements. Phones
 * that are not known go by `gpus`, GPU names by phone. Rejects as the readers of the files do.
 */
export async function readGpuPhones(
  folder: string,
  gpus: Readonly<Record<string, string>> = {},
): Promise<GpuPhones> {
  const { files } = findPublishedFiles(folder);
  const timed = files.filter(({ about }) => about.info === "ops" && about.set === "real");
  const latencies = new Map<string, number>();
  for (const { path } of files.filter(({ about }) => about.info === "e2e" && about.set === "real"))
    for await (const { network, scenario, meanMs } of readPublishedEndToEnd(path))
      if (scenario.runtime === "gpu-cl") latencies.set(`${formatPhone(scenario)} ${network}`, meanMs);
  const phones = new Map<string, GpuPhoneData>();
  const withoutGraph = new Set<string>();
  const withoutGpu = new Set<string>();
  for (const { path } of timed) {
    for (const [name, ops] of await groupByNetwork(path)) {
      const found = findZooNetwork(name);
      if (!found) {
        withoutGraph.add(name);
        continue;
      }
      const graph = found.build();
      const places = alignRows(graph, ops);
      for (const [scenario, kernels] of mergeAllKernels(ops)) {
        if (scenario.runtime !== "gpu-cl") continue;
        const id = formatPhone(scenario);
        const gpu = gpus[scenario.phone] ?? describePublishedPhone(scenario.phone).gpu;
        const latencyMs = latencies.get(`${id} ${name}`);
        if (gpu === null) withoutGpu.add(scenario.phone);
        if (gpu === null || latencyMs === undefined) continue;
        let phone = phones.get(id);
        if (!phone) phones.set(id, (phone = { scenario: id, gpu, networks: [] }));
        phone.networks.push({
          model: name,
          family: found.family,
          graph,
          latencyMs,
          opTimes: [],
          kernelTimes: kernels.map(({ kernel, rows, ms }) => ({
            name: kernel ?? "",
            ops: rows.flatMap((row) => places[row] ?? []),
            ms,
          })),
          cell: 0,
        });
      }
    }
  }
  return { phones: [...phones.values()], withoutGraph: [...withoutGraph], withoutGpu: [...withoutGpu] };
}

function formatPhone({
  phone,
  cores,
  precision,
  runtime,
}: PublishedOp["perPhone"][number]["scenario"]): string {
  return formatScenario({ device: phone, cores, precision, runtime });
}

async function groupByNetwork(path: string): Promise<Map<string, PublishedOp[]>> {
  const networks = new Map<string, PublishedOp[]>();
  for await (const op of readPublishedOps(path)) {
    const ops = networks.get(op.network);
    if (ops) ops.push(op);
    else networks.set(op.network, [op]);
  }
  return networks;
}
