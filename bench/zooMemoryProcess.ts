/** One task of `measureZooMemory`, in a process of its own because the peak of a process only grows. */
import { readFileSync } from "node:fs";
import { writeGraphFile } from "../src-main/lab/outputFolder.ts";
import { mainSubgraph } from "../src-main/model/graph.ts";
import { readTflite } from "../src-main/model/tfliteReader.ts";
import { findZooNetwork, listZoo } from "../src-main/model/zoo/zoo.ts";
import type { MemoryFigures } from "./zooMemory.ts";

const [task, name, path] = process.argv.slice(2) as [string, string, string];

/** Does the task and tells how many bytes of files it handled. */
async function perform(): Promise<number> {
  if (task === "build") {
    const graphs = listZoo().map(({ build }) => build());
    if (graphs.some(({ subgraphs }) => subgraphs.length === 0)) throw new Error("a network is empty");
    return 0;
  }
  if (task === "write") {
    let bytes = 0;
    await writeGraphFile(path, findZooNetwork(name)!.build(), new AbortController().signal, (written) => {
      bytes = written;
    });
    return bytes;
  }
  const file = readFileSync(path);
  const constants = mainSubgraph(readTflite(file, path)).tensors.flatMap(({ data }) => data ?? []);
  // Every byte is looked at, so that none is left to be loaded later.
  let sum = 0;
  for (const data of constants) if (data.kind === "bytes") for (const byte of data.bytes) sum += byte;
  if (sum === 0) throw new Error("the weights are all zero");
  return file.length;
}

/** Most memory this process ever had: its own, unlike `maxRSS`, which may be the parent's where processes are forked. */
function readPeakBytes(): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (kilobytes) return 1024 * Number(kilobytes);
  } catch {
    // Only Linux has it.
  }
  return 1024 * process.resourceUsage().maxRSS;
}

const start = performance.now();
const fileBytes = await perform();
const figures: MemoryFigures = { ms: performance.now() - start, fileBytes, peakBytes: readPeakBytes() };
console.log(JSON.stringify(figures));
