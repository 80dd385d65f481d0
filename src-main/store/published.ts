/**
 * Published measurements in the lab: a phone's cells are in one run of its own, one cell a network and scenario. Everything here is written
 * inside a transaction of the caller's, and writing the same again changes nothing.
 */
import { gzipSync, gunzipSync } from "node:zlib";
import { createHash } from "node:crypto";
import type { KernelTime, OpTime, Provenance, PublishedOrigin, PublishedPlace } from "../lab/contract.ts";
import { parseProvenance } from "./attempts.ts";
import { readConsistently, type Store } from "./database.ts";
import { encodeOpTimes } from "./opTimeBlob.ts";
import { encodeSamples } from "./sampleBlob.ts";
import { ensureScenario } from "./scenarios.ts";
import { DamagedValue } from "./sqliteError.ts";

/** How the data set is called. */
export const publishedDataSet = "mobile-ml-benchmark";

/** A network that has no graph: known by its measurements only. */
export interface NamedNetwork {
  name: string;
  family: string;
  /** As published; null where not told. */
  flops: number | null;
  bytes: number | null;
  /** Its published op rows; null where the file has none. */
  ops: number | null;
}

/** A model's row, for cells. */
export interface PublishedModel {
  id: number;
  name: string;
  hash: string;
}

/** The row of a model of the library; throws when there is none. */
export function findModelRow(store: Store, name: string): PublishedModel {
  const row = store.statement<PublishedModel>("SELECT id, name, hash FROM model WHERE name = ?").get(name);
  if (!row) throw new Error(`there is no model ${name}`);
  return row;
}

/**
 * Puts a network without a graph into the library under its name, or, when another model has that, under the first of `names` that is free or
 * its own; what was not told before is filled in.
 */
export function addNamedNetwork(
  store: Store,
  network: NamedNetwork,
  names: readonly string[],
): PublishedModel {
  const find = store.statement<{ kind: string; family: string }>(
    "SELECT kind, family FROM model WHERE name = ?",
  );
  const name = [network.name, ...names].find((candidate) => {
    const holder = find.get(candidate);
    return !holder || (holder.kind === "published" && holder.family === network.family);
  });
  if (name === undefined) throw new Error(`no name is left for the published network ${network.name}`);
  const { family, flops, bytes, ops } = network;
  const hash = createHash("sha256").update(`${publishedDataSet}\n${family}\n${network.name}`).digest("hex");
  store
    .statement(
      `INSERT INTO model (name, hash, family, kind, ops, flops, params, bytes, added_at)
       VALUES (@name, @hash, @family, 'published', coalesce(@ops, 0), coalesce(@flops, 0), 0, coalesce(@bytes, 0), @at)
       ON CONFLICT (name) DO UPDATE SET removed_at = NULL, ops = coalesce(@ops, ops),
         flops = coalesce(@flops, flops), bytes = coalesce(@bytes, bytes)`,
    )
    .run({ name, hash, family, flops, bytes, ops, at: new Date().toISOString() });
  return findModelRow(store, name);
}

/** The run that holds a published phone's cells, created when there is none. */
export function ensurePublishedRun(store: Store, device: string, deviceName: string): number {
  const known = store
    .statement<{ run: number }>("SELECT run_id AS run FROM published_run WHERE device = ?")
    .get(device);
  if (known) return known.run;
  const at = new Date().toISOString();
  const run = Number(
    store
      .statement(
        `INSERT INTO run (device, device_name, state, thoroughness, seed, repetitions, models, cells, owner_pid,
           owner_identity, created_at, finished_at) VALUES (?, ?, 'done', 'standard', 0, 1, 0, 0, 0, 'published', ?, ?)`,
      )
      .run(device, deviceName, at, at).lastInsertRowid,
  );
  store.statement("INSERT INTO published_run (device, run_id) VALUES (?, ?)").run(device, run);
  return run;
}

/** The row id of a scenario that a published run has cells on. */
export function ensurePublishedScenario(store: Store, run: number, scenario: string): number {
  const id = ensureScenario(store, scenario);
  store
    .statement(
      `INSERT INTO run_scenario (run_id, position, scenario_id)
       SELECT @run, (SELECT count(*) FROM run_scenario WHERE run_id = @run), @id
       WHERE NOT EXISTS (SELECT 1 FROM run_scenario WHERE run_id = @run AND scenario_id = @id)`,
    )
    .run({ run, id });
  return id;
}

