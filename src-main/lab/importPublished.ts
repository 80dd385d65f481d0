import { formatScenario } from "../device/scenario.ts";
import { findZooNetwork } from "../model/zoo/zoo.ts";
import type { PublishedScenario } from "../published/columns.ts";
import { alignRows } from "../published/graphRows.ts";
import { mergeAllKernels, readKernelType, type PublishedKernel } from "../published/kernelMerging.ts";
import { describePublishedPhone } from "../published/phones.ts";
import { findPublishedFiles, hashFile, type PublishedFile } from "../published/publishedFiles.ts";
import { readPublishedNetworks, type PublishedNetwork } from "../published/publishedNetworks.ts";
import type { PublishedOp } from "../published/readPublished.ts";
import { runInTransaction } from "../store/database.ts";
import {
  addNamedNetwork,
  ensurePublishedRun,
  ensurePublishedScenario,
  findModelRow,
  putPublishedCell,
  putPublishedOps,
  type PublishedModel,
} from "../store/published.ts";
import { countPublished, listPublishedDevices } from "../store/publishedDevices.ts";
import {
  addPublishedSource,
  advancePublishedSource,
  findPublishedSource,
} from "../store/publishedSources.ts";
import { countNoun, type LabContext } from "./context.ts";
import type {
  ImportedFile,
  ImportPublishedRequest,
  ImportResult,
  KernelTime,
  OpTime,
  Precision,
} from "./contract.ts";
import { cancelled } from "./errors.ts";
import { formatBytes } from "./format.ts";
import { ImportProgress } from "./importProgress.ts";
import type { JobContext } from "./jobs.ts";

/** What of a lab an import needs. */
export type ImportContext = Pick<LabContext, "store" | "library" | "publish">;

/** A file that is whole, with its place in the lab. */
interface CheckedFile extends PublishedFile {
  hash: string;
  rows: number;
  networks: number;
  /** So many of its networks were in the lab before. */
  done: number;
}

/**
 * Imports the data set's files of a folder. All files are read to their ends before anything is written, so that a wrong one changes
 * nothing; then networks are committed in batches with the place in their file, so that an import that was killed goes on there.
 * Rejects with data-unreadable or cancelled.
 */
export async function importPublished(
  context: ImportContext,
  { path }: ImportPublishedRequest,
  job: JobContext,
): Promise<ImportResult> {
  const { files, ignored } = findPublishedFiles(path);
  const progress = new ImportProgress(files, job.onProgress);
  const checked = await checkFiles(context, files, job.signal, progress);
  const importer = new Importer(context);
  const imported: ImportedFile[] = [];
  for (const file of checked) {
    const { name, hash, bytes, rows, networks, done } = file;
    if (done < networks) await importFile(context, importer, file, job.signal, progress);
    progress.finish("import", file);
    imported.push({ name, hash, bytes, rows, networks, state: done < networks ? "imported" : "known" });
  }
  if (imported.some(({ state }) => state === "imported")) {
    context.publish({ type: "models" });
    context.publish({ type: "devices" });
  }
  return {
    files: imported,
    ignored,
    devices: listPublishedDevices(context.store).map(({ id }) => id),
    ...countPublished(context.store),
    unmatched: importer.unmatched,
  };
}

async function checkFiles(
  { store }: ImportContext,
  files: readonly PublishedFile[],
  signal: AbortSignal,
  progress: ImportProgress,
): Promise<CheckedFile[]> {
  const checked: CheckedFile[] = [];
  for (const file of files) {
    stopWhenCancelled(signal);
    const hash = await hashFile(file.path, signal);
    const known = findPublishedSource(store, hash);
    const counts =
      known ??
      (await countRows(file, signal, (bytes) => {
        const note = `checking ${file.name}: ${formatBytes(bytes)} of ${formatBytes(file.bytes)}`;
        progress.tell("check", bytes, note);
      }));
    progress.finish("check", file);
    checked.push({
      ...file,
      hash,
      rows: counts.rows,
      networks: counts.networks,
      done: known?.networksDone ?? 0,
    });
  }
  runInTransaction(store, () => {
    for (const { hash, name, bytes, rows, networks } of checked)
      addPublishedSource(store, { hash, name, bytes, rows, networks });
  });
  return checked;
}

async function countRows(
  { path, about }: PublishedFile,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<{ rows: number; networks: number }> {
  let rows = 0;
  let networks = 0;
  for await (const { ops } of readPublishedNetworks(path, { onBytes })) {
    stopWhenCancelled(signal);
    networks++;
    rows += about.info === "ops" ? ops.length : 1;
  }
  return { rows, networks };
}

/** Networks that are committed together hold about so many times: a commit waits for the disk, a killed import repeats one. */
const batchTimes = 20_000;
const batchNetworks = 50;

async function importFile(
  { store }: ImportContext,
  importer: Importer,
  file: CheckedFile,
  signal: AbortSignal,
  progress: ImportProgress,
): Promise<void> {
  let place = 0;
  let times = 0;
  let batch: PublishedNetwork[] = [];
  const commit = () => {
    runInTransaction(store, () => {
      for (const network of batch) importer.put(file, network);
      advancePublishedSource(store, file.hash, place);
    });
    batch = [];
    times = 0;
  };
  const onBytes = (bytes: number) =>
    progress.tell(
      "import",
      bytes,
      `importing ${file.name}: ${place} of ${countNoun(file.networks, "network")}`,
    );
  for await (const network of readPublishedNetworks(file.path, { onBytes })) {
    stopWhenCancelled(signal);
    if (place++ < file.done) continue;
    batch.push(network);
    times += network.latencies.length + network.ops.reduce((sum, { perPhone }) => sum + perPhone.length, 0);
    if (times >= batchTimes || batch.length >= batchNetworks) commit();
  }
  commit();
}

function stopWhenCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled();
}

