import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { diskFull, LabError } from "../../src-main/lab/errors.ts";
import { describeOwnProcess, isAlive } from "../../src-main/store/processOwner.ts";
import { DamagedValue, translateSqliteError } from "../../src-main/store/sqliteError.ts";

describe("the owner of something", () => {
  it("lives as long as its process", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    await once(child, "spawn");
    const own = describeOwnProcess();
    expect(isAlive(own)).toBe(true);
    const other = { pid: child.pid!, identity: own.identity };
    // With /proc, the same pid with another start time is another process; without, it can only be told by the pid.
    expect(isAlive(other)).toBe(!own.identity.startsWith("boot"));
    child.kill("SIGKILL");
    await once(child, "close");
    expect(isAlive(other)).toBe(false);
  });

  it("is gone when it is of another computer or boot", () => {
    expect(isAlive({ pid: process.pid, identity: "computer elsewhere" })).toBe(false);
    expect(isAlive({ pid: process.pid, identity: "boot 00000000 start 1" })).toBe(false);
  });
});

describe("errors of SQLite and the file system", () => {
  const make = (code: string) => Object.assign(new Error("as SQLite says"), { code });

  it.each([
    ["SQLITE_BUSY", "lab-locked"],
    ["SQLITE_BUSY_SNAPSHOT", "lab-locked"],
    ["SQLITE_LOCKED", "lab-locked"],
    ["SQLITE_FULL", "disk-full"],
    ["ENOSPC", "disk-full"],
    ["EDQUOT", "disk-full"],
    ["SQLITE_CORRUPT", "lab-corrupt"],
    ["SQLITE_CORRUPT_INDEX", "lab-corrupt"],
    ["SQLITE_NOTADB", "lab-corrupt"],
    ["SQLITE_READONLY", "lab-unwritable"],
    ["SQLITE_READONLY_DBMOVED", "lab-unwritable"],
    ["SQLITE_CANTOPEN", "lab-unwritable"],
    ["SQLITE_IOERR_WRITE", "lab-unwritable"],
    ["EACCES", "lab-unwritable"],
    ["EROFS", "lab-unwritable"],
    ["ENOTDIR", "lab-unwritable"],
  ])("%s is %s and names the file in one line", (code, expected) => {
    const error = translateSqliteError(make(code), "some/lab.sqlite");
    expect(error).toBeInstanceOf(LabError);
    expect((error as LabError).code).toBe(expected);
    expect(error.message).toContain("some/lab.sqlite");
    expect(error.message).not.toContain("\n");
  });

  it("a damaged value is a damaged lab", () => {
    expect(translateSqliteError(new DamagedValue("cut short"), "x")).toMatchObject({ code: "lab-corrupt" });
  });

  it("a user's error and a bug come back as they are", () => {
    const known = diskFull("x");
    const bug = make("SQLITE_CONSTRAINT_FOREIGNKEY");
    expect(translateSqliteError(known, "x")).toBe(known);
    expect(translateSqliteError(bug, "x")).toBe(bug);
  });
});
