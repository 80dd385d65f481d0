import { createHash } from "node:crypto";
import { copyFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { mainSubgraph } from "../model/graph.ts";
import { isQuantized, quantizeGraph } from "../model/quantize.ts";
import { sampleNetworks, type SampledNetwork } from "../model/searchSpace.ts";
import { writeTflite } from "../model/tfliteWriter.ts";
import { findZooNetwork } from "../model/zoo/zoo.ts";
import { findModel, listModels, modelFilePath, removeModels } from "../store/models.ts";
import { addRecipes, removeUnusedRecipes } from "../store/recipes.ts";
import { countNoun, hostLane, takeBreath, type LabContext } from "./context.ts";
import type { BuiltModel, Lab, ModelSummary, Precision, SampleRequest } from "./contract.ts";
import { badRequest, cancelled, modelUnwritable, precisionUnsupported, zooKept } from "./errors.ts";
import type { JobContext } from "./jobs.ts";
import { convertModelFile, nameOfFile } from "./modelFile.ts";
import type { ResolvedModel } from "./modelLibrary.ts";
import {
  createFolder,
  describeWriteError,
  fileNameOf,
  writeGraphFile,
  writeModelFile,
} from "./outputFolder.ts";

type ModelCalls = Pick<
  Lab,
  "models" | "inspect" | "addModels" | "addModelFile" | "removeModels" | "startSample" | "startBuild"
>;

/** The calls about models: the library, files, sampling. */
export function createModelCalls(context: LabContext): ModelCalls {
  const { store, library, jobs, publish } = context;

  return {
    models: async (filter) => library.list(filter),

    async inspect({ models }) {
      const details = [];
      for (const model of library.resolveAll(models)) {
        details.push(library.inspect(model));
        await takeBreath();
      }
      return details;
    },

    async addModels({ paths }) {
      const added: ModelSummary[] = [];
      try {
        for (const path of paths) {
          for (const model of library.resolve(resolve(path))) added.push(library.admit(model));
          await takeBreath();
        }
        return added;
      } finally {
        if (added.length > 0) publish({ type: "models" });
      }
    },

    async addModelFile({ name, base64 }) {
      const bytes = convertModelFile(Buffer.from(base64, "base64"), name, null);
      const model = library.addFile(nameOfFile(name), bytes, name);
      publish({ type: "models" });
      return model;
    },

    async removeModels({ names }) {
      for (const name of names)
        if (findZooNetwork(name) && findModel(store, name)?.kind !== "file") throw zooKept(name);
      const removed = removeModels(store, names);
      removeUnusedRecipes(store);
      if (removed > 0) publish({ type: "models" });
      return { removed };
    },

    async startSample(request) {
      const keep = request.keep ?? true;
      if (!keep && request.out === undefined)
        throw badRequest("The sample would go nowhere", "Give a folder, or keep it in the library.");
      return jobs.start({
        kind: "sample",
        title: `Sample ${countNoun(request.count, "network")} from seed ${request.seed}`,
        lane: hostLane,
        work: (job) => sample(context, request, job),
      });
    },

    async startBuild({ names, precision, out }) {
      if (precision === "float16") throw precisionUnsupported(precision);
      const sources = await listSources(context, names);
      return jobs.start({
        kind: "build",
        title: `Build ${countNoun(sources.length, "model")}`,
        lane: hostLane,
        work: (job) => build(context, sources, precision, resolve(out), job),
      });
    },
  };
}

/** Networks kept in one transaction: few enough to stay responsive, many enough not to wait for the disk. */
const batchSize = 50;

async function sample(
  context: LabContext,
  request: SampleRequest,
  { signal, onProgress }: JobContext,
): Promise<ModelSummary[]> {
  const { store, publish } = context;
  const keep = request.keep ?? true;
  const out = request.out === undefined ? null : createFolder(resolve(request.out));
  const names: string[] = [];
  const written: ModelSummary[] = [];
  let batch: SampledNetwork[] = [];
  const keepBatch = () => {
    if (batch.length === 0) return;
    addRecipes(store, batch.map(describeNetwork));
    publish({ type: "models" });
    batch = [];
  };
  for (const network of sampleNetworks({ count: request.count, seed: request.seed })) {
    if (signal.aborted) throw cancelled();
    if (out !== null) written.push(writeNetwork(out, network));
    names.push(network.name);
    if (keep) batch.push(network);
    if (batch.length >= batchSize) keepBatch();
    onProgress(names.length, request.count, network.name);
    await takeBreath();
  }
  keepBatch();
  if (!keep) return written;
  const library = new Map(listModels(store, { kind: "sampled" }).map((model) => [model.name, model]));
  return names.flatMap((name) => library.get(name) ?? []);
}

function describeNetwork({ name, family, graph, flops, params, bytes }: SampledNetwork) {
  return { name, family, graph, ops: mainSubgraph(graph).ops.length, flops, params, bytes };
}

function writeNetwork(folder: string, network: SampledNetwork): ModelSummary {
  const { graph, ...described } = describeNetwork(network);
  const file = writeTflite(graph);
  writeModelFile(join(folder, `${network.name}.tflite`), file);
  return {
    ...described,
    bytes: file.length,
    kind: "sampled",
    hash: createHash("sha256").update(file).digest("hex"),
    addedAt: new Date().toISOString(),
    measuredOn: [],
  };
}

/** What is to be built: the argument that leads to it, its name, and the size of its file as far as it is known. */
interface BuildSource {
  argument: string;
  name: string;
  bytes: number;
}

// Files are read anew when their turn comes: all of them at once need not fit into the memory.
async function listSources({ library }: LabContext, names: readonly string[]): Promise<BuildSource[]> {
  const sources: BuildSource[] = [];
  for (const model of library.resolveAll(names)) {
    if (model.kind === "path")
      sources.push({ argument: model.path, name: model.name, bytes: model.bytes.length });
    else {
      const { bytes } = model.kind === "library" ? model.model : model.describe();
      sources.push({ argument: model.name, name: model.name, bytes });
    }
    await takeBreath();
  }
  return sources;
}

async function build(
  context: LabContext,
  sources: readonly BuildSource[],
  precision: Precision,
  out: string,
  { signal, onProgress }: JobContext,
): Promise<BuiltModel[]> {
  createFolder(out);
  const built: BuiltModel[] = [];
  const total = sources.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  for (const { argument, name, bytes } of sources) {
    // Large models take most of the time: progress counts bytes, in units of a model.
    const tell = (written: number) =>
      onProgress(((before + Math.min(written, bytes)) / total) * sources.length, sources.length, name);
    if (signal.aborted) throw cancelled();
    tell(0);
    const path = join(out, `${fileNameOf(name)}.tflite`);
    const [model] = context.library.resolve(argument);
    const graph = context.library.findRecipe(model!);
    if (precision === "int8")
      await writeQuantized(context, model!, path, signal, (written) => tell(4 * written));
    else if (graph) await writeGraphFile(path, graph, signal, tell);
    else copyModel(context, model!, path);
    built.push({ name, path, bytes: statSync(path).size });
    before += bytes;
    await takeBreath();
  }
  return built;
}

// A quantised file is its own int8 form.
async function writeQuantized(
  context: LabContext,
  model: ResolvedModel,
  target: string,
  signal: AbortSignal,
  onBytes: (written: number) => void,
): Promise<void> {
  const graph = context.library.readGraph(model);
  if (isQuantized(graph)) return copyFile(context, model, target);
  if (model.kind === "path" && resolve(model.path) === target)
    throw modelUnwritable(target, "the float network it is made from is there");
  await writeGraphFile(target, quantizeGraph(graph), signal, onBytes);
}

// A file somebody gave is handed out as it is, when that is what was asked for.
function copyModel(context: LabContext, model: ResolvedModel, target: string): void {
  const { quantized } = context.library.inspect(model);
  if (quantized) throw precisionUnsupported("float32", model.name);
  copyFile(context, model, target);
}

function copyFile(context: LabContext, model: ResolvedModel, target: string): void {
  if (model.kind === "path") {
    // What was read, which of an .onnx is what it was converted to.
    if (resolve(model.path) !== target) writeModelFile(target, model.bytes);
    return;
  }
  try {
    copyFileSync(modelFilePath(context.store, model.hash), target);
  } catch (error) {
    throw modelUnwritable(target, describeWriteError(error));
  }
}
