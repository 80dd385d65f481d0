import type { TelemetryPoint } from "../../src-main/lab/contract.ts";
import { describeAxis, describeOptions } from "./configuration.ts";
import type { ChartTable, PointChart } from "./configuration.ts";
import type { ChartTheme } from "./theme.ts";

/** Longest pause that a line is drawn across; over a longer one nothing is known. */
const longestBridgeMs = 600_000;
/** Runs shorter than this are told in seconds. */
const shortRunMs = 180_000;

/** Whether any reading tells anything. */
export function hasTelemetry(points: readonly TelemetryPoint[]): boolean {
  return points.some((point) => point.frequencyMhz !== null || point.temperatureC !== null);
}

/**
 * The device over the minutes (seconds, when they are few) of a run: temperature as a blue line on the left axis, frequency as a thin dashed line on the
 * right one. Both are measured; they differ by line and axis, not by colour alone.
 */
export function telemetryChart(points: readonly TelemetryPoint[], theme: ChartTheme): PointChart {
  const { since, unit, unitMs } = timeOf(points);
  const trace = (read: (point: TelemetryPoint) => number | null, tell: (value: number) => string) => {
    const data: { x: number; y: number | null; tip?: string[] }[] = [];
    for (const point of points) {
      const value = read(point);
      if (value === null) continue;
      const x = since(point);
      const before = data.at(-1);
      // A run that was paused for hours should not look like one that crept from one value to the other.
      if (before && (x - before.x) * unitMs > longestBridgeMs) data.push({ x: (before.x + x) / 2, y: null });
      data.push({ x, y: value, tip: [tell(value), `${x.toFixed(1)} ${unit}, cell ${point.cell}`] });
    }
    return data;
  };
  const temperature = trace(
    (point) => point.temperatureC,
    (value) => `${value.toFixed(1)} °C`,
  );
  const frequency = trace(
    (point) => (point.frequencyMhz === null ? null : point.frequencyMhz / 1000),
    (value) => `${value.toFixed(2)} GHz`,
  );
  const options = describeOptions(theme);
  const axis = (title: string) => {
    const described = describeAxis(title, theme);
    return { ...described, type: "linear" as const, ticks: { ...described.ticks, maxTicksLimit: 6 } };
  };
  const line = { type: "line" as const, borderColor: theme.measured, tension: 0, spanGaps: false };
  return {
    type: "scatter",
    data: {
      datasets: [
        {
          ...line,
          label: "Temperature (left axis)",
          data: temperature,
          backgroundColor: theme.measuredFill,
          borderWidth: 2,
          pointRadius: temperature.length > 60 ? 0 : 2,
          pointStyle: "circle",
        },
        {
          ...line,
          label: "Frequency (right axis)",
          data: frequency,
          yAxisID: "frequency",
          borderWidth: 1,
          borderDash: [5, 3],
          pointRadius: 0,
          pointHitRadius: 6,
          pointStyle: "line",
        },
      ],
    },
    options: {
      ...options,
      plugins: { ...options.plugins, legend: { ...options.plugins.legend, display: true } },
      scales: {
        x: { ...axis(`Time since the first reading (${unit})`), min: 0 },
        y: { ...axis("°C"), display: temperature.length > 0, grace: "10%" },
        frequency: {
          ...axis("GHz"),
          display: frequency.length > 0,
          position: temperature.length > 0 ? "right" : "left",
          min: 0,
          grace: "10%",
          grid: { display: false },
        },
      },
    },
  };
}

/** The readings as rows, times since the first. */
export function listTelemetry(points: readonly TelemetryPoint[]): ChartTable {
  const { since, unit } = timeOf(points);
  return {
    columns: [`At (${unit})`, "Cell", "Temperature (°C)", "Frequency (MHz)"],
    rows: points.map((point) => [
      Number(since(point).toFixed(3)),
      point.cell,
      point.temperatureC,
      point.frequencyMhz,
    ]),
  };
}

/** One sentence on how warm and how fast the device was. */
export function tellTelemetry(points: readonly TelemetryPoint[]): string {
  const range = (values: (number | null)[], digits: number, unit: string) => {
    const known = values.filter((value): value is number => value !== null);
    if (known.length === 0) return null;
    const low = Math.min(...known).toFixed(digits);
    const high = Math.max(...known).toFixed(digits);
    return low === high ? `${low} ${unit}` : `${low} to ${high} ${unit}`;
  };
  const parts = [
    range(
      points.map((point) => point.temperatureC),
      1,
      "°C",
    ),
    range(
      points.map((point) => (point.frequencyMhz === null ? null : point.frequencyMhz / 1000)),
      2,
      "GHz",
    ),
  ].filter((part) => part !== null);
  return parts.length === 0
    ? "The device tells neither."
    : `${parts.join(", ")}, read before and after each cell.`;
}

// The time axis of a run: since its first reading, in a unit that suits its length.
function timeOf(points: readonly TelemetryPoint[]) {
  const start = points[0] ? Date.parse(points[0].at) : 0;
  // A clock may jump: no reading is drawn before the first.
  const msSince = (point: TelemetryPoint) => Math.max(0, Date.parse(point.at) - start) || 0;
  const span = Math.max(0, ...points.map(msSince));
  const unitMs = span < shortRunMs ? 1000 : 60_000;
  return {
    unit: span < shortRunMs ? "s" : "min",
    unitMs,
    since: (point: TelemetryPoint) => msSince(point) / unitMs,
  };
}
