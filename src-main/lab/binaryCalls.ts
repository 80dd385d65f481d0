import { createReadStream, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import {
  discardBinary,
  findBinary,
  keepBinary,
  listBinaries,
  receiveBinary,
  removeBinary,
  useBinary,
  type IncomingBinary,
} from "../store/binaries.ts";
import { getRun } from "../store/runs.ts";
import type { LabContext } from "./context.ts";
import type { BenchmarkBinary, Lab, PublishedBinary } from "./contract.ts";
import { openDownload } from "./download.ts";
import { identifyProgram } from "./elfHeader.ts";
import { hostId } from "./deviceCalls.ts";
import { LabError, badRequest } from "./errors.ts";
import { binaryUnfit, downloadFailed } from "./phoneErrors.ts";
import { formatBytes } from "./format.ts";
import type { JobContext } from "./jobs.ts";
import { listPublishedBinaries } from "./publishedBinaries.ts";

type BinaryCalls = Pick<
  Lab,
  "binaries" | "publishedBinaries" | "addBinary" | "startDownload" | "useBinary" | "removeBinary"
>;

/** The largest program taken; TFLite's with everything in it has some 30 MB. */
const mostBytes = 200_000_000;

/** The calls about the benchmark programs that run on phones. */
export function createBinaryCalls(context: LabContext): BinaryCalls {
  const { store, jobs, publish } = context;

  function tellChange(): void {
    publish({ type: "binaries" });
    // Which one runs on a phone is told with the phone.
    publish({ type: "devices" });
  }

  // A phone that comes back in the middle of a run may have to be given the program again.
  function isPhoneMeasured(): boolean {
    return jobs
      .list()
      .some(
        ({ run, progress }) =>
          run !== null && progress.state === "running" && getRun(store, run)?.device !== hostId,
      );
  }

  async function download(published: PublishedBinary, job: JobContext): Promise<BenchmarkBinary> {
    const binary = await downloadBinary(context, published, job);
    tellChange();
    return binary;
  }

  return {
    binaries: async () => listBinaries(store),
    publishedBinaries: async () => listPublishedBinaries(context.publishedBinaries),

    async addBinary({ path }) {
      const binary = await addOwnBinary(context, resolve(path));
      tellChange();
      return binary;
    },

    async startDownload({ url }) {
      const published = listPublishedBinaries(context.publishedBinaries).find((one) => one.url === url);
      if (!published)
        throw badRequest(
          `${url} is not the address of a published benchmark program`,
          "Take one of `latlab binaries`, or download the file yourself and add it.",
        );
      return jobs.start({
        kind: "download",
        title: `Download ${published.name}`,
        lane: `download:${url}`,
        work: (job) => download(published, job),
      });
    },

    async useBinary({ hash }) {
      const binary = useBinary(store, hash);
      if (!binary) throw binaryUnknown(hash);
      tellChange();
      return binary;
    },

    async removeBinary({ hash }) {
      const binary = findBinary(store, hash);
      if (!binary) throw binaryUnknown(hash);
      if (binary.inUse && isPhoneMeasured()) throw binaryBusy(binary.name);
      const removed = removeBinary(store, hash);
      tellChange();
      return { removed };
    },
  };
}

function binaryUnknown(hash: string): Error {
  return badRequest(
    `The lab has no benchmark program of the hash ${hash}`,
    "List those it has with `latlab binaries`.",
  );
}

function binaryBusy(name: string): Error {
  return new LabError(
    "run-busy",
    `${name} measures a phone right now`,
    "Wait until the run is done or cancel it first.",
  );
}

async function addOwnBinary({ store }: LabContext, path: string): Promise<BenchmarkBinary> {
  const name = basename(path);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw binaryUnfit(path, "there is no such file");
  if (!stats.isFile()) throw binaryUnfit(path, "it is a folder or a device");
  const incoming = await receiveBinary(store, readOwnFile(path), (bytes) => {
    if (bytes > mostBytes) throw binaryUnfit(name, tooLarge);
  });
  const abi = checkProgram(incoming, name);
  return keepBinary(store, incoming, { name, abi, source: path, approved: true });
}

const tooLarge = `it is larger than ${mostBytes / 1e6} MB`;

// What goes wrong with the file itself is the user's to see to; what goes wrong with the copy is the lab's disk.
async function* readOwnFile(path: string): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path);
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw binaryUnfit(path, `it cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"})`);
  } finally {
    stream.destroy();
  }
}

async function downloadBinary(
  { store }: LabContext,
  { name, url, hash, abi }: PublishedBinary,
  { signal, onProgress }: JobContext,
): Promise<BenchmarkBinary> {
  onProgress(0, 0, `asking for ${name}`);
  const { totalBytes, chunks } = await openDownload(url, signal);
  const incoming = await receiveBinary(store, chunks, (bytes) => {
    if (bytes > mostBytes || (totalBytes ?? 0) > mostBytes) throw downloadFailed(url, tooLarge);
    const share = totalBytes === null ? 0 : bytes / totalBytes;
    const size = totalBytes === null ? "" : ` of ${formatBytes(totalBytes)}`;
    onProgress(share, totalBytes === null ? 0 : 1, `${name}: ${formatBytes(bytes)}${size}`);
  });
  if (totalBytes !== null && incoming.bytes !== totalBytes) {
    discardBinary(incoming);
    throw downloadFailed(url, `only ${incoming.bytes} of ${totalBytes} bytes came`);
  }
  if (hash !== null && incoming.hash !== hash) {
    discardBinary(incoming);
    throw downloadFailed(url, `its hash is ${incoming.hash}, not ${hash} as published`);
  }
  const found = checkProgram(incoming, name);
  if (found !== null && found !== abi) {
    discardBinary(incoming);
    throw binaryUnfit(name, `it is built for ${found}, not for ${abi} as published`);
  }
  return keepBinary(store, incoming, { name, abi: found, source: url, approved: false });
}

function checkProgram(incoming: IncomingBinary, name: string): string | null {
  const program = incoming.bytes === 0 ? { problem: "it is empty" } : identifyProgram(incoming.head);
  if ("abi" in program) return program.abi;
  discardBinary(incoming);
  throw binaryUnfit(name, program.problem);
}
