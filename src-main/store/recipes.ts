/**
 * Sampled networks are kept as recipes: the graph with seeds in the place of weights, a few kilobytes instead of the tens of
 * megabytes it is written as. The .tflite file follows from it, byte by byte, and is written when something is to run it.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { labCorrupt, modelExists } from "../lab/errors.ts";
import type { Graph } from "../model/graph.ts";
import { writeTflite } from "../model/tfliteWriter.ts";
import { runInTransaction, type Store } from "./database.ts";
import { locateModelFile, writeIncomingFile } from "./modelFiles.ts";
import { translateSqliteError } from "./sqliteError.ts";

/** A network whose weights are all seeds. */
export interface NewRecipe {
  name: string;
  family: string;
  graph: Graph;
  ops: number;
  flops: number;
  params: number;
  /** Size of the file it would be written as. */
  bytes: number;
}

function recipeFolder(store: Store): string {
  return join(store.folder, "recipes");
}

function locateRecipe(store: Store, hash: string): string {
  return join(recipeFolder(store), `${hash}.json.gz`);
}

/**
 * Puts networks into the library, all or none; those that are in it already stay as they are. Their hash is that of the
 * recipe. Rejects with model-exists when a name holds another network.
 */
export function addRecipes(store: Store, recipes: readonly NewRecipe[]): void {
  const written: string[] = [];
  try {
    mkdirSync(recipeFolder(store), { recursive: true });
    runInTransaction(store, () => {
      const find = store.statement<{ hash: string }>("SELECT hash FROM model WHERE name = ?");
      const restore = store.statement("UPDATE model SET removed_at = NULL WHERE name = ?");
      const insert = store.statement(
        `INSERT INTO model (name, hash, family, kind, ops, flops, params, bytes, added_at)
         VALUES (?, ?, ?, 'sampled', ?, ?, ?, ?, ?)`,
      );
      const at = new Date().toISOString();
      for (const { name, family, graph, ops, flops, params, bytes } of recipes) {
        const text = describeRecipe(graph);
        const hash = createHash("sha256").update(text).digest("hex");
        const known = find.get(name);
        if (known && known.hash !== hash) throw modelExists(name);
        const path = locateRecipe(store, hash);
        if (!existsSync(path)) {
          writeDurably(path, gzipSync(text, { level: 3 }));
          written.push(path);
        }
        if (known) restore.run(name);
        else insert.run(name, hash, family, ops, flops, params, bytes, at);
      }
    });
  } catch (error) {
    for (const path of written) rmSync(path, { force: true });
    throw translateSqliteError(error, store.path);
  }
}

function describeRecipe(graph: Graph): string {
  const stored = graph.subgraphs.some((subgraph) =>
    subgraph.tensors.some((tensor) => tensor.data?.kind === "bytes"),
  );
  if (stored || graph.metadata.length > 0) throw new Error(`${graph.name} holds bytes and has no recipe`);
  return JSON.stringify(graph);
}

// A recipe is there in full before the library names it, also after a power cut.
function writeDurably(path: string, bytes: Uint8Array): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, bytes);
  const file = openSync(draft, "r+");
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path);
}

/** The graph of a recipe, or null when the hash is that of a file somebody gave; rejects with lab-corrupt when damaged. */
export function readRecipe(store: Store, hash: string): Graph | null {
  const path = locateRecipe(store, hash);
  if (!existsSync(path)) return null;
  try {
    const text = gunzipSync(readFileSync(path)).toString();
    if (createHash("sha256").update(text).digest("hex") !== hash) throw new Error("its checksum is wrong");
    return JSON.parse(text) as Graph;
  } catch (error) {
    throw labCorrupt(path, (error as Error).message);
  }
}

/** Writes the .tflite file of a recipe when it is not there; tells whether it wrote. Files somebody gave are there anyway. */
export function placeModelFile(store: Store, hash: string): boolean {
  const target = locateModelFile(store.folder, hash);
  if (existsSync(target)) return false;
  const graph = readRecipe(store, hash);
  if (!graph) return false;
  let incoming: string | null = null;
  try {
    const bytes = writeTflite(graph);
    incoming = writeIncomingFile(store.folder, bytes);
    const path = incoming;
    runInTransaction(store, () => {
      store.statement("UPDATE model SET bytes = ? WHERE hash = ?").run(bytes.length, hash);
      renameSync(path, target);
    });
    return true;
  } catch (error) {
    if (incoming !== null) rmSync(incoming, { force: true });
    throw translateSqliteError(error, store.path);
  }
}

/** Deletes recipes that no model has any more; call it after models or runs were removed. */
export function removeUnusedRecipes(store: Store): void {
  if (!existsSync(recipeFolder(store))) return;
  // Under the write lock, so that no other process adds the same recipe meanwhile.
  runInTransaction(store, () => {
    const hashes = store.statement<{ hash: string }>("SELECT DISTINCT hash FROM model").all();
    const used = new Set(hashes.map(({ hash }) => `${hash}.json.gz`));
    for (const file of readdirSync(recipeFolder(store)))
      if (!used.has(file)) rmSync(join(recipeFolder(store), file), { force: true });
  });
}
