import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import { EncodingScanner } from "./encodingScanner.ts";
import type { SearchSpace } from "./space.ts";

/** Operations an edge of the cell can have. */
export const nasBench201Operations = [
  "none",
  "skip_connect",
  "nor_conv_1x1",
  "nor_conv_3x3",
  "avg_pool_3x3",
] as const;

export type NasBench201Operation = (typeof nasBench201Operations)[number];

/** The cell: for each of the nodes 1, 2 and 3 the operations on its edges from the nodes 0, 1, 2 before it. */
export type NasBench201Cell = NasBench201Operation[][];

/** The data sets of the benchmark; they decide input and classifier. */
const dataSets = [
  { prefix: "nb201", size: 32, classes: 10 },
  { prefix: "nb201-cifar100", size: 32, classes: 100 },
  { prefix: "nb201-imagenet16", size: 16, classes: 120 },
] as const;

type DataSet = (typeof dataSets)[number];

const grammar = "|OP~0|+|OP~0|OP~1|+|OP~0|OP~1|OP~2|";
const nodes = [1, 2, 3];

/** NAS-Bench-201 (15,625 cells) on CIFAR-10 (`nb201:`), CIFAR-100 (`nb201-cifar100:`) and ImageNet16-120 (`nb201-imagenet16:`). */
export const nasBench201Spaces: readonly SearchSpace[] = dataSets.map((dataSet) => ({
  prefix: dataSet.prefix,
  family: "nas-bench-201",
  paper:
    "Dong, Yang 2020, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, arXiv 2001.00326",
  grammar: `${grammar}, OP is one of ${nasBench201Operations.join(", ")}`,
  example: "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
  read: (text) => {
    const cell = parseNasBench201(text);
    return {
      encoding: formatNasBench201(cell),
      build: (name) => buildNasBench201(name, cell, dataSet),
    };
  },
}));

/** Reads a cell; throws an EncodingError. */
export function parseNasBench201(text: string): NasBench201Cell {
  const scanner = new EncodingScanner(text);
  const allowed = `An encoding reads ${grammar}.`;
  const cell = nodes.map((node) => {
    if (node > 1) scanner.expect("+", allowed);
    scanner.expect("|", allowed);
    return Array.from({ length: node }, (_, from) => {
      const operation = scanner.expectWord(nasBench201Operations, "operation");
      scanner.expect(`~${from}`, allowed);
      scanner.expect("|", allowed);
      return operation;
    });
  });
  scanner.expectEnd(allowed);
  return cell;
}

/** The usual encoding of a cell. */
export function formatNasBench201(cell: NasBench201Cell): string {
  return cell
    .map((edges) => `|${edges.map((operation, from) => `${operation}~${from}`).join("|")}|`)
    .join("+");
}

const stageChannels = [16, 32, 64];
const cellsPerStage = 5;

/**
 * The skeleton of the paper's figure 1: a stem, three stages of five cells with a residual block that halves the image before
 * the second and third, a batch norm, the average of each channel, a classifier. The batch norms after convolutions are folded
 * into them; the last one, after a sum, is a multiplication and an addition.
 */
function buildNasBench201(name: string, cell: NasBench201Cell, { size, classes }: DataSet): Graph {
  const builder = new GraphBuilder(name, { description: "NAS-Bench-201" });
  const live = findLiveEdges(cell);
  let x = builder.conv(builder.input([1, size, size, 3]), stageChannels[0]!, 3, { name: "stem" });
  stageChannels.forEach((channels, stage) => {
    if (stage > 0) x = builder.within(`reduction${stage}`, () => buildReduction(builder, x, channels));
    for (let index = 1; index <= cellsPerStage; index++)
      x = builder.within(`stage${stage + 1}/cell${index}`, () => buildCell(builder, x, live));
  });
  x = builder.within("last", () => {
    const channels = x.shape[3]!;
    const scaled = builder.mul(x, builder.parameter("scale", [channels], 1), { name: "multiply" });
    const shift = builder.parameter("shift", [channels], 0.1);
    return builder.add(scaled, shift, { activation: "relu", name: "add" });
  });
  return builder.build(builder.fullyConnected(builder.globalAveragePool(x), classes, { name: "classifier" }));
}

interface Edge {
  from: number;
  to: number;
  operation: Exclude<NasBench201Operation, "none">;
}

/**
 * The edges on a way from the cell's input to its output. The others compute what nobody reads or what does not depend on the
 * image, and are left out as converters leave them out; the benchmark's own FLOPs count them.
 */
function findLiveEdges(cell: NasBench201Cell): Edge[] {
  const edges = cell.flatMap((operations, index) =>
    operations.flatMap((operation, from) =>
      operation === "none" ? [] : [{ from, to: index + 1, operation }],
    ),
  );
  const reached = new Set([0]);
  for (const { from, to } of edges) if (reached.has(from)) reached.add(to);
  const wanted = new Set([nodes.length]);
  for (const { from, to } of edges.toReversed()) if (wanted.has(to)) wanted.add(from);
  return edges.filter(({ from, to }) => reached.has(from) && wanted.has(to));
}

function buildCell(builder: GraphBuilder, x: Value, edges: readonly Edge[]): Value {
  // A cell without a way through gives zeros, as the original code computes them.
  if (edges.length === 0) return builder.mul(x, builder.scalar(0), { name: "zeros" });
  const values = new Map([[0, x]]);
  const rectified = new Map<number, Value>();
  const rectify = (node: number) => {
    const y = rectified.get(node) ?? builder.relu(values.get(node)!, `node${node}_relu`);
    rectified.set(node, y);
    return y;
  };
  for (const node of nodes) {
    let sum: Value | null = null;
    for (const { from, to, operation } of edges) {
      if (to !== node) continue;
      const y = buildEdge(builder, { operation, name: `edge${from}${to}` }, values.get(from)!, () =>
        rectify(from),
      );
      sum = sum === null ? y : builder.add(sum, y, { name: `node${node}` });
    }
    if (sum !== null) values.set(node, sum);
  }
  return values.get(nodes.length)!;
}

// A convolution comes after a ReLU and before a batch norm; edges from one node share the ReLU.
function buildEdge(
  builder: GraphBuilder,
  { operation, name }: { operation: Edge["operation"]; name: string },
  x: Value,
  rectify: () => Value,
): Value {
  if (operation === "skip_connect") return x;
  if (operation === "avg_pool_3x3") return builder.averagePool(x, 3, { stride: 1, name });
  return builder.conv(rectify(), x.shape[3]!, operation === "nor_conv_3x3" ? 3 : 1, { name });
}

function buildReduction(builder: GraphBuilder, x: Value, channels: number): Value {
  let y = builder.relu(x);
  y = builder.conv(y, channels, 3, { stride: 2, padding: 1, activation: "relu", name: "conv_a" });
  y = builder.conv(y, channels, 3, { name: "conv_b" });
  const pooled = builder.averagePool(x, 2, { name: "pool" });
  return builder.add(builder.conv(pooled, channels, 1, { bias: false, name: "shortcut" }), y, {
    name: "add",
  });
}
