import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import type { Graph } from "../model/graph.ts";
import { streamTflite } from "../model/tfliteWriter.ts";
import { LabError, cancelled, modelUnwritable } from "./errors.ts";

/** Creates a folder for model files where there is none and returns it; rejects with model-unwritable. */
export function createFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true });
    return path;
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Writes a model's file whole or not at all; rejects with model-unwritable. */
export function writeModelFile(path: string, bytes: Uint8Array): void {
  replaceFile(path, (draft) => writeFileSync(draft, bytes));
}

/** Copies a model's file whole or not at all; rejects with model-unwritable. */
export function copyModelFile(source: string, path: string): void {
  replaceFile(path, (draft) => copyFileSync(source, draft));
}

function replaceFile(path: string, write: (draft: string) => void): void {
  const draft = `${path}.${process.pid}.part`;
  try {
    write(draft);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw unwritable(path, error);
  }
}

/**
 * Writes the .tflite file of a graph piece by piece, whole or not at all; rejects with model-unwritable, or cancelled by the
 * signal. `onBytes` is told how many bytes are written.
 */
export async function writeGraphFile(
  path: string,
  graph: Graph,
  signal: AbortSignal,
  onBytes: (written: number) => void,
): Promise<void> {
  const draft = `${path}.${process.pid}.part`;
  try {
    const file = await open(draft, "w");
    try {
      let written = 0;
      for (const { bytes } of streamTflite(graph)) {
        if (signal.aborted) throw cancelled();
        await file.writeFile(bytes);
        written += bytes.length;
        onBytes(written);
      }
    } finally {
      await file.close();
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error instanceof LabError ? error : unwritable(path, error);
  }
}

function unwritable(path: string, cause: unknown): LabError {
  return Object.assign(modelUnwritable(path, describeWriteError(cause)), { cause });
}

/** Whether nothing else can be written to the folder either. */
export function isFolderFault({ cause }: LabError): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? "";
  return ["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "ENOENT"].includes(code);
}

/** Why a file or folder could not be written, in words. */
export function describeWriteError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") return "the disk is full";
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") return "writing there is not permitted";
  if (code === "EEXIST" || code === "ENOTDIR") return "a part of the path is a file";
  if (code === "EISDIR") return "there is a folder of that name";
  return message;
}

/** A model's name as the name of a file on every platform. */
export function fileNameOf(name: string): string {
  return name.replace(/[\\/:*?"<>|\p{Cc}]/gu, "_").replace(/^\.+/, "_");
}
