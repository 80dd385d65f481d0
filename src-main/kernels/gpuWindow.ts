import { countGroups } from "../model/groupSplitting.ts";
import type { Op, Subgraph } from "../model/graph.ts";
import type { GpuWindow } from "./gpuNode.ts";

/** The window of a convolution (plain, depthwise, transposed) or a pool, its SAME padding in pixels. */
export function readGpuWindow(subgraph: Subgraph, op: Op): GpuWindow {
  const { attributes } = op;
  const positive = (name: string) => Math.max(1, Number(attributes[name] ?? 1));
  const transposed = op.type === "TRANSPOSE_CONV";
  const input = subgraph.tensors[op.inputs[transposed ? 2 : 0] ?? -1]?.shape ?? [];
  const filter = /POOL/.test(op.type) ? null : subgraph.tensors[op.inputs[1] ?? -1]?.shape;
  const depthwise = op.type === "DEPTHWISE_CONV_2D";
  const window: GpuWindow = {
    kernelH: filter?.[1] ?? positive("filterHeight"),
    kernelW: filter?.[2] ?? positive("filterWidth"),
    strideH: positive("strideH"),
    strideW: positive("strideW"),
    dilationH: positive("dilationHFactor"),
    dilationW: positive("dilationWFactor"),
    padTop: 0,
    padLeft: 0,
    padBottom: 0,
    padRight: 0,
    groups: countGroups(subgraph, op),
    filterDepth: filter ? (depthwise ? 1 : filter[3]!) : 0,
    filters: filter ? (depthwise ? filter[3]! : filter[0]!) : 0,
  };
  if (attributes["padding"] !== "SAME") return window;
  const [height, width] = [input[1] ?? 1, input[2] ?? 1];
  // A transposed convolution pads as the convolution it is the gradient of: kernel − stride in all.
  const alongH = transposed
    ? Math.max(window.kernelH - window.strideH, 0)
    : samePadding(height, window.kernelH, window.strideH, window.dilationH);
  const alongW = transposed
    ? Math.max(window.kernelW - window.strideW, 0)
    : samePadding(width, window.kernelW, window.strideW, window.dilationW);
  window.padTop = Math.floor(alongH / 2);
  window.padBottom = alongH - window.padTop;
  window.padLeft = Math.floor(alongW / 2);
  window.padRight = alongW - window.padLeft;
  return window;
}

// Pixels to add along one axis so that the output has ceil(size ÷ stride) places.
function samePadding(size: number, kernel: number, stride: number, dilation: number): number {
  const places = Math.ceil(size / stride);
  return Math.max((places - 1) * stride + (kernel - 1) * dilation + 1 - size, 0);
}
