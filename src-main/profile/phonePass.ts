import { randomBytes } from "node:crypto";
import { parseAllowedMask } from "../device/affinity.ts";
import type { PhoneConnection } from "../device/phoneConnection.ts";
import { type PhoneTelemetry, parseTelemetry, telemetryCommand } from "../device/phoneTelemetry.ts";
import { quote } from "../device/quote.ts";
import { LabError } from "../lab/errors.ts";
import { BenchmarkProgress } from "./benchmarkProgress.ts";
import { endBenchmark, endBenchmarkIfReachable, noteProcess, pidFolder } from "./phoneOrphans.ts";
import type { PassPlan } from "./plan.ts";

/** How long a benchmark may take before it counts as hanging. */
export interface Deadlines {
  /** From its start to the first measured run: loading, a GPU's compilers, the warm-up. */
  startMs: (plan: PassPlan) => number;
  /** From the first measured run to the end; `inferenceMs` is a warm-up run's time where it was told. */
  measureMs: (plan: PassPlan, inferenceMs: number | null) => number;
}

/** Generous to the start, which differs from phone to phone; strict once it is known how long things take. */
export const usualDeadlines: Deadlines = {
  startMs: (plan) => 60_000 + plan.maxSecs * 2000,
  measureMs: (plan, inferenceMs) => plan.maxSecs * 1500 + 5 * (inferenceMs ?? 0) + 10_000,
};

/** One process of a benchmark program on a phone. */
export interface PhonePass {
  /** The program's path on the phone, and its flags. */
  program: string;
  flags: readonly string[];
  /** Affinity mask as the phone's taskset takes it. */
  mask: string;
  /** Whose benchmark it is; see `nameOwner`. */
  owner: string;
  plan: PassPlan;
  /** Files of an earlier pass that must not be taken for this one's. */
  stale: readonly string[];
  /** Cores whose frequency is read before it starts; no telemetry is taken when absent. */
  telemetryCpus?: readonly number[] | undefined;
  deadlines?: Deadlines | undefined;
  signal: AbortSignal;
}

/** How a process on the phone ended. */
export interface PassEnd {
  /** The phone's state before it started, null when it was not asked. */
  before: PhoneTelemetry | null;
  pid: number | null;
  /** The affinity the process itself had, hexadecimal; null where the phone does not tell. */
  readBackMask: string | null;
  /** Null when it was lost with its phone. */
  exitCode: number | null;
  /** It was ended because it took too long, and this is what it was at. */
  overdue: "starting" | "measuring" | null;
  /** The connection ended under it. */
  lost: LabError | null;
  /** What it printed as far as it came. */
  stdout: string;
  stderr: string;
}

const limitBytes = 4_000_000;
// A benchmark that was killed is gone within this, or its phone is.
const endedWithinMs = 10_000;

/**
 * Runs a benchmark pinned to its cores as the very process that the phone's adb daemon started, so that it ends with the
 * connection. Whatever becomes of it, it is no longer running when this returns or rejects, as far as the phone can be reached.
 * Rejects with cancelled on abort and with phone-refused when the phone starts nothing.
 */
export async function runPhonePass(connection: PhoneConnection, pass: PhonePass): Promise<PassEnd> {
  // New each time, so that nothing that a benchmark prints can be taken for a line of ours.
  const mark = `@@${randomBytes(8).toString("hex")}`;
  const watch = new PassWatch(connection, pass, mark);
  try {
    const result = await connection.run(composeLine(pass, mark), {
      signal: watch.signal,
      limitBytes,
      onStdout: (text) => watch.readStdout(text),
      onStderr: (text) => watch.readStderr(text),
    });
    return watch.finish(result.exitCode, null);
  } catch (error) {
    const lost = error instanceof LabError && error.code === "phone-lost" ? error : null;
    if (!lost) await endBenchmarkIfReachable(connection, pass.owner);
    if (lost || (watch.overdue && !pass.signal.aborted)) return watch.finish(null, lost);
    throw error;
  } finally {
    watch.close();
  }
}

