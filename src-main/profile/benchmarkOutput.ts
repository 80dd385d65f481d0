/**
 * Reading what TFLite's `benchmark_model`, LiteRT's two tools and the host benchmark print. Formats of TFLite 1.15 to 2.21 and
 * LiteRT to 2.2; lines may carry a severity prefix (2.13 and later) or none. Times come in µs and leave in ms.
 */
import type { Aggregate, DelegateCoverage } from "../lab/contract.ts";
import { DelegateReader } from "./delegateReport.ts";
import { type FinalLine, agree, describeResults, isFinalLine, readFinalLine } from "./finalLine.ts";
import { LitertResultsReader, describeAggregate } from "./litertOutput.ts";
import { type OutputLine, readLines } from "./outputLine.ts";
import { PhaseReader } from "./phaseLines.ts";
import { readPrintedAmount } from "./printedNumber.ts";

export { parseCounts } from "./countLine.ts";
export { type ProfileRow, parseProfileCsv } from "./profileTable.ts";

/** What the tool's stdout and stderr tell; what is missing or contradicts itself is null, never guessed. */
export interface BenchmarkOutput {
  initMs: number | null;
  /** The first run of the warm-up. */
  firstInferenceMs: number | null;
  warmupAverageMs: number | null;
  /** Mean of the measured runs. */
  averageMs: number | null;
  warmup: Aggregate | null;
  /** The measured phase, after the warm-up. */
  measured: Aggregate | null;
  /** Growth of resident memory from the tool's start to the initialised session, and to the end. */
  initMemoryBytes: number | null;
  overallMemoryBytes: number | null;
  /** The highest of periodic readings of the process's memory. */
  peakMemoryBytes: number | null;
  /** Flags the tool did not know and ignored. */
  unconsumed: string[];
  /** Delegates the tool says it applied on request. */
  delegates: string[];
  /** The runtime made an XNNPACK delegate, on request or by itself: builtin kernels do not run where it can. */
  xnnpackCreated: boolean;
  /** What each delegate took; one that was asked for and never came stands here with coverage `none`. */
  coverages: DelegateCoverage[];
  /** Errors told on stderr without their prefix. */
  errors: string[];
  /** What could not be read, is missing from the middle or contradicts itself, in words. */
  problems: string[];
}

const mostTexts = 100;
const longestText = 500;

/**
 * Reads the tool's two streams as they came: a last line without its line end is taken for cut. `flags` are those the tool was
 * started with; they tell which delegates to miss.
 */
export function parseBenchmarkOutput(
  stdout: string,
  stderr: string,
  flags: readonly string[] = [],
): BenchmarkOutput {
  const reader = new OutputReader();
  reader.delegates.ask(flags);
  reader.noteCut("stdout", readLines(stdout, (line) => reader.readStdout(line)).cut);
  reader.noteCut("stderr", readLines(stderr, (line) => reader.readStderr(line)).cut);
  return reader.finish();
}

class OutputReader {
  readonly delegates = new DelegateReader();
  private readonly problems = new Set<string>();
  private readonly phases = new PhaseReader(this.problems);
  private readonly litert = new LitertResultsReader();
  private readonly errors: string[] = [];
  private readonly unconsumed: string[] = [];
  private readonly told = new Map<string, number | null>();
  private final: FinalLine | null = null;
  private finalText: string | null = null;
  private finalDoubted = false;
  /** The facts of the last line that was not empty. */
  private lastTold: string[] = [];

