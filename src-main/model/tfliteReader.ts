import { modelUnreadable } from "../lab/errors.ts";
import { FlatError, FlatFile, type FlatTable, type TableList } from "./flatTable.ts";
import type { Graph, Op, Subgraph } from "./graph.ts";
import { readOptions } from "./operatorOptionsReader.ts";
import { customCode, operatorName } from "./operators.ts";
import { checkOrder, checkSubgraphReferences } from "./tfliteChecks.ts";
import { readStored, readTensor, TfliteBuffers } from "./tfliteTensors.ts";

const schemaVersion = 3;

/** Bytes an object takes in memory, by what it is read from; what the file's allowance is charged with. */
const objectBytes = { operatorCode: 150, subgraph: 300, tensor: 300, operator: 350, metadata: 100 };

/**
 * Reads a .tflite file. Constants and custom options are views onto `bytes`, which must not change afterwards. `source` is
 * the file's path or name for messages. Throws `model-unreadable` for anything that is not a sound TFLite file.
 */
export function readTflite(bytes: Uint8Array, source: string): Graph {
  try {
    return readModel(new FlatFile(bytes).openRoot("TFL3", "model"), source);
  } catch (error) {
    if (error instanceof FlatError) throw modelUnreadable(source, error.message);
    throw error;
  }
}

interface OperatorCode {
  type: string;
  custom: boolean;
  version: number;
}

function readModel(model: FlatTable, source: string): Graph {
  const version = model.readUnsigned(0);
  if (version !== schemaVersion) model.fail(`it has version ${version} of the format, not ${schemaVersion}`);
  const buffers = new TfliteBuffers(model);
  const codes = readList(model.openTables(1, "operator code", objectBytes.operatorCode), readOperatorCode);
  const graph: Graph = {
    name: source.replace(/^.*[/\\]/s, "").replace(/\.tflite$/i, ""),
    description: model.readText(3) ?? "",
    subgraphs: readList(model.openTables(2, "subgraph", objectBytes.subgraph), (table) =>
      readSubgraph(table, codes, buffers),
    ),
    metadata: readList(model.openTables(6, "metadata", objectBytes.metadata), (table) => ({
      name: table.readText(0) ?? "",
      bytes: buffers.read(table.readUnsigned(1), table)?.bytes ?? new Uint8Array(),
    })),
  };
  if (graph.subgraphs.length === 0) model.fail("it has no subgraph");
  checkSubgraphReferences(graph);
  return graph;
}

function readList<T>(list: TableList | null, read: (table: FlatTable) => T): T[] {
  const items: T[] = [];
  for (let index = 0; index < (list?.count ?? 0); index++) items.push(read(list!.at(index)));
  return items;
}

function readOperatorCode(table: FlatTable): OperatorCode {
  // Files older than the wide field have only the byte; newer ones put 127 there for operators beyond it.
  const code = Math.max(table.readByte(0), table.readInt(3));
  if (code < 0) table.fail(`the operator ${code} does not exist`);
  const custom = code === customCode;
  const type = custom ? table.readText(1) || operatorName(code) : operatorName(code);
  return { type, custom, version: table.readInt(2, 1) };
}

function readSubgraph(table: FlatTable, codes: readonly OperatorCode[], buffers: TfliteBuffers): Subgraph {
  const tensors = readList(table.openTables(0, "tensor", objectBytes.tensor), (tensor) =>
    readTensor(tensor, buffers),
  );
  const subgraph: Subgraph = {
    name: table.readText(4) ?? "",
    tensors,
    inputs: readIndices(table, 1, tensors.length, 0),
    outputs: readIndices(table, 2, tensors.length, 0),
    ops: readList(table.openTables(3, "operator", objectBytes.operator), (operator) =>
      readOperator(operator, codes, tensors.length),
    ),
  };
  checkOrder(subgraph, (problem) => table.fail(problem));
  return subgraph;
}

function readOperator(table: FlatTable, codes: readonly OperatorCode[], tensors: number): Op {
  const index = table.readUnsigned(0);
  const code = codes[index];
  if (!code) table.fail(`it has the operator code ${index} of ${codes.length}`);
  const op: Op = {
    ...code,
    inputs: readIndices(table, 1, tensors, -1),
    outputs: readIndices(table, 2, tensors, 0),
    attributes: code.custom ? {} : readOptions(table, code.type),
  };
  const customOptions = readStored(table, 5, 9);
  if (customOptions) op.customOptions = customOptions;
  const intermediates = readIndices(table, 8, tensors, -1);
  if (intermediates.length > 0) op.intermediates = intermediates;
  return op;
}

function readIndices(table: FlatTable, slot: number, tensors: number, lowest: number): number[] {
  const indices = table.readInts(slot) ?? [];
  for (const index of indices)
    if (index < lowest || index >= tensors) table.fail(`it refers to the tensor ${index} of ${tensors}`);
  return indices;
}
