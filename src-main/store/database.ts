import { accessSync, closeSync, constants, existsSync, fstatSync, mkdirSync } from "node:fs";
import { openSync, readSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { labCorrupt, labNewer } from "../lab/errors.ts";
import { applicationId, migrations, type Migration } from "./migrations.ts";
import { removeStaleUploads } from "./modelFiles.ts";
import { errorCode, translateSqliteError } from "./sqliteError.ts";

/** What a caller may set when it opens a lab; the defaults suit everyone but tests. */
export interface OpenOptions {
  /** How long to wait for another process's lock. */
  busyTimeoutMs?: number;
  /** The formats this program knows, oldest first. */
  migrations?: readonly Migration[];
}

/** An open lab: one SQLite file in its folder, model files beside it. One connection; use it from one thread. */
export class Store {
  readonly folder: string;
  /** Path of the SQLite file. */
  readonly path: string;
  readonly database: BetterSqlite3.Database;
  /** Called before the file is closed, e.g. to give up claimed devices. */
  readonly beforeClose = new Set<() => void>();
  private readonly statements = new Map<string, BetterSqlite3.Statement>();

  constructor(folder: string, path: string, database: BetterSqlite3.Database) {
    this.folder = folder;
    this.path = path;
    this.database = database;
  }

  /** The prepared statement of an SQL text, prepared once; `Row` is the shape of what it reads. */
  statement<Row>(sql: string): BetterSqlite3.Statement<unknown[], Row> {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement as BetterSqlite3.Statement<unknown[], Row>;
  }

  /** Gives up what the lab holds and closes the file; safe to call twice. */
  close(): void {
    if (!this.database.open) return;
    try {
      for (const release of [...this.beforeClose]) release();
    } finally {
      this.database.close();
    }
  }
}

/**
 * Opens the lab in `folder`, creating folder and file when missing and bringing an older file to today's format (after a copy
 * to `lab.sqlite.bak-<version>`). Rejects with lab-newer, lab-locked, lab-unwritable, lab-corrupt or disk-full and leaves the
 * file as it was.
 */
export function openStore(folder: string, options: OpenOptions = {}): Store {
  const known = options.migrations ?? migrations;
  const path = join(folder, "lab.sqlite");
  let database: BetterSqlite3.Database | null = null;
  try {
    mkdirSync(folder, { recursive: true });
    checkHeader(path, known);
    accessSync(folder, constants.W_OK);
    if (existsSync(path)) accessSync(path, constants.W_OK);
    const timeoutMs = options.busyTimeoutMs ?? 5000;
    database = new BetterSqlite3(path, { timeout: timeoutMs });
    prepareDatabase(database, path, known, timeoutMs);
    const store = new Store(folder, path, database);
    removeStaleUploads(folder);
    return store;
  } catch (error) {
    database?.close();
    throw translateSqliteError(error, path);
  }
}

/**
 * Runs `fn` in one write transaction: all of it is in the file afterwards, or nothing when it throws. Inside another one it
 * is a part of that. Waits for other writers, then rejects with lab-locked; with disk-full or lab-unwritable when the file
 * cannot grow.
 */
export function runInTransaction<T>(store: Store, fn: () => T): T {
  try {
    return store.database.transaction(fn).immediate();
  } catch (error) {
    throw translateSqliteError(error, store.path);
  }
}

/** Runs `fn` on one consistent state of the file, whatever other processes write meanwhile; rejects with lab-corrupt or lab-locked. */
export function readConsistently<T>(store: Store, fn: () => T): T {
  try {
    return store.database.inTransaction ? fn() : store.database.transaction(fn).deferred();
  } catch (error) {
    throw translateSqliteError(error, store.path);
  }
}

/** The newest format among `known`. */
function newestVersion(known: readonly Migration[]): number {
  return known.at(-1)?.version ?? 0;
}

const magic = "SQLite format 3\0";

// SQLite touches a file it opens (journal mode, recovery), so strangers are turned away before that. Offsets: SQLite's file
// format, "The Database Header".
function checkHeader(path: string, known: readonly Migration[]): void {
  if (!existsSync(path)) return;
  const file = openSync(path, "r");
  try {
    if (fstatSync(file).size === 0) return;
    const header = Buffer.alloc(100);
    const length = readSync(file, header, 0, 100, 0);
    if (length < 100 || header.toString("latin1", 0, 16) !== magic)
      throw labCorrupt(path, "it is not an SQLite database");
    checkVersion(path, header.readUInt32BE(68), header.readUInt32BE(60), known);
  } finally {
    closeSync(file);
  }
}

function checkVersion(path: string, application: number, version: number, known: readonly Migration[]): void {
  if (application !== 0 && application !== applicationId)
    throw labCorrupt(path, "it is the database of another program");
  const newest = newestVersion(known);
  if (application === applicationId && version > newest) throw labNewer(path, version, newest);
}

function readNumber(database: BetterSqlite3.Database, pragma: string): number {
  return database.pragma(pragma, { simple: true }) as number;
}

function prepareDatabase(
  database: BetterSqlite3.Database,
  path: string,
  known: readonly Migration[],
  timeoutMs: number,
): void {
  retryWhileBusy(timeoutMs, () => {
    // The header may be older than what the write-ahead log holds; this reads both.
    const application = readNumber(database, "application_id");
    const version = readNumber(database, "user_version");
    checkVersion(path, application, version, known);
    const objects = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get() as {
      count: number;
    };
    if (application === 0 && (version !== 0 || objects.count > 0))
      throw labCorrupt(path, "it is the database of another program");
    database.pragma("journal_mode = WAL");
    // FULL: a cell that took seconds to measure survives a power cut; NORMAL would lose those since the last checkpoint.
    database.pragma("synchronous = FULL");
    database.pragma("journal_size_limit = 16777216");
    if (version < newestVersion(known)) migrateDatabase(database, path, version, known);
    database.pragma("foreign_keys = ON");
  });
}

// Two processes that create or convert a lab at once deadlock on the lock SQLite will not wait for; the second tries again.
function retryWhileBusy(timeoutMs: number, fn: () => void): void {
  const deadline = Date.now() + timeoutMs;
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      fn();
      return;
    } catch (error) {
      if (!errorCode(error).startsWith("SQLITE_BUSY") || Date.now() >= deadline) throw error;
      Atomics.wait(sleeper, 0, 0, 20);
    }
  }
}

function migrateDatabase(
  database: BetterSqlite3.Database,
  path: string,
  version: number,
  known: readonly Migration[],
): void {
  if (version > 0) backUpDatabase(database, `${path}.bak-${version}`);
  // A step may rebuild a table others refer to, which SQLite allows only with foreign keys off, set outside the transaction.
  database.pragma("foreign_keys = OFF");
  database
    .transaction(() => {
      // Another process may have migrated since.
      const current = readNumber(database, "user_version");
      checkVersion(path, readNumber(database, "application_id"), current, known);
      for (const step of known) if (step.version > current) step.migrate(database);
      const broken = database.pragma("foreign_key_check") as unknown[];
      if (broken.length > 0)
        throw labCorrupt(path, `${broken.length} references lead nowhere after migration`);
      database.pragma(`application_id = ${applicationId}`);
      database.pragma(`user_version = ${newestVersion(known)}`);
    })
    .immediate();
}

// A copy of the file alone would miss the write-ahead log.
function backUpDatabase(database: BetterSqlite3.Database, target: string): void {
  const temporary = `${target}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  try {
    database.prepare("VACUUM INTO ?").run(temporary);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
