import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Precision } from "../lab/contract.ts";

/**
 * Where the .tflite file of a model's hash lies in a lab's folder. At int8 it is that of the quantised form; the other precisions
 * are ways to run the model's own file.
 */
export function locateModelFile(folder: string, hash: string, precision: Precision = "float32"): string {
  return join(folder, "models", precision === "int8" ? `${hash}.int8.tflite` : `${hash}.tflite`);
}

/** Whether the file of a hash is there with the size it should have. */
export function hasModelFile(folder: string, hash: string, bytes: number): boolean {
  return statSync(locateModelFile(folder, hash), { throwIfNoEntry: false })?.size === bytes;
}

// Apart from the models, so that sweeping it never lists thousands of them; inside, so that a rename stays on one disk.
function incomingFolder(folder: string): string {
  return join(folder, "models", ".incoming");
}

/**
 * Writes pieces one after another to a temporary file of the lab, on disk when it returns, and gives its path; the caller
 * renames or removes it. Throws the file system's error, or what a piece threw, and leaves nothing behind.
 */
export function writeIncomingFile(folder: string, pieces: Iterable<Uint8Array>): string {
  mkdirSync(incomingFolder(folder), { recursive: true });
  const path = join(incomingFolder(folder), `${process.pid}-${randomUUID()}`);
  const file = openSync(path, "wx");
  try {
    for (const bytes of pieces) {
      let written = 0;
      while (written < bytes.length) written += writeSync(file, bytes, written);
    }
    fsyncSync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return path;
}

/** Removes temporary files older than an hour: a killed process left them. */
export function removeStaleUploads(folder: string): void {
  const incoming = incomingFolder(folder);
  const hourMs = 3_600_000;
  for (const name of listFolder(incoming)) {
    const path = join(incoming, name);
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (modified !== undefined && Date.now() - modified > hourMs) rmSync(path, { force: true });
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
