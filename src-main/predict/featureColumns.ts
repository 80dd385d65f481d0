import { listFeatures } from "./features.ts";
import { gpuFeatureTable, listGpuFeatures } from "./gpuFeatures.ts";

/** What learners and messages need to know of a feature, whatever it is computed from. */
export interface FeatureColumn {
  name: string;
  unit: string;
  /** Why a kernel's time depends on it. */
  reason: string;
  /** Learners that think in sums see its logarithm (`log`) or the number itself (`linear`). */
  scale: "log" | "linear";
}

/** True for classes of GPU kernels, whose features are computed from other facts than those of CPU ops. */
export function isGpuClass(kernelClass: string): boolean {
  return kernelClass.startsWith("gpu-");
}

/** The columns of a kernel class's table, FLOPs and bytes first, for CPU and GPU classes alike. */
export function listColumns(kernelClass: string): readonly FeatureColumn[] {
  return isGpuClass(kernelClass) ? listGpuFeatures(kernelClass) : listFeatures(kernelClass);
}

// Threads at borders compute whole tiles; one thread's products follow each other however few threads there are; every
// work group reads the weights again.
const gpuLine = [gpuFeatureTable.tileFlops, gpuFeatureTable.depth, gpuFeatureTable.weightBytes];

/** Columns that a class's physical line uses besides FLOPs and bytes: what a GPU's time is known to grow with. */
export function listLineColumns(kernelClass: string): number[] {
  if (!isGpuClass(kernelClass)) return [];
  const columns = listGpuFeatures(kernelClass);
  return gpuLine.map((feature) => columns.indexOf(feature)).filter((column) => column >= 0);
}
