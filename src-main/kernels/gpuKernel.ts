import type { GpuWindow } from "./gpuNode.ts";
import type { Bhwc } from "./gpuShape.ts";

/** Kernels of one class share a regressor. */
export type GpuKernelClass =
  | "gpu-conv"
  | "gpu-conv-winograd"
  | "gpu-winograd-transform"
  | "gpu-conv-grouped"
  | "gpu-conv-dynamic"
  | "gpu-transpose-conv"
  | "gpu-depthwise"
  | "gpu-depthwise-conv"
  | "gpu-fully-connected"
  | "gpu-pool"
  | "gpu-mean"
  | "gpu-reduce"
  | "gpu-concat"
  | "gpu-copy"
  | "gpu-resize"
  | "gpu-softmax"
  | "gpu-elementwise"
  | "gpu-normalization"
  | "gpu-gather";

/** An element-wise operation that runs inside another kernel. */
export interface GpuLinked {
  /** The delegate's name of the operation, e.g. `relu`. */
  type: string;
  op: number;
  /** Shapes of the further tensors it reads, e.g. the other branch of a residual addition. */
  operands: Bhwc[];
}

/** One kernel the GPU runs. */
export interface GpuKernel {
  class: GpuKernelClass;
  /** Which implementation of its class, e.g. `conv_constants`. */
  variant: string;
  /** Its name as published: operation and node numbers, e.g. `convolution_2d_1_linked_:_relu_2`. */
  name: string;
  /** Indices of the ops it covers, the one that does the work first. A Winograd convolution's op stands in its three kernels. */
  ops: number[];
  linked: GpuLinked[];
  /** Every tensor it reads, linked operands last, and every one it writes. */
  inputs: Bhwc[];
  outputs: Bhwc[];
  window: GpuWindow | null;
  /** The reason for every decision that led to it, in words. */
  why: string[];
}
