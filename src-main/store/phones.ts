import type { Device } from "../lab/contract.ts";
import { readConsistently, runInTransaction, type Store } from "./database.ts";

/** A phone as it was when the lab last asked it. */
export interface SeenPhone {
  device: Device;
  /** ISO 8601. */
  seenAt: string;
}

/** Remembers what a phone is, for the time when it is not there. */
export function savePhone(store: Store, device: Device): void {
  runInTransaction(store, () =>
    store
      .statement("INSERT OR REPLACE INTO phone (device, description, seen_at) VALUES (?, ?, ?)")
      .run(device.id, JSON.stringify(device), new Date().toISOString()),
  );
}

/** Every phone the lab has ever asked, by id; one whose description cannot be read is left out. */
export function listSeenPhones(store: Store): SeenPhone[] {
  const rows = readConsistently(store, () =>
    store
      .statement<PhoneRow>("SELECT device, description, seen_at AS seenAt FROM phone ORDER BY device")
      .all(),
  );
  return rows.flatMap((row) => {
    const device = parseDescription(row);
    return device ? [{ device, seenAt: row.seenAt }] : [];
  });
}

/** The phone of an id as it was last seen, or null. */
export function findSeenPhone(store: Store, id: string): SeenPhone | null {
  return listSeenPhones(store).find(({ device }) => device.id === id) ?? null;
}

interface PhoneRow {
  device: string;
  description: string;
  seenAt: string;
}

function parseDescription({ device, description }: PhoneRow): Device | null {
  try {
    const value = JSON.parse(description) as Device | null;
    return value?.id === device && Array.isArray(value.coreSets) && value.phone ? value : null;
  } catch {
    return null;
  }
}
