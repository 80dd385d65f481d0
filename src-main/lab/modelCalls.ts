import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { mainSubgraph } from "../model/graph.ts";
import { sampleNetworks, type SampledNetwork } from "../model/searchSpace.ts";
import { writeTflite } from "../model/tfliteWriter.ts";
import { findZooNetwork } from "../model/zoo/zoo.ts";
import { findModel, listModels, removeModels } from "../store/models.ts";
import { addRecipes, removeUnusedRecipes } from "../store/recipes.ts";
import { buildModels, listBuildSources } from "./buildModels.ts";
import { countNoun, hostLane, takeBreath, type LabContext } from "./context.ts";
import type { Lab, ModelSummary, SampleRequest } from "./contract.ts";
import { badRequest, cancelled, precisionUnsupported, zooKept } from "./errors.ts";
import type { JobContext } from "./jobs.ts";
import { convertModelFile, nameOfFile } from "./modelFile.ts";
import { createFolder, writeModelFile } from "./outputFolder.ts";

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
      const sources = await listBuildSources(context, names);
      return jobs.start({
        kind: "build",
        title: `Build ${countNoun(sources.length, "model")}`,
        lane: hostLane,
        work: (job) => buildModels(context, sources, precision, resolve(out), job),
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
