import type { OpPrediction, OpTime } from "../../src-main/lab/contract.ts";

/** The ops a kernel runs, by index, the one that does the work first. */
export function listKernelOps(kernel: OpPrediction): readonly number[] {
  return kernel.ops ?? [kernel.index];
}

/**
 * What was measured of each kernel, in ms: the sum over its ops. An op that several kernels share (Winograd runs three) counts
 * for the first of them; kernels of which no op was measured are left out.
 */
export function measureKernels(
  kernels: readonly OpPrediction[],
  measuredOps: readonly OpTime[],
): Map<OpPrediction, number> {
  const owner = new Map<number, OpPrediction>();
  for (const kernel of kernels)
    for (const op of listKernelOps(kernel)) if (!owner.has(op)) owner.set(op, kernel);
  const found = new Map<OpPrediction, number>();
  for (const { op, ms } of measuredOps) {
    const kernel = owner.get(op);
    if (kernel) found.set(kernel, (found.get(kernel) ?? 0) + ms);
  }
  return found;
}

/** A kernel by its first op and how many it runs beside it: `#3 CONV_2D +2`. */
export function nameKernel(kernel: OpPrediction): string {
  const more = listKernelOps(kernel).length - 1;
  return `#${kernel.index} ${kernel.op}${more > 0 ? ` +${more}` : ""}`;
}
