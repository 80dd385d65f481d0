import { deduceKernels } from "../src-main/kernels/gpu.ts";
import type { GpuKernel, GpuKernelClass } from "../src-main/kernels/gpuKernel.ts";
import { readGpuKernelName } from "../src-main/kernels/gpuKernelName.ts";
import { mainSubgraph } from "../src-main/model/graph.ts";
import type { Graph } from "../src-main/model/graph.ts";
import { describeGraphRow } from "./graphRows.ts";
import type { PublishedKernelRow } from "./publishedKernels.ts";

/** A published row whose kernel is not the deduced one. */
export interface KernelException {
  model: string;
  phone: string;
  line: number;
  row: string;
  /** The kernel the phone ran. */
  ran: string;
  /** The deduced one, null when the graph has no op for the row. */
  deduced: string | null;
  /** What differs: the kernel's class, how many rows share it, or only what is linked to it. */
  differs: "class" | "count" | "linked";
  why: string[];
}

/** How the deduced kernels of a network agree with those one phone ran. */
export interface KernelAgreement {
  rows: number;
  /** Rows with the class and the number of rows to a kernel that the phone had. */
  agreeing: number;
  /** Rows that also have the same operations linked. */
  sameLinked: number;
  /** Rows whose deduced name is the published one to the letter, numbers included. */
  sameName: number;
  /** Kernels published, and kernels deduced of the classes that the published table lists. */
  kernelsRan: number;
  kernelsDeduced: number;
  exceptions: KernelException[];
}

/** Classes the published table has rows of; padding, element-wise kernels and Winograd's transforms have none. */
const listedClasses = new Set<GpuKernelClass>([
  "gpu-conv",
  "gpu-conv-winograd",
  "gpu-conv-grouped",
  "gpu-depthwise",
  "gpu-depthwise-conv",
  "gpu-fully-connected",
  "gpu-pool",
  "gpu-mean",
  "gpu-concat",
]);

/** Compares the kernels deduced for a graph with those a phone ran, row by row; a graph of null agrees with nothing. */
export function compareKernels(
  graph: Graph | null,
  rows: readonly PublishedKernelRow[],
  phone: string,
  gpu: string,
): KernelAgreement {
  const kernels = graph ? deduceKernels(graph, gpu).kernels : [];
  const found = matchRows(graph, rows, kernels);
  const ran = rows.map(({ kernels: names }) => names.get(phone) ?? "");
  const shareOf = <T>(list: readonly T[]) => {
    const counts = new Map<T, number>();
    for (const item of list) counts.set(item, (counts.get(item) ?? 0) + 1);
    return counts;
  };
  const [ranShare, foundShare] = [shareOf(ran), shareOf(found)];
  const agreement: KernelAgreement = {
    rows: rows.length,
    agreeing: 0,
    sameLinked: 0,
    sameName: 0,
    kernelsRan: ranShare.size,
    kernelsDeduced: kernels.filter(({ class: name }) => listedClasses.has(name)).length,
    exceptions: [],
  };
  rows.forEach(({ model, line, row }, index) => {
    const kernel = found[index]!;
    const name = readGpuKernelName(ran[index]!);
    const sameClass = kernel?.class === name.class;
    const sameCount = foundShare.get(kernel) === ranShare.get(ran[index]!);
    const sameLinked = !!kernel && isSameChain(kernel, name.operations);
    if (sameClass && sameCount) agreement.agreeing++;
    if (sameClass && sameCount && sameLinked) agreement.sameLinked++;
    if (kernel?.name === ran[index]) agreement.sameName++;
    if (sameClass && sameCount && sameLinked) return;
    agreement.exceptions.push({
      model,
      phone,
      line,
      row,
      ran: ran[index]!,
      deduced: kernel?.name ?? null,
      differs: !sameClass ? "class" : !sameCount ? "count" : "linked",
      why: kernel?.why ?? ["the zoo's graph has no such op"],
    });
  });
  return agreement;
}

function isSameChain(kernel: GpuKernel, operations: readonly string[]): boolean {
  return readGpuKernelName(kernel.name).operations.join() === operations.join();
}

/** The deduced kernel of each row: rows that read alike are taken in the order of the ops. */
function matchRows(
  graph: Graph | null,
  rows: readonly PublishedKernelRow[],
  kernels: readonly GpuKernel[],
): (GpuKernel | null)[] {
  const waiting = new Map<string, GpuKernel[]>();
  if (graph) {
    const main = mainSubgraph(graph);
    main.ops.forEach((op, index) => {
      const row = describeGraphRow(main, op);
      const kernel = kernels.find(
        ({ class: name, ops }) => name !== "gpu-winograd-transform" && ops.includes(index),
      );
      if (row === null || !kernel) return;
      waiting.set(row, [...(waiting.get(row) ?? []), kernel]);
    });
  }
  return rows.map(({ row }) => waiting.get(row)?.shift() ?? null);
}
