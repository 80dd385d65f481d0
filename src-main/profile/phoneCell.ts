import type { PhoneConnection } from "../device/phoneConnection.ts";
import type { PhoneTelemetry } from "../device/phoneTelemetry.ts";
import type { KernelTime, Provenance, Sample } from "../lab/contract.ts";
import type { CellResult } from "../store/runs.ts";
import { type Filled, failedCell } from "./bench.ts";
import { type BenchmarkOutput, parseBenchmarkOutput } from "./benchmarkOutput.ts";
import { type FlagList, listBenchmarkFlags } from "./benchmarkTool.ts";
import {
  describeNoise,
  describeSample,
  findDisagreement,
  findSumDisagreement,
  judgeCell,
} from "./cellMeasurement.ts";
import { type ClassifiedRows, classifyRows } from "./kernelTimes.ts";
import { type PhoneFailure, explainRejection, findFailure, isFull } from "./phoneFailure.ts";
import type { InstalledBinary } from "./phoneInstall.ts";
import { type Deadlines, type PassEnd, runPhonePass } from "./phonePass.ts";
import { type CellFiles, type ResultPaths, locateResults, readResults } from "./phoneResults.ts";
import type { PhoneTarget } from "./phoneTarget.ts";
import { findCoverage, findOtherRuntime, judgeAggregate } from "./phoneVerdict.ts";
import type { CellPlan } from "./plan.ts";
import { parseProfile } from "./profileTable.ts";
import { listRawSamples } from "./samplesFile.ts";

/** What is to be measured on a phone and how. */
export interface PhoneCellRequest {
  connection: PhoneConnection;
  tool: InstalledBinary;
  target: PhoneTarget;
  plan: CellPlan;
  /** The model on the phone, its file's hash and its operators' types in order. */
  graph: string;
  modelHash: string;
  opTypes: readonly string[];
  /** The canary on the phone and its time in the fast state, µs; for tools that run one beside the network. */
  canary: { graph: string; referenceUs: number } | null;
  owner: string;
  fixedPerformance: boolean;
  /** Time the phone was left to cool before. */
  cooledMs: number;
  deadlines?: Deadlines | undefined;
  signal: AbortSignal;
  /** Called as the cell's last process starts: the time to bring what comes next. */
  onLastPass: () => void;
}

/** What a cell on a phone gave. */
export interface PhoneCell extends Filled {
  /** Canary times of both passes, µs, for the session's reference. */
  canaryUs: number[];
  /** The phone's state after it; null where it was not asked. */
  after: PhoneTelemetry | null;
  /** The benchmark did not find the model. */
  modelMissing: boolean;
}

/**
 * Measures one cell on a phone in three round trips: end-to-end without profiling, per op in a process apart, then results and
 * the phone's state. Rejects with cancelled on abort and for faults of the lab; what goes wrong on the phone is in the result.
 */
export async function measurePhoneCell(request: PhoneCellRequest): Promise<PhoneCell> {
  return new CellWork(request).measure();
}

// A program that ran a moment ago and now does not start, or finds no room, met something that passes.
function isProfilersOwn(failure: PhoneFailure, { exitCode, stderr }: PassEnd): boolean {
  return failure.again === "no" && exitCode !== 126 && exitCode !== 127 && !isFull(stderr);
}

class CellWork {
  private readonly request: PhoneCellRequest;
  private readonly paths: ResultPaths;
  private readonly startedAt = new Date().toISOString();
  private whole: PassEnd | null = null;
  private perOp: PassEnd | null = null;
  private output: BenchmarkOutput | null = null;
  private files: CellFiles | null = null;
  private flags: readonly string[] = [];

  constructor(request: PhoneCellRequest) {
    this.request = request;
    this.paths = locateResults(request.owner);
  }

  async measure(): Promise<PhoneCell> {
    const { request } = this;
    const flags = this.listFlags(false);
    if (flags.problem) return this.fail({ error: flags.problem, again: "no" });
    const opFlags = this.listFlags(true);
    this.flags = flags.flags;
    if (opFlags.problem) request.onLastPass();
    this.whole = await this.run(flags, true);
    this.output = parseBenchmarkOutput(this.whole.stdout, this.whole.stderr, flags.flags);
    const failure = findFailure(this.whole, request.target.phoneMask);
    if (failure) return this.fail(this.nameGpu(failure));
    const other = findOtherRuntime(
      request.target.scenario.runtime,
      request.tool.capabilities.kind,
      this.output,
    );
    if (other) return this.fail({ error: other, again: "no" });
    if (!opFlags.problem) {
      request.onLastPass();
      this.perOp = await this.run(opFlags, false);
      // What may pass is tried again as a whole. A profiler that cannot cope with the network leaves its end-to-end time.
      const failure = findFailure(this.perOp, request.target.phoneMask);
      if (failure && !isProfilersOwn(failure, this.perOp))
        return this.fail(failure.again === "no" ? { ...failure, again: "later" } : failure);
    }
    try {
      this.files = await readResults(request.connection, this.paths, request.target.cpus, request.signal);
    } catch (error) {
      const failure = request.signal.aborted ? null : explainRejection(error);
      if (!failure) throw error;
      return this.fail(failure);
    }
    return this.judge(opFlags);
  }