  readStdout(line: OutputLine): void {
    this.delegates.read(line);
    if (line.logcat) return;
    const { text } = line;
    if (!line.whole) {
      this.problems.add("stdout ends inside a line");
      return;
    }
    if (text.trim() === "" || line.severity === "error") return;
    const before = this.lastTold;
    this.lastTold = [];
    switch (text.charCodeAt(0)) {
      case 9: // a row of the op profile
        break;
      case 82: // R
        this.phases.read(text);
        break;
      case 65: // A
      case 73: // I
        this.readFinal(text);
        this.readSession(text);
        break;
      case 77: // M
      case 79: // O
      case 80: // P
        this.readMemory(text);
        break;
      case 85: // U
        this.readUnconsumed(text);
        break;
      default:
        if (this.phases.read(text)) this.lastTold = ["phase"];
        else if (isFragment(text)) this.doubt(text, before);
    }
  }

  readStderr(line: OutputLine): void {
    this.delegates.read(line);
    if (line.logcat) return;
    this.litert.read(line.text, line.whole);
    const text = line.text.slice(0, longestText).trim();
    if (text.includes("dropping ProfileBuffer event"))
      this.problems.add("op times were dropped because the profile's buffer was full");
    if (this.errors.length >= mostTexts || text === "" || text === "Benchmarking failed.") return;
    if (!(line.severity === "error" || (line.severity === null && plainError.test(text)))) return;
    // These accompany runs that go well.
    if (/^(?:Following|Next) operations are not supported|^Falling back to OpenGL/.test(text)) return;
    this.errors.push(text);
  }

  noteCut(stream: string, cut: boolean): void {
    if (cut) this.problems.add(`${stream} is longer than a benchmark's output: the rest was left out`);
  }

  finish(): BenchmarkOutput {
    const { results, problems } = this.litert.finish();
    const started =
      this.told.has("init") || this.phases.order !== "" || this.finalText !== null || results !== null;
    const report = this.delegates.finish(started);
    const litertFinal = results ? describeResults(results) : null;
    const final = this.finalDoubted ? null : (this.final ?? litertFinal);
    const { warmup, measured } = this.phases.finish(final);
    if (this.finalText === null && !results && this.phases.order !== "")
      this.problems.add("the output ends before the final line");
    const toleranceMs = final?.toleranceMs ?? 0;
    const session = this.told.get("init");
    // The final line has every digit of it, the results of LiteRT's second tool have fewer.
    const inits = this.final ? ([final?.initMs, session] as const) : ([session, final?.initMs] as const);
    const output: BenchmarkOutput = {
      initMs: session === null ? null : this.settle("initialisation", ...inits, toleranceMs),
      firstInferenceMs: this.settle("first inference", warmup?.firstMs, final?.firstInferenceMs, toleranceMs),
      warmupAverageMs: this.settle("warm-up", warmup?.counts?.averageMs, final?.warmupAverageMs, toleranceMs),
      averageMs: this.settle("inferences", measured?.counts?.averageMs, final?.averageMs, toleranceMs),
      warmup: warmup?.counts ?? null,
      measured: measured?.counts ?? (results && this.phases.order === "" ? describeAggregate(results) : null),
      initMemoryBytes: this.recall("initMemory", results?.initMemoryBytes),
      overallMemoryBytes: this.recall("overallMemory", results?.overallMemoryBytes),
      peakMemoryBytes: this.recall("peakMemory", results?.peakMemoryBytes),
      unconsumed: this.unconsumed,
      delegates: report.applied,
      xnnpackCreated: report.xnnpackCreated,
      coverages: report.coverages,
      errors: this.errors,
      problems: [],
    };
    // A phase whose count line the final line contradicts has no average that could be trusted.
    if (this.phases.contradicted.has("measured")) output.averageMs = null;
    if (this.phases.contradicted.has("warmup")) output.warmupAverageMs = null;
    output.problems = [...this.problems, ...report.problems, ...problems];
    return output;
  }

  /** A line broken in the middle of a number has left the wrong number on the line before. */
  private doubt(text: string, before: readonly string[]): void {
    this.problems.add(`stdout has a broken line: ${JSON.stringify(text.slice(0, 80))}`);
    for (const name of before)
      if (name === "phase") this.phases.doubtLast();
      else if (name === "final") this.final = null;
      else this.told.set(name, null);
  }

