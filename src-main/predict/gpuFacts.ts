import type { GpuDevice } from "../kernels/gpuDevice.ts";
import type { GpuKernel } from "../kernels/gpuKernel.ts";
import { countBhwc, countSlices } from "../kernels/gpuShape.ts";
import type { Bhwc } from "../kernels/gpuShape.ts";
import { cutTiles } from "../kernels/gpuTiles.ts";
import type { GpuTiles } from "../kernels/gpuTiles.ts";

/** What features of a GPU kernel are computed from. */
export interface GpuFacts {
  kernel: GpuKernel;
  input: Bhwc;
  output: Bhwc;
  /** Input channels of one filter; the input's channels for kernels without filters. */
  depth: number;
  area: number;
  stride: number;
  dilation: number;
  groups: number;
  /** Operations the kernel does, its linked ones included. */
  flops: number;
  /** Operations of the plain convolution that it stands for; the same but for Winograd. */
  plainFlops: number;
  /** Bytes of weights as the kernel stores them, channels rounded up to slices of four. */
  weightBytes: number;
  /** Bytes of activations read and written once each, channels rounded up to slices of four. */
  readBytes: number;
  writeBytes: number;
  tiles: GpuTiles;
}

/** Reads the facts of a kernel; the kernels are those of `deduceKernels` for the same device and precision. */
export function readGpuFacts(
  device: GpuDevice,
  kernel: GpuKernel,
  precision: "float16" | "float32" = "float16",
): GpuFacts {
  const { window, inputs, outputs } = kernel;
  const elementBytes = precision === "float16" ? 2 : 4;
  const [input, output] = [inputs[0] ?? outputs[0]!, outputs[0] ?? inputs[0]!];
  const area = window ? window.kernelH * window.kernelW : 1;
  const bytes = (shapes: readonly Bhwc[]) =>
    shapes.reduce((sum, shape) => sum + countStored(shape) * elementBytes, 0);
  const work = countWork(kernel, input, output, area);
  return {
    kernel,
    input,
    output,
    depth: window && window.filterDepth > 1 ? window.filterDepth : input.c,
    area,
    stride: window ? Math.sqrt(window.strideH * window.strideW) : 1,
    dilation: window ? Math.sqrt(window.dilationH * window.dilationW) : 1,
    groups: window?.groups ?? 1,
    flops: work.flops + linkedFlops(kernel, output),
    plainFlops: work.plainFlops,
    weightBytes: countWeights(kernel, input, area) * elementBytes,
    readBytes: bytes(inputs),
    writeBytes: bytes(outputs),
    tiles: cutTiles(device, kernel, precision),
  };
}

function countStored(shape: Bhwc): number {
  return shape.b * shape.h * shape.w * countSlices(shape.c) * 4;
}

function linkedFlops({ linked }: GpuKernel, output: Bhwc): number {
  return linked.length * countBhwc(output);
}

interface Work {
  flops: number;
  plainFlops: number;
}

function countWork(kernel: GpuKernel, input: Bhwc, output: Bhwc, area: number): Work {
  const elements = countBhwc(output);
  const same = (flops: number): Work => ({ flops, plainFlops: flops });
  const filterDepth = kernel.window?.filterDepth ?? input.c;
  switch (kernel.class) {
    case "gpu-conv":
    case "gpu-conv-grouped":
    case "gpu-conv-dynamic":
      return same(2 * elements * area * filterDepth);
    case "gpu-fully-connected":
      return same(2 * elements * filterDepth);
    case "gpu-conv-winograd":
      // A tile's 16 places take 36 products instead of 16 × 9.
      return { flops: 2 * elements * filterDepth, plainFlops: 2 * (elements / 36) * 16 * area * filterDepth };
    case "gpu-winograd-transform":
      // Two products with a 6-wide matrix for each of the places.
      return same(2 * 2 * 6 * Math.max(elements, countBhwc(input)));
    case "gpu-transpose-conv":
      return same(2 * countBhwc(input) * area * output.c);
    case "gpu-depthwise":
      return same(2 * elements * area);
    case "gpu-depthwise-conv": {
      const places = output.b * output.h * output.w;
      return same(2 * places * input.c * (area + output.c));
    }
    case "gpu-pool":
      return same(elements * area);
    case "gpu-mean":
    case "gpu-reduce":
      return same(countBhwc(input));
    case "gpu-softmax":
      return same(5 * elements);
    case "gpu-resize":
      return same(7 * elements);
    case "gpu-elementwise":
      return same(elements);
    default:
      return same(0);
  }
}

function countWeights({ class: name, window, outputs }: GpuKernel, input: Bhwc, area: number): number {
  if (!window) return 0;
  const depth = countSlices(window.filterDepth) * 4;
  const filters = countSlices(window.filters) * 4;
  switch (name) {
    case "gpu-conv":
    case "gpu-conv-grouped":
    case "gpu-transpose-conv":
    case "gpu-fully-connected":
      return depth * filters * area;
    case "gpu-conv-winograd":
      return depth * filters * 36;
    case "gpu-depthwise":
      return countSlices(outputs[0]!.c) * 4 * area;
    case "gpu-depthwise-conv":
      return countSlices(input.c) * 4 * (area + filters);
    default:
      return 0;
  }
}
