import type { PublishedScenario } from "./columns.ts";
import type { PublishedOp, PublishedOpTime } from "./readPublished.ts";

/** A kernel that ran on a phone, with the rows of its network it stands for. */
export interface PublishedKernel {
  kernel: string | null;
  /** Places among the network's rows, in order. */
  rows: number[];
  ms: number;
}

/**
 * The kernels of one network on one scenario in running order. Rows that share a kernel's name are one kernel: its time counts
 * once, and where the rows differ it is their mean, for each is a reading of the same thing. Rows without a name are kernels by
 * themselves.
 */
export function mergeKernels(
  ops: readonly PublishedOp[],
  isOn: (time: PublishedOpTime) => boolean,
): PublishedKernel[] {
  const merger = new Merger();
  for (const { index, perPhone } of ops) {
    const time = perPhone.find(isOn);
    if (time) merger.add(index, time);
  }
  return merger.finish();
}

/** The kernels of one network on every scenario it has times on; as `mergeKernels`, in one pass. */
export function mergeAllKernels(ops: readonly PublishedOp[]): Map<PublishedScenario, PublishedKernel[]> {
  const mergers = new Map<PublishedScenario, Merger>();
  for (const { index, perPhone } of ops)
    for (const time of perPhone) {
      let merger = mergers.get(time.scenario);
      if (!merger) mergers.set(time.scenario, (merger = new Merger()));
      merger.add(index, time);
    }
  return new Map([...mergers].map(([scenario, merger]) => [scenario, merger.finish()]));
}

class Merger {
  private readonly kernels: (PublishedKernel & { sum: number })[] = [];
  private readonly byName = new Map<string, PublishedKernel & { sum: number }>();

  add(row: number, { kernel: name, ms }: PublishedOpTime): void {
    const known = name === null ? undefined : this.byName.get(name);
    if (known) {
      known.rows.push(row);
      known.sum += ms;
      return;
    }
    const kernel = { kernel: name, rows: [row], ms, sum: ms };
    this.kernels.push(kernel);
    if (name !== null) this.byName.set(name, kernel);
  }

  finish(): PublishedKernel[] {
    return this.kernels.map(({ kernel, rows, sum }) => ({ kernel, rows, ms: sum / rows.length }));
  }
}

/** What kind of kernel a name tells of: the part before what was linked to it, without its number. */
export function readKernelType(name: string): string {
  return name.split("_linked_")[0]!.replace(/(?:_\d+)+$/, "");
}
