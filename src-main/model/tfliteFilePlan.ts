import { constantLength } from "./constants.ts";
import type { ConstantData, Graph, Op, Subgraph, Tensor } from "./graph.ts";
import { customCode, operatorCode } from "./operators.ts";

/** The boundary at which constants start, so that a runtime can use them where they lie. */
export const bufferAlignment = 16;

/** A constant of the file: what it holds and how it is stored. */
export interface StoredBuffer {
  data: ConstantData | null;
  dtype: Tensor["dtype"];
  length: number;
}

/** Where everything of a file goes. */
export interface FilePlan {
  /** Upper bound of what everything but the constants takes, a multiple of the alignment. */
  tableBytes: number;
  /** Buffer 0 is the empty one that the format asks for. */
  buffers: StoredBuffer[];
  /** Buffer of each tensor, by subgraph. */
  tensorBuffers: number[][];
  metadataBuffers: number[];
  codes: OperatorEntry[];
  /** Operator code of each op, by subgraph. */
  opCodes: number[][];
}

/** An operator code of the file. */
export interface OperatorEntry {
  code: number;
  custom: string | null;
  version: number;
}

/** Decides the buffers, operator codes and size of a graph's file; throws an Error that names the tensor or op at fault. */
export function planFile(graph: Graph): FilePlan {
  if (graph.subgraphs.length === 0) throw new Error("it has no subgraph");
  const plan: FilePlan = {
    tableBytes: 0,
    buffers: [{ data: null, dtype: "uint8", length: 0 }],
    tensorBuffers: [],
    metadataBuffers: [],
    codes: [],
    opCodes: [],
  };
  // Tensors that share one constant share its buffer; the length tells apart what builders draw from one description.
  const bufferOf = new Map<ConstantData, Map<string, number>>();
  const codeOf = new Map<string, number>();
  for (const subgraph of graph.subgraphs) {
    checkSubgraph(subgraph);
    plan.tensorBuffers.push(subgraph.tensors.map((tensor) => planTensor(plan, tensor, bufferOf)));
    plan.opCodes.push(subgraph.ops.map((op) => planOperator(plan, op, codeOf)));
  }
  for (const { bytes } of graph.metadata) {
    plan.metadataBuffers.push(plan.buffers.length);
    plan.buffers.push({ data: { kind: "bytes", bytes }, dtype: "uint8", length: bytes.length });
  }
  plan.tableBytes = boundSize(graph, plan);
  return plan;
}

function planTensor(
  plan: FilePlan,
  tensor: Tensor,
  bufferOf: Map<ConstantData, Map<string, number>>,
): number {
  if (tensor.sparse) throw new Error(`the sparse encoding of the tensor ${tensor.name} is not kept`);
  const { quantization } = tensor;
  if (quantization && quantization.scales.length + quantization.min.length + quantization.max.length === 0)
    throw new Error(`the quantisation scheme of the tensor ${tensor.name} is not kept`);
  if (!tensor.data) return 0;
  let length: number;
  try {
    length = constantLength(tensor, tensor.data);
  } catch (error) {
    throw new Error(`the tensor ${tensor.name}: ${(error as Error).message}`, { cause: error });
  }
  if (length === 0) return 0;
  const stored = bufferOf.get(tensor.data) ?? new Map<string, number>();
  bufferOf.set(tensor.data, stored);
  const key = tensor.data.kind === "bytes" ? "bytes" : `${tensor.dtype} ${length}`;
  const known = stored.get(key);
  if (known !== undefined) return known;
  const index = plan.buffers.length;
  plan.buffers.push({ data: tensor.data, dtype: tensor.dtype, length });
  stored.set(key, index);
  return index;
}

function planOperator(plan: FilePlan, op: Op, codeOf: Map<string, number>): number {
  const code = op.custom ? customCode : operatorCode(op.type);
  if (code === null) throw new Error(`${op.type} is not a TFLite operator`);
  const key = `${code} ${op.version} ${op.custom ? op.type : ""}`;
  const known = codeOf.get(key);
  if (known !== undefined) return known;
  const index = plan.codes.length;
  plan.codes.push({ code, custom: op.custom ? op.type : null, version: op.version });
  codeOf.set(key, index);
  return index;
}

function checkSubgraph(subgraph: Subgraph): void {
  const count = subgraph.tensors.length;
  const check = (what: string, indices: readonly number[], lowest: number) => {
    for (const index of indices)
      if (!Number.isInteger(index) || index < lowest || index >= count)
        throw new Error(`${what} refers to the tensor ${index} of ${count}`);
  };
  check("an input of the network", subgraph.inputs, 0);
  check("an output of the network", subgraph.outputs, 0);
  subgraph.ops.forEach((op, index) => {
    check(`the op ${index} (${op.type})`, op.inputs, -1);
    check(`the op ${index} (${op.type})`, op.outputs, 0);
    check(`the op ${index} (${op.type})`, op.intermediates ?? [], -1);
  });
}

// FlatBuffers doubles its buffer when it is full; so the bound is generous.
function boundSize(graph: Graph, plan: FilePlan): number {
  let bytes = 1024 + 4 * graph.description.length + 64 * plan.buffers.length;
  for (const { name } of graph.metadata) bytes += 64 + 4 * name.length;
  for (const { custom } of plan.codes) bytes += 64 + 4 * (custom?.length ?? 0);
  for (const subgraph of graph.subgraphs) {
    bytes += 256 + 4 * (subgraph.name.length + subgraph.inputs.length + subgraph.outputs.length);
    for (const { name, shape, quantization } of subgraph.tensors) {
      bytes += 192 + 4 * name.length + 8 * shape.length;
      if (quantization)
        bytes +=
          96 + 12 * quantization.scales.length + 4 * (quantization.min.length + quantization.max.length);
    }
    for (const op of subgraph.ops) {
      bytes += 256 + 4 * (op.inputs.length + op.outputs.length + (op.intermediates?.length ?? 0));
      bytes += op.customOptions?.length ?? 0;
      for (const value of Object.values(op.attributes))
        bytes += Array.isArray(value) || typeof value === "string" ? 16 + 8 * value.length : 16;
    }
  }
  return Math.ceil(bytes / bufferAlignment) * bufferAlignment;
}
