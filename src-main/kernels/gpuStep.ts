import type { GpuKernelClass } from "./gpuKernel.ts";
import type { GpuWindow } from "./gpuNode.ts";

/** An element-wise operation inside a step, with the values it reads besides the step's own. */
export interface StepLink {
  type: string;
  op: number;
  operands: number[];
}

/** A kernel while steps may still be linked: it reads and writes values instead of shapes. */
export interface GpuStep {
  class: GpuKernelClass;
  variant: string;
  /** Operation and numbers, without what is linked: `convolution_2d_1`. */
  label: string;
  type: string;
  ops: number[];
  inputs: number[];
  outputs: number[];
  window: GpuWindow | null;
  /** Labels and operations linked to it, in order. */
  links: (StepLink & { label: string })[];
  /** Whether an earlier step may take it into itself. */
  linkable: boolean;
  why: string[];
}
