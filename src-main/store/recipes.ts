/**
 * Sampled networks and those of the zoo are kept as recipes: the graph with seeds in the place of weights, a few kilobytes instead of the tens of
 * megabytes it is written as. The .tflite file follows from it, byte by byte, and is written when something is to run it.
 */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, linkSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import type { ModelSummary, Precision } from "../lab/contract.ts";
import { modelExists } from "../lab/errors.ts";
import type { Graph } from "../model/graph.ts";
import { isQuantized, quantizeGraph } from "../model/quantize.ts";
import { readTflite } from "../model/tfliteReader.ts";
import { streamTflite, type FileChunk } from "../model/tfliteWriter.ts";
import { readConsistently, runInTransaction, type Store } from "./database.ts";
import { locateModelFile, writeIncomingFile } from "./modelFiles.ts";
import { setModelAside } from "./models.ts";
import { DamagedValue, translateSqliteError } from "./sqliteError.ts";

/** A network whose weights are all seeds. */
export interface NewRecipe {
  name: string;
  family: string;
  /** Default "sampled". */
  kind?: ModelSummary["kind"];
  graph: Graph;
  ops: number;
  flops: number;
  params: number;
  /** Size of the file it would be written as. */
  bytes: number;
}

/** The hash of a network in the library whose weights are all seeds: that of its graph's text. */
export function hashRecipe(graph: Graph): string {
  return hashText(describeRecipe(graph));
}

/**
 * Puts networks into the library, all or none; those that are in it already stay as they are. Their hash is that of the
 * recipe. Rejects with model-exists when a name holds another network, unless `setAside` gives the name to the new one: the
 * other then goes on under another name (`setModelAside`).
 */
export function addRecipes(
  store: Store,
  recipes: readonly NewRecipe[],
  options: { setAside?: boolean } = {},
): void {
  const texts = recipes.map(({ graph }) => describeRecipe(graph));
  runInTransaction(store, () => {
    const find = store.statement<{ hash: string }>("SELECT hash FROM model WHERE name = ?");
    const restore = store.statement("UPDATE model SET removed_at = NULL WHERE name = ?");
    const keep = store.statement("INSERT OR IGNORE INTO recipe (hash, graph) VALUES (?, ?)");
    const insert = store.statement(
      `INSERT INTO model (name, hash, family, kind, ops, flops, params, bytes, added_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const at = new Date().toISOString();
    recipes.forEach(({ name, family, kind = "sampled", ops, flops, params, bytes }, index) => {
      const text = texts[index]!;
      const hash = hashText(text);
      if (options.setAside) setModelAside(store, name, hash);
      const known = find.get(name);
      if (known && known.hash !== hash) throw modelExists(name);
      keep.run(hash, gzipSync(text, { level: 3 }));
      if (known) restore.run(name);
      else insert.run(name, hash, family, kind, ops, flops, params, bytes, at);
    });
  });
}

function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function describeRecipe(graph: Graph): string {
  const stored = graph.subgraphs.some((subgraph) =>
    subgraph.tensors.some((tensor) => tensor.data?.kind === "bytes"),
  );
  if (stored || graph.metadata.length > 0) throw new Error(`${graph.name} holds bytes and has no recipe`);
  return JSON.stringify(graph);
}

/** The graph of a recipe, or null when the hash is that of a file somebody gave; rejects with lab-corrupt when damaged. */
export function readRecipe(store: Store, hash: string): Graph | null {
  return readConsistently(store, () => {
    const row = store.statement<{ graph: Uint8Array }>("SELECT graph FROM recipe WHERE hash = ?").get(hash);
    return row ? decodeRecipe(row.graph, hash) : null;
  });
}

function decodeRecipe(blob: Uint8Array, hash: string): Graph {
  try {
    const text = gunzipSync(blob).toString();
    if (hashText(text) === hash) return JSON.parse(text) as Graph;
  } catch {
    // Damaged in one way or the other.
  }
  throw new DamagedValue(`the recipe ${hash.slice(0, 12)} of a sampled network cannot be read`);
}

/**
 * Writes the .tflite file a model is measured by at a precision when it is not there; tells whether it wrote. Files somebody gave are
 * there anyway; their int8 form is written here, and is the file itself when that is quantised. Rejects with model-unwritable when
 * a model cannot be quantised.
 */
export function placeModelFile(store: Store, hash: string, precision: Precision = "float32"): boolean {
  const target = locateModelFile(store.folder, hash, precision);
  if (existsSync(target)) return false;
  const recipe = readRecipe(store, hash);
  if (precision === "int8") return placeQuantizedFile(store, hash, recipe);
  if (!recipe) return false;
  placeGraph(store, target, recipe, (length) =>
    store.statement("UPDATE model SET bytes = ? WHERE hash = ?").run(length, hash),
  );
  return true;
}

function placeQuantizedFile(store: Store, hash: string, recipe: Graph | null): boolean {
  const source = locateModelFile(store.folder, hash);
  const target = locateModelFile(store.folder, hash, "int8");
  // A missing file is told by the cell that wants it.
  if (!recipe && !existsSync(source)) return false;
  const graph = recipe ?? readTflite(readFileSync(source), `${hash}.tflite`);
  if (isQuantized(graph)) linkFile(source, target);
  else placeGraph(store, target, quantizeGraph(graph));
  return true;
}

// A second name costs no space; not every file system has them.
function linkFile(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    copyFileSync(source, target);
  }
}

function placeGraph(
  store: Store,
  target: string,
  graph: Graph,
  record: (length: number) => void = () => undefined,
): void {
  let incoming: string | null = null;
  try {
    incoming = writeIncomingFile(store.folder, listBytes(streamTflite(graph)));
    const path = incoming;
    const { size } = statSync(path);
    runInTransaction(store, () => {
      record(size);
      renameSync(path, target);
    });
  } catch (error) {
    if (incoming !== null) rmSync(incoming, { force: true });
    throw translateSqliteError(error, store.path);
  }
}

function* listBytes(chunks: Iterable<FileChunk>): Generator<Uint8Array> {
  for (const { bytes } of chunks) yield bytes;
}

/** Deletes recipes that no model has any more; call it after models or runs were removed. */
export function removeUnusedRecipes(store: Store): void {
  runInTransaction(store, () =>
    store.statement("DELETE FROM recipe WHERE hash NOT IN (SELECT hash FROM model)").run(),
  );
}
