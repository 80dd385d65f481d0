import { LabError, badRequest } from "../lab/errors.ts";
import { pairingFailed } from "../lab/phoneErrors.ts";
import type { RequestOptions } from "./adbServer.ts";
import { formatAddress, requireAddress } from "./serverAddress.ts";

/** What answers requests as an adb server does. */
export interface Requests {
  request(service: string, options?: RequestOptions): Promise<string>;
}

/** The port adb takes for a phone on Wi-Fi when none is given. */
export const phonePort = 5555;

// A phone that is asleep or far away takes adb about ten seconds to give up on.
const connectTimeoutMs = 30_000;
const updateAdb = "this adb cannot pair (platform-tools 30 or newer can)";

/**
 * Pairs this computer with a phone by the address and six-digit code that the phone shows, and gives adb's words. Rejects with
 * pairing-failed when adb says so.
 */
export async function pairPhone(server: Requests, address: string, code: string): Promise<string> {
  const target = formatAddress(requirePairingAddress(address));
  const digits = code.replaceAll(" ", "");
  if (!/^\d{6}$/.test(digits))
    throw badRequest(
      "The pairing code must be six digits",
      "Type the code that the phone shows beside its address.",
    );
  const answer = await ask(server, `host:pair:${digits}:${target}`, target);
  const failure = readPairAnswer(answer);
  if (failure !== null) throw pairingFailed(target, failure);
  return answer.trim();
}

/** Connects a phone over Wi-Fi (or a fake one over loopback) and gives its serial, which is its address. */
export async function connectPhone(server: Requests, address: string, signal?: AbortSignal): Promise<string> {
  const target = phoneAddress(address);
  const failure = readConnectAnswer(await ask(server, `host:connect:${target}`, target, signal));
  if (failure !== null) throw pairingFailed(target, failure);
  return target;
}

/** Disconnects a phone on Wi-Fi and tells whether it was connected. */
export async function disconnectPhone(server: Requests, address: string): Promise<boolean> {
  const target = phoneAddress(address);
  try {
    return readDisconnectAnswer(await server.request(`host:disconnect:${target}`));
  } catch (error) {
    if (!(error instanceof LabError) && !readDisconnectAnswer(wordsOf(error))) return false;
    throw explainRefusal(error, target);
  }
}

/** The address of a phone as adb lists it, `host:port`; rejects with bad-request what is none. */
export function phoneAddress(text: string): string {
  return formatAddress(requireAddress(text, phonePort, "a phone"));
}

/** Why pairing failed by adb's answer, or null when it did not: adb answers in words both ways. */
export function readPairAnswer(answer: string): string | null {
  return /^successfully paired/i.test(answer.trim()) ? null : reasonIn(answer);
}

/** Why connecting failed by adb's answer, or null when the phone is connected now, as also when it was before. */
export function readConnectAnswer(answer: string): string | null {
  return /^(already )?connected to /i.test(answer.trim()) ? null : reasonIn(answer);
}

/** Whether adb's answer says that the phone was connected before. */
export function readDisconnectAnswer(answer: string): boolean {
  // Before adb 1.0.32 the answer of success is empty.
  return !/no such device|not found/i.test(answer);
}

function reasonIn(answer: string): string {
  const words = answer.replace(/\s+/g, " ").trim().slice(0, 200);
  if (words === "") return "adb gave no reason";
  if (/^failed to authenticate/i.test(words))
    return `${words}: unlock the phone and accept the dialog "Allow USB debugging"`;
  return words.replace(/^failed: /i, "");
}

function requirePairingAddress(text: string) {
  const address = requireAddress(text, phonePort, "a phone");
  if (!/:\d+$/.test(text.trim()))
    throw badRequest(
      `${text.trim()} has no port`,
      "Give address and port as the phone shows them under Pair device with pairing code.",
    );
  return address;
}

async function ask(server: Requests, service: string, target: string, signal?: AbortSignal): Promise<string> {
  try {
    return await server.request(service, { timeoutMs: connectTimeoutMs, signal });
  } catch (error) {
    throw explainRefusal(error, target);
  }
}

function explainRefusal(error: unknown, target: string): LabError {
  if (error instanceof LabError) return error;
  const words = wordsOf(error);
  return pairingFailed(target, /unknown host service/i.test(words) ? updateAdb : words);
}

function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
