/** How numbers read everywhere: command line, report and window. A missing number is a dash, never `NaN` or `null`. */
import prettyMilliseconds from "pretty-ms";

const missing = "–";

function isMissing(value: number | null | undefined): value is null | undefined {
  return value === null || value === undefined || !Number.isFinite(value);
}

/** Decimals that leave three significant digits: 0.0123, 1.23, 12.3, 123, 1,234. */
function countDecimals(value: number, significant = 3): number {
  if (value === 0) return 0;
  // 9.995 rounds up to 10.0: the digits are those of the rounded number.
  const rounded = Math.abs(Number(value.toPrecision(significant)));
  return Math.min(8, Math.max(0, significant - 1 - Math.floor(Math.log10(rounded))));
}

function formatDecimals(value: number, decimals: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function formatSignificant(value: number): string {
  return formatDecimals(value, countDecimals(value));
}

/** A latency: `12.4 ms`. */
export function formatMs(ms: number | null | undefined): string {
  return isMissing(ms) ? missing : `${formatSignificant(ms)} ms`;
}

/** A latency with its spread in the same unit: `12.4 ms ± 0.3`. */
export function formatSpread(ms: number | null | undefined, spreadMs: number | null | undefined): string {
  if (isMissing(ms) || isMissing(spreadMs)) return formatMs(ms);
  const decimals = Math.max(countDecimals(ms), countDecimals(spreadMs, 1));
  return `${formatMs(ms)} ± ${formatDecimals(spreadMs, decimals)}`;
}

function scale(value: number, unit: string, base: number, prefixes: readonly string[]): string {
  let index = 0;
  let scaled = value;
  while (Math.abs(Number(scaled.toPrecision(3))) >= base && index < prefixes.length - 1) {
    scaled /= base;
    index++;
  }
  const text = index === 0 ? scaled.toLocaleString("en-US") : formatSignificant(scaled);
  return `${text} ${prefixes[index]}${unit}`.trimEnd();
}

const prefixes = ["", "k", "M", "G", "T", "P"] as const;

/** A size in decimal units: `17.2 MB`. */
export function formatBytes(bytes: number | null | undefined): string {
  return isMissing(bytes) ? missing : scale(bytes, "B", 1000, prefixes);
}

/** Floating point operations of one inference: `1.52 GFLOPs`. */
export function formatFlops(flops: number | null | undefined): string {
  return isMissing(flops) ? missing : scale(flops, "FLOPs", 1000, prefixes);
}

/** A large number in short: `4.24 M`. */
export function formatShortCount(count: number | null | undefined): string {
  return isMissing(count) ? missing : scale(count, "", 1000, prefixes);
}

/** A number of things, written out: `1,234`. */
export function formatCount(count: number | null | undefined): string {
  return isMissing(count) ? missing : count.toLocaleString("en-US");
}

/** A percentage given in percent: `7.1 %`. */
export function formatPercent(percent: number | null | undefined, decimals = 1): string {
  return isMissing(percent) ? missing : `${percent.toFixed(decimals)} %`;
}

/** A deviation given as a fraction, with its sign: 0.043 is `+4.3 %`. */
export function formatError(fraction: number | null | undefined): string {
  if (isMissing(fraction)) return missing;
  const text = (fraction * 100).toFixed(1);
  return `${Number(text) > 0 ? "+" : ""}${Number(text) === 0 ? "0.0" : text} %`;
}

/** A correlation or another number without a unit: `0.987`. */
export function formatNumber(value: number | null | undefined, decimals = 3): string {
  return isMissing(value) ? missing : value.toFixed(decimals);
}

/** How long something took: `2m 5s`, `3.2s`. */
export function formatDuration(ms: number | null | undefined): string {
  if (isMissing(ms)) return missing;
  return prettyMilliseconds(Math.max(0, ms), { unitCount: 2, secondsDecimalDigits: ms < 10_000 ? 1 : 0 });
}

/** Time left, without a precision it does not have: `about 4m`, `a moment`. */
export function formatEta(ms: number | null | undefined): string {
  if (isMissing(ms)) return "unknown";
  if (ms < 1500) return "a moment";
  const step = ms < 60_000 ? 1000 : ms < 600_000 ? 10_000 : 60_000;
  return `about ${prettyMilliseconds(Math.ceil(ms / step) * step, { unitCount: 2, secondsDecimalDigits: 0 })}`;
}

/** A tensor shape: `1×224×224×3`; a scalar is `scalar`. */
export function formatShape(shape: readonly number[]): string {
  return shape.length === 0 ? "scalar" : shape.join("×");
}

/** A moment in the reader's own time zone: `2026-03-01 14:05`. */
export function formatTime(iso: string | null | undefined): string {
  const time = iso ? new Date(iso) : null;
  if (!time || Number.isNaN(time.getTime())) return missing;
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
