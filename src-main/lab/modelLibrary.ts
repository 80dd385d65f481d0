import { createHash } from "node:crypto";
import { costGraph } from "../model/cost.ts";
import { findDefinedNetwork, findPaper } from "../model/definedNetworks.ts";
import type { Graph } from "../model/graph.ts";
import { inspectGraph } from "../model/inspect.ts";
import { isQuantized, quantizeGraph } from "../model/quantize.ts";
import { readTflite } from "../model/tfliteReader.ts";
import { listZoo } from "../model/zoo/zoo.ts";
import type { Store } from "../store/database.ts";
import {
  addModel,
  findModel,
  listModels,
  modelFilePath,
  passesFilter,
  setModelAside,
} from "../store/models.ts";
import { addRecipes, readRecipe } from "../store/recipes.ts";
import type { ModelDetail, ModelFilter, ModelSummary, Precision } from "./contract.ts";
import { DefinedModel } from "./definedModel.ts";
import { graphMissing, modelReserved, modelUnknown, modelUnreadable } from "./errors.ts";
import { GraphCache, stripWeights } from "./graphCache.ts";
import { findPath, nameOfFile, readFile, readModelFile } from "./modelFile.ts";
import { matchName, wholeZoo } from "./modelNames.ts";

/** A model an argument stands for: one of the library, one that its name defines, or a file that is only read. */
export type ResolvedModel =
  | DefinedModel
  | { kind: "library"; name: string; hash: string; model: ModelSummary }
  | { kind: "path"; name: string; hash: string; path: string; bytes: Uint8Array };

/** Finds models by name, pattern or path and reads their graphs. */
export class ModelLibrary {
  private readonly store: Store;
  private readonly cache = new GraphCache(4000);
  private readonly zoo = new Map(
    listZoo().map((entry) => [entry.name, new DefinedModel({ ...entry, kind: "zoo" })]),
  );

  constructor(store: Store) {
    this.store = store;
  }

  /**
   * The models of the library and all of the zoo, of which those that nothing was done with yet are only described. A network of
   * the zoo that a former version of the program built otherwise is set aside first.
   */
  list(filter: ModelFilter = {}): ModelSummary[] {
    const stored = this.listStored();
    const own = [...stored.values()].filter(({ name, kind }) => !(kind === "zoo" && this.zoo.has(name)));
    const zoo = [...this.zoo.values()].flatMap((defined) => {
      const known = stored.get(defined.name);
      if (known) return known.kind === "zoo" ? [known] : [];
      return [{ ...defined.describe(), addedAt: null, measuredOn: [] }];
    });
    return [...own, ...zoo].filter((model) => passesFilter(model, filter));
  }

  private listStored(): Map<string, ModelSummary> {
    const byName = () => new Map(listModels(this.store).map((model) => [model.name, model]));
    const stored = byName();
    let changed = false;
    for (const { name, kind, hash } of stored.values()) {
      const defined = this.zoo.get(name);
      if (kind !== "zoo" || !defined || defined.hash === hash) continue;
      setModelAside(this.store, name, defined.hash);
      changed = true;
    }
    return changed ? byName() : stored;
  }

  /**
   * What an argument stands for: a name of the library or the zoo, `all` (the whole zoo), an encoding of a search space, the path
   * of a .tflite or .onnx file, or a pattern with `*` over names. Rejects with model-unknown, model-unreadable, or bad-request for a wrong encoding.
   */
  resolve(argument: string): ResolvedModel[] {
    const named = this.resolveName(argument);
    if (named) return [named];
    if (argument === wholeZoo) return [...this.zoo.values()];
    const stats = findPath(argument);
    if (stats?.isFile()) {
      const bytes = readModelFile(argument);
      const hash = createHash("sha256").update(bytes).digest("hex");
      return [{ kind: "path", name: nameOfFile(argument), hash, path: argument, bytes }];
    }
    if (stats) throw modelUnreadable(argument, "it is a folder or a device");
    if (!argument.includes("*")) throw modelUnknown(argument);
    const names = new Set([...this.listStored().keys(), ...this.zoo.keys()]);
    const matches = [...names]
      .filter((name) => matchName(argument, name))
      .flatMap((name) => this.resolveName(name) ?? []);
    if (matches.length === 0) throw modelUnknown(argument);
    return matches;
  }