  // Where the tool gives up because its GPU does, its first error is about a library: say what that means.
  private nameGpu(failure: PhoneFailure): PhoneFailure {
    if (this.request.target.scenario.runtime !== "gpu-cl" || this.whole?.exitCode !== 1) return failure;
    return findCoverage("gpu-cl", this.output!)?.coverage === "none"
      ? { ...failure, error: `the GPU took nothing of the network: ${failure.error}` }
      : failure;
  }

  private listFlags(perOp: boolean): FlagList {
    const { target, plan, graph, canary, tool } = this.request;
    return listBenchmarkFlags(
      {
        graph,
        threads: target.threads,
        runtime: target.scenario.runtime,
        precision: target.scenario.precision,
        plan: perOp ? plan.perOp : plan.endToEnd,
        perOp,
        profilePath: this.paths.profile,
        samplesPath: tool.capabilities.samples ? (perOp ? this.paths.opSamples : this.paths.samples) : null,
        canary: tool.capabilities.samples ? canary : null,
      },
      tool.capabilities,
    );
  }

  private run(flags: FlagList, first: boolean): Promise<PassEnd> {
    const { connection, tool, target, owner, plan, deadlines, signal } = this.request;
    return runPhonePass(connection, {
      program: tool.path,
      flags: flags.flags,
      mask: target.phoneMask,
      owner,
      plan: first ? plan.endToEnd : plan.perOp,
      stale: first ? Object.values(this.paths) : [],
      telemetryCpus: first ? target.cpus : undefined,
      deadlines,
      signal,
    });
  }

  private judge(opFlags: FlagList): PhoneCell {
    const { opTypes, target, tool, plan } = this.request;
    const profileText = this.findProfile(opFlags);
    const profile = profileText === null ? null : parseProfile(profileText);
    const rows: ClassifiedRows = profile ? classifyRows(profile, opTypes) : { opTimes: [], kernels: [] };
    // Rows that are lost or contradict each other would teach a falsehood; where there are none, the end-to-end time stands alone.
    const doubt = profile && profile.rows.length > 0 ? (profile.problems[0] ?? null) : null;
    const files = this.files!;
    if (tool.capabilities.samples) {
      const samples = files.samples ? listRawSamples(files.samples) : [];
      if (!files.samples || samples.length === 0)
        return this.fail({ error: "the benchmark left no samples on the phone", again: "later" });
      // Both passes know the reference: the lower of the two is nearer to the truth.
      const references = [files.samples.referenceUs, files.opSamples?.referenceUs ?? 0].filter(
        (us) => us > 0,
      );
      const referenceUs = references.length > 0 ? Math.min(...references) : 0;
      const judgement = judgeCell(samples, referenceUs, target.threads, plan.endToEnd);
      const noise = judgement.noisy
        ? describeNoise(judgement, samples.length)
        : doubt || target.scenario.runtime === "gpu-cl"
          ? doubt
          : findDisagreement(
              { samples: files.opSamples, profileCsv: profileText },
              judgement.us / 1000,
              plan.perOp,
            );
      return this.finish(rows, noise, {
        samples: samples.map((sample, index) => describeSample(sample, judgement.kept[index]!)),
        latencyMs: judgement.us / 1000,
        spreadMs: judgement.spreadUs / 1000,
        canaryReferenceMs: referenceUs > 0 ? referenceUs / 1000 : null,
      });
    }
    const verdict = judgeAggregate(this.output!);
    if (!verdict)
      return this.fail({
        error: this.output!.problems[0] ?? "the benchmark ended without telling a time",
        again: "no",
      });
    // Profiling a GPU changes what it does, so its rows are shares rather than a sum.
    const times = [...rows.opTimes, ...rows.kernels].map(({ ms }) => ms);
    const noise =
      verdict.noise ??
      doubt ??
      (target.scenario.runtime === "gpu-cl"
        ? null
        : findSumDisagreement(times, this.output!.averageMs ?? verdict.latencyMs));
    return this.finish(rows, noise, {
      samples: [],
      latencyMs: verdict.latencyMs,
      spreadMs: verdict.spreadMs,
      canaryReferenceMs: null,
      counted: { kept: verdict.count, total: verdict.count },
    });
  }

