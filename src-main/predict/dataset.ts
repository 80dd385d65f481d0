import { median } from "../model/median.ts";
import type { Runtime } from "../lab/contract.ts";
import { listCpuKernels } from "../kernels/cpu.ts";
import { costGraph } from "../model/cost.ts";
import { mainSubgraph, type Graph } from "../model/graph.ts";
import { createFacts, readFacts } from "./facts.ts";
import { listFeatures, writeFeatures } from "./features.ts";
import type { GpuKernelTime } from "./gpuDataset.ts";
import type { GpuWork } from "./gpuOverhead.ts";
import type { GpuTarget } from "./gpuPlan.ts";

/** One network measured in one cell of a scenario. */
export interface MeasuredNetwork {
  model: string;
  family: string;
  graph: Graph;
  /** End to end, without per-op hooks. */
  latencyMs: number;
  /** Time of each op by its index in the entry subgraph. */
  opTimes: { op: number; ms: number }[];
  /** On a GPU: time of each kernel that ran. */
  kernelTimes?: GpuKernelTime[];
  cell: number;
}

/** A network of a data set: all its cells taken together. */
export interface NetworkRow {
  model: string;
  family: string;
  graph: Graph;
  flops: number;
  latencyMs: number;
  /** Kernels with a class, and the sum of their times. */
  kernels: number;
  kernelMs: number;
  /** Sum of the op times that belong to no class. */
  uncoveredMs: number;
  cells: number[];
  /** What its overhead goes by; on a GPU only. */
  gpuWork?: GpuWork;
}

/** The measured kernels of one class: what its regressor learns from. */
export interface ClassTable {
  kernel: string;
  columns: number;
  /** Row-major features. */
  x: Float64Array;
  ms: Float64Array;
  /** Place of each row's network in the data set. */
  network: Int32Array;
  /** The op that does the kernel's work, by index in the entry subgraph. */
  op: Int32Array;
}

/** Measured networks as tables, one a kernel class, sorted by class name. */
export interface Dataset {
  networks: NetworkRow[];
  tables: ClassTable[];
  /** The GPU whose kernels these are; left out for CPU ops. */
  gpu?: GpuTarget;
}

/** Times below the clock's resolution are taken as this: a relative error needs something to be relative to. */
export const shortestMs = 0.0002;

/**
 * Turns measurements into tables. Cells of one model become one network (medians of its times), so that a network never
 * stands on both sides of a split by being measured twice; the order is that of first appearance.
 */
export function buildDataset(measured: readonly MeasuredNetwork[], runtime: Runtime): Dataset {
  const collectors = new Map<string, TableCollector>();
  const networks = groupByModel(measured).map((cells, place) => {
    const first = cells[0]!;
    const opMs = mergeOpTimes(cells);
    const row = startRow(cells);
    const subgraph = mainSubgraph(first.graph);
    for (const kernel of listCpuKernels(first.graph, runtime)) {
      const times = kernel.ops.flatMap((op) => opMs.get(op) ?? []);
      if (times.length === 0) continue;
      const ms = times.reduce((sum, time) => sum + time, 0);
      const known = kernel.class !== null && readFacts(facts, subgraph, subgraph.ops[kernel.ops[0]!]!);
      if (!known || kernel.class === null) {
        row.uncoveredMs += ms;
        continue;
      }
      row.kernels++;
      row.kernelMs += ms;
      let collector = collectors.get(kernel.class);
      if (!collector) collectors.set(kernel.class, (collector = new TableCollector(kernel.class)));
      collector.add(ms, place, kernel.ops[0]!);
    }
    return row;
  });
  const tables = [...collectors.values()].map((collector) => collector.finish());
  tables.sort((a, b) => (a.kernel < b.kernel ? -1 : 1));
  return { networks, tables };
}

/** A network's row before any of its kernels is counted, from all its cells. */
export function startRow(cells: readonly MeasuredNetwork[]): NetworkRow {
  const { model, family, graph } = cells[0]!;
  return {
    model,
    family,
    graph,
    flops: costGraph(graph).flops,
    latencyMs: median(cells.map((cell) => cell.latencyMs)),
    kernels: 0,
    kernelMs: 0,
    uncoveredMs: 0,
    cells: cells.map((cell) => cell.cell),
  };
}

const facts = createFacts();

class TableCollector {
  private readonly kernel: string;
  private readonly features;
  private readonly x: number[] = [];
  private readonly ms: number[] = [];
  private readonly network: number[] = [];
  private readonly op: number[] = [];
  private readonly row: Float64Array;

  constructor(kernel: string) {
    this.kernel = kernel;
    this.features = listFeatures(kernel);
    this.row = new Float64Array(this.features.length);
  }

  // The facts of the op are those read last.
  add(ms: number, network: number, op: number): void {
    writeFeatures(this.features, facts, this.row, 0);
    this.x.push(...this.row);
    this.ms.push(Math.max(ms, shortestMs));
    this.network.push(network);
    this.op.push(op);
  }

  finish(): ClassTable {
    return {
      kernel: this.kernel,
      columns: this.features.length,
      x: Float64Array.from(this.x),
      ms: Float64Array.from(this.ms),
      network: Int32Array.from(this.network),
      op: Int32Array.from(this.op),
    };
  }
}

/** The rows of a table whose network is chosen. */
export function selectRows(table: ClassTable, isChosen: (network: number) => boolean): ClassTable {
  const rows: number[] = [];
  table.network.forEach((network, row) => {
    if (isChosen(network)) rows.push(row);
  });
  const { columns } = table;
  const x = new Float64Array(rows.length * columns);
  rows.forEach((row, place) => x.set(table.x.subarray(row * columns, (row + 1) * columns), place * columns));
  return {
    kernel: table.kernel,
    columns,
    x,
    ms: Float64Array.from(rows, (row) => table.ms[row]!),
    network: Int32Array.from(rows, (row) => table.network[row]!),
    op: Int32Array.from(rows, (row) => table.op[row]!),
  };
}

/** Cells of the same model together, in the order of first appearance. */
export function groupByModel(measured: readonly MeasuredNetwork[]): MeasuredNetwork[][] {
  const groups = new Map<string, MeasuredNetwork[]>();
  for (const network of measured) {
    const group = groups.get(network.model);
    if (group) group.push(network);
    else groups.set(network.model, [network]);
  }
  return [...groups.values()];
}

function mergeOpTimes(cells: readonly MeasuredNetwork[]): Map<number, number> {
  const times = new Map<number, number[]>();
  for (const cell of cells)
    for (const { op, ms } of cell.opTimes) if (ms >= 0) times.set(op, [...(times.get(op) ?? []), ms]);
  return new Map([...times].map(([op, list]) => [op, median(list)]));
}