/**
 * The shell line: telemetry, then the shell becomes taskset, that becomes a shell which says who it is, and that becomes the
 * benchmark. One process id from the adb daemon to the benchmark.
 */
function composeLine(pass: PhonePass, mark: string): string {
  const script = [
    `echo '${mark} '$$`,
    `grep '^Cpus_allowed:' /proc/$$/status 2>/dev/null`,
    noteProcess(pass.owner),
    `echo '${mark} begin'`,
    `exec "$@"`,
  ].join("; ");
  const command = [pass.program, ...pass.flags].map(quote).join(" ");
  const stale = pass.stale.length > 0 ? `rm -f ${pass.stale.map(quote).join(" ")}; ` : "";
  const telemetry = pass.telemetryCpus ? `${telemetryCommand(pass.telemetryCpus)}; ` : "";
  return `mkdir -p ${quote(pidFolder)} && cd ${quote(pidFolder)} || exit; ${stale}${telemetry}exec taskset ${pass.mask} sh -c ${quote(script)} sh ${command}`;
}

class PassWatch {
  overdue: PassEnd["overdue"] = null;
  private readonly connection: PhoneConnection;
  private readonly pass: PhonePass;
  private readonly mark: string;
  private readonly stop = new AbortController();
  private readonly abort = (): void => this.stop.abort();
  private readonly progress = new BenchmarkProgress();
  private readonly deadlines: Deadlines;
  private timer: NodeJS.Timeout;
  private head = "";
  private stdout: string | null = null;
  private stderr = "";
  private measuring = false;

  constructor(connection: PhoneConnection, pass: PhonePass, mark: string) {
    this.connection = connection;
    this.pass = pass;
    this.mark = mark;
    this.deadlines = pass.deadlines ?? usualDeadlines;
    this.timer = setTimeout(() => this.end("starting"), this.deadlines.startMs(pass.plan));
    pass.signal.addEventListener("abort", this.abort, { once: true });
    if (pass.signal.aborted) this.abort();
  }

  get signal(): AbortSignal {
    return this.stop.signal;
  }

  readStdout(text: string): void {
    if (this.stdout !== null) {
      if (this.stdout.length < limitBytes) this.stdout += text;
      this.follow(text);
      return;
    }
    this.head += text;
    const line = `${this.mark} begin\n`;
    const at = this.head.indexOf(line);
    if (at < 0) return;
    this.stdout = this.head.slice(at + line.length);
    this.head = this.head.slice(0, at);
    this.follow(this.stdout);
  }

  readStderr(text: string): void {
    if (this.stderr.length < limitBytes) this.stderr += text;
  }

  finish(exitCode: number | null, lost: LabError | null): PassEnd {
    const [telemetry = "", told = ""] = this.head.split(`${this.mark} `, 2);
    const pid = /^(\d+)\n/.exec(told)?.[1];
    return {
      before: this.pass.telemetryCpus ? parseTelemetry(telemetry) : null,
      pid: pid === undefined ? null : Number(pid),
      readBackMask: parseAllowedMask(told),
      exitCode,
      overdue: this.overdue,
      lost,
      stdout: this.stdout ?? "",
      stderr: this.stderr,
    };
  }

  close(): void {
    clearTimeout(this.timer);
    this.pass.signal.removeEventListener("abort", this.abort);
  }

  private follow(text: string): void {
    const phase = this.progress.feed(text);
    if (this.measuring || this.overdue || (phase !== "measuring" && phase !== "reporting")) return;
    this.measuring = true;
    clearTimeout(this.timer);
    const limitMs = this.deadlines.measureMs(this.pass.plan, this.progress.warmupAverageMs);
    this.timer = setTimeout(() => this.end("measuring"), limitMs);
  }

  // Killed rather than cut off: so its last words still come. Cut off when that does not help.
  private end(at: "starting" | "measuring"): void {
    this.overdue = at;
    this.timer = setTimeout(() => this.stop.abort(), endedWithinMs);
    endBenchmark(this.connection, this.pass.owner).catch(() => this.stop.abort());
  }
}
