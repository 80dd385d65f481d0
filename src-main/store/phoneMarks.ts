import { readConsistently, runInTransaction, type Store } from "./database.ts";

/** A setting of a phone that the lab changed for a run and has to put back. */
export type PhoneMarkName = "fixed-performance" | "stay-awake";

/** What is to be put back on a phone, also by a later process when this one dies. */
export interface PhoneMark {
  device: string;
  mark: PhoneMarkName;
  /** The phone's own value from before, as the phone told it. */
  before: string;
  /** When it was changed. */
  at: string;
}

/** Notes that a setting is about to be changed; an earlier note of the same stays, because it knows the phone's own value. */
export function setPhoneMark(store: Store, device: string, mark: PhoneMarkName, before: string): void {
  runInTransaction(store, () =>
    store
      .statement("INSERT OR IGNORE INTO phone_mark (device, mark, before, at) VALUES (?, ?, ?, ?)")
      .run(device, mark, before, new Date().toISOString()),
  );
}

/** Forgets a note once the setting is as it was. */
export function clearPhoneMark(store: Store, device: string, mark: PhoneMarkName): void {
  runInTransaction(store, () =>
    store.statement("DELETE FROM phone_mark WHERE device = ? AND mark = ?").run(device, mark),
  );
}

/** Everything that is still to be put back, by device. */
export function listPhoneMarks(store: Store): PhoneMark[] {
  return readConsistently(store, () =>
    store.statement<PhoneMark>("SELECT device, mark, before, at FROM phone_mark ORDER BY device, mark").all(),
  );
}
