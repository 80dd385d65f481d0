import { readTelemetry } from "../device/hostTelemetry.ts";
import type { CoreSet, OpTime, Provenance, Runtime, Sample } from "../lab/contract.ts";
import { parseBenchmarkOutput, parseProfileCsv } from "./benchmarkOutput.ts";
import { type HostLibrary, type PassResult, runHostPass } from "./hostProcess.ts";
import { type CellPlan, type PassPlan, neededKept } from "./plan.ts";
import { listRawSamples } from "./samplesFile.ts";
import { type Judgement, type RawSample, chooseTolerance, judgeSamples, quantile } from "./speedState.ts";

/** What is to be measured and how. */
export interface CellRequest {
  modelPath: string;
  modelHash: string;
  /** Operator types of the entry subgraph in order: the join between profile rows and the graph. */
  opTypes: readonly string[];
  coreSet: CoreSet;
  runtime: Runtime;
  plan: CellPlan;
  canaryPath: string;
  /** The canary's time in the fast state, µs; 0 when it is not known. */
  canaryReferenceUs: number;
  library: HostLibrary;
  signal?: AbortSignal | undefined;
}

/** A measured cell before it is committed. */
export interface MeasuredCell {
  state: "done" | "noisy" | "failed";
  samples: Sample[];
  opTimes: OpTime[];
  provenance: Provenance;
  stderr: string;
  error: string | null;
  latencyMs: number | null;
  spreadMs: number | null;
  /** Canary times of both passes, µs, for the session's reference. */
  canaryUs: number[];
}

/** Measures one cell on this computer: end-to-end without hooks, then per op in a second process. */
export async function measureCell(request: CellRequest): Promise<MeasuredCell> {
  const startedAt = new Date().toISOString();
  const before = readTelemetry(request.coreSet.cpus);
  const first = await runPass(request, request.plan.endToEnd, false);
  const problem = describeFailure(first);
  const samples = first.samples ? listRawSamples(first.samples) : [];
  const provenance = describeProvenance(request, first, startedAt, before);
  if (problem || samples.length === 0) {
    return {
      ...emptyCell(provenance, first),
      error: problem ?? "the benchmark ended without a measured inference",
    };
  }
  const referenceUs = first.samples!.referenceUs;
  const threads = request.coreSet.cpus.length;
  const judgement = judgeCell(samples, referenceUs, threads, request.plan.endToEnd);
  const second = await runPass({ ...request, canaryReferenceUs: referenceUs }, request.plan.perOp, true);
  const after = readTelemetry(request.coreSet.cpus);
  const noise = judgement.noisy
    ? describeNoise(judgement, samples.length)
    : findDisagreement(second, judgement.us / 1000, request.plan.perOp);
  return {
    state: noise ? "noisy" : "done",
    samples: samples.map((sample, index) => describeSample(sample, judgement.kept[index]!)),
    opTimes: joinOpTimes(second, request.opTypes),
    provenance: {
      ...provenance,
      finishedAt: new Date().toISOString(),
      frequencyMhzAfter: after.frequencyMhz,
      loadAfter: after.load,
      temperatureCAfter: after.temperatureC,
      canaryReferenceMs: referenceUs / 1000,
    },
    stderr: first.stderr,
    error: noise,
    latencyMs: judgement.us / 1000,
    spreadMs: judgement.spreadUs / 1000,
    canaryUs: [...first.samples!.canaryUs, ...(second.samples?.canaryUs ?? [])],
  };
}

// The timing callback of a node costs up to this much; networks of many tiny ops add up to more than their whole.
const hookMs = 0.003;
const tolerableDisagreement = 0.1;

/**
 * Why the second pass does not belong to the first, or null: too few of its inferences were taken in the fast state, or its
 * op times do not add up to the end-to-end time. Op times of another state than their network's would teach a falsehood.
 */
export function findDisagreement(
  second: Pick<PassResult, "samples" | "profileCsv">,
  wholeMs: number,
  pass: PassPlan,
): string | null {
  if (!second.samples || !second.profileCsv) return null;
  const judgement = judgeCell(
    listRawSamples(second.samples),
    second.samples.referenceUs,
    second.samples.threads,
    pass,
  );
  if (judgement.noisy) return `of the second pass ${describeNoise(judgement, judgement.kept.length)}`;
  const { rows } = parseProfileCsv(second.profileCsv);
  return findSumDisagreement(
    rows.map((row) => row.averageMs),
    wholeMs,
  );
}

