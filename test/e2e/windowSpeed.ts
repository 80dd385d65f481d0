/**
 * Measures the window in Chromium: first paint of a fresh window, and filtering and scrolling a table of 2,000 models.
 * Prints the figures; run it with `node test/e2e/windowSpeed.ts`.
 */
import type { Page } from "playwright-core";
import { ServedLab } from "./labWindow.ts";
import { Shell } from "./pages.ts";

const models = 2000;
const rounds = 7;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function report(name: string, values: readonly number[]): void {
  const worst = Math.max(...values);
  process.stdout.write(`${name}: median ${median(values).toFixed(0)} ms, worst ${worst.toFixed(0)} ms\n`);
}

async function measureFirstPaint(served: ServedLab): Promise<number> {
  const page = await served.openPage("#/models");
  await page.getByRole("navigation").waitFor();
  const paint = await page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
  );
  await page.context().close();
  return paint;
}

/** From the input event to the frame that shows the rows found. */
function measureFilter(page: Page, text: string): Promise<number> {
  return page.evaluate(
    (value) =>
      new Promise<number>((resolve) => {
        const field = document.querySelector<HTMLInputElement>("main input[type=search]")!;
        const start = performance.now();
        field.value = value;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        // The task after a frame's callbacks runs once the frame is laid out and painted.
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
      }),
    text,
  );
}

/** Times between frames while the table scrolls by from its first to its last row. */
function measureScrolling(page: Page): Promise<number[]> {
  return page.evaluate(
    () =>
      new Promise<number[]>((resolve) => {
        const scroller = document.querySelector("[role=grid]")!.parentElement!;
        const frames: number[] = [];
        const steps = 120;
        let step = 0;
        let last = performance.now();
        function advance(): void {
          const now = performance.now();
          frames.push(now - last);
          last = now;
          scroller.scrollTop = (scroller.scrollHeight * ++step) / steps;
          if (step < steps) requestAnimationFrame(advance);
          else resolve(frames.slice(1));
        }
        requestAnimationFrame(advance);
      }),
  );
}

const served = await ServedLab.open();
try {
  const paints: number[] = [];
  for (let round = 0; round < rounds; round++) paints.push(await measureFirstPaint(served));
  report("first contentful paint, empty lab", paints);

  const { job } = await served.lab.startSample({ count: models, seed: 1 });
  await served.lab.jobResult({ job, kind: "sample" });
  paints.length = 0;
  for (let round = 0; round < rounds; round++) paints.push(await measureFirstPaint(served));
  report(`first contentful paint, ${models} models`, paints);

  const page = await served.openPage("#/models", { width: 1440, height: 900 });
  await new Shell(page).table("models").rows.first().waitFor();
  const filters: number[] = [];
  for (let round = 0; round < rounds; round++)
    for (const text of ["n", "nas-s1-1", "nas-s1-19 conv", "no such", ""])
      filters.push(await measureFilter(page, text));
  report(`filter ${models} models, input to painted frame`, filters);
  report(`scroll ${models} models in 120 steps, frame to frame`, await measureScrolling(page));
} finally {
  await served.close();
}
