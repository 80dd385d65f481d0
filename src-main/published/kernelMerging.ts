import type { PublishedOp, PublishedOpTime } from "./readPublished.ts";

/** A kernel that ran on a phone, with the rows of its network it stands for. */
export interface PublishedKernel {
  kernel: string | null;
  /** Places among the network's rows, in order. */
  rows: number[];
  ms: number;
}

/**
 * The kernels of one network on one scenario in running order. Rows that share a kernel's name are one kernel: its time counts once,
 * and where the rows differ it is their mean, for each is a reading of the same thing. Rows without a name are kernels by themselves.
 */
export function mergeKernels(
  ops: readonly PublishedOp[],
  isOn: (time: PublishedOpTime) => boolean,
): PublishedKernel[] {
  const kernels: (PublishedKernel & { times: number[] })[] = [];
  const byName = new Map<string, (typeof kernels)[number]>();
  for (const { index, perPhone } of ops) {
    const time = perPhone.find(isOn);
    if (!time) continue;
    const known = time.kernel === null ? undefined : byName.get(time.kernel);
    if (known) {
      known.rows.push(index);
      known.times.push(time.ms);
      continue;
    }
    const kernel = { kernel: time.kernel, rows: [index], ms: 0, times: [time.ms] };
    kernels.push(kernel);
    if (time.kernel !== null) byName.set(time.kernel, kernel);
  }
  return kernels.map(({ kernel, rows, times }) => ({
    kernel,
    rows,
    ms: times.reduce((sum, ms) => sum + ms, 0) / times.length,
  }));
}
