import { createHash } from "node:crypto";
import { createReadStream, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { publishedMissing, publishedUnreadable } from "../lab/errors.ts";
import { readFileName, type PublishedFileName } from "./fileName.ts";

/** A file of the data set. */
export interface PublishedFile {
  path: string;
  name: string;
  bytes: number;
  about: PublishedFileName;
}

/** The files of the data set under a folder and the .csv files there that are none by their names. */
export interface PublishedFolder {
  files: PublishedFile[];
  ignored: string[];
}

/** Where files may lie below the folder that is given, which may be the data set's own or one inside it. */
const places = [".", "cnn", "vit", "dataset", "dataset/cnn", "dataset/vit"];

/**
 * Finds the data set's files in a folder, end-to-end ones first; a path of one such file stands for itself. Rejects with data-unreadable
 * when there are none or one stands in two places.
 */
export function findPublishedFiles(path: string): PublishedFolder {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw publishedMissing(path, "there is no such folder");
  const candidates = stats.isFile() ? [path] : places.flatMap((place) => listCsv(join(path, place)));
  const files: PublishedFile[] = [];
  const ignored: string[] = [];
  for (const candidate of candidates) {
    const about = readFileName(candidate);
    const name = basename(candidate);
    if (!about) {
      ignored.push(candidate);
      continue;
    }
    const twin = files.find((file) => file.name === name);
    if (twin) throw publishedUnreadable(candidate, null, `the file stands at ${twin.path} too`);
    files.push({ path: candidate, name, bytes: statSync(candidate).size, about });
  }
  if (files.length === 0) throw publishedMissing(path, "it holds none of the data set's files");
  files.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  return { files, ignored };
}

// Latencies tell what op times belong to.
function rank({ about }: PublishedFile): number {
  return about.info === "e2e" ? 0 : 1;
}

function listCsv(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && entry.name.toLowerCase().endsWith(".csv"))
      .map((entry) => join(folder, entry.name))
      .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  } catch (error) {
    throw publishedMissing(
      folder,
      `it cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`,
    );
  }
}

/** SHA-256 of a file in hexadecimal, read in pieces. Rejects with data-unreadable, or with the signal's reason. */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { signal, highWaterMark: 1024 * 1024 }))
      hash.update(chunk as Buffer);
  } catch (error) {
    if (signal.aborted) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw publishedUnreadable(path, null, `it cannot be read (${code ?? "unknown"})`);
  }
  return hash.digest("hex");
}
