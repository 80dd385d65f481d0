import type { Address } from "./serverAddress.ts";

/** Why a server could not be started, in words. */
export class StartProblem extends Error {}

/** Whether nothing listens at the address that was asked. */
export function isRefused(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ECONNREFUSED") return true;
  // A name that stands for several addresses is refused by each of them.
  return error instanceof AggregateError && error.errors.some(isRefused);
}

/** What is wrong with a server by the error of connecting to it, and what to do; `startable` ones the lab has tried to start. */
export function explainServer(error: unknown, address: Address, startable: boolean): string {
  if (error instanceof StartProblem) return error.message;
  const code = (error as NodeJS.ErrnoException).code;
  const message = error instanceof Error ? error.message : String(error);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `No computer named ${address.host} is known here. Check the name, or give its address.`;
  if (isRefused(error))
    return startable
      ? "It was started but takes no connections. Run `adb kill-server` and try again."
      : "Nothing listens there. Start it on that computer with `adb -a nodaemon server start`.";
  if (/^unknown host service|^unsupported/.test(message))
    return "It is too old to list its phones. Update adb's platform-tools on that computer.";
  if (/^Unexpected response|^Invalid hex|hex/i.test(message))
    return "What listens there is not an adb server. Check the port (adb's is 5037).";
  return `It does not answer (${message.replace(/\s+/g, " ").slice(0, 160)}). Check that the computer is on and lets connections to that port through.`;
}
