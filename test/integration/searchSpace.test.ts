import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import type { Value } from "../../src-main/model/graphAssembler.ts";
import { buildCanary } from "../../src-main/model/canary.ts";
import { mainSubgraph, tensorBytes } from "../../src-main/model/graph.ts";
import type { Graph } from "../../src-main/model/graph.ts";
import { operatorName } from "../../src-main/model/operators.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { sampleNetworks } from "../../src-main/model/searchSpace.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { loadTflite, locateTfliteLibrary, TfliteInterpreter } from "../../src-main/profile/tfliteLibrary.ts";
import type { TfliteLibrary } from "../../src-main/profile/tfliteLibrary.ts";

let library: TfliteLibrary;
let folder: string;

beforeAll(() => {
  library = loadTflite(locateTfliteLibrary()!);
  folder = mkdtempSync(join(tmpdir(), "latlab-search-space-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the graph, runs it once on random input in the real runtime and gives the outputs. */
function runGraph(graph: Graph, xnnpack = false): Float32Array[] {
  const path = join(folder, `${graph.name}.tflite`);
  writeFileSync(path, writeTflite(graph));
  const options = { threads: 1, xnnpack, timeNodes: false, operatorName };
  const interpreter = new TfliteInterpreter(library, path, options);
  try {
    const random = createRandom(1);
    interpreter.fillInputs((bytes) => {
      const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      for (let index = 0; index < values.length; index++) values[index] = 2 * random.next() - 1;
    });
    interpreter.invoke();
    return interpreter.readOutputs().map(({ bytes }) => new Float32Array(bytes.buffer));
  } finally {
    interpreter.close();
    rmSync(path);
  }
}

function expectFinite(outputs: Float32Array[]): void {
  for (const output of outputs) {
    expect(output.every(Number.isFinite)).toBe(true);
    // A network whose activations died or saturated would give the same number everywhere.
    expect(new Set(output).size).toBeGreaterThan(output.length / 4);
    expect(output.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeLessThan(1e6);
  }
}

/** The fewest networks that together have every operator and kind of block which any of them has. */
function coverEverything(graphs: Graph[]): Graph[] {
  const traits = graphs.map((graph) => {
    const { ops, tensors } = mainSubgraph(graph);
    return new Set(
      ops.map(
        (op) => `${op.type} in ${/_([a-z]+)\//.exec(tensors[op.outputs[0]!]!.name)?.[1] ?? "stem or head"}`,
      ),
    );
  });
  const missing = new Set(traits.flatMap((trait) => [...trait]));
  const chosen: Graph[] = [];
  while (missing.size > 0) {
    const gains = traits.map((trait) => [...trait].filter((item) => missing.has(item)).length);
    const best = gains.indexOf(Math.max(...gains));
    chosen.push(graphs[best]!);
    for (const trait of traits[best]!) missing.delete(trait);
  }
  return chosen;
}

test("every operator in every kind of block of 30 sampled networks runs, with finite outputs", () => {
  const graphs = [...sampleNetworks({ count: 30, seed: 2 })].map((network) => network.graph);
  for (const graph of coverEverything(graphs)) expectFinite(runGraph(graph));
});

test("the canary runs, with and without XNNPACK, and they agree", () => {
  const [plain] = runGraph(buildCanary());
  const [fast] = runGraph(buildCanary(), true);
  expectFinite([plain!]);
  const largest = plain!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = plain!.reduce(
    (most, value, index) => Math.max(most, Math.abs(value - fast![index]!)),
    0,
  );
  expect(difference).toBeLessThan(1e-4 * largest);
});

describe("each op of the builder has in the runtime the shape the builder inferred", () => {
  const image = [1, 13, 10, 12];
  const cases: Record<string, (b: GraphBuilder, x: Value) => Value | Value[]> = {
    "convolution, SAME": (b, x) => b.conv(x, 8, 3, { stride: 2 }),
    "convolution, VALID, dilated": (b, x) => b.conv(x, 8, [3, 2], { dilation: [3, 2], padding: "valid" }),
    "convolution, explicit padding": (b, x) => b.conv(x, 8, 5, { stride: 2, padding: [2, 1, 0, 3] }),
    "convolution without bias": (b, x) => b.conv(x, 8, 1, { bias: false, activation: "relu6" }),
    "grouped convolution": (b, x) => b.groupedConv(x, 8, 3, 4, { stride: [1, 2] }),
    depthwise: (b, x) => b.depthwise(x, 5, { stride: 2, activation: "hard-swish" }),
    "depthwise, dilated, multiplied": (b, x) =>
      b.depthwise(x, 3, { dilation: 2, multiplier: 2, padding: "valid" }),
    "transposed convolution, SAME": (b, x) => b.transposeConv(x, 4, 3, { stride: 2 }),
    "transposed convolution, VALID": (b, x) => b.transposeConv(x, 4, 4, { stride: 3, padding: "valid" }),
    "transposed convolution without bias": (b, x) =>
      b.transposeConv(x, 4, 2, { bias: false, activation: "relu" }),
    "fully connected, kept axes": (b, x) => b.fullyConnected(x, 5),
    "fully connected, merged axes": (b, x) => b.fullyConnected(x, 5, { keepDims: false, activation: "relu" }),
    "fully connected without bias": (b, x) => b.fullyConnected(b.globalAveragePool(x), 5, { bias: false }),
    pools: (b, x) => [b.maxPool(x, 3, { stride: 2 }), b.averagePool(x, [2, 3], { padding: "valid" })],
    means: (b, x) => [b.globalAveragePool(x), b.mean(x, [3], { keepDims: true }), b.sum(x, [0, 1])],
    "squeeze-excite": (b, x) => [b.squeezeExcite(x, 4), b.squeezeExcite(x, 4, { gate: "hard-sigmoid" })],
    "split and concat": (b, x) => [
      ...b.split(x, 3),
      b.concat([...b.split(x, 2, { axis: 2 }), x], { axis: 2 }),
    ],
    slices: (b, x) => [
      b.slice(x, [0, 2, 0, 3], [-1, 4, 9, -1]),
      b.stridedSlice(x, [0, 1, 2, 0], [1, 12, 10, 12], { strides: [1, 3, 2, 5] }),
      b.stridedSlice(x, [0, 4, 0, 0], [1, 5, 10, 12], { shrink: [0, 1] }),
    ],
    "reshape and transpose": (b, x) => {
      const shuffled = b.transpose(b.reshape(x, [1, 13, 10, 3, 4]), [0, 1, 2, 4, 3]);
      return [b.reshape(shuffled, image), b.transpose(x, [0, 3, 1, 2])];
    },
    activations: (b, x) => [
      ...[b.relu(x), b.relu6(x), b.hardSwish(x), b.sigmoid(x), b.tanh(x)],
      ...[b.activate(x, "swish"), b.activate(x, "hard-sigmoid"), b.unary("ABS", x), b.unary("SQUARE", x)],
      ...[b.unary("EXP", x), b.unary("NEG", x), b.unary("ELU", x), b.unary("RSQRT", b.unary("EXP", x))],
    ],
    arithmetic: (b, x) => {
      const channel = b.globalAveragePool(x, { keepDims: true });
      return [
        ...[b.add(x, channel), b.sub(x, channel, { activation: "relu" }), b.mul(channel, x)],
        ...[b.div(x, b.scalar(3)), b.maximum(x, channel), b.minimum(x, b.scalar(0))],
        ...[b.squaredDifference(x, channel), b.pow(b.unary("ABS", x), b.scalar(0.5))],
      ];
    },
    pad: (b, x) =>
      b.pad(x, [
        [0, 0],
        [3, 1],
        [0, 2],
        [1, 0],
      ]),
    resize: (b, x) => [
      b.resizeBilinear(x, [26, 7]),
      b.resizeBilinear(x, [26, 20], { halfPixelCenters: true }),
      b.resizeNearest(x, [5, 20]),
      b.resizeNearest(x, [5, 20], { alignCorners: true }),
    ],
    attention: (b, x) => {
      const tokens = b.reshape(x, [1, 130, 12]);
      const scores = b.softmax(b.batchMatmul(tokens, tokens, { transposeRight: true }));
      return b.batchMatmul(scores, tokens);
    },
  };

  test.each(Object.entries(cases))("%s", (name, body) => {
    const builder = new GraphBuilder(name.replaceAll(/\W+/g, "-"), { seed: 3 });
    const graph = builder.build(body(builder, builder.input(image)));
    const { tensors, outputs } = mainSubgraph(graph);
    const results = runGraph(graph);
    expect(results.map((result) => result.byteLength)).toEqual(
      outputs.map((index) => tensorBytes(tensors[index]!)),
    );
    for (const result of results) expect(result.every(Number.isFinite)).toBe(true);
  });
});
