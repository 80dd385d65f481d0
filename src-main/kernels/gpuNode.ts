import type { Bhwc } from "./gpuShape.ts";

/** The sliding window of a convolution or pool. */
export interface GpuWindow {
  kernelH: number;
  kernelW: number;
  strideH: number;
  strideW: number;
  dilationH: number;
  dilationW: number;
  padTop: number;
  padLeft: number;
  padBottom: number;
  padRight: number;
  groups: number;
  /** Input channels of one filter and number of filters; for a depthwise convolution 1 and the output channels; 0 for a pool. */
  filterDepth: number;
  filters: number;
}

/** A node of the delegate's own graph: what the parser makes of a TFLite op or of its fused activation. */
export interface GpuNode {
  /** Its number in the order of creation, which kernels carry in their names. */
  id: number;
  /** The delegate's name of the operation (OperationType), e.g. `convolution_2d`. */
  type: string;
  /** Indices of the TFLite ops it stands for, the one that does the work first. */
  ops: number[];
  /** Values it reads and writes; constants are no values. */
  inputs: number[];
  outputs: number[];
  /** Shape of the constant operand of an element-wise operation. */
  constant: Bhwc | null;
  window: GpuWindow | null;
  /** How parsing and merging came to it, in words. */
  why: string[];
}

/** The delegate's graph between parsing and kernels. */
export interface GpuGraph {
  nodes: GpuNode[];
  /** Shape of each value. */
  shapes: Map<number, Bhwc>;
  inputs: number[];
  /** Values that leave the GPU. */
  outputs: number[];
}

/** The nodes that read a value. */
export function findConsumers(graph: GpuGraph, value: number): GpuNode[] {
  return graph.nodes.filter(({ inputs }) => inputs.includes(value));
}

/** The only node that reads a node's only output, when that output stays on the GPU; else null. */
export function findOnlyConsumer(graph: GpuGraph, node: GpuNode): GpuNode | null {
  const value = node.outputs[0];
  if (value === undefined || node.outputs.length !== 1 || graph.outputs.includes(value)) return null;
  const consumers = findConsumers(graph, value);
  return consumers.length === 1 ? consumers[0]! : null;
}

/** Shape of the n-th input or output of a node. */
export function shapeOf(graph: GpuGraph, value: number | undefined): Bhwc {
  const shape = value === undefined ? undefined : graph.shapes.get(value);
  if (!shape) throw new Error(`the delegate's graph has no value ${value}`);
  return shape;
}
