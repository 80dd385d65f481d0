import { median } from "../model/median.ts";
import {
  groupByModel,
  shortestMs,
  startRow,
  type ClassTable,
  type Dataset,
  type MeasuredNetwork,
  type NetworkRow,
} from "./dataset.ts";
import { planForGpu, type GpuPlan, type GpuTarget } from "./gpuPlan.ts";

/** Time of a kernel a GPU ran. */
export interface GpuKernelTime {
  /** The ops of the graph it ran, where that is known. */
  ops?: readonly number[];
  /** As the runtime names it; what it is told by where its ops are not known. */
  name: string;
  ms: number;
}

/**
 * Turns kernel times of networks on a GPU into tables. The kernels are those deduced of each graph, as they are of a graph
 * nobody measured; a kernel without a time of its own is part of the overhead. Cells of one model become one network.
 */
export function buildGpuDataset(measured: readonly MeasuredNetwork[], target: GpuTarget): Dataset {
  const columns = new Map<string, TableRows>();
  const networks: NetworkRow[] = [];
  for (const cells of groupByModel(measured)) {
    const first = cells[0]!;
    const place = networks.length;
    const plan = planForGpu(first.graph, target);
    const times = mergeCells(plan, cells);
    // Names of another version, or a graph that is not the one that ran: there is nothing to learn from.
    if (times.every((ms) => ms === null)) continue;
    // Its uncovered time stays 0: what belongs to no one kernel is part of the overhead, as what has no time is.
    const row = startRow(cells);
    const work = { times: [] as number[], untimed: 0, untimedBytes: 0, bytes: 0 };
    plan.kernels.forEach(({ kernel, op, x, bytes }, index) => {
      const ms = times[index]!;
      work.bytes += bytes;
      if (ms === null) {
        work.untimed++;
        work.untimedBytes += bytes;
        return;
      }
      work.times.push(ms);
      row.kernels++;
      row.kernelMs += ms;
      let rows = columns.get(kernel.class);
      if (!rows) columns.set(kernel.class, (rows = { x: [], ms: [], network: [], op: [] }));
      rows.x.push(...x);
      rows.ms.push(Math.max(ms, shortestMs));
      rows.network.push(place);
      rows.op.push(op);
    });
    networks.push({ ...row, gpuWork: work });
  }
  const tables = [...columns].map(([kernel, rows]): ClassTable => ({
    kernel,
    columns: rows.x.length / rows.ms.length,
    x: Float64Array.from(rows.x),
    ms: Float64Array.from(rows.ms),
    network: Int32Array.from(rows.network),
    op: Int32Array.from(rows.op),
  }));
  tables.sort((a, b) => (a.kernel < b.kernel ? -1 : 1));
  return { networks, tables, gpu: target };
}

interface TableRows {
  x: number[];
  ms: number[];
  network: number[];
  op: number[];
}

/**
 * Classes that some network runs and no network has a time of, e.g. padding in published measurements: their time is in the
 * overhead. A class no network runs is not among them.
 */
export function listUntimedClasses({ networks, tables, gpu }: Dataset): string[] {
  if (!gpu) return [];
  const ran = networks.flatMap(({ graph }) =>
    planForGpu(graph, gpu).kernels.map(({ kernel }) => kernel.class as string),
  );
  const timed = new Set(tables.map(({ kernel }) => kernel));
  return [...new Set(ran)].filter((kernel) => !timed.has(kernel)).sort();
}

// Median time of each kernel of the plan over the cells, null where none tells it.
function mergeCells(plan: GpuPlan, cells: readonly MeasuredNetwork[]): (number | null)[] {
  const finder = new KernelFinder(plan);
  const told = cells.map(({ kernelTimes = [] }) => {
    const times = new Map<number, number>();
    for (const time of kernelTimes) {
      const place = finder.find(time);
      if (place !== null) times.set(place, (times.get(place) ?? 0) + time.ms);
    }
    return times;
  });
  return plan.kernels.map((_, place) => {
    const known = told.flatMap((times) => times.get(place) ?? []);
    return known.length > 0 ? median(known) : null;
  });
}

class KernelFinder {
  private readonly byOp = new Map<number, number>();
  private readonly byName = new Map<string, number>();

  constructor({ kernels }: GpuPlan) {
    kernels.forEach(({ kernel }, place) => {
      if (!this.byName.has(kernel.name)) this.byName.set(kernel.name, place);
      // A Winograd convolution's op stands in its three kernels; what is timed by op is the product.
      if (kernel.class === "gpu-winograd-transform") return;
      for (const op of kernel.ops) if (!this.byOp.has(op)) this.byOp.set(op, place);
    });
  }

  // Null when its ops are those of several deduced kernels, or of none.
  find({ ops = [], name }: GpuKernelTime): number | null {
    const exact = this.byName.get(name);
    if (ops.length === 0) return exact ?? null;
    const places = new Set(ops.flatMap((op) => this.byOp.get(op) ?? []));
    return places.size === 1 ? [...places][0]! : null;
  }
}
