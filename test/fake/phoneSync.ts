import {
  type Stats,
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { AdbStream } from "./adbStream.ts";
import { ErrnoError, type PhoneFiles } from "./phoneFiles.ts";

const longestChunk = 64 * 1024;
const longestPath = 1024;

/** Linux's error numbers that a phone's file service meets; the host's own may differ (macOS). */
const errorNumbers: Record<string, number> = {
  EPERM: 1,
  ENOENT: 2,
  EACCES: 13,
  EEXIST: 17,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENOSPC: 28,
  EROFS: 30,
  ENAMETOOLONG: 36,
  ENOTEMPTY: 39,
  ELOOP: 40,
};

const errorTexts: Record<string, string> = {
  EPERM: "Operation not permitted",
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  EEXIST: "File exists",
  ENOTDIR: "Not a directory",
  EISDIR: "Is a directory",
  EINVAL: "Invalid argument",
  ENOSPC: "No space left on device",
  EROFS: "Read-only file system",
  ENAMETOOLONG: "File name too long",
  ENOTEMPTY: "Directory not empty",
  ELOOP: "Too many symbolic links encountered",
};

function readCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "EINVAL";
}

function describe(doing: string, error: unknown): string {
  const code = readCode(error);
  return `${doing}: ${errorTexts[code] ?? code}`;
}

// The requests of one client, read as from a file.
class Requests {
  #chunks: Buffer[] = [];
  #length = 0;
  #wanted = 0;
  #ended = false;
  #wake: (() => void) | null = null;
  #taken: (() => void) | null = null;

