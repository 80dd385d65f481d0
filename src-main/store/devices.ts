import { randomUUID } from "node:crypto";
import { deviceBusy } from "../lab/errors.ts";
import { readConsistently, runInTransaction, type Store } from "./database.ts";
import { describeOwnProcess, isAlive, type ProcessOwner } from "./processOwner.ts";

/**
 * Takes a device for this process alone until the returned function is called or the store is closed. A claim whose process
 * died is taken over; rejects with run-busy, naming the process, while a living one holds it (this one included).
 */
export function claimDevice(store: Store, device: string): () => void {
  const token = randomUUID();
  const owner = describeOwnProcess();
  runInTransaction(store, () => {
    const holder = store
      .statement<ProcessOwner>("SELECT pid, identity FROM device_claim WHERE device = ?")
      .get(device);
    if (holder && isAlive(holder)) throw deviceBusy(device, holder.pid);
    store
      .statement(
        "INSERT OR REPLACE INTO device_claim (device, token, pid, identity, claimed_at) VALUES (?, ?, ?, ?, ?)",
      )
      .run(device, token, owner.pid, owner.identity, new Date().toISOString());
  });
  const release = () => {
    if (!store.beforeClose.delete(release)) return;
    // By token: what another process took over later is not ours to give up.
    runInTransaction(store, () => store.statement("DELETE FROM device_claim WHERE token = ?").run(token));
  };
  store.beforeClose.add(release);
  return release;
}

/**
 * Whether a device is `held` by a living process, this one included, `abandoned` by one that died while it held it, or `free`.
 * Claiming and giving up an abandoned one makes it free.
 */
export function findClaim(store: Store, device: string): "held" | "abandoned" | "free" {
  const holder = readConsistently(store, () =>
    store.statement<ProcessOwner>("SELECT pid, identity FROM device_claim WHERE device = ?").get(device),
  );
  if (!holder) return "free";
  return isAlive(holder) ? "held" : "abandoned";
}

/** The fast state of a device's core set, as a canary network shows it. */
export interface CanaryReference {
  device: string;
  coreSet: string;
  canaryHash: string;
  referenceMs: number;
  /** When it was set. */
  at: string;
}

/** The canary's time in the fast state of a core set, or null when none is known. */
export function getReference(
  store: Store,
  device: string,
  coreSet: string,
  canaryHash: string,
): number | null {
  return readConsistently(
    store,
    () =>
      store
        .statement<{ ms: number }>(
          "SELECT ms FROM canary_reference WHERE device = ? AND core_set = ? AND canary_hash = ?",
        )
        .get(device, coreSet, canaryHash)?.ms ?? null,
  );
}

/** Stores the canary's time in the fast state of a core set, with today's date, in place of an earlier one. */
export function setReference(
  store: Store,
  device: string,
  coreSet: string,
  canaryHash: string,
  referenceMs: number,
): void {
  runInTransaction(store, () =>
    store
      .statement(
        "INSERT OR REPLACE INTO canary_reference (device, core_set, canary_hash, ms, set_at) VALUES (?, ?, ?, ?, ?)",
      )
      .run(device, coreSet, canaryHash, referenceMs, new Date().toISOString()),
  );
}

/** All canary references, by device, core set and canary. */
export function listReferences(store: Store): CanaryReference[] {
  return readConsistently(store, () =>
    store
      .statement<CanaryReference>(
        `SELECT device, core_set AS coreSet, canary_hash AS canaryHash, ms AS referenceMs, set_at AS at
         FROM canary_reference ORDER BY 1, 2, 3`,
      )
      .all(),
  );
}
