import type { GpuDevice } from "./gpuDevice.ts";
import type { GpuWindow } from "./gpuNode.ts";
import type { GpuSettings } from "./gpuRules.ts";
import { countSlices } from "./gpuShape.ts";
import type { Bhwc } from "./gpuShape.ts";

/** A yes or no of a rule with its reason in words. */
export interface RuleVerdict {
  holds: boolean;
  why: string;
}

/** Winograd tiles of an output: pieces of 4×4 places. */
export function countWinogradTiles({ h, w }: Bhwc): number {
  return Math.ceil(h / 4) * Math.ceil(w / 4);
}

/**
 * Whether a convolution runs as Winograd 4×4 → 6×6 (operation_selector.cc, IsRecommendedForWinograd4x4To6x6; winograd_util.cc,
 * IsSuitableForWinograd4x4To6x6): 3×3, stride 1, no dilation, no groups, and enough channels and tiles for the GPU.
 */
export function judgeWinograd(device: GpuDevice, window: GpuWindow, output: Bhwc): RuleVerdict {
  const { kernelH, kernelW, strideH, strideW, dilationH, dilationW, groups } = window;
  if (kernelH !== 3 || kernelW !== 3) return refuse(`its kernel is ${kernelH}×${kernelW}, not 3×3`);
  if (strideH !== 1 || strideW !== 1) return refuse(`its stride is ${strideH}×${strideW}, not 1`);
  if (dilationH !== 1 || dilationW !== 1) return refuse("it is dilated");
  if (groups !== 1) return refuse("it is grouped");
  const least = winogradLimits(device);
  const input = countSlices(window.filterDepth);
  const filters = countSlices(window.filters);
  const tiles = countWinogradTiles(output);
  const holds = input >= least.input && filters >= least.output && tiles >= least.tiles;
  return {
    holds,
    why:
      `${input} input and ${filters} output slices of four channels and ${tiles} tiles of 4×4; ` +
      `${device.name} asks for ${least.input}, ${least.output} and ${least.tiles}`,
  };
}

function winogradLimits({ vendor, generation }: GpuDevice): { input: number; output: number; tiles: number } {
  if (vendor === "adreno") return { input: 32, output: 32, tiles: generation === "6xx" ? 128 : 64 };
  return { input: 16, output: vendor === "amd" ? 8 : 16, tiles: 32 };
}

/**
 * Which kernel a convolution without Winograd gets (convolution_selector.cc, SelectConvolution…; conv_constants.cc,
 * IsConvConstantsSupported): weights in constant memory where they are few, else the general one.
 */
export function chooseConvolution(
  device: GpuDevice,
  window: GpuWindow,
  output: Bhwc,
  settings: GpuSettings,
): { variant: string; why: string } {
  if (device.vendor === "apple") return chooseAppleConvolution(device, window, output, settings);
  if (/^(mali|powervr|amd|intel)$/.test(device.vendor))
    return { variant: "conv_generic", why: `${device.vendor} always takes the general kernel` };
  const filters = countSlices(window.filters);
  const bytes = countConstantBytes(window, settings);
  const limit = constantLimit(device);
  const fits = window.groups === 1 && bytes <= limit && filters <= 8;
  const reason = `${bytes} bytes of weights (at most ${limit}) and ${filters} output slices (at most 8)`;
  return fits
    ? { variant: "conv_constants", why: `weights in constant memory: ${reason}` }
    : {
        variant: "conv_generic",
        why: `the general kernel: ${window.groups > 1 ? "grouped" : reason}`,
      };
}

function constantLimit({ vendor, generation }: GpuDevice): number {
  if (vendor !== "adreno") return 1024;
  return /^[345]xx$/.test(generation) ? 2560 : 3584;
}

function countConstantBytes(window: GpuWindow, { precision }: GpuSettings): number {
  const { kernelH, kernelW, filterDepth, filters } = window;
  const [input, output] = [countSlices(filterDepth), countSlices(filters)];
  const dot = filters % 4 !== 0 && (filterDepth % 4 === 0 || filters * input < filterDepth * output);
  const elements = kernelH * kernelW * (dot ? filters * 4 * input : filterDepth * 4 * output);
  return elements * (precision === "float32" ? 4 : 2);
}