  /** Settles once the service needs more, so that a slow phone slows the sender. */
  push(data: Buffer): Promise<void> {
    this.#chunks.push(data);
    this.#length += data.length;
    this.#wake?.();
    return new Promise((resolve) => {
      if (this.#length < this.#wanted || this.#length === 0) resolve();
      else this.#taken = resolve;
    });
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** So many bytes, or null when the client has gone. */
  async read(bytes: number): Promise<Buffer | null> {
    this.#wanted = bytes;
    while (this.#length < bytes) {
      if (this.#ended) return null;
      this.#taken?.();
      this.#taken = null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#wake = null;
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const rest = all.subarray(bytes);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    return all.subarray(0, bytes);
  }
}

/** adbd's file service on one stream (AOSP file_sync_service.h): STAT, STA2, LST2, LIST, LIS2, SEND, RECV, QUIT. */
export function serveSync(stream: AdbStream, files: PhoneFiles): void {
  const requests = new Requests();
  stream.listen({ onData: (data) => requests.push(data), onClose: () => requests.end() });
  void serveRequests(stream, requests, files)
    .catch(() => undefined)
    .finally(() => stream.close());
}

async function serveRequests(stream: AdbStream, requests: Requests, files: PhoneFiles): Promise<void> {
  for (;;) {
    const head = await requests.read(8);
    if (!head) return;
    const id = head.toString("latin1", 0, 4);
    const length = head.readUInt32LE(4);
    if (id === "QUIT") return;
    if (length > longestPath) {
      await fail(stream, "invalid namelen");
      return;
    }
    const path = (await requests.read(length))?.toString("utf8");
    if (path === undefined) return;
    if (!(await serveRequest(id, path, stream, requests, files))) return;
  }
}

// False when the stream must end, as adbd ends it after a failed transfer.
async function serveRequest(
  id: string,
  path: string,
  stream: AdbStream,
  requests: Requests,
  files: PhoneFiles,
): Promise<boolean> {
  switch (id) {
    case "STAT":
      await stream.write(encodeStat1(files, path));
      return true;
    case "STA2":
    case "LST2":
      await stream.write(Buffer.concat([Buffer.from(id), encodeStat2(files, path, id === "LST2")]));
      return true;
    case "LIST":
    case "LIS2":
      await stream.write(encodeList(files, path, id === "LIS2"));
      return true;
    case "SEND":
      return receiveFile(path, stream, requests, files);
    case "RECV":
      return sendFile(path, stream, files);
    default:
      await fail(stream, `unknown command ${id}`);
      return false;
  }
}

async function fail(stream: AdbStream, message: string): Promise<void> {
  const text = Buffer.from(message);
  const head = Buffer.alloc(8);
  head.write("FAIL", "latin1");
  head.writeUInt32LE(text.length, 4);
  await stream.write(Buffer.concat([head, text]));
}

function encodeStat1(files: PhoneFiles, path: string): Buffer {
  const reply = Buffer.alloc(16);
  reply.write("STAT", "latin1");
  try {
    const stats = lstatSync(files.locate(path));
    reply.writeUInt32LE(stats.mode >>> 0, 4);
    reply.writeUInt32LE(stats.size >>> 0, 8);
    reply.writeUInt32LE(Math.trunc(stats.mtimeMs / 1000) >>> 0, 12);
  } catch {
    // Zeros tell version 1 of the protocol that there is no such file.
  }
  return reply;
}

// error, dev, ino, mode, nlink, uid, gid, size, atime, mtime, ctime
function encodeStat2(files: PhoneFiles, path: string, link: boolean): Buffer {
  const reply = Buffer.alloc(68);
  try {
    const place = files.locate(path);
    writeStat2(reply, link ? lstatSync(place) : statSync(place));
  } catch (error) {
    reply.writeUInt32LE(errorNumbers[readCode(error)] ?? 5, 0);
  }
  return reply;
}

function writeStat2(reply: Buffer, stats: Stats): void {
  reply.writeBigUInt64LE(BigInt(stats.dev), 4);
  reply.writeBigUInt64LE(BigInt(stats.ino), 12);
  reply.writeUInt32LE(stats.mode >>> 0, 20);
  reply.writeUInt32LE(stats.nlink, 24);
  reply.writeUInt32LE(2000, 28);
  reply.writeUInt32LE(2000, 32);
  reply.writeBigUInt64LE(BigInt(stats.size), 36);
  [stats.atimeMs, stats.mtimeMs, stats.ctimeMs].forEach((ms, index) =>
    reply.writeBigInt64LE(BigInt(Math.trunc(ms / 1000)), 44 + 8 * index),
  );
}

function encodeList(files: PhoneFiles, path: string, second: boolean): Buffer {
  const parts: Buffer[] = [];
  const entry = (id: string, body: Buffer, name: string): void => {
    const bytes = Buffer.from(name);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    parts.push(Buffer.from(id), body, length, bytes);
  };
  let names: string[] = [];
  try {
    names = [".", "..", ...readdirSync(files.locate(path))];
  } catch {
    // An unreadable folder lists as empty: the protocol has no word for it.
  }
  for (const name of names) {
    const inside = name === ".." ? path : join(path, name);
    if (second) entry("DNT2", encodeStat2(files, inside, true), name);
    else entry("DENT", encodeStat1(files, inside).subarray(4), name);
  }
  entry("DONE", Buffer.alloc(second ? 68 : 12), "");
  return Buffer.concat(parts);
}

async function receiveFile(
  request: string,
  stream: AdbStream,
  requests: Requests,
  files: PhoneFiles,
): Promise<boolean> {
  const comma = request.lastIndexOf(",");
  const mode = Number(request.slice(comma + 1));
  const path = request.slice(0, comma);
  if (comma < 1 || !Number.isInteger(mode)) {
    await fail(stream, "missing , in ID_SEND");
    return false;
  }
  const incoming = new IncomingFile(files, path, mode);
  for (;;) {
    const head = await requests.read(8);
    if (!head) {
      // The cable was pulled: adbd removes what it has not got whole.
      incoming.abandon();
      return false;
    }
    const id = head.toString("latin1", 0, 4);
    const value = head.readUInt32LE(4);
    if (id === "DONE") {
      incoming.finish(value);
      break;
    }
    if (id !== "DATA" || value > longestChunk) {
      incoming.fail(id === "DATA" ? "oversize data message" : "invalid data message");
      incoming.abandon();
      await fail(stream, incoming.problem ?? "");
      return false;
    }
    const data = await requests.read(value);
    if (data) incoming.write(data);
  }
  if (incoming.problem !== null) {
    // Told only after everything was read: a client that still writes would not see it.
    await fail(stream, incoming.problem);
    return false;
  }
  await stream.write(Buffer.from("OKAY\0\0\0\0", "latin1"));
  return true;
}

class IncomingFile {
  problem: string | null = null;
  #file: number | null = null;
  #place = "";
  #link: Buffer[] | null = null;
  #free = 0;
  readonly #mode: number;

  constructor(files: PhoneFiles, path: string, mode: number) {
    this.#mode = mode;
    let doing = "secure_mkdirs failed";
    try {
      this.#place = files.locate(path);
      files.checkWritable(path);
      mkdirSync(dirname(this.#place), { recursive: true });
      doing = "couldn't create file";
      this.#free = files.measureFree();
      if (this.#free <= 0) throw new ErrnoError("ENOSPC");
      if ((mode & 0o170000) === 0o120000) {
        this.#link = [];
        return;
      }
      try {
        // A running program is replaced, not overwritten.
        unlinkSync(this.#place);
      } catch (error) {
        if (readCode(error) !== "ENOENT") throw error;
      }
      this.#file = openSync(this.#place, "wx", 0o600);
    } catch (error) {
      this.problem = describe(doing, error);
    }
  }

  fail(problem: string): void {
    this.problem ??= problem;
  }

  write(data: Buffer): void {
    if (this.problem !== null) return;
    if (this.#link) {
      this.#link.push(Buffer.from(data));
      return;
    }
    try {
      if (data.length > this.#free) throw new ErrnoError("ENOSPC");
      this.#free -= data.length;
      for (let at = 0; at < data.length;) at += writeSync(this.#file!, data, at);
    } catch (error) {
      this.problem = describe("write failed", error);
      this.abandon();
    }
  }

  finish(mtime: number): void {
    if (this.problem !== null) return;
    try {
      if (this.#link) {
        symlinkSync(Buffer.concat(this.#link).toString("utf8").replace(/\0.*$/s, ""), this.#place);
        return;
      }
      closeSync(this.#file!);
      this.#file = null;
      // The owner's bits hold for group and others too, as adbd sets them.
      const owner = this.#mode & 0o700;
      chmodSync(this.#place, (this.#mode & 0o777) | (owner >> 3) | (owner >> 6));
      utimesSync(this.#place, mtime, mtime);
    } catch (error) {
      this.problem = describe("write failed", error);
    }
  }

  abandon(): void {
    if (this.#file === null) return;
    closeSync(this.#file);
    this.#file = null;
    unlinkSync(this.#place);
  }
}

async function sendFile(path: string, stream: AdbStream, files: PhoneFiles): Promise<boolean> {
  let file: number;
  try {
    const place = files.locate(path);
    file = openSync(place, "r");
  } catch (error) {
    await fail(stream, describe("open failed", error));
    return false;
  }
  try {
    const buffer = Buffer.alloc(longestChunk);
    while (!stream.closed) {
      const read = readSync(file, buffer, 0, buffer.length, null);
      if (read === 0) break;
      const head = Buffer.alloc(8);
      head.write("DATA", "latin1");
      head.writeUInt32LE(read, 4);
      await stream.write(Buffer.concat([head, buffer.subarray(0, read)]));
    }
    await stream.write(Buffer.from("DONE\0\0\0\0", "latin1"));
    return true;
  } catch (error) {
    await fail(stream, describe("read failed", error));
    return false;
  } finally {
    closeSync(file);
  }
}
