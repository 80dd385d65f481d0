/** Writing what TFLite's `benchmark_model` (2.13 and later) prints, number formats included. */

/** A double as C++ streams print it by default: 6 significant digits, exponent form outside 1e-4 to 1e6. */
export function formatDouble(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(6)))));
  if (exponent >= -4 && exponent < 6) return String(Number(value.toPrecision(6)));
  const [mantissa, power] = value.toExponential(5).split("e") as [string, string];
  const digits = power.replace(/^[+-]/, "").padStart(2, "0");
  return `${Number(mantissa)}e${power.startsWith("-") ? "-" : "+"}${digits}`;
}

/** The `count=… first=… curr=…` line of a list of times in µs. */
export function formatCounts(times: readonly number[]): string {
  if (times.length === 0) return "count=0";
  const whole = times.map((time) => Math.round(time));
  const current = whole.at(-1)!;
  const [min, max] = [whole.reduce((a, b) => Math.min(a, b)), whole.reduce((a, b) => Math.max(a, b))];
  if (whole.length === 1) return `count=1 curr=${current}`;
  if (min === max) return `count=${whole.length} curr=${current}(all same)`;
  const average = whole.reduce((sum, value) => sum + value, 0) / whole.length;
  const variance = whole.reduce((sum, value) => sum + (value - average) ** 2, 0) / whole.length;
  return [
    `count=${whole.length}`,
    `first=${whole[0]}`,
    `curr=${current}`,
    `min=${min}`,
    `max=${max}`,
    `avg=${formatDouble(average)}`,
    `std=${Math.trunc(Math.sqrt(variance))}`,
  ].join(" ");
}

/** A row of an op profile. Times in µs per run. */
export interface ProfiledNode {
  type: string;
  name: string;
  firstUs: number;
  avgUs: number;
}

const rowHeader = "node type, first, avg_ms, %, cdf%, mem KB, times called, name";
const summaryHeader = "node type, count, avg_ms, avg %, cdf %, mem KB, times called";

function title(text: string): string {
  return `============================== ${text} ==============================`;
}

/** The op profile in the official CSV layout: run order, the ten slowest, and the summary by node type. */
export function formatProfileCsv(nodes: readonly ProfiledNode[], perRunUs: readonly number[]): string {
  const total = nodes.reduce((sum, node) => sum + node.avgUs, 0) || 1;
  const slowest = [...nodes].sort((a, b) => b.avgUs - a.avgUs).slice(0, 10);
  return [
    "Operator-wise Profiling Info for Regular Benchmark Runs:",
    title("Run Order"),
    rowHeader,
    ...formatRows(nodes, total),
    "",
    title("Top by Computation Time"),
    rowHeader,
    ...formatRows(slowest, total),
    "",
    `Number of nodes executed: ${nodes.length}`,
    title("Summary by node type"),
    summaryHeader,
    ...formatSummary(nodes, total),
    "",
    `Timings (microseconds): ${formatCounts(perRunUs)}`,
    "Memory (bytes): count=0",
    `${nodes.length} nodes observed`,
    "",
    "",
  ].join("\n");
}

function formatRows(nodes: readonly ProfiledNode[], total: number): string[] {
  let cumulated = 0;
  return nodes.map((node) => {
    cumulated += node.avgUs;
    return [
      node.type,
      formatDouble(Math.round(node.firstUs) / 1000),
      formatDouble(node.avgUs / 1000),
      `${formatDouble((node.avgUs / total) * 100)}%`,
      `${formatDouble((cumulated / total) * 100)}%`,
      "0",
      "1",
      node.name,
    ].join(", ");
  });
}

function formatSummary(nodes: readonly ProfiledNode[], total: number): string[] {
  const byType = new Map<string, { count: number; us: number }>();
  for (const node of nodes) {
    const entry = byType.get(node.type) ?? { count: 0, us: 0 };
    byType.set(node.type, { count: entry.count + 1, us: entry.us + node.avgUs });
  }
  let cumulated = 0;
  return [...byType]
    .sort(([, a], [, b]) => b.us - a.us)
    .map(([type, { count, us }]) => {
      cumulated += us;
      return [
        type,
        String(count),
        formatDouble(us / 1000),
        `${formatDouble((us / total) * 100)}%`,
        `${formatDouble((cumulated / total) * 100)}%`,
        "0",
        String(count),
      ].join(", ");
    });
}
