import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { diskFull, labCorrupt, LabError, labLocked, labUnwritable } from "../lab/errors.ts";

/** A value in the lab file that cannot be what this program wrote; becomes `lab-corrupt` at the store's door. */
export class DamagedValue extends Error {}

/** The code SQLite or the operating system gave an error, e.g. `SQLITE_BUSY` or `ENOSPC`; empty when it has none. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

const reasons: Record<string, string> = {
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EROFS: "the file system is read-only",
  ENOTDIR: "a part of the path is a file, not a folder",
  EEXIST: "a file is where the folder should be",
  EISDIR: "a folder is where the file should be",
  ENOENT: "the folder does not exist",
  ENAMETOOLONG: "the path is too long",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  EIO: "the disk reports an input/output error",
  EBUSY: "another program holds it",
};

/** The LabError that tells a user what SQLite or the file system said about `path`; any other error comes back as it is. */
export function translateSqliteError(error: unknown, path: string): Error {
  if (error instanceof LabError) return error;
  if (error instanceof DamagedValue) return labCorrupt(path, error.message);
  const code = errorCode(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === "ENOSPC" || code === "EDQUOT" || code === "SQLITE_FULL") return diskFull(path);
  const reason = reasons[code];
  if (reason !== undefined) return labUnwritable(path, reason);
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return labLocked(path);
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return labCorrupt(path, message);
  // Without room for its -wal and -shm files SQLite reports a failed open or write, not SQLITE_FULL.
  if (/^SQLITE_(IOERR|CANTOPEN)/.test(code) && isDiskFull(path)) return diskFull(path);
  if (code === "SQLITE_READONLY_DBMOVED")
    return labUnwritable(path, "it was moved or deleted while it was open");
  if (/^SQLITE_(IOERR|CANTOPEN|READONLY|PERM|AUTH|NOLFS)/.test(code)) return labUnwritable(path, message);
  return error instanceof Error ? error : new Error(message);
}

// Less than SQLite's shared-memory file takes.
const leastFreeBytes = 64 * 1024;

function isDiskFull(path: string): boolean {
  try {
    const disk = statfsSync(dirname(path));
    return disk.bavail * disk.bsize < leastFreeBytes || (disk.files > 0 && disk.ffree === 0);
  } catch {
    return false;
  }
}
