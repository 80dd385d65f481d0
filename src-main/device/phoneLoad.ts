import { parseNumber } from "./phoneText.ts";

/** Load average of the last minute, of /proc/loadavg; null when it does not say. */
export function parseLoad(text: string): number | null {
  return parseNumber(text.trim().split(/\s+/)[0], 0, 100_000);
}

/** Time all CPUs together spent since the phone started, in the kernel's ticks. */
export interface CpuTimes {
  busy: number;
  total: number;
}

/** Reads the first line of /proc/stat; null when it is another. */
export function parseCpuTimes(line: string): CpuTimes | null {
  const match = /^cpu\s+(\d{1,15}(?:\s+\d{1,15}){3,15})$/.exec(line.trim().slice(0, 400));
  if (!match) return null;
  // user nice system idle iowait irq softirq steal; guest times behind them are counted in user already.
  const ticks = match[1]!.split(/\s+/).slice(0, 8).map(Number);
  const total = ticks.reduce((sum, value) => sum + value, 0);
  return { busy: total - ticks[3]! - (ticks[4] ?? 0), total };
}

/** Share of the time between two readings that CPUs were busy, 0 to 1; null when no time passed. */
export function compareCpuTimes(before: CpuTimes | null, after: CpuTimes | null): number | null {
  if (!before || !after || after.total <= before.total) return null;
  return Math.min(1, Math.max(0, (after.busy - before.busy) / (after.total - before.total)));
}
