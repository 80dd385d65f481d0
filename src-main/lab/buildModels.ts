import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { isQuantized, quantizeGraph } from "../model/quantize.ts";
import { modelFilePath } from "../store/models.ts";
import { takeBreath, type LabContext } from "./context.ts";
import type { BuiltModel, Precision } from "./contract.ts";
import {
  badRequest,
  cancelled,
  LabError,
  modelsUnbuilt,
  modelUnwritable,
  precisionUnsupported,
} from "./errors.ts";
import type { JobContext } from "./jobs.ts";
import type { ResolvedModel } from "./modelLibrary.ts";
import {
  copyModelFile,
  createFolder,
  fileNameOf,
  isFolderFault,
  writeGraphFile,
  writeModelFile,
} from "./outputFolder.ts";

/** What is to be built: the argument that leads to it, its name, its file's, and the size of that as far as it is known. */
export interface BuildSource {
  argument: string;
  name: string;
  file: string;
  bytes: number;
  /** The model itself where it is the only one. */
  model: ResolvedModel | null;
}

/**
 * What arguments ask to build. Files are read anew when their turn comes, but for a single one: all of them at once need not fit into the memory.
 * Rejects like `ModelLibrary.resolve`, and with bad-request for two models that would be written to the same file.
 */
export async function listBuildSources(
  { library }: LabContext,
  names: readonly string[],
): Promise<BuildSource[]> {
  const sources: BuildSource[] = [];
  // Some file systems do not tell capitals.
  const taken = new Map<string, string>();
  for (const model of library.resolveAll(names)) {
    const argument = model.kind === "path" ? model.path : model.name;
    const file = `${fileNameOf(model.name)}.tflite`;
    const other = taken.get(file.toLowerCase());
    if (other !== undefined)
      throw badRequest(
        `${other} and ${argument} would both be written to ${file}`,
        "Build them into different folders.",
      );
    taken.set(file.toLowerCase(), argument);
    sources.push({ argument, name: model.name, file, bytes: measureSource(model), model });
    // A large file must not lie in memory twice, nor several at once.
    if (sources.length > 1) for (const source of sources) source.model = null;
    await takeBreath();
  }
  return sources;
}

function measureSource(model: ResolvedModel): number {
  if (model.kind === "path") return model.bytes.length;
  return (model.kind === "library" ? model.model : model.describe()).bytes;
}

/**
 * Writes models one after another into a folder. One that cannot be built does not keep the others from it; at the end the job
 * rejects with model-unwritable naming those, and with the cause at once when nothing can be written to the folder.
 */
export async function buildModels(
  context: LabContext,
  sources: readonly BuildSource[],
  precision: Precision,
  out: string,
  { signal, onProgress }: JobContext,
): Promise<BuiltModel[]> {
  createFolder(out);
  const built: BuiltModel[] = [];
  const failed: LabError[] = [];
  const total = sources.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  for (const { argument, name, file, bytes, model } of sources) {
    // Large models take most of the time: progress counts bytes, in units of a model.
    const tell = (written: number) =>
      onProgress(((before + Math.min(written, bytes)) / total) * sources.length, sources.length, name);
    if (signal.aborted) throw cancelled();
    tell(0);
    const path = join(out, file);
    try {
      const resolved = model ?? context.library.resolve(argument)[0]!;
      await buildModel(context, resolved, precision, path, signal, tell);
      built.push({ name, path, bytes: statSync(path).size });
    } catch (error) {
      if (signal.aborted || !(error instanceof LabError) || isFolderFault(error)) throw error;
      failed.push(error);
    }
    before += bytes;
    await takeBreath();
  }
  if (failed.length > 0) throw modelsUnbuilt(failed, sources.length);
  return built;
}

async function buildModel(
  context: LabContext,
  model: ResolvedModel,
  precision: Precision,
  path: string,
  signal: AbortSignal,
  onBytes: (written: number) => void,
): Promise<void> {
  if (precision === "int8")
    return writeQuantized(context, model, path, signal, (written) => onBytes(4 * written));
  const graph = context.library.findRecipe(model);
  if (graph) return writeGraphFile(path, graph, signal, onBytes);
  // A file somebody gave is handed out as it is, when that is what was asked for.
  if (context.library.inspect(model).quantized) throw precisionUnsupported("float32", model.name);
  copyFile(context, model, path);
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

function copyFile(context: LabContext, model: ResolvedModel, target: string): void {
  if (model.kind !== "path") return copyModelFile(modelFilePath(context.store, model.hash), target);
  // What was read, which of an .onnx is what it was converted to.
  if (resolve(model.path) !== target) writeModelFile(target, model.bytes);
}
