import { createHash } from "node:crypto";
import { renameSync, rmSync } from "node:fs";
import { badRequest, modelExists } from "../lab/errors.ts";
import type { ModelFilter, ModelSummary, Precision } from "../lab/contract.ts";
import { readConsistently, runInTransaction, type Store } from "./database.ts";
import { hasModelFile, locateModelFile, writeIncomingFile } from "./modelFiles.ts";
import { translateSqliteError } from "./sqliteError.ts";

/** A network to put into the library, with the bytes of its .tflite file. */
export interface NewModel {
  name: string;
  family: string;
  kind: ModelSummary["kind"];
  bytes: Uint8Array;
  ops: number;
  flops: number;
  params: number;
}

/**
 * Path of the .tflite file that is measured for a model's hash at a precision; it is there for every model that was given as a
 * file, for a recipe and for the int8 form once `placeModelFile` has placed it.
 */
export function modelFilePath(store: Store, hash: string, precision: Precision = "float32"): string {
  return locateModelFile(store.folder, hash, precision);
}

/**
 * Puts a model and its file into the library; a name that holds the same file already is left as it is. A removed model comes
 * back. Rejects with model-exists when the name holds another file, also when that one was measured and then removed: a name
 * in a run must go on meaning one network.
 */
export function addModel(store: Store, model: NewModel): ModelSummary {
  checkName(model.name);
  const hash = createHash("sha256").update(model.bytes).digest("hex");
  const known = findKnown(store, model.name);
  if (known && known.hash !== hash) throw modelExists(model.name);
  if (known && known.removedAt === null && hasModelFile(store.folder, hash, model.bytes.length))
    return findModel(store, model.name)!;
  const target = locateModelFile(store.folder, hash);
  let incoming: string | null = null;
  try {
    incoming = writeIncomingFile(store.folder, [model.bytes]);
    const path = incoming;
    return runInTransaction(store, () => {
      insertModel(store, model, hash);
      // Under the write lock, so that no other process removes the file between rename and commit.
      renameSync(path, target);
      return findModel(store, model.name)!;
    });
  } catch (error) {
    if (incoming !== null) rmSync(incoming, { force: true });
    throw translateSqliteError(error, store.path);
  }
}

/** The models of the library that pass the filter, in the order they were added. */
export function listModels(store: Store, filter: ModelFilter = {}): ModelSummary[] {
  return readConsistently(store, () => {
    const rows = store.statement<ModelRow>(`${selectModel} WHERE m.removed_at IS NULL ORDER BY m.id`).all();
    const measuredOn = new Map<number, string[]>();
    for (const { model, scenario } of store.statement<MeasuredRow>(nameMeasured(measuredCells)).iterate()) {
      const names = measuredOn.get(model);
      if (names) names.push(scenario);
      else measuredOn.set(model, [scenario]);
    }
    return rows
      .filter((row) => passesFilter(row, filter))
      .map((row) => summarize(row, measuredOn.get(row.id) ?? []));
  });
}

/** Whether a model is one of those a list was asked for. */
export function passesFilter(
  model: Pick<ModelSummary, "name" | "family" | "kind">,
  filter: ModelFilter,
): boolean {
  const text = filter.text?.trim().toLowerCase() ?? "";
  return (
    (filter.family === undefined || model.family === filter.family) &&
    (filter.kind === undefined || model.kind === filter.kind) &&
    (model.name.toLowerCase().includes(text) || model.family.toLowerCase().includes(text))
  );
}

/** The model of that name in the library, or null. */
export function findModel(store: Store, name: string): ModelSummary | null {
  return readConsistently(store, () => {
    const row = store
      .statement<ModelRow>(`${selectModel} WHERE m.removed_at IS NULL AND m.name = ?`)
      .get(name);
    if (!row) return null;
    const measured = store
      .statement<MeasuredRow>(nameMeasured(`${measuredCells} AND c.model_id = ?`))
      .all(row.id);
    return summarize(
      row,
      measured.map(({ scenario }) => scenario),
    );
  });
}

/**
 * Frees a name for the network of `hash`: a model that holds it for another network goes on, with all its measurements, under
 * the name and the beginning of its own hash (`resnet18@1a2b3c4d5e6f`). A network set aside earlier gets its name back.
 */