/** What a file says of one network on one scenario: its latency, or its op times with the kernels that ran. */
export interface PublishedFinding {
  place: PublishedPlace;
  latency: { meanMs: number; stdMs: number | null } | null;
  ops: { times: OpTime[]; kernels: KernelTime[] } | null;
}

/** Half the interquartile range of a normal distribution with standard deviation 1. */
const halfRange = 0.6745;

/**
 * Puts a finding into the cell of a network and scenario. What the cell lacks is filled in; what it has already stays; what another file
 * said otherwise before becomes an earlier attempt. Tells whether anything was written.
 */
export function putPublishedCell(
  store: Store,
  { run, scenario, model }: { run: number; scenario: number; model: PublishedModel },
  finding: PublishedFinding,
): boolean {
  const known = store.statement<KnownCell>(selectKnown).get(run, model.id, scenario);
  const before = known && readKnown(known);
  const opTimes = finding.ops && Buffer.from(encodeOpTimes(finding.ops.times));
  if (before && isSaid(before, finding, opTimes)) return false;
  const contradicts =
    before &&
    ((finding.latency && before.origin.meanMs !== null && !hasLatency(before, finding)) ||
      (finding.ops && before.origin.ops && !hasOps(before, finding, opTimes)));
  const origin: PublishedOrigin = {
    dataSet: publishedDataSet,
    latency: finding.latency ? finding.place : (before?.origin.latency ?? null),
    ops: finding.ops ? finding.place : (before?.origin.ops ?? null),
    meanMs: finding.latency ? finding.latency.meanMs : (before?.origin.meanMs ?? null),
    stdMs: finding.latency ? finding.latency.stdMs : (before?.origin.stdMs ?? null),
  };
  const row: AttemptRow = {
    cell: known?.cell ?? addCell(store, run, model.id, scenario),
    number: before ? known!.number + (contradicts ? 1 : 0) : 1,
    latencyMs: origin.meanMs,
    spreadMs: origin.stdMs === null ? null : origin.stdMs * halfRange,
    opRows: finding.ops ? finding.ops.times.length : (known?.opRows ?? 0),
    provenance: describeOrigin(model, origin, finding.ops?.kernels ?? before?.kernels ?? []),
    opTimes: opTimes ?? known?.opTimes ?? noOpTimes,
  };
  if (before && !contradicts) completeAttempt(store, row);
  else insertAttempt(store, row);
  return true;
}

interface KnownCell {
  cell: number;
  number: number;
  opRows: number;
  provenance: string;
  opTimes: Buffer;
}

const selectKnown = `SELECT c.id AS cell, a.number, a.op_rows AS opRows, d.provenance, d.op_times AS opTimes
  FROM cell c JOIN attempt a ON a.cell_id = c.id AND a.number = c.kept_attempt
  JOIN attempt_data d ON d.cell_id = a.cell_id AND d.number = a.number
  WHERE c.run_id = ? AND c.model_id = ? AND c.scenario_id = ? AND c.repetition = 0`;

interface KnownFinding {
  origin: PublishedOrigin;
  kernels: KernelTime[];
  opTimes: Buffer;
}

function readKnown(known: KnownCell): KnownFinding {
  const provenance = parseProvenance(known.provenance);
  if (!provenance?.published)
    throw new DamagedValue(`cell ${known.cell} does not tell where it was published`);
  return { origin: provenance.published, kernels: provenance.kernels ?? [], opTimes: known.opTimes };
}

function isSaid(before: KnownFinding, finding: PublishedFinding, opTimes: Buffer | null): boolean {
  return (
    (!finding.latency || hasLatency(before, finding)) && (!finding.ops || hasOps(before, finding, opTimes))
  );
}

function hasLatency({ origin }: KnownFinding, { latency }: PublishedFinding): boolean {
  return origin.meanMs === latency?.meanMs && origin.stdMs === latency?.stdMs;
}

function hasOps(before: KnownFinding, { ops }: PublishedFinding, opTimes: Buffer | null): boolean {
  return (
    before.origin.ops !== null &&
    before.opTimes.equals(opTimes!) &&
    JSON.stringify(before.kernels) === JSON.stringify(ops!.kernels)
  );
}

