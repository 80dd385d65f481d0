import type { GpuKernelClass } from "./gpuKernel.ts";

/** What a kernel's name tells: its class, its operations in order and the numbers of their nodes. */
export interface GpuKernelName {
  /** Null for an operation these rules give no class by its name. */
  class: GpuKernelClass | null;
  /** The kernel's operation, then those linked to it, e.g. `["convolution_2d", "add", "relu"]`. */
  operations: string[];
}

const classes: Record<string, GpuKernelClass> = {
  convolution_2d: "gpu-conv",
  convolution_2d_grouped: "gpu-conv-grouped",
  convolution_winograd_4x4_6x6: "gpu-conv-winograd",
  winograd_4x4_to_36: "gpu-winograd-transform",
  winograd_36_to_4x4: "gpu-winograd-transform",
  depthwise_convolution: "gpu-depthwise",
  depthwise_conv_plus_1x1_conv: "gpu-depthwise-conv",
  convolution_transposed: "gpu-transpose-conv",
  fully_connected: "gpu-fully-connected",
  pooling_2d: "gpu-pool",
  mean: "gpu-mean",
  concat: "gpu-concat",
  softmax: "gpu-softmax",
  resize: "gpu-resize",
  add: "gpu-elementwise",
  mul: "gpu-elementwise",
  relu: "gpu-elementwise",
};

/** Reads a published kernel name (`convolution_2d_1_linked_:_relu_2`) or one of a newer benchmark (`convolution_2d_1 -> relu_2`). */
export function readGpuKernelName(name: string): GpuKernelName {
  const operations = name
    .split(/_linked_:_| linked : | -> /)
    .map((part) => part.trim().replace(/(?:[_ ]\d+)+$/, ""));
  return { class: classes[operations[0] ?? ""] ?? null, operations };
}