  private resolveName(name: string): ResolvedModel | null {
    const known = findModel(this.store, name);
    // A file keeps the name it had before the program gave it a meaning.
    if (known?.kind === "file") return { kind: "library", name, hash: known.hash, model: known };
    const defined = this.zoo.get(name) ?? findDefined(name);
    if (defined) return defined;
    return known && { kind: "library", name, hash: known.hash, model: known };
  }

  /** Resolves arguments and drops repetitions. */
  *resolveAll(args: readonly string[]): Generator<ResolvedModel> {
    const seen = new Set<string>();
    for (const argument of args)
      for (const model of this.resolve(argument)) {
        const key = model.kind === "path" ? `path ${model.path}` : `name ${model.name}`;
        if (seen.has(key)) continue;
        seen.add(key);
        yield model;
      }
  }

  /** Puts a file's bytes into the library; rejects with model-unreadable or model-exists. */
  addFile(name: string, bytes: Uint8Array, source: string): ModelSummary {
    if (isDefined(name) && findModel(this.store, name)?.kind !== "file") throw modelReserved(name);
    const graph = readTflite(bytes, source);
    const cost = costGraph(graph);
    const ops = graph.subgraphs.reduce((sum, subgraph) => sum + subgraph.ops.length, 0);
    const { flops, params } = cost;
    return addModel(this.store, { name, family: "file", kind: "file", bytes, ops, flops, params });
  }

  /** The library model an argument's model is, put there first when it is not in it. */
  admit(model: ResolvedModel): ModelSummary {
    if (model.kind === "library") return model.model;
    if (model.kind === "path") return this.addFile(model.name, model.bytes, model.path);
    addRecipes(this.store, [model.createRecipe()], { setAside: true });
    return findModel(this.store, model.name)!;
  }

  /**
   * The graph that runs at a precision, without weights, for fitting and predicting: at int8 the quantised form. Rejects with
   * model-unwritable when there is none.
   */
  loadGraph(model: { name: string; hash: string } | ResolvedModel, precision: Precision = "float32"): Graph {
    // Which ops the quantised form consists of does not depend on large weights.
    const read = (): Graph => {
      if (precision !== "int8") return this.readGraph(model);
      const graph = stripWeights(this.readGraph(model));
      return isQuantized(graph) ? graph : quantizeGraph(graph);
    };
    // Candidates of a search space come by the thousand and are built faster than they are found again.
    if (model instanceof DefinedModel && model.network.kind !== "zoo") return read();
    return this.cache.get(precision === "int8" ? `${model.hash} int8` : model.hash, read);
  }

  /** Everything there is to know about a model. */
  inspect(model: ResolvedModel): ModelDetail {
    const graph = this.readGraph(model);
    if (model.kind === "path") return inspectGraph(graph, model.name, model.bytes.length);
    const { bytes, family } = model.kind === "library" ? model.model : model.describe();
    return { ...inspectGraph(graph, model.name, bytes), paper: findPaper(family) };
  }

  /** The graph a model's file is written from, or null for a file somebody gave. */
  findRecipe(model: ResolvedModel): Graph | null {
    if (model.kind === "path") return null;
    return model.kind === "defined" ? model.buildGraph() : readRecipe(this.store, model.hash);
  }

  /** The graph with its weights. */
  readGraph(model: { name: string; hash: string } | ResolvedModel): Graph {
    if (model instanceof DefinedModel) return model.buildGraph();
    if ("kind" in model && model.kind === "path") return readTflite(model.bytes, model.path);
    const recipe = readRecipe(this.store, model.hash);
    if (recipe) return recipe;
    if (findModel(this.store, model.name)?.kind === "published") throw graphMissing(model.name);
    return readTflite(readFile(modelFilePath(this.store, model.hash)), model.name);
  }
}

function findDefined(name: string): DefinedModel | null {
  const network = findDefinedNetwork(name);
  return network && new DefinedModel(network);
}

/** Whether a name means a network the program builds itself, also when it is an encoding with a mistake. */
function isDefined(name: string): boolean {
  try {
    return findDefinedNetwork(name) !== null;
  } catch {
    return true;
  }
}
