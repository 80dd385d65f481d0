import type { Precision, Runtime } from "../lab/contract.ts";
import { listCpuKernels } from "../kernels/cpu.ts";
import { mainSubgraph, type Graph } from "../model/graph.ts";
import { createFacts, readFacts, type OpFacts } from "./facts.ts";
import { relatedClasses } from "./features.ts";
import { findNominalCost, noCost } from "./nominalCost.ts";

/**
 * A share of an op's work that takes time in proportion to its amount: arithmetic, traffic or the call itself. Its time is
 * nominal cycles × exp(Σ weight × coefficient) in units that a scenario's level turns into milliseconds.
 */
export interface WorkTerm {
  /** The op, by its index in the entry subgraph. */
  op: number;
  /** Natural logarithm of the nominal cycles of one thread. */
  logCycles: number;
  /** False when the runtime does this work on one thread, however many there are. */
  threaded: boolean;
  /** The sum over the network that it is part of when rates do not bend. */
  sum: string;
  /** Names of the coefficients that bend its rate, and how strongly each does. */
  names: string[];
  weights: number[];
}

/** The work of a network as a predictor from end-to-end times sees it. */
export interface NetworkWork {
  terms: WorkTerm[];
  /** Kernel of each op that has terms, in execution order. */
  kernels: { op: number; type: string; kernel: string }[];
  uncovered: { index: number; op: string; reason: string }[];
  flops: number;
}

const facts = createFacts();

/** Lists the work of a graph's ops on TFLite's own CPU kernels. */
export function listWork(graph: Graph, precision: Precision, runtime: Runtime = "tflite"): NetworkWork {
  const subgraph = mainSubgraph(graph);
  const work: NetworkWork = { terms: [], kernels: [], uncovered: [], flops: 0 };
  for (const { class: kernel, ops, why } of listCpuKernels(graph, runtime)) {
    const index = ops[0]!;
    const op = subgraph.ops[index]!;
    if (kernel === null || !readFacts(facts, subgraph, op)) {
      const reason = kernel === null ? why : uncountable;
      work.uncovered.push({ index, op: op.type, reason });
      continue;
    }
    work.flops += facts.flops;
    work.kernels.push({ op: index, type: op.type, kernel });
    addTerms(work.terms, index, kernel, precision);
  }
  return work;
}

const uncountable = "its shapes or attributes are not those of the operator, so its work cannot be counted";

function addTerms(terms: WorkTerm[], op: number, kernel: string, precision: Precision): void {
  // Done once, before the first inference: what is left is the call.
  const cost = kernel === "convert-once" ? noCost : findNominalCost(kernel, precision);
  const group = relatedClasses(kernel);
  const add = (amount: number, part: string, threaded: boolean, bends: readonly Bend[]) => {
    if (!(amount > 0)) return;
    const names = [`group ${group}`, `part ${group} ${part}`, `class ${kernel} ${part}`];
    const weights = [1, 1, 1];
    for (const [name, read] of bends) {
      const weight = read(facts);
      if (weight === 0) continue;
      names.push(`shape ${part} ${name}`, `shape ${kernel} ${part} ${name}`);
      weights.push(weight, weight);
    }
    terms.push({ op, logCycles: Math.log(amount), threaded, sum: `${kernel} ${part}`, names, weights });
  };
  const outputs = facts.outElements;
  if (cost.perFlop > 0) {
    const bends = group === "matrix products" ? productBends : windowBends;
    add(cost.perFlop * facts.flops, "arithmetic", cost.threaded, bends);
    if (group === "matrix products") {
      add(cost.perPatch * patches(facts), "patches", cost.threaded, noBends);
      add(cost.perOutput * outputs, "outputs", cost.threaded, noBends);
    }
    add(cost.perVisit * visits(facts), "visits", cost.threaded, noBends);
    add(cost.perWeight * facts.params, "weights", cost.threaded, noBends);
  } else add(cost.perElement * Math.max(facts.inElements, outputs), "elements", false, elementBends);
  terms.push({
    op,
    logCycles: Math.log(callCycles),
    threaded: false,
    sum: "calls",
    names: ["calls", `class ${kernel} calls`],
    weights: [1, 1],
  });
}

/** Nominal cycles of calling an op at all: arguments are checked, a thread pool is woken. */
const callCycles = 5000;

type Bend = readonly [name: string, read: (facts: OpFacts) => number];

// Logarithms around a usual layer, so that a coefficient is a power and its weight is of the order of 1.
const depth = (f: OpFacts) => f.kernelHeight * f.kernelWidth * Math.max(f.inChannels / f.groups, 1);
const patches = (f: OpFacts) => f.batch * f.outHeight * f.outWidth * depth(f);
const visits = (f: OpFacts) => f.outElements * f.kernelHeight * f.kernelWidth;
const productBends: readonly Bend[] = [
  ["depth", (f) => Math.log(depth(f) / 256)],
  ["filters", (f) => Math.log(f.outChannels / f.groups / 64)],
  // A product with few columns packs much and multiplies little.
  ["narrowness", (f) => (f.groups > 1 ? 0 : Math.max(0, Math.log(32 / f.outChannels)))],
  ["pixels", (f) => Math.log((f.batch * f.outHeight * f.outWidth) / 784)],
];
const windowBends: readonly Bend[] = [
  ["window", (f) => Math.log((f.kernelHeight * f.kernelWidth) / 9)],
  ["channels", (f) => Math.log(f.outChannels / 128)],
  ["width", (f) => Math.log(f.outWidth / 28)],
  ["stride", (f) => Math.log(f.strideHeight)],
];
const elementBends: readonly Bend[] = [
  ["elements", (f) => Math.log(Math.max(f.inElements, f.outElements, 1) / 1e5)],
];
const noBends: readonly Bend[] = [];

/** Threads of a core set: one for each of its cores (`1large+2med` has 3). */
export function countThreads(cores: string): number {
  const counts = cores.match(/\d+/g) ?? ["1"];
  return Math.max(
    1,
    counts.reduce((sum, count) => sum + Number(count), 0),
  );
}