// conv_metal_simd.cc, IsConvolutionMetalSimdSupported: float32 products large enough to fill the GPU.
function chooseAppleConvolution(
  device: GpuDevice,
  window: GpuWindow,
  output: Bhwc,
  settings: GpuSettings,
): { variant: string; why: string } {
  const general = (why: string) => ({ variant: "conv_generic", why });
  if (settings.precision !== "float32")
    return general("the general kernel: matrix units are for float32 only");
  const pointwise = window.kernelH * window.kernelW === 1 && window.strideH * window.strideW === 1;
  const [input, slices] = [countSlices(window.filterDepth), countSlices(window.filters)];
  if (!pointwise || input % 4 !== 0 || slices % 16 !== 0)
    return general("the general kernel: matrix units ask for 1×1 and multiples of 16 and 64 channels");
  const places = output.b * output.h * output.w;
  const waves = Math.ceil(places / 32);
  const fill = places / (waves * 32);
  const perUnit = (waves * (slices / 16)) / device.computeUnits;
  return fill >= 0.625 && perUnit >= 8
    ? { variant: "conv_metal_simd", why: `matrix units: ${waves} waves of 32 places, filled well` }
    : general("the general kernel: too few places for the matrix units");
}

/**
 * Which kernel a depthwise convolution gets (dw_convolution_selector.cc; depthwise_conv_3x3.cc,
 * IsDepthwiseConv3x3Supported; depthwise_conv_3x3_stride_h2.cc).
 */
export function chooseDepthwise(
  device: GpuDevice,
  window: GpuWindow,
  inputChannels: number,
  settings: GpuSettings,
): { variant: string; why: string } {
  const { kernelH, kernelW, strideH, strideW, dilationH, dilationW } = window;
  const single = window.filters === inputChannels;
  const three = kernelH === 3 && kernelW === 3 && single;
  const padded = [window.padTop, window.padBottom, window.padLeft, window.padRight].every((pad) => pad === 1);
  const special = three && strideH * strideW === 1 && dilationH * dilationW === 1 && padded;
  const general = (why: string) => ({
    variant: "depthwise_conv",
    why: `the general depthwise kernel: ${why}`,
  });
  if (special) {
    const mali = device.vendor === "mali";
    const young = /^bifrost/.test(device.generation) || /Mali-G(57|77)\b/.test(device.name);
    if (!mali || (young && settings.precision !== "float32"))
      return { variant: "depthwise_conv_3x3", why: "3×3, stride 1, padding 1: the kernel for that case" };
    return general(`${device.name} does not take the one for 3×3`);
  }
  if (device.vendor === "apple" && three && strideH === 2 && dilationH === 1)
    return { variant: "depthwise_conv_3x3_stride_h2", why: "3×3, stride 2: Apple's kernel for that case" };
  if (!single) return general("several filters a channel");
  return general(
    three && strideH * strideW === 1 && dilationH * dilationW === 1
      ? "its padding is not 1 on all sides"
      : `${kernelH}×${kernelW}, stride ${strideH}`,
  );
}

/** Which kernel a transposed convolution gets (convolution_transposed_selector.cc). */
export function chooseTransposed(device: GpuDevice, window: GpuWindow): { variant: string; why: string } {
  const { kernelH, kernelW, strideH, strideW, padTop, padLeft, padBottom, padRight, filters } = window;
  const pads = [padTop, padLeft, padBottom, padRight];
  const square = (kernel: number, stride: number) =>
    kernelH === kernel && kernelW === kernel && strideH === stride && strideW === stride;
  if (device.vendor === "mali" || device.vendor === "amd")
    return { variant: "conv_transposed", why: `${device.vendor} always takes the general kernel` };
  if (filters <= 4 && kernelH === strideH && kernelW === strideW && pads.every((pad) => pad === 0))
    return { variant: "conv_transposed_thin", why: "at most 4 filters, kernel equal to stride, no padding" };
  if (filters <= 8 && square(3, 2) && pads.every((pad) => pad === 1))
    return { variant: "conv_transposed_3x3_thin", why: "at most 8 filters, 3×3, stride 2, padding 1" };
  if (device.vendor !== "adreno" && device.vendor !== "unknown") {
    if (square(3, 2)) return { variant: "conv_transposed_3x3", why: "3×3, stride 2" };
    if (square(4, 2) && padTop === 1 && padLeft === 1)
      return { variant: "conv_transposed_4x4", why: "4×4, stride 2, padding 1" };
  }
  return { variant: "conv_transposed", why: "none of the special cases" };
}

function refuse(why: string): RuleVerdict {
  return { holds: false, why };
}
