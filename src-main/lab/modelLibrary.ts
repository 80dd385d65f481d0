import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { costGraph } from "../model/cost.ts";
import type { Graph } from "../model/graph.ts";
import { inspectGraph } from "../model/inspect.ts";
import { isQuantized, quantizeGraph } from "../model/quantize.ts";
import { readTflite } from "../model/tfliteReader.ts";
import type { Store } from "../store/database.ts";
import { addModel, findModel, listModels, modelFilePath } from "../store/models.ts";
import { readRecipe } from "../store/recipes.ts";
import type { ModelDetail, ModelSummary, Precision } from "./contract.ts";
import { modelUnknown, modelUnreadable } from "./errors.ts";
import { GraphCache, stripWeights } from "./graphCache.ts";

/** A model an argument stands for: one of the library, or a file that is only read. */
export type ResolvedModel =
  | { kind: "library"; name: string; hash: string; model: ModelSummary }
  | { kind: "path"; name: string; hash: string; path: string; bytes: Uint8Array };

/** Finds models by name, pattern or path and reads their graphs. */
export class ModelLibrary {
  private readonly store: Store;
  private readonly cache = new GraphCache(4000);

  constructor(store: Store) {
    this.store = store;
  }

  /**
   * What an argument stands for: a library name, the path of a .tflite file, or a pattern with `*` over library names.
   * Rejects with model-unknown or model-unreadable.
   */
  resolve(argument: string): ResolvedModel[] {
    const known = findModel(this.store, argument);
    if (known) return [{ kind: "library", name: known.name, hash: known.hash, model: known }];
    const stats = statSync(argument, { throwIfNoEntry: false });
    if (stats?.isFile()) {
      const bytes = readFile(argument);
      const hash = createHash("sha256").update(bytes).digest("hex");
      return [{ kind: "path", name: nameOfFile(argument), hash, path: argument, bytes }];
    }
    if (stats) throw modelUnreadable(argument, "it is a folder or a device");
    if (!argument.includes("*")) throw modelUnknown(argument);
    const pattern = new RegExp(`^${argument.split("*").map(escapePattern).join(".*")}$`, "su");
    const matches = listModels(this.store).filter((model) => pattern.test(model.name));
    if (matches.length === 0) throw modelUnknown(argument);
    return matches.map((model) => ({ kind: "library", name: model.name, hash: model.hash, model }));
  }

  /** Resolves arguments and drops repetitions. */
  *resolveAll(args: readonly string[]): Generator<ResolvedModel> {
    const seen = new Set<string>();
    for (const argument of args)
      for (const model of this.resolve(argument)) {
        const key = model.kind === "library" ? `library ${model.name}` : `path ${model.path}`;
        if (seen.has(key)) continue;
        seen.add(key);
        yield model;
      }
  }

  /** Puts a file's bytes into the library; rejects with model-unreadable or model-exists. */
  addFile(name: string, bytes: Uint8Array, source: string): ModelSummary {
    const graph = readTflite(bytes, source);
    const cost = costGraph(graph);
    const ops = graph.subgraphs.reduce((sum, subgraph) => sum + subgraph.ops.length, 0);
    const { flops, params } = cost;
    return addModel(this.store, { name, family: "file", kind: "file", bytes, ops, flops, params });
  }

  /** The library model an argument's model is, put there first when it is a file. */
  admit(model: ResolvedModel): ModelSummary {
    return model.kind === "library" ? model.model : this.addFile(model.name, model.bytes, model.path);
  }

  /**
   * The graph that runs at a precision, without weights, for fitting and predicting: at int8 the quantised form. Rejects with
   * model-unwritable when there is none.
   */
  loadGraph(model: { name: string; hash: string } | ResolvedModel, precision: Precision = "float32"): Graph {
    if (precision !== "int8") return this.cache.get(model.hash, () => this.readGraph(model));
    return this.cache.get(`${model.hash} int8`, () => {
      // Which ops the quantised form consists of does not depend on large weights.
      const graph = stripWeights(this.readGraph(model));
      return isQuantized(graph) ? graph : quantizeGraph(graph);
    });
  }

  /** Everything there is to know about a model. */
  inspect(model: ResolvedModel): ModelDetail {
    const bytes = model.kind === "path" ? model.bytes.length : model.model.bytes;
    return inspectGraph(this.readGraph(model), model.name, bytes);
  }

  /** The graph with its weights. */
  readGraph(model: { name: string; hash: string } | ResolvedModel): Graph {
    if ("kind" in model && model.kind === "path") return readTflite(model.bytes, model.path);
    const recipe = readRecipe(this.store, model.hash);
    if (recipe) return recipe;
    return readTflite(readFile(modelFilePath(this.store, model.hash)), model.name);
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The name a file gets in the library: its own, without `.tflite`. */
export function nameOfFile(path: string): string {
  // A browser may be on another platform than the lab: both separators end a folder's name.
  return basename(path.replaceAll("\\", "/")).replace(/\.tflite$/i, "");
}

/** Reads a model's file; rejects with model-unreadable saying why it cannot be. */
function readFile(path: string): Uint8Array {
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
