/** reader(writer(x)) = x for every network of the zoo; `npm run check-zoo` does it with the weights. */
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { constantLength, writeConstant } from "../../src-main/model/constants.ts";
import { countElements, mainSubgraph, type Graph, type Tensor } from "../../src-main/model/graph.ts";
import { quantizeGraph } from "../../src-main/model/quantize.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { listZoo, zooFamilies } from "../../src-main/model/zoo/zoo.ts";

/** Constants up to this many elements are written; the tables of a network do not depend on larger ones. */
const fewElements = 4096;

function dropLarge(graph: Graph): Graph {
  const drop = (tensor: Tensor): Tensor =>
    countElements(tensor.shape) > fewElements ? { ...tensor, data: null } : tensor;
  return {
    ...graph,
    subgraphs: graph.subgraphs.map((subgraph) => ({ ...subgraph, tensors: subgraph.tensors.map(drop) })),
  };
}

/** The constant as the bytes a file has. */
function storeConstant(tensor: Tensor): Tensor {
  if (!tensor.data) return tensor;
  const bytes = new Uint8Array(constantLength(tensor, tensor.data));
  writeConstant(bytes, tensor.dtype, tensor.data);
  return { ...tensor, data: { kind: "bytes", bytes } };
}

/** What differs between a graph and the one read from its file, which names attributes at their defaults too. */
function findDifferences(graph: Graph, read: Graph): unknown[] {
  const differences: unknown[] = [];
  const compare = (before: unknown, after: unknown) => {
    if (!isDeepStrictEqual(before, after)) differences.push({ before, after });
  };
  const { tensors, ops, ...rest } = mainSubgraph(graph);
  const { tensors: readTensors, ops: readOps, ...readRest } = mainSubgraph(read);
  compare({ ...graph, subgraphs: [rest] }, { ...read, subgraphs: [readRest] });
  compare([tensors.length, ops.length], [readTensors.length, readOps.length]);
  tensors.forEach((tensor, index) => compare(storeConstant(tensor), readTensors[index]));
  ops.forEach((op, index) => {
    const after = readOps[index];
    compare({ ...op, attributes: { ...after?.attributes, ...op.attributes } }, after);
  });
  return differences.slice(0, 3);
}

describe("what is written is read back", () => {
  test.each(zooFamilies.map(({ family }) => family))("all networks of %s, float32 and int8", (family) => {
    for (const { build } of listZoo().filter((entry) => entry.family === family)) {
      const float = build();
      for (const graph of [float, quantizeGraph(float)].map(dropLarge))
        expect(findDifferences(graph, readTflite(writeTflite(graph), graph.name))).toEqual([]);
    }
  });
});
