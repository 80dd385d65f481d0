import { exitCodes } from "./exitCodes.ts";

/** Two signals closer than this are one: a terminal sends it to every program of the line, and npm and the launcher pass it on. */
const sameSignalMs = 500;

/** A signal for this process: the first interruption cancels what runs and lets it end cleanly, a second one does not wait. */
export function listenForInterrupt(): AbortSignal {
  const interrupted = new AbortController();
  let firstAt = 0;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      const now = performance.now();
      if (!interrupted.signal.aborted) {
        firstAt = now;
        interrupted.abort();
      } else if (now - firstAt > sameSignalMs) process.exit(exitCodes.cancelled);
    });
  return interrupted.signal;
}
