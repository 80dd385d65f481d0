import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { listZoo } from "../src-main/model/zoo/zoo.ts";

/** What a task took. */
export interface MemoryFigures {
  ms: number;
  /** Size of the file written or read, 0 for none. */
  fileBytes: number;
  /** The most memory the process had, Node itself included. */
  peakBytes: number;
}

/** Figures of the zoo: all graphs built and kept without weights, a large network written to a file, and that file read. */
export interface ZooMemory {
  networks: number;
  build: MemoryFigures;
  /** The network that is written and read. */
  large: string;
  write: MemoryFigures;
  read: MemoryFigures;
}

const program = fileURLToPath(new URL("./zooMemoryProcess.ts", import.meta.url));

/** Measures memory and time of the zoo, each task in a process of its own; needs 350 MB in the folder for temporary files. */
export async function measureZooMemory(): Promise<ZooMemory> {
  const large = "vit-base-patch16-224";
  const folder = mkdtempSync(join(tmpdir(), "latlab-zoo-memory-"));
  try {
    const run = async (task: "build" | "write" | "read"): Promise<MemoryFigures> => {
      const path = join(folder, `${large}.tflite`);
      const { stdout } = await promisify(execFile)(process.execPath, [program, task, large, path]);
      return JSON.parse(stdout) as MemoryFigures;
    };
    const build = await run("build");
    const write = await run("write");
    return { networks: listZoo().length, build, large, write, read: await run("read") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The figures in three lines. */
export function formatZooMemory({ networks, build, large, write, read }: ZooMemory): string {
  const seconds = ({ ms }: MemoryFigures) => `${(ms / 1000).toFixed(2)} s`;
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  const share = ({ peakBytes, fileBytes }: MemoryFigures) =>
    `${megabytes(peakBytes)} at most, ${(peakBytes / fileBytes).toFixed(2)} times the file's ${megabytes(fileBytes)}`;
  return [
    `zoo: all ${networks} graphs built and kept in ${seconds(build)}, ${megabytes(build.peakBytes)} at most`,
    `${large} written in ${seconds(write)}, ${share(write)}`,
    `${large} read in ${seconds(read)}, ${share(read)}`,
  ].join("\n");
}