/** Puts networks of published files into the lab; call it inside a transaction. */
class Importer {
  readonly unmatched: { network: string; rows: number }[] = [];
  private readonly context: ImportContext;

  constructor(context: ImportContext) {
    this.context = context;
  }

  put(file: CheckedFile, network: PublishedNetwork): void {
    const { store } = this.context;
    const { model, hasGraph } = this.admit(file, network);
    const source = { file: file.name, hash: file.hash };
    for (const { scenario, line, meanMs, stdMs } of network.latencies)
      putPublishedCell(
        store,
        { ...this.locate(scenario), model },
        { place: { ...source, line }, latency: { meanMs, stdMs }, ops: null },
      );
    if (network.ops.length === 0) return;
    const { framework, target } = file.about;
    putPublishedOps(
      store,
      model.id,
      { framework, target: target ?? "" },
      network.ops.map(({ operation, features }) => ({ operation, features })),
    );
    const aligned = new Map<Precision, (number | null)[]>();
    for (const [scenario, kernels] of mergeAllKernels(network.ops)) {
      let ops = aligned.get(scenario.precision);
      if (!ops)
        aligned.set(scenario.precision, (ops = this.align(model, hasGraph, network.ops, scenario.precision)));
      putPublishedCell(
        store,
        { ...this.locate(scenario), model },
        {
          place: { ...source, line: network.line },
          latency: null,
          ops: splitTimes(kernels, ops, network.ops, hasGraph),
        },
      );
    }
    const missed = Math.max(0, ...[...aligned.values()].map((ops) => ops.filter((op) => op === null).length));
    if (missed > 0) this.unmatched.push({ network: model.name, rows: missed });
  }

  // A file that somebody gave keeps its name and is not taken for the published network.
  private admit(
    { about }: CheckedFile,
    { network, latencies, ops }: PublishedNetwork,
  ): { model: PublishedModel; hasGraph: boolean } {
    const { store, library } = this.context;
    const [defined] = about.set === "real" && findZooNetwork(network) ? library.resolve(network) : [];
    if (defined?.kind === "defined")
      return { model: findModelRow(store, library.admit(defined).name), hasGraph: true };
    const family = `${about.kind} ${about.set}`;
    const first = latencies[0];
    const named = {
      name: network,
      family,
      flops: first?.flops ?? null,
      bytes: first?.sizeBytes ?? null,
      ops: ops.length > 0 ? ops.length : null,
    };
    const others = [`${network} (${family})`, `${network} (published ${family})`];
    return { model: addNamedNetwork(store, named, others), hasGraph: false };
  }

  private locate(scenario: PublishedScenario): { run: number; scenario: number } {
    const { store } = this.context;
    const { phone, cores, precision, runtime } = scenario;
    const run = ensurePublishedRun(store, phone, describePublishedPhone(phone).name);
    const id = formatScenario({ device: phone, cores, precision, runtime });
    return { run, scenario: ensurePublishedScenario(store, run, id) };
  }

  private align(
    model: PublishedModel,
    hasGraph: boolean,
    rows: readonly PublishedOp[],
    precision: Precision,
  ): (number | null)[] {
    if (!hasGraph) return rows.map(({ index }) => index);
    return alignRows(this.context.library.loadGraph(model, precision), rows);
  }
}

/**
 * The times by op of the graph (by row where there is no graph) and the kernels that these cannot tell: those with a name and those of rows
 * that are no op. A kernel of several ops is the time of the first.
 */
function splitTimes(
  kernels: readonly PublishedKernel[],
  ops: readonly (number | null)[],
  rows: readonly PublishedOp[],
  hasGraph: boolean,
): { times: OpTime[]; kernels: KernelTime[] } {
  const times: OpTime[] = [];
  const named: KernelTime[] = [];
  for (const { kernel, rows: places, ms } of kernels) {
    const known = places.flatMap((place) => ops[place] ?? []);
    const type = rows[places[0]!]!.operation;
    if (known.length > 0) times.push({ op: known[0]!, type, ms });
    if (kernel === null && known.length > 0) continue;
    named.push({
      type: kernel === null ? type : readKernelType(kernel),
      name: kernel ?? "",
      ms,
      ...(hasGraph ? { ops: known } : {}),
      rows: places,
    });
  }
  return { times, kernels: named };
}
