import type { PreflightCheck, RemedyName } from "../lab/contract.ts";
import type { PhoneConnection } from "./phoneConnection.ts";
import { stopBenchmarks } from "./phoneProcesses.ts";
import { runCheck } from "./preflight.ts";
import type { PreflightOptions } from "./preflightChecks.ts";

/** Remedies that are done on the phone alone; a binary and the models' cache are the lab's. */
export type PhoneRemedy = Exclude<RemedyName, "install-binary" | "free-space">;

// What a remedy runs and which check then tells whether it helped. Old Androids lack some of the words: the check decides.
const remedies: Readonly<Record<PhoneRemedy, { check: string; command: string | null }>> = {
  "wake-screen": { check: "screen", command: "input keyevent KEYCODE_WAKEUP; wm dismiss-keyguard" },
  "stay-awake": {
    check: "stay-awake",
    // Awake on the cable only, where the cable is what powers it; else on whatever does.
    command:
      "if dumpsys battery | grep -q 'USB powered: true'; then svc power stayon usb; else svc power stayon true; fi",
  },
  "low-power-off": { check: "low-power", command: "cmd power set-mode 0; settings put global low_power 0" },
  "fixed-performance": { check: "fixed-performance", command: null },
  "stop-benchmarks": { check: "other-benchmarks", command: null },
};

const timeoutMs = 15_000;

/** Whether a remedy is one that `applyRemedy` can do. */
export function isPhoneRemedy(remedy: RemedyName): remedy is PhoneRemedy {
  return Object.hasOwn(remedies, remedy);
}

/**
 * Does what a check proposes on the phone and does that check again. Rejects with `phone-refused` when the phone does not answer;
 * whether the remedy helped is in the check.
 */
export async function applyRemedy(
  connection: PhoneConnection,
  remedy: PhoneRemedy,
  context: PreflightOptions,
): Promise<PreflightCheck> {
  const { check, command } = remedies[remedy];
  const { signal } = context;
  if (remedy === "fixed-performance") {
    const taken = await setFixedPerformance(connection, true, { signal });
    const found = await runCheck(connection, check, { ...context, fixedPerformance: taken });
    return taken
      ? found
      : {
          ...found,
          state: "warning",
          detail: "The phone does not take it",
          remedy: "Measure without; the lab samples its clocks and waits while it is hot.",
          action: null,
        };
  }
  if (remedy === "stop-benchmarks") await stopBenchmarks(connection, { signal });
  if (command !== null) await connection.run(`{ ${command}; } </dev/null 2>/dev/null`, { timeoutMs, signal });
  return await runCheck(connection, check, context);
}

/**
 * Sets or resets the mode of Android 11 and later in which clocks stay at what the phone can hold; false when the phone has none
 * or refuses. It outlives the connection: whoever sets it must reset it, until the phone is restarted.
 */
export async function setFixedPerformance(
  connection: PhoneConnection,
  on: boolean,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<boolean> {
  const result = await connection.run(`cmd power set-fixed-performance-mode-enabled ${on} </dev/null`, {
    timeoutMs,
    ...options,
  });
  return (
    result.exitCode === 0 &&
    !/unknown command|can't find|not found|failed|error|exception/i.test(`${result.stdout}\n${result.stderr}`)
  );
}