function addCell(store: Store, run: number, model: number, scenario: number): number {
  const isNewModel = !store
    .statement("SELECT 1 FROM cell WHERE run_id = ? AND model_id = ? LIMIT 1")
    .get(run, model);
  const { lastInsertRowid } = store
    .statement(
      `INSERT INTO cell (run_id, model_id, scenario_id, repetition, position, state, attempts)
       SELECT @run, @model, @scenario, 0,
         (SELECT coalesce(max(position), -1) + 1 FROM cell WHERE run_id = @run), 'done', 0`,
    )
    .run({ run, model, scenario });
  store
    .statement("UPDATE run SET cells = cells + 1, models = models + ? WHERE id = ?")
    .run(isNewModel ? 1 : 0, run);
  return Number(lastInsertRowid);
}

interface AttemptRow {
  cell: number;
  number: number;
  latencyMs: number | null;
  spreadMs: number | null;
  opRows: number;
  provenance: string;
  opTimes: Buffer;
}

const noOpTimes = Buffer.from(encodeOpTimes([]));
const noSamples = Buffer.from(encodeSamples([]));

function insertAttempt(store: Store, row: AttemptRow): void {
  store
    .statement(
      `INSERT INTO attempt (cell_id, number, state, latency_ms, spread_ms, kept, total, op_rows, committed_at)
       VALUES (@cell, @number, 'done', @latencyMs, @spreadMs, 0, 0, @opRows, @at)`,
    )
    .run({ ...row, at: new Date().toISOString() });
  store
    .statement(
      `INSERT INTO attempt_data (cell_id, number, provenance, stderr, op_times, samples)
       VALUES (@cell, @number, @provenance, '', @opTimes, @noSamples)`,
    )
    .run({ ...row, noSamples });
  store
    .statement("UPDATE cell SET attempts = @number, kept_attempt = @number WHERE id = @cell")
    .run({ cell: row.cell, number: row.number });
}

function completeAttempt(store: Store, row: AttemptRow): void {
  store
    .statement(
      `UPDATE attempt SET latency_ms = @latencyMs, spread_ms = @spreadMs, op_rows = @opRows
       WHERE cell_id = @cell AND number = @number`,
    )
    .run(row);
  store
    .statement(
      `UPDATE attempt_data SET provenance = @provenance, op_times = @opTimes
       WHERE cell_id = @cell AND number = @number`,
    )
    .run(row);
}

function describeOrigin({ hash }: PublishedModel, published: PublishedOrigin, kernels: KernelTime[]): string {
  const provenance: Provenance = {
    modelHash: hash,
    runtimeHash: "",
    runtimeVersion: "",
    flags: [],
    coreMask: "",
    frequencyMhzBefore: null,
    frequencyMhzAfter: null,
    loadBefore: null,
    loadAfter: null,
    temperatureCBefore: null,
    temperatureCAfter: null,
    startedAt: "",
    finishedAt: "",
    canaryReferenceMs: null,
    peakMemoryBytes: null,
    initMs: null,
    firstInferenceMs: null,
    ...(kernels.length > 0 ? { kernels } : {}),
    published,
  };
  return JSON.stringify(provenance);
}

/** One op row of a network as published. */
export interface PublishedOpRow {
  operation: string;
  features: Readonly<Record<string, unknown>>;
}

/** Which per-op file rows are from: its framework and what its operations ran on. */
export interface PublishedOpsKind {
  framework: string;
  target: string;
}

/** Keeps a network's op rows as published, in place of earlier ones of the kind. */
export function putPublishedOps(
  store: Store,
  model: number,
  { framework, target }: PublishedOpsKind,
  rows: readonly PublishedOpRow[],
): void {
  store
    .statement("INSERT OR REPLACE INTO published_ops (model_id, framework, target, rows) VALUES (?, ?, ?, ?)")
    .run(model, framework, target, gzipSync(JSON.stringify(rows), { level: 1 }));
}

/** A network's op rows as published, in order; empty when there are none. Measured kernels name their `rows` by place in this list. */
export function readPublishedOpRows(store: Store, model: string, kind: PublishedOpsKind): PublishedOpRow[] {
  return readConsistently(store, () => {
    const row = store
      .statement<{ rows: Uint8Array }>(
        `SELECT o.rows FROM published_ops o JOIN model m ON m.id = o.model_id
         WHERE m.name = ? AND o.framework = ? AND o.target = ?`,
      )
      .get(model, kind.framework, kind.target);
    if (!row) return [];
    try {
      return JSON.parse(gunzipSync(row.rows).toString()) as PublishedOpRow[];
    } catch {
      throw new DamagedValue(`the published op rows of ${model} cannot be read`);
    }
  });
}
