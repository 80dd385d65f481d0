import type { GpuDevice } from "./gpuDevice.ts";
import { findOnlyConsumer } from "./gpuNode.ts";
import type { GpuGraph, GpuNode, GpuWindow } from "./gpuNode.ts";
import type { GpuSettings } from "./gpuRules.ts";
import type { GpuStep } from "./gpuStep.ts";

/** Nodes that one special kernel runs, and that kernel. */
export interface ThinFusion {
  nodes: GpuNode[];
  step: GpuStep;
}

/**
 * A depthwise convolution of few channels, an optional clamp and a 1×1 convolution in one kernel (special_selector.cc,
 * depthwise_conv_plus_1x1_conv.cc). Apple's delegate of 2.10 always allows it, the others only for sustained speed; PowerVR and
 * Mali have it not.
 */
export function fuseThinConvolutions(
  graph: GpuGraph,
  node: GpuNode,
  device: GpuDevice,
  settings: GpuSettings,
): ThinFusion | null {
  const always = device.vendor === "apple" && settings.rules === "tflite-2.10";
  if (!always && !settings.sustainedSpeed) return null;
  if (!/^(adreno|nvidia|apple)$/.test(device.vendor)) return null;
  if (node.type !== "depthwise_convolution" || node.inputs.length !== 1 || !node.window) return null;
  const nodes = [node];
  let next = findOnlyConsumer(graph, node);
  if (next?.type === "relu") {
    nodes.push(next);
    next = findOnlyConsumer(graph, next);
  }
  if (next?.type !== "convolution_2d" || next.inputs.length !== 1 || !next.window) return null;
  if (!isPlainPointwise(next.window) || !isThin(device, node.window, next.window, settings)) return null;
  nodes.push(next);
  const ids = nodes.map(({ id }) => id).join("_");
  const step: GpuStep = {
    class: "gpu-depthwise-conv",
    variant: "depthwise_conv_plus_1x1_conv",
    label: `depthwise_conv_plus_1x1_conv_${ids}`,
    type: "depthwise_convolution",
    ops: [...new Set(nodes.flatMap(({ ops }) => ops))],
    inputs: [...node.inputs],
    outputs: [...next.outputs],
    window: { ...node.window, filters: next.window.filters },
    links: [],
    linkable: false,
    why: [
      ...nodes.flatMap(({ why }) => why),
      `${node.window.filters} channels filtered and mixed into ${next.window.filters}: few enough for one kernel on ${device.name}`,
    ],
  };
  return { nodes, step };
}

function isPlainPointwise(window: GpuWindow): boolean {
  const { kernelH, kernelW, strideH, strideW, dilationH, dilationW, padTop, padLeft, padBottom, padRight } =
    window;
  const ones = [kernelH, kernelW, strideH, strideW, dilationH, dilationW].every((size) => size === 1);
  return ones && padTop + padLeft + padBottom + padRight === 0;
}

function isThin(
  { vendor }: GpuDevice,
  depthwise: GpuWindow,
  pointwise: GpuWindow,
  { precision }: GpuSettings,
): boolean {
  const half = precision === "float16";
  const channels = vendor !== "apple" && half ? 32 : 16;
  const filters = vendor !== "apple" ? 32 : half ? 16 : 8;
  const area = depthwise.kernelH * depthwise.kernelW;
  return (
    depthwise.filters === pointwise.filterDepth &&
    depthwise.filters <= channels &&
    depthwise.filters * area <= 9 * channels &&
    pointwise.filters <= filters &&
    pointwise.filterDepth * pointwise.filters <= filters * channels
  );
}
