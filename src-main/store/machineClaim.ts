import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { deviceBusy } from "../lab/errors.ts";
import { describeOwnProcess, isAlive } from "./processOwner.ts";

const claimFile = z.object({ token: z.string(), pid: z.number(), identity: z.string() });

/**
 * Takes a phone for this process among all labs of this computer, until the returned function is called: a claim in one
 * lab's file says nothing to another lab. A claim whose process died is taken over; rejects with run-busy otherwise.
 */
export function claimOnThisComputer(device: string, folder: string = claimFolder()): () => void {
  mkdirSync(folder, { recursive: true });
  const path = locateClaim(folder, device);
  const token = randomUUID();
  const draft = `${path}.${token}`;
  writeFileSync(draft, JSON.stringify({ ...describeOwnProcess(), token }));
  try {
    const holder = readClaim(path);
    if (holder && isAlive(holder)) throw deviceBusy(device, holder.pid);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  // Two may have found the same dead claim; the last to put its own there holds the phone.
  const now = readClaim(path);
  if (now?.token !== token) throw deviceBusy(device, now?.pid ?? 0);
  return () => {
    if (readClaim(path)?.token === token) rmSync(path, { force: true });
  };
}

function claimFolder(): string {
  return join(tmpdir(), `latency-lab-${userInfo().uid}`);
}

function locateClaim(folder: string, device: string): string {
  return join(folder, `${createHash("sha256").update(device).digest("hex").slice(0, 32)}.json`);
}

function readClaim(path: string): z.infer<typeof claimFile> | null {
  try {
    return claimFile.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
}

/** Whether a living process, this one included, measures the phone, from whichever lab of this computer. */
export function isClaimedOnThisComputer(device: string, folder: string = claimFolder()): boolean {
  const holder = readClaim(locateClaim(folder, device));
  return holder !== null && isAlive(holder);
}