export function setModelAside(store: Store, name: string, hash: string): void {
  runInTransaction(store, () => {
    const known = findKnown(store, name);
    if (!known || known.hash === hash) return;
    const rename = store.statement("UPDATE model SET name = ? WHERE name = ?");
    rename.run(nameAside(name, known.hash), name);
    if (findKnown(store, nameAside(name, hash))?.hash === hash) rename.run(name, nameAside(name, hash));
  });
}

function nameAside(name: string, hash: string): string {
  return `${name}@${hash.slice(0, 12)}`;
}

/**
 * Takes models out of the library and returns how many were in it. One that a run refers to is only hidden: its row, its file
 * and its measurements stay.
 */
export function removeModels(store: Store, names: string[]): number {
  const { removed, hashes } = runInTransaction(store, () => {
    const hide = store.statement("UPDATE model SET removed_at = ? WHERE name = ? AND removed_at IS NULL");
    const at = new Date().toISOString();
    let count = 0;
    for (const name of names) count += hide.run(at, name).changes;
    return { removed: count, hashes: deleteHiddenModels(store) };
  });
  removeUnusedFiles(store, hashes);
  return removed;
}

/** Deletes the hidden models no run refers to any more; gives the hashes of their files, for `removeUnusedFiles` after the commit. */
export function deleteHiddenModels(store: Store): string[] {
  return store
    .statement<{ hash: string }>(
      `DELETE FROM model WHERE removed_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM cell c WHERE c.model_id = model.id) RETURNING hash`,
    )
    .all()
    .map(({ hash }) => hash);
}

/** Deletes the files of those hashes that no model has; never before the commit that made them unused. */
export function removeUnusedFiles(store: Store, hashes: readonly string[]): void {
  if (hashes.length === 0) return;
  // Under the write lock, so that no other process adds the same file meanwhile.
  runInTransaction(store, () => {
    const used = store.statement("SELECT 1 FROM model WHERE hash = ?");
    for (const hash of hashes)
      if (!used.get(hash))
        for (const precision of ["float32", "int8"] as const)
          rmSync(locateModelFile(store.folder, hash, precision), { force: true });
  });
}

interface ModelRow extends Omit<ModelSummary, "measuredOn"> {
  id: number;
}

interface MeasuredRow {
  model: number;
  scenario: string;
}

const selectModel = `SELECT m.id, m.name, m.family, m.kind, m.ops, m.flops, m.params, m.bytes, m.hash,
  m.added_at AS addedAt FROM model m`;

// Reads the index alone: the state of a cell tells, but for one that is being tried again.
const measuredCells = `SELECT DISTINCT c.model_id AS model, c.scenario_id AS scenario FROM cell c
  WHERE (c.state IN ('done', 'noisy') OR c.state = 'running' AND EXISTS (
    SELECT 1 FROM cell r JOIN attempt a ON a.cell_id = r.id AND a.number = r.kept_attempt
    WHERE r.id = c.id AND a.state <> 'failed'))`;

function nameMeasured(cells: string): string {
  return `SELECT d.model, s.name AS scenario FROM (${cells}) d JOIN scenario s ON s.id = d.scenario ORDER BY 1, 2`;
}

function summarize({ id: _, ...row }: ModelRow, measuredOn: string[]): ModelSummary {
  return { ...row, measuredOn };
}

interface KnownModel {
  hash: string;
  removedAt: string | null;
}

function findKnown(store: Store, name: string): KnownModel | undefined {
  return readConsistently(store, () =>
    store.statement<KnownModel>("SELECT hash, removed_at AS removedAt FROM model WHERE name = ?").get(name),
  );
}

function insertModel(store: Store, model: NewModel, hash: string): void {
  const known = findKnown(store, model.name);
  if (known && known.hash !== hash) throw modelExists(model.name);
  if (known) {
    store.statement("UPDATE model SET removed_at = NULL WHERE name = ?").run(model.name);
    return;
  }
  store
    .statement(
      `INSERT INTO model (name, hash, family, kind, ops, flops, params, bytes, added_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      model.name,
      hash,
      model.family,
      model.kind,
      model.ops,
      model.flops,
      model.params,
      model.bytes.length,
      new Date().toISOString(),
    );
}

function checkName(name: string): void {
  if (name.trim() === "" || /\p{Cc}/u.test(name))
    throw badRequest(
      `${JSON.stringify(name)} cannot be a model's name`,
      "Give the model a name of visible characters.",
    );
}
