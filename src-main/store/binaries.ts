import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { BenchmarkBinary } from "../lab/contract.ts";
import { readConsistently, runInTransaction, type Store } from "./database.ts";
import { translateSqliteError } from "./sqliteError.ts";

/** A file that has come in whole but is not yet among the lab's binaries; keep or discard it. */
export interface IncomingBinary {
  /** Temporary file inside the lab's folder. */
  path: string;
  /** SHA-256, hexadecimal. */
  hash: string;
  bytes: number;
  /** Its first bytes, up to 64. */
  head: Uint8Array;
}

/** Where the program of a hash lies. */
export function locateBinary(store: Store, hash: string): string {
  return join(store.folder, "binaries", hash);
}

/**
 * Writes what comes to a temporary file of the lab, on disk when it resolves. `onBytes` is told how many have come and may
 * throw to end it; whatever ends it leaves nothing behind.
 */
export async function receiveBinary(
  store: Store,
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<IncomingBinary> {
  const folder = join(store.folder, "binaries", ".incoming");
  const path = join(folder, `${process.pid}-${randomUUID()}`);
  const hash = createHash("sha256");
  let head = Buffer.alloc(0);
  let bytes = 0;
  try {
    mkdirSync(folder, { recursive: true });
    removeStale(folder);
    const file = await open(path, "wx", 0o644);
    try {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        onBytes(bytes);
        if (head.length < 64) head = Buffer.concat([head, chunk]).subarray(0, 64);
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return { path, hash: hash.digest("hex"), bytes, head };
  } catch (error) {
    // Where the folder could not be made there is nothing to remove.
    if (existsSync(path)) rmSync(path, { force: true });
    throw translateSqliteError(error, path);
  }
}

/** Removes an incoming file that is not wanted. */
export function discardBinary(incoming: IncomingBinary): void {
  rmSync(incoming.path, { force: true });
}

/**
 * Puts an incoming file among the lab's binaries. One the lab has already keeps its name and source; approving it takes it
 * into use.
 */
export function keepBinary(
  store: Store,
  incoming: IncomingBinary,
  { name, abi, source, approved }: Pick<BenchmarkBinary, "name" | "abi" | "source" | "approved">,
): BenchmarkBinary {
  try {
    return runInTransaction(store, () => {
      store
        .statement(
          `INSERT INTO benchmark_binary (hash, name, bytes, abi, source, added_at, approved, used_at)
           VALUES (?, ?, ?, ?, ?, ?, 0, NULL) ON CONFLICT (hash) DO NOTHING`,
        )
        .run(incoming.hash, name, incoming.bytes, abi, source, new Date().toISOString());
      // Under the write lock, so that no other process removes the file between rename and commit.
      renameSync(incoming.path, locateBinary(store, incoming.hash));
      if (approved) approve(store, incoming.hash);
      return findBinary(store, incoming.hash)!;
    });
  } catch (error) {
    discardBinary(incoming);
    throw translateSqliteError(error, store.path);
  }
}

/** The lab's binaries in the order they were added. */
export function listBinaries(store: Store): BenchmarkBinary[] {
  return readConsistently(store, () => {
    const rows = store
      .statement<BinaryRow>(
        `SELECT hash, name, bytes, abi, source, added_at AS addedAt, approved, used_at AS usedAt
         FROM benchmark_binary ORDER BY added_at, hash`,
      )
      .all();
    return rows.map(({ usedAt, approved, ...row }) => ({
      ...row,
      approved: approved === 1,
      inUse: usedAt !== null && !rows.some((other) => other.abi === row.abi && (other.usedAt ?? "") > usedAt),
    }));
  });
}

/** The binary of a hash, or null. */
export function findBinary(store: Store, hash: string): BenchmarkBinary | null {
  return listBinaries(store).find((binary) => binary.hash === hash) ?? null;
}

/**
 * The binary that runs on a phone: the one in use for its best ABI that has one, else a script in use, which fits any; null
 * when there is none.
 */
export function findBinaryFor(store: Store, abis: readonly string[]): BenchmarkBinary | null {
  const usable = listBinaries(store).filter(({ inUse }) => inUse);
  for (const abi of [...abis, null]) {
    const binary = usable.find((candidate) => candidate.abi === abi);
    if (binary && existsSync(locateBinary(store, binary.hash))) return binary;
  }
  return null;
}

/** Approves a binary and takes it into use for its ABI; null when there is none of that hash. */
export function useBinary(store: Store, hash: string): BenchmarkBinary | null {
  return runInTransaction(store, () => {
    approve(store, hash);
    return findBinary(store, hash);
  });
}

/** Removes a binary with its file and returns how many were removed; another of its ABI that was in use before is so again. */
export function removeBinary(store: Store, hash: string): number {
  const removed = runInTransaction(
    store,
    () => store.statement("DELETE FROM benchmark_binary WHERE hash = ?").run(hash).changes,
  );
  // After the commit, and under the write lock, so that no other process adds the same file meanwhile.
  runInTransaction(store, () => {
    if (!findBinary(store, hash)) rmSync(locateBinary(store, hash), { force: true });
  });
  return removed;
}

interface BinaryRow extends Omit<BenchmarkBinary, "approved" | "inUse"> {
  approved: number;
  /** When it was last taken into use; the latest of an ABI is the one in use. */
  usedAt: string | null;
}

function approve(store: Store, hash: string): void {
  const last = store
    .statement<{ at: string | null }>("SELECT max(used_at) AS at FROM benchmark_binary")
    .get()?.at;
  // Later than every other, also when two are taken into use within a millisecond or the clock was set back.
  const at = new Date(Math.max(Date.now(), last ? Date.parse(last) + 1 : 0)).toISOString();
  store.statement("UPDATE benchmark_binary SET approved = 1, used_at = ? WHERE hash = ?").run(at, hash);
}

// A killed process left them.
function removeStale(folder: string): void {
  const hourMs = 3_600_000;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (modified !== undefined && Date.now() - modified > hourMs) rmSync(path, { force: true });
  }
}
