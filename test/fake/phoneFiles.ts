import { lstatSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";

/** A refusal of the phone's file system, with the name of its error number as Node's own errors carry it. */
export class ErrnoError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** Folders an adb shell may write to. */
const writableFolders = ["/data/local/tmp", "/sdcard", "/storage/emulated/0"];

/** The absolute paths of a phone that a command line may name; `/dev` stays the host's. */
const phonePaths = /(?<![\w.\-/})*?\]$])\/(?=(?:data|sys|vendor|system|sdcard|proc|storage)(?:$|[^\w.-]))/g;

/** A phone's file system inside a folder of the host. */
export class PhoneFiles {
  readonly root: string;
  /** Room for what the user puts on the phone, in bytes. */
  capacityBytes: number;

  constructor(root: string, capacityBytes: number) {
    this.root = realpathSync(root);
    this.capacityBytes = capacityBytes;
  }

  /** Where a path of the phone is on the host; throws an ErrnoError for what would lead out of the phone. */
  locate(path: string): string {
    if (path === "" || path.includes("\0")) throw new ErrnoError("ENOENT");
    const parts = path.split("/");
    if (!path.startsWith("/") || parts.includes("..")) throw new ErrnoError("EACCES");
    const place = join(this.root, ...parts);
    // Links made on the phone must not lead to the host's files. The nearest folder that exists decides.
    for (let folder = place; ; folder = dirname(folder)) {
      try {
        const real = realpathSync(folder);
        if (real !== this.root && !real.startsWith(this.root + sep) && !this.#isHostTool(folder))
          throw new ErrnoError("EACCES");
        return place;
      } catch (error) {
        if (error instanceof ErrnoError || folder === this.root) throw error;
      }
    }
  }

  // The phone's programs are links to the host's.
  #isHostTool(place: string): boolean {
    return dirname(place) === join(this.root, "system/bin");
  }

  checkWritable(path: string): void {
    if (writableFolders.some((folder) => path.startsWith(`${folder}/`))) return;
    throw new ErrnoError(/^\/(system|vendor)\//.test(path) ? "EROFS" : "EACCES");
  }

  /** A command line of the phone with its absolute paths led into the phone's folder. */
  rewrite(commandLine: string): string {
    return commandLine.replace(phonePaths, () => `${this.root}/`);
  }

  /** Bytes left for the user's files. */
  measureFree(): number {
    return Math.max(0, this.capacityBytes - this.measureUsed());
  }

  measureUsed(): number {
    return measureFolder(join(this.root, "data/local/tmp")) + measureFolder(join(this.root, "sdcard"));
  }

  /** Every file the user put on the phone, as its paths. */
  list(): string[] {
    return ["data/local/tmp", "sdcard"]
      .flatMap((folder) =>
        readdirSync(join(this.root, folder), { recursive: true, withFileTypes: true })
          .filter((entry) => !entry.isDirectory())
          .map((entry) => join(entry.parentPath, entry.name).slice(this.root.length)),
      )
      .sort();
  }
}

function measureFolder(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      try {
        bytes += lstatSync(join(entry.parentPath, entry.name)).size;
      } catch {
        // Removed meanwhile.
      }
  return bytes;
}