  // A program that cannot write its report where it was asked to prints it instead.
  private findProfile(opFlags: FlagList): string | null {
    if (!this.perOp || this.perOp.exitCode !== 0) return null;
    return (opFlags.profileInFile ? this.files!.profile : null) ?? this.perOp.stdout;
  }

  private finish(
    rows: ClassifiedRows,
    noise: string | null,
    found: {
      samples: Sample[];
      latencyMs: number;
      spreadMs: number;
      canaryReferenceMs: number | null;
      counted?: { kept: number; total: number };
    },
  ): PhoneCell {
    const { canaryReferenceMs, ...measured } = found;
    const result: CellResult = {
      state: noise ? "noisy" : "done",
      ...measured,
      opTimes: rows.opTimes,
      provenance: this.describe(rows.kernels, canaryReferenceMs),
      stderr: this.joinStderr(),
      error: noise,
    };
    const { samples, opSamples, after } = this.files!;
    const canaryUs = [...(samples?.canaryUs ?? []), ...(opSamples?.canaryUs ?? [])];
    return { result, again: "no", canaryUs, after, modelMissing: false };
  }

  private fail({ error, again }: PhoneFailure): PhoneCell {
    const result = failedCell(error, this.joinStderr());
    if (this.whole) result.provenance = this.describe([], null);
    return {
      result,
      again,
      canaryUs: [],
      after: this.files?.after ?? null,
      modelMissing:
        again === "no" &&
        /Could not open|Failed to (?:mmap|load) model|model allocation/i.test(this.whole?.stderr ?? ""),
    };
  }

  private joinStderr(): string {
    const whole = this.whole?.stderr ?? "";
    const perOp = this.perOp;
    if (!perOp || (perOp.stderr.trim() === "" && perOp.exitCode === 0)) return whole;
    const end = perOp.exitCode === 0 ? "" : ` (exit code ${perOp.exitCode ?? "unknown"})`;
    return `${whole}${whole === "" || whole.endsWith("\n") ? "" : "\n"}--- timing each op${end}\n${perOp.stderr}`;
  }

  private describe(kernels: KernelTime[], canaryReferenceMs: number | null): Provenance {
    const { request, files } = this;
    const { tool, target } = request;
    const output = this.output!;
    const { before, readBackMask } = this.whole!;
    const after = files?.after ?? null;
    const told = files?.samples?.runtimeVersion;
    const perOpOutput = this.perOp ? parseBenchmarkOutput(this.perOp.stdout, "") : null;
    const own = [request.graph, request.canary?.graph ?? null, ...Object.values(this.paths)];
    return {
      modelHash: request.modelHash,
      runtimeHash: tool.hash,
      runtimeVersion: told ? `${told}, ${tool.version}` : tool.version,
      flags: this.flags
        .map((flag) => flag.replace(own[0]!, "MODEL").replace(own[1] ?? own[0]!, "CANARY"))
        .filter((flag) => !own.slice(2).some((path) => flag.endsWith(`=${path}`))),
      coreMask: target.mask,
      frequencyMhzBefore: before?.frequencyMhz ?? null,
      frequencyMhzAfter: after?.frequencyMhz ?? null,
      loadBefore: before?.load ?? null,
      loadAfter: after?.load ?? null,
      temperatureCBefore: before?.temperatureC ?? null,
      temperatureCAfter: after?.temperatureC ?? null,
      startedAt: this.startedAt,
      finishedAt: new Date().toISOString(),
      canaryReferenceMs,
      peakMemoryBytes: output.peakMemoryBytes ?? perOpOutput?.peakMemoryBytes ?? null,
      initMs: output.initMs,
      firstInferenceMs: output.firstInferenceMs,
      aggregate: tool.capabilities.samples ? null : output.measured,
      delegate: findCoverage(target.scenario.runtime, output),
      kernels,
      readBackMask,
      binaryAbi: tool.abi,
      fixedPerformance: request.fixedPerformance,
      thermalStatusBefore: before?.thermalStatus ?? null,
      thermalStatusAfter: after?.thermalStatus ?? null,
      cooledMs: Math.round(request.cooledMs),
    };
  }
}
