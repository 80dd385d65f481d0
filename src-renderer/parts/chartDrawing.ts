import type { Chart as ChartClass, ChartConfiguration } from "chart.js";
import { readTip } from "../charts/configuration.ts";
import type { ChartDrawing } from "../charts/configuration.ts";

let library: Promise<typeof ChartClass> | null = null;

// Loaded with the first chart, so that the window's first paint does not wait for it.
function loadLibrary(): Promise<typeof ChartClass> {
  library ??= import("chart.js").then((chartJs) => {
    const { Chart } = chartJs;
    Chart.register(
      chartJs.BarController,
      chartJs.LineController,
      chartJs.ScatterController,
      chartJs.BarElement,
      chartJs.LineElement,
      chartJs.PointElement,
      chartJs.CategoryScale,
      chartJs.LinearScale,
      chartJs.LogarithmicScale,
      chartJs.Filler,
      chartJs.Legend,
      chartJs.Tooltip,
    );
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.font.size = 12;
    return Chart;
  });
  return library;
}

/** Draws a configuration on a canvas, with the points' own words in their tooltips; the returned function removes it. */
export function drawChart(canvas: HTMLCanvasElement, drawing: ChartDrawing): () => void {
  let chart: { destroy(): void } | null = null;
  let gone = false;
  void loadLibrary().then((Chart) => {
    if (gone) return;
    // Chart.js writes into what it is given.
    const copy = structuredClone(drawing);
    const tooltip = copy.options?.plugins?.tooltip;
    if (tooltip) tooltip.callbacks = { label: readTip };
    chart = new Chart(canvas, copy as ChartConfiguration);
  });
  return () => {
    gone = true;
    chart?.destroy();
  };
}