  /** Keeps a fact that is told once; told again and differently it is taken back. */
  private tell(name: string, value: number): void {
    this.lastTold.push(name);
    const before = this.told.get(name);
    if (before === undefined) this.told.set(name, value);
    else if (before !== value) {
      this.told.set(name, null);
      this.problems.add(`the output tells ${name} twice and differently`);
    }
  }

  private recall(name: string, other: number | null | undefined): number | null {
    const value = this.told.get(name);
    return value === undefined ? (other ?? null) : value;
  }

  /** A time of two sources: what they agree on, in the finer print of the first. */
  private settle(
    what: string,
    a: number | null | undefined,
    b: number | null | undefined,
    toleranceMs: number,
  ): number | null {
    if (a == null || b == null || agree(a, b, toleranceMs)) return (a ?? b ?? null) || null;
    this.problems.add(`the time of the ${what} is told twice and differently: ${a} and ${b} ms`);
    return null;
  }

  private readFinal(text: string): void {
    if (!isFinalLine(text) || this.finalText === text) return;
    const final = readFinalLine(text, this.problems);
    if (this.finalText !== null) {
      this.problems.add("the final line stands there twice and differently");
      this.finalDoubted = true;
    }
    this.finalText = text;
    this.final = final;
    this.lastTold.push("final");
  }

  private readSession(text: string): void {
    const match = /^Initialized session in (\S{1,40})ms\.\s*$/.exec(text);
    if (!match) return;
    const value = readPrintedAmount(match[1]);
    if (value === null) this.problems.add(`a time cannot be read: ${JSON.stringify(text.slice(0, 80))}`);
    else this.tell("init", value);
  }

  // The growth was called a peak up to 2.6.
  private readMemory(text: string): void {
    const growth =
      /^(?:Memory footprint delta from the start of the tool|Peak memory footprint) \(MB\): init=(\S{1,40}) overall=(\S{1,40})\s*$/.exec(
        text,
      );
    if (growth) {
      this.tellMegabytes("initMemory", growth[1]!);
      this.tellMegabytes("overallMemory", growth[2]!);
      return;
    }
    const peak = /^Overall peak memory footprint \(MB\) via periodic monitoring: (\S{1,40})\s*$/.exec(text);
    if (peak) this.tellMegabytes("peakMemory", peak[1]!);
  }

  private tellMegabytes(name: string, text: string): void {
    const value = readPrintedAmount(text);
    if (value === null) this.problems.add(`a memory size cannot be read: ${JSON.stringify(text)}`);
    else this.tell(name, Math.round(value * 2 ** 20));
  }

  private readUnconsumed(text: string): void {
    if (!text.startsWith("Unconsumed cmdline flags: ")) return;
    const flags = text
      .slice("Unconsumed cmdline flags: ".length, 8000)
      .trim()
      .split(/\s+/)
      .slice(0, mostTexts);
    this.unconsumed.push(...flags);
    this.delegates.ask(flags);
  }
}

// Up to 2.12 the tool's own errors have no prefix, and the system's never have one.
const plainError =
  /^(?:Failed to |Could not |Please specify |Unable to |Input tensor |CANNOT LINK EXECUTABLE|Segmentation fault|Aborted|Killed|Bus error|Illegal instruction)|: (?:Permission denied|No such file or directory|not found|inaccessible or not found|not executable: .*|No space left on device)$/;

/** Whether a line is the rest of one that was broken apart: it begins inside a number or a `key=value`. */
function isFragment(text: string): boolean {
  if (text.length > 2000) return false;
  if (/^\d{1,9} nodes observed$/.test(text)) return false;
  return (
    /^[-+]?[.\d][-+.\deE]*(?:ms\.)?%?(?:[ ,]|$)/.test(text) || /^[a-z0-9]{0,8}=[-+.\deE]+(?: |$)/.test(text)
  );
}
