import { readConsistently, type Store } from "./database.ts";

/** A file of the data set that was found whole, and how far it is imported. */
export interface PublishedSource {
  /** SHA-256, hexadecimal. */
  hash: string;
  name: string;
  bytes: number;
  rows: number;
  networks: number;
  /** The first so many of its networks are in the lab. */
  networksDone: number;
}

/** The source of a hash, or null when no file of that content was ever checked. */
export function findPublishedSource(store: Store, hash: string): PublishedSource | null {
  return readConsistently(
    store,
    () =>
      store
        .statement<PublishedSource>(
          `SELECT hash, name, bytes, rows, networks, networks_done AS networksDone
           FROM published_source WHERE hash = ?`,
        )
        .get(hash) ?? null,
  );
}

/** Remembers that a file is whole; nothing of it is imported yet. */
export function addPublishedSource(store: Store, source: Omit<PublishedSource, "networksDone">): void {
  store
    .statement(
      `INSERT OR IGNORE INTO published_source (hash, name, bytes, rows, networks, networks_done, checked_at)
       VALUES (@hash, @name, @bytes, @rows, @networks, 0, @at)`,
    )
    .run({ ...source, at: new Date().toISOString() });
}

/** Remembers how many of a source's networks are imported; never fewer than before. */
export function advancePublishedSource(store: Store, hash: string, networksDone: number): void {
  store
    .statement("UPDATE published_source SET networks_done = max(networks_done, ?) WHERE hash = ?")
    .run(networksDone, hash);
}