/** Why op times do not add up to the end-to-end time they should belong to, in words, or null. */
export function findSumDisagreement(rowsMs: readonly number[], wholeMs: number): string | null {
  const sumMs = rowsMs.reduce((sum, ms) => sum + ms, 0);
  const excess = Math.abs(sumMs - wholeMs) - hookMs * rowsMs.length;
  return rowsMs.length > 0 && excess > wholeMs * tolerableDisagreement
    ? `the op times add up to ${Math.round((sumMs / wholeMs) * 100)} % of the end-to-end time`
    : null;
}

/** The verdict on a cell's samples under a reference; the count needed follows the pass's deadline. */
export function judgeCell(
  samples: readonly RawSample[],
  referenceUs: number,
  threads: number,
  pass: PassPlan,
): Judgement {
  const typical = quantile(
    samples.map((sample) => sample.us),
    0.5,
  );
  return judgeSamples(samples, referenceUs, chooseTolerance(threads), neededKept(pass, typical));
}

/** Why a cell is noisy, in words. */
export function describeNoise(judgement: Judgement, total: number): string {
  return `only ${judgement.keptCount} of ${total} inferences were taken in the device's fast state`;
}

function runPass(request: CellRequest, plan: PassPlan, perOp: boolean): Promise<PassResult> {
  const { modelPath, coreSet, runtime, canaryPath, canaryReferenceUs, signal } = request;
  return runHostPass({
    modelPath,
    coreSet,
    runtime,
    plan,
    perOp,
    canaryPath,
    canaryReferenceUs,
    signal,
  });
}

function describeFailure(pass: PassResult): string | null {
  if (pass.timedOut) return "the benchmark did not end before its deadline and was stopped";
  if (pass.exitCode === 0) return null;
  const { errors } = parseBenchmarkOutput(pass.stdout, pass.stderr);
  if (errors.length > 0) return errors[0]!;
  return pass.killedBy
    ? `the benchmark was ended by ${pass.killedBy}: TFLite crashed on this model or memory ran out`
    : `the benchmark ended with exit code ${pass.exitCode}`;
}

function emptyCell(provenance: Provenance, pass: PassResult): MeasuredCell {
  return {
    state: "failed",
    samples: [],
    opTimes: [],
    provenance,
    stderr: pass.stderr,
    error: null,
    latencyMs: null,
    spreadMs: null,
    canaryUs: [],
  };
}

function describeProvenance(
  request: CellRequest,
  pass: PassResult,
  startedAt: string,
  before: ReturnType<typeof readTelemetry>,
): Provenance {
  const output = parseBenchmarkOutput(pass.stdout, pass.stderr);
  return {
    modelHash: request.modelHash,
    runtimeHash: request.library.hash ?? "",
    runtimeVersion: request.library.version ?? "",
    flags: pass.flags.map((flag) =>
      flag.replace(request.modelPath, "MODEL").replace(request.canaryPath, "CANARY"),
    ),
    coreMask: pass.pinned ? request.coreSet.mask : "not pinned",
    frequencyMhzBefore: before.frequencyMhz,
    frequencyMhzAfter: null,
    loadBefore: before.load,
    loadAfter: null,
    temperatureCBefore: before.temperatureC,
    temperatureCAfter: null,
    startedAt,
    finishedAt: new Date().toISOString(),
    canaryReferenceMs: null,
    peakMemoryBytes: output.peakMemoryBytes,
    initMs: output.initMs,
    firstInferenceMs: output.firstInferenceMs,
  };
}

/** A raw sample as it is kept. */
export function describeSample(sample: RawSample, kept: boolean): Sample {
  return {
    atMs: sample.atUs / 1000,
    ms: sample.us / 1000,
    canaryBeforeMs: sample.canaryBeforeUs === null ? null : sample.canaryBeforeUs / 1000,
    canaryAfterMs: sample.canaryAfterUs === null ? null : sample.canaryAfterUs / 1000,
    waitedMs: sample.waitedUs === null ? null : sample.waitedUs / 1000,
    kept,
  };
}

// A delegate's partition has a node index beyond the graph, or a type of its own: it stands for several ops and is not joined.
function joinOpTimes(pass: PassResult, opTypes: readonly string[]): OpTime[] {
  if (!pass.profileCsv || describeFailure(pass)) return [];
  return parseProfileCsv(pass.profileCsv).rows.flatMap((row) =>
    row.node !== null && opTypes[row.node] === row.type
      ? [{ op: row.node, type: row.type, ms: row.averageMs }]
      : [],
  );
}
