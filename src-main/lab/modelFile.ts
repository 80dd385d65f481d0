import { readFileSync, statSync, type Stats } from "node:fs";
import { basename, dirname } from "node:path";
import { readOnnx } from "../model/onnx/onnxReader.ts";
import { writeTflite } from "../model/tfliteWriter.ts";
import { modelUnreadable } from "./errors.ts";

/** The bytes of the .tflite file a file stands for: its own, or those an .onnx is converted to. Rejects with model-unreadable. */
export function readModelFile(path: string): Uint8Array {
  return convertModelFile(readFile(path), path, dirname(path));
}

/**
 * The same for a file whose bytes are at hand. `folder` is where weights outside of an .onnx lie; null when nobody knows, as of a
 * file dropped into a browser.
 */
export function convertModelFile(bytes: Uint8Array, source: string, folder: string | null): Uint8Array {
  return isOnnx(source) ? writeTflite(readOnnx(bytes, source, folder)) : bytes;
}

function isOnnx(source: string): boolean {
  return /\.onnx$/i.test(source);
}

/** The name a file gets in the library: its own, without `.tflite` or `.onnx`. */
export function nameOfFile(path: string): string {
  // A browser may be on another platform than the lab: both separators end a folder's name.
  return basename(path.replaceAll("\\", "/")).replace(/\.(tflite|onnx)$/i, "");
}

/** What is at a path, or null when nothing is, nor can be: names are tried as paths too. Rejects with model-unreadable. */
export function findPath(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES" || code === "EPERM") throw modelUnreadable(path, describeReadError(error));
    return null;
  }
}

/** Reads a file; rejects with model-unreadable saying why it cannot be. */
export function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw modelUnreadable(path, describeReadError(error));
  }
}

function describeReadError(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "the file is missing";
  if (code === "EACCES" || code === "EPERM") return "reading it is not permitted";
  if (code === "ERR_FS_FILE_TOO_LARGE") return "it is larger than 2 GB";
  return (error as Error).message;
}
