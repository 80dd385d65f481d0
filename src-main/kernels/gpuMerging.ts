import { readConstantNumbers } from "./constantNumbers.ts";
import type { Subgraph } from "../model/graph.ts";
import { findConsumers, findOnlyConsumer, shapeOf } from "./gpuNode.ts";
import type { GpuGraph, GpuNode } from "./gpuNode.ts";
import { describeBhwc, isSameBhwc } from "./gpuShape.ts";

/**
 * Rewrites the delegate's graph in place as its transformations do before kernels are chosen (model_transformations.cc and
 * gpu/common/transformations): what changes nothing goes, padding joins the window that reads it, constant factors and summands
 * join weights and biases, convolutions of a single place become fully connected, global pools become means.
 */
export function mergeForGpu(graph: GpuGraph, subgraph: Subgraph): void {
  removeIdentities(graph);
  for (const node of graph.nodes) makeFullyConnected(graph, node);
  for (const node of [...graph.nodes]) mergePadding(graph, subgraph, node);
  for (const node of [...graph.nodes]) mergeConstantAfter(graph, node);
  for (const node of [...graph.nodes]) mergeConstantBefore(graph, node);
  for (const node of graph.nodes) makeMean(graph, subgraph, node);
}

const convolutions = new Set([
  "convolution_2d",
  "convolution_2d_grouped",
  "depthwise_convolution",
  "convolution_transposed",
  "fully_connected",
]);

function removeNode(graph: GpuGraph, node: GpuNode): void {
  graph.nodes.splice(graph.nodes.indexOf(node), 1);
}

/** transformations/remove_noop.cc: a node whose output is the graph's stays. */
function removeIdentities(graph: GpuGraph): void {
  for (const node of [...graph.nodes]) {
    const [input, output] = [node.inputs[0], node.outputs[0]];
    if (input === undefined || output === undefined || graph.outputs.includes(output)) continue;
    if (node.inputs.length !== 1 || node.outputs.length !== 1 || node.constant) continue;
    const same = isSameBhwc(shapeOf(graph, input), shapeOf(graph, output));
    if (!same || !/^(concat|add|reshape|slice)$/.test(node.type)) continue;
    const consumers = findConsumers(graph, output);
    for (const consumer of consumers) {
      consumer.inputs = consumer.inputs.map((value) => (value === output ? input : value));
      consumer.why.push(`${node.type} (op ${node.ops[0]}) changes nothing and is removed`);
    }
    if (consumers[0]) consumers[0].ops.push(...node.ops);
    removeNode(graph, node);
  }
}

/** transformations/make_fully_connected.cc */
function makeFullyConnected(graph: GpuGraph, node: GpuNode): void {
  const { window } = node;
  if (node.type !== "convolution_2d" || !window) return;
  const { h, w } = shapeOf(graph, node.inputs[0]);
  const pointwise =
    window.kernelH === 1 && window.kernelW === 1 && window.strideH === 1 && window.strideW === 1;
  const plain = window.dilationH === 1 && window.dilationW === 1 && !isPadded(node);
  if (h !== 1 || w !== 1 || !pointwise || !plain) return;
  node.type = "fully_connected";
  node.why.push("a 1×1 convolution of a 1×1 input is made fully connected");
}

function isPadded({ window }: GpuNode): boolean {
  return !!window && window.padTop + window.padLeft + window.padBottom + window.padRight > 0;
}

/** transformations/merge_padding_with.cc */
function mergePadding(graph: GpuGraph, subgraph: Subgraph, node: GpuNode): void {
  if (node.type !== "pad") return;
  const pad = subgraph.ops[node.ops[0]!]!;
  const amounts = subgraph.tensors[pad.inputs[1]!];
  const values = pad.type === "PAD" && amounts ? readConstantNumbers(amounts) : null;
  if (values?.length !== 8) return;
  const [batch0, batch1, top, bottom, left, right, front, back] = values as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const next = findOnlyConsumer(graph, node);
  if (!next || batch0 + batch1 > 0) return;
  if (next.type === "add") {
    const appended = top + bottom + left + right + front === 0 && back > 0 && next.inputs.length === 2;
    if (!appended) return;
    next.why.push(`channels padded by op ${node.ops[0]} are zero and join the addition`);
  } else {
    if (front + back > 0 || !next.window || next.type === "fully_connected") return;
    if (next.type === "convolution_transposed") return;
    next.window = {
      ...next.window,
      padTop: next.window.padTop + top,
      padBottom: next.window.padBottom + bottom,
      padLeft: next.window.padLeft + left,
      padRight: next.window.padRight + right,
    };
    next.why.push(`zero padding (op ${node.ops[0]}) becomes its own`);
  }
  next.inputs = next.inputs.map((value) => (value === node.outputs[0] ? node.inputs[0]! : value));
  next.ops.push(...node.ops);
  removeNode(graph, node);
}

function isVectorConstant(node: GpuNode): boolean {
  const { constant, type } = node;
  if ((type !== "mul" && type !== "add") || !constant || node.inputs.length !== 1) return false;
  return constant.b === 1 && constant.h === 1 && constant.w === 1;
}

/** transformations/fuse_mul_to_conv.cc and fuse_add_to_conv.cc: a constant vector or scalar after the convolution. */
function mergeConstantAfter(graph: GpuGraph, node: GpuNode): void {
  if (!convolutions.has(node.type)) return;
  for (let next = findOnlyConsumer(graph, node); next; next = findOnlyConsumer(graph, node)) {
    if (!isVectorConstant(next)) return;
    if (!isSameBhwc(shapeOf(graph, next.outputs[0]), shapeOf(graph, node.outputs[0]))) return;
    node.outputs = next.outputs;
    node.ops.push(...next.ops);
    node.why.push(
      `${next.type} of constants (op ${next.ops[0]}) joins its ${next.type === "mul" ? "weights" : "bias"}`,
    );
    removeNode(graph, next);
  }
}

/** The same before the convolution; a summand only where no padding would have to be changed with it. */
function mergeConstantBefore(graph: GpuGraph, node: GpuNode): void {
  if (!isVectorConstant(node)) return;
  const next = findOnlyConsumer(graph, node);
  if (!next || !convolutions.has(next.type) || next.type === "convolution_2d_grouped") return;
  if (node.type === "add" && (next.type !== "convolution_2d" || isPadded(next))) return;
  next.inputs = next.inputs.map((value) => (value === node.outputs[0] ? node.inputs[0]! : value));
  next.ops.push(...node.ops);
  next.why.push(`${node.type} of constants before it (op ${node.ops[0]}) joins its weights`);
  removeNode(graph, node);
}

/** transformations/global_pooling_to_reduce_op.cc */
function makeMean(graph: GpuGraph, subgraph: Subgraph, node: GpuNode): void {
  const { window } = node;
  if (node.type !== "pooling_2d" || !window || isPadded(node)) return;
  if (subgraph.ops[node.ops[0]!]!.type !== "AVERAGE_POOL_2D") return;
  const [input, output] = [shapeOf(graph, node.inputs[0]), shapeOf(graph, node.outputs[0])];
  if (window.kernelH !== input.h || window.kernelW !== input.w || output.h !== 1 || output.w !== 1) return;
  node.type = "mean";
  node.why.push(`a pool over its whole input ${describeBhwc(input)} is a mean`);
}
