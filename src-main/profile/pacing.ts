import type { ThermalStatus } from "../lab/contract.ts";
import { cancelled } from "../lab/errors.ts";

/** How warm a phone is; null where it does not tell. */
export interface Warmth {
  temperatureC: number | null;
  thermalStatus: ThermalStatus | null;
}

/** A reading of the temperature while the phone cools. */
export interface CoolingPoint {
  atMs: number;
  temperatureC: number;
}

/** Why a phone is too warm to be measured, in words, or null. What a phone does not tell does not hold it up. */
export function findHeat(warmth: Warmth, startTemperatureC: number): string | null {
  const { temperatureC, thermalStatus } = warmth;
  if (temperatureC !== null && temperatureC > startTemperatureC)
    return `${temperatureC.toFixed(1)} °C, starts at ${formatCelsius(startTemperatureC)}`;
  if (thermalStatus !== null && thermalStatus !== "none")
    return `the phone's thermal status is ${thermalStatus}`;
  return null;
}

function formatCelsius(celsius: number): string {
  return `${Number(celsius.toFixed(1))} °C`;
}

// Where phones are measured it is about this warm; the estimate needs no better.
const roomC = 22;
// Batteries tell tenths of a degree, some only every half minute: less than this is no rate.
const leastDropC = 0.2;

/**
 * The time until a cooling phone is at `targetC`, ms, by Newton's law of cooling with the rate seen over the readings; null
 * while no rate can be seen.
 */
export function estimateCooling(points: readonly CoolingPoint[], targetC: number): number | null {
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last || last.temperatureC <= targetC) return null;
  const elapsedMs = last.atMs - first.atMs;
  if (elapsedMs <= 0 || first.temperatureC - last.temperatureC < leastDropC) return null;
  // Towards a target near the room's temperature the law says never; a little below it keeps the estimate finite.
  const floorC = Math.min(roomC, targetC - 3);
  const rate = Math.log((first.temperatureC - floorC) / (last.temperatureC - floorC)) / elapsedMs;
  return Math.log((last.temperatureC - floorC) / (targetC - floorC)) / rate;
}

/** A wait in words for people: `about 2 min`. */
export function formatWait(ms: number): string {
  return ms < 50_000
    ? `about ${Math.max(5, Math.round(ms / 5000) * 5)} s`
    : `about ${Math.ceil(ms / 60_000)} min`;
}

/** Whether to start now, and if not, what to tell and when to look again. */
export type PacingDecision = { start: true } | { start: false; note: string; againMs: number };

// Each look wakes the phone for some dumpsys: often enough for a short wait, seldom enough not to keep it warm.
const soonestMs = 5_000;
const latestMs = 20_000;

/** Decides on the newest reading; `points` are the temperatures since the wait began, the newest included. */
export function decidePacing(
  warmth: Warmth,
  points: readonly CoolingPoint[],
  startTemperatureC: number,
): PacingDecision {
  const heat = findHeat(warmth, startTemperatureC);
  if (heat === null) return { start: true };
  const etaMs = estimateCooling(points, startTemperatureC);
  const note = `cooling: ${heat}${etaMs === null ? "" : `, ${formatWait(etaMs)}`}`;
  const againMs = Math.min(latestMs, Math.max(soonestMs, (etaMs ?? 0) / 4));
  return { start: false, note, againMs };
}

/** The passing of time as a waiting phone sees it; `pause` rejects with `cancelled` on abort. */
export interface PacingClock {
  now: () => number;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** This computer's clock, which nothing on a phone can turn back. */
export const pacingClock: PacingClock = {
  now: () => performance.now(),
  pause: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(cancelled());
        return;
      }
      const stop = (): void => {
        clearTimeout(timer);
        reject(cancelled());
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal.addEventListener("abort", stop, { once: true });
    }),
};

/** What a wait for a cool phone needs. */
export interface Cooling<W extends Warmth> {
  /** The newest reading at hand. */
  latest: W;
  read: () => Promise<W>;
  startTemperatureC: number;
  report: (note: string) => void;
  signal: AbortSignal;
  clock?: PacingClock;
}

// A rate older than this is that of a phone that was still working.
const rateWindowMs = 240_000;

/**
 * Waits as long as the phone is too warm, however long that is: who asked may cancel. Gives the time waited and the reading
 * that ended it; rejects with `cancelled` on abort and with whatever `read` rejects with.
 */
export async function waitUntilCool<W extends Warmth>(
  cooling: Cooling<W>,
): Promise<{ cooledMs: number; latest: W }> {
  const { startTemperatureC, signal, clock = pacingClock } = cooling;
  const startMs = clock.now();
  let { latest } = cooling;
  let points: CoolingPoint[] = [];
  for (;;) {
    const atMs = clock.now();
    if (latest.temperatureC !== null) points.push({ atMs, temperatureC: latest.temperatureC });
    points = points.filter((point) => atMs - point.atMs <= rateWindowMs);
    const decision = decidePacing(latest, points, startTemperatureC);
    if (decision.start) return { cooledMs: atMs - startMs, latest };
    cooling.report(decision.note);
    await clock.pause(decision.againMs, signal);
    latest = await cooling.read();
  }
}
