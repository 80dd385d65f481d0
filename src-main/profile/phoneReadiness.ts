import { setTimeout as pause } from "node:timers/promises";
import { runPreflight } from "../device/preflight.ts";
import type { CoreSet } from "../lab/contract.ts";
import { LabError, cancelled } from "../lab/errors.ts";
import { preflightFailed } from "../lab/phoneErrors.ts";
import type { Report } from "./bench.ts";
import type { PhoneBenchOptions } from "./phoneBench.ts";
import { checkBinary } from "./phoneInstall.ts";
import { type PhoneSession, openSession } from "./phoneSession.ts";

const patienceMs = 30 * 60_000;
// What is found just after a phone came or woke may be gone a moment later.
const mostTries = 3;
const betweenTriesMs = 2000;

/**
 * Waits for the phone and makes it ready, again when it goes away meanwhile. Rejects with phone-lost when half an hour of patience
 * ends, with binary-unfit or phone-refused when the phone does not take what a measurement needs.
 */
export async function connectSession(options: PhoneBenchOptions, report: Report): Promise<PhoneSession> {
  const { phones, signal, device } = options;
  const deadline = performance.now() + patienceMs;
  for (let refusals = 0; ;) {
    const connection = await phones.waitFor(device.id, {
      signal,
      patienceMs: Math.max(1000, deadline - performance.now()),
      onWait: (problem) => report(`waiting for the phone: ${problem}`),
    });
    try {
      report("making the phone ready");
      return await openSession(connection, options, report);
    } catch (error) {
      await connection.close().catch(() => undefined);
      if (signal.aborted) throw cancelled();
      const lost = error instanceof LabError && error.code === "phone-lost";
      if (!lost && !(isPassing(error) && ++refusals < mostTries)) throw error;
      if (performance.now() > deadline) throw error;
      await rest(signal);
    }
  }
}

/** Checks the phone and looks again when something fails; rejects with preflight-failed when it goes on failing. */
export async function requireFitness(
  { connection, fixedPerformance }: PhoneSession,
  coreSets: readonly CoreSet[],
  options: PhoneBenchOptions,
  report: Report,
): Promise<void> {
  const { binary, settings, signal, device } = options;
  for (let tries = 1; ; tries++) {
    report("checking the phone");
    const checks = await runPreflight(connection, {
      coreSets,
      startTemperatureC: settings.startTemperatureC,
      fixedPerformance,
      checkBinary: () => checkBinary(connection, binary, device, { signal }),
      signal,
    });
    const failed = checks.filter((check) => check.state === "failed");
    if (failed.length === 0) return;
    if (tries >= mostTries)
      throw preflightFailed(
        device.id,
        failed.map(({ title, detail }) => `${title}: ${detail}`),
      );
    await rest(signal);
  }
}

// A phone that is just coming up, or full or locked for a moment.
function isPassing(error: unknown): boolean {
  return (
    error instanceof LabError && ["phone-refused", "phone-unavailable", "binary-unfit"].includes(error.code)
  );
}

async function rest(signal: AbortSignal): Promise<void> {
  try {
    await pause(betweenTriesMs, undefined, { signal });
  } catch {
    throw cancelled();
  }
}
