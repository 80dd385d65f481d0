import { countWinogradTiles } from "./gpuConvolution.ts";
import type { GpuDevice } from "./gpuDevice.ts";
import type { GpuKernel } from "./gpuKernel.ts";
import { countSlices } from "./gpuShape.ts";
import type { Bhwc } from "./gpuShape.ts";

/** How a kernel's output is cut into pieces, one a thread, and how they fill the GPU. */
export interface GpuTiles {
  /** Places along width and height and slices of four channels that one thread computes. */
  x: number;
  y: number;
  slices: number;
  /** Threads, those at the border included. */
  threads: number;
  /** Rounds of full waves over all compute units: threads ÷ (wave size × compute units), not rounded. */
  waves: number;
  /** Computed lanes that no output element needs, relative to the needed ones: 0 when all tiles and slices are full. */
  waste: number;
}

type Block = Pick<GpuTiles, "x" | "y" | "slices">;
const single: Block = { x: 1, y: 1, slices: 1 };

/** Cuts a kernel's output into threads as its implementation does. */
export function cutTiles(device: GpuDevice, kernel: GpuKernel, precision: "float16" | "float32"): GpuTiles {
  const grid = gridOf(kernel);
  const block = chooseBlock(device, kernel, grid, precision);
  const slices = countSlices(grid.c);
  const threads =
    Math.ceil((grid.w * grid.b) / block.x) * Math.ceil(grid.h / block.y) * Math.ceil(slices / block.slices);
  const computed = threads * block.x * block.y * block.slices * 4;
  const waves = threads / (waveSize(device, precision) * device.computeUnits);
  return { ...block, threads, waves, waste: computed / (grid.b * grid.h * grid.w * grid.c) - 1 };
}

// A Winograd product is one of 36 rows of tiles; its first transform writes that same shape.
function gridOf({ variant, outputs, inputs }: GpuKernel): Bhwc {
  const output = outputs[0] ?? inputs[0]!;
  if (!variant.startsWith("winograd_36_to_4x4")) return output;
  // Back from 36 places to 4×4: a thread writes four places of a tile's row (winograd.cc, Tile4x1).
  return { ...output, w: countWinogradTiles(output), h: 4 };
}

function chooseBlock(
  device: GpuDevice,
  kernel: GpuKernel,
  grid: Bhwc,
  precision: "float16" | "float32",
): Block {
  const slices = countSlices(grid.c);
  switch (kernel.variant) {
    case "conv_constants":
      return { x: 1, y: 1, slices };
    case "depthwise_conv_3x3":
      return { x: 2, y: 2, slices: 1 };
    case "depthwise_conv_3x3_stride_h2":
      return { x: 1, y: 2, slices: 1 };
    case "depthwise_conv_plus_1x1_conv":
      return { x: 1, y: 1, slices };
    case "convolution_winograd_4x4_6x6": {
      const { x, y, slices: depth } = chooseConvolutionBlock(device, grid, slices, true, precision);
      // Rows have different weights, so a thread stays within one.
      return { x: x * y, y: 1, slices: depth };
    }
    case "conv_generic":
    case "convolution_dynamic":
    case "mat_mul_as_convolution": {
      const { kernelH = 1, kernelW = 1 } = kernel.window ?? {};
      return chooseConvolutionBlock(device, grid, slices, kernelH * kernelW === 1, precision);
    }
    default:
      return single;
  }
}

/**
 * The tile of the general convolution (conv_generic.cc, GuessBestParams): the fuller the GPU, the larger. For vendors whose rule is
 * not known here a thread counts as one place of one slice.
 */
function chooseConvolutionBlock(
  device: GpuDevice,
  { b, h, w }: Bhwc,
  slices: number,
  pointwise: boolean,
  precision: "float16" | "float32",
): Block {
  const tasks = b * h * w * slices;
  switch (device.vendor) {
    case "adreno": {
      const waves = tasks / device.computeUnits / waveSize(device, precision);
      if (waves <= 6) return single;
      if (waves <= 12) return { x: 2, y: 1, slices: 1 };
      return { x: 2, y: waves <= 24 ? 1 : 2, slices: 2 };
    }
    case "mali":
      return chooseMaliBlock(device, tasks, slices, pointwise, precision);
    case "powervr": {
      const depth = choosePowerVrDepth(slices);
      return precision === "float16"
        ? { x: 2, y: 1, slices: Math.min(4, depth) }
        : { x: 1, y: 1, slices: depth };
    }
    default:
      return single;
  }
}

// Tasks a compute unit up to which a thread computes 1, 2 or 4 pieces; beyond the last 8.
const maliLimits: Record<string, Record<"float16" | "float32", readonly number[]>> = {
  bifrost1: { float16: [256, 1024, 2048], float32: [256, 1024] },
  bifrost2: { float16: [512, 2048, 4096], float32: [128, 1024] },
  bifrost3: { float16: [256, 1536, 4096], float32: [256, 3072] },
  valhall: { float16: [256, 1536, 4096], float32: [256, 3072] },
  midgard: { float16: [1024, 4096], float32: [4096] },
};

function chooseMaliBlock(
  device: GpuDevice,
  tasks: number,
  slices: number,
  pointwise: boolean,
  precision: "float16" | "float32",
): Block {
  const limits = maliLimits[device.generation]?.[precision];
  if (!limits) return single;
  const step = limits.filter((limit) => tasks / device.computeUnits > limit).length;
  const capped = !pointwise && /^(midgard|bifrost)/.test(device.generation);
  const pieces = Math.min(2 ** step, capped ? 4 : 8);
  const odd = slices === 1 || slices === 3;
  if (pieces === 8) return { x: 2, y: 2, slices: odd ? 1 : 2 };
  if (pieces === 4) return odd ? { x: 2, y: 2, slices: 1 } : { x: 2, y: 1, slices: 2 };
  return { x: pieces, y: 1, slices: 1 };
}

function choosePowerVrDepth(slices: number): number {
  if (slices % 8 === 0 || slices >= 32) return 8;
  if (slices % 4 === 0 || slices >= 8) return 4;
  if (slices % 2 === 0 || slices >= 4) return 2;
  return slices;
}

/** Threads a compute unit runs in lock-step (gpu_info.cc, AdrenoInfo::GetWaveSize, and the vendors' documents). */
function waveSize({ vendor, generation }: GpuDevice, precision: "float16" | "float32"): number {
  const half = precision === "float16";
  if (vendor === "adreno") {
    if (/^[67]xx$/.test(generation)) return half ? 128 : 64;
    if (/^[45]xx$/.test(generation)) return half ? 64 : 32;
    return half ? 32 : 16;
  }
  if (vendor === "mali") return generation === "valhall" ? 16 : generation === "bifrost3" ? 8 : 4;
  return vendor === "amd" ? 64 : 32;
}
