import type { DelegateCoverage } from "../lab/contract.ts";
import type { OutputLine } from "./outputLine.ts";

/** What a benchmark's output tells about delegates. */
export interface DelegateReport {
  /** What each delegate took, of those that were asked for and of those whose share the runtime told. */
  coverages: DelegateCoverage[];
  /** Delegates the tool says it applied on request. */
  applied: string[];
  /** The runtime made an XNNPACK delegate, on request or by itself. */
  xnnpackCreated: boolean;
  problems: string[];
}

type Coverage = DelegateCoverage["coverage"];

interface Evidence {
  coverage: Coverage | null;
  partitions: number | null;
  replaced: number;
  nodes: number;
  backends: Set<string>;
  left: string[];
  failed: boolean;
}

// `w/ the delegate` up to 2.3, `by the delegate` since.
const applied =
  /^(?:Explicitly applied|Applied) ([\w .-]{1,60}) delegate, and the model graph will be (completely|partially) executed (?:by|w\/) the delegate(?: w\/ (\d{1,6}) delegate kernels)?/;
const appliedPlain = /^Explicitly applied ([\w.-]{1,60}) delegate/;
const notExecuted =
  /^Though ([\w .-]{1,60}) delegate is (?:explicitly )?applied, the model graph will not be executed/;
const notApplied = /^Failed to apply ([\w .-]{1,60}) delegate\b/;
const replacing =
  /^Replacing (\d{1,7})(?: out of (\d{1,7}))? node\(s\) with delegate \(([\w .-]{1,80})\) node, yielding \d{1,7} partitions/;
const listStart = /^(?:Following|Next) operations are not supported by GPU delegate:/;
const listEnd =
  /^(?:First )?(No|\d{1,7}) operations will run on the GPU, and (?:the remaining|all) (\d{1,7})/;
const listed = /^[A-Za-z_][\w .-]{0,80}:(?: .*)?$/;
const noOpenCl =
  /OpenCL library not loaded|(?:Can not|Cannot|Failed to|Unable to) (?:open|load) (?:the )?OpenCL/i;

const longestList = 200;
const longestReason = 300;

/** Collects evidence on delegates line by line, from both streams, and then says what each delegate took. */
export class DelegateReader {
  private readonly evidence = new Map<string, Evidence>();
  private readonly applied = new Set<string>();
  private readonly asked = new Set<string>();
  private readonly problems = new Set<string>();
  private xnnpackCreated = false;
  private listing = false;

  /** Reads a line of stdout or stderr. */
  read(line: OutputLine): void {
    const { text } = line;
    if (this.listing && this.readListed(line)) return;
    switch (text.charCodeAt(0)) {
      case 65: // A
      case 69: // E
        this.readApplied(text);
        break;
      case 67: // C
        this.readCreated(text);
        break;
      case 68: // D
        if (text.startsWith("Disallowed CPU fallback detected"))
          this.problems.add("the tool was told to allow no fallback and found one");
        break;
      case 70: // F
      case 78: // N
        this.readRefusal(text);
        break;
      case 71: // G
        if (text.startsWith("GPU acceleration is unsupported on this platform"))
          this.find("GPU").failed = true;
        break;
      case 73: // I
        this.readBackend(text);
        break;
      case 82: // R
        this.readReplacing(text);
        break;
      case 84: // T
        this.readNotExecuted(text);
        break;
    }
    this.readAsked(text);
    if (text.length < 1000 && noOpenCl.test(text))
      this.problems.add(`OpenCL is not available: ${text.slice(0, 200).trim()}`);
  }

  /** What to expect by the flags the tool was started with, or says that it ignored. */
  ask(flags: readonly string[]): void {
    for (const flag of flags) {
      const match =
        /^--(use_gpu|use_xnnpack|use_nnapi|use_hexagon|use_coreml|external_delegate_path)=(.+)$/s.exec(flag);
      if (!match) continue;
      if (match[1] === "external_delegate_path") this.asked.add("EXTERNAL");
      else if (/^(true|1)$/i.test(match[2]!)) this.asked.add(askedNames[match[1]!]!);
    }
  }

  /** Judges the evidence; `started` when the tool came as far as an initialised session, so that silence tells something. */
  finish(started: boolean): DelegateReport {
    if (this.listing) this.problems.add("the list of operators that a delegate does not support ends early");
    const coverages: DelegateCoverage[] = [];
    for (const name of new Set([...this.evidence.keys(), ...this.asked])) {
      const found = this.evidence.get(name);
      const coverage = found ? this.judge(name, found) : null;
      if (coverage) coverages.push(coverage);
      // The runtime applies XNNPACK by itself and then says nothing of its share: silence is no refusal there.
      else if (this.asked.has(name) && name !== "XNNPACK" && started)
        coverages.push({ name, backend: null, coverage: "none", partitions: null, left: found?.left ?? [] });
      else if (this.asked.has(name) && !this.applied.has(name))
        this.problems.add(`the output does not tell what the ${name} delegate took`);
    }
    return {
      coverages,
      applied: [...this.applied],
      xnnpackCreated: this.xnnpackCreated,
      problems: [...this.problems],
    };
  }

  private find(name: string): Evidence {
    let found = this.evidence.get(name);
    if (!found) {
      found = {
        coverage: null,
        partitions: null,
        replaced: 0,
        nodes: 0,
        backends: new Set(),
        left: [],
        failed: false,
      };
      this.evidence.set(name, found);
    }
    return found;
  }

  private tell(name: string, coverage: Coverage, partitions: number | null): void {
    const found = this.find(name);
    if (found.coverage !== null && found.coverage !== coverage) {
      this.problems.add(
        `the output tells both that the ${name} delegate took the ${words[coverage]} and the ${words[found.coverage]}`,
      );
      found.coverage = weaker(found.coverage, coverage);
    } else found.coverage = coverage;
    if (partitions !== null) found.partitions = partitions;
  }

  private readApplied(text: string): void {
    const match = applied.exec(text);
    const name = match?.[1] ?? appliedPlain.exec(text)?.[1];
    if (name === undefined) return;
    this.applied.add(name);
    if (!match) return;
    const partial = match[2] === "partially";
    this.tell(name, partial ? "partial" : "full", partial ? (match[3] ? Number(match[3]) : null) : 1);
  }

  private readCreated(text: string): void {
    if (text.startsWith("Created TensorFlow Lite XNNPACK delegate")) this.xnnpackCreated = true;
    const match = /^Created (\d{1,6}) GPU delegate kernels/.exec(text);
    if (!match) return;
    const found = this.find("GPU");
    found.partitions ??= Number(match[1]);
    if (match[1] === "0") found.failed = true;
  }

  private readRefusal(text: string): void {
    if (listStart.test(text)) {
      this.listing = true;
      this.find("GPU");
    } else if (text.startsWith("Falling back to OpenGL")) this.find("GPU").backends.add("OpenGL");
    else {
      const match = notApplied.exec(text);
      if (match) this.find(match[1]!).failed = true;
    }
  }

  private readBackend(text: string): void {
    const match = /^Initialized (OpenCL|OpenGL)-based API/.exec(text);
    if (match) this.find("GPU").backends.add(match[1]!);
  }

  private readReplacing(text: string): void {
    const match = replacing.exec(text);
    if (!match) return;
    const { name, backend } = nameDelegate(match[3]!);
    const found = this.find(name);
    if (backend) found.backends.add(backend);
    if (match[2] === undefined) return;
    found.replaced += Number(match[1]);
    found.nodes += Number(match[2]);
  }

  private readNotExecuted(text: string): void {
    const match = notExecuted.exec(text);
    if (match) this.tell(match[1]!, "none", 0);
    else if (/^TfLiteGpuDelegate (?:Init|Prepare): /.test(text)) this.find("GPU").failed = true;
  }

  // The list is one message of several lines: other messages may stand between them.
  private readListed(line: OutputLine): boolean {
    const { left } = this.find("GPU");
    const end = listEnd.exec(line.text);
    if (end) {
      this.listing = false;
      const rest = Number(end[2]);
      if (rest > 0) this.tell("GPU", end[1] === "No" || end[1] === "0" ? "none" : "partial", null);
      return true;
    }
    // What its message begins with tells the first line of another message; of Android's log every line has a header.
    if (line.severity !== null && !line.logcat) return false;
    const item = line.text.trim();
    if (!listed.test(item) || listStart.test(item)) return false;
    const reason = item.replace(/:$/, "").slice(0, longestReason);
    if (left.length < longestList && !left.includes(reason)) left.push(reason);
    return true;
  }

  // `Use gpu : [1]` is what the tool says it was given.
  private readAsked(text: string): void {
    const match = /^(Use gpu|Use nnapi|Use Hexagon|External delegate path) {0,2}: \[(.+)\]/i.exec(text);
    if (!match) return;
    const name = loggedNames[match[1]!.toLowerCase()]!;
    if (name === "EXTERNAL" || /^(1|true)$/.test(match[2]!)) this.asked.add(name);
  }

  private judge(name: string, found: Evidence): DelegateCoverage | null {
    const counted: Coverage | null =
      found.nodes === 0
        ? null
        : found.replaced === 0
          ? "none"
          : found.replaced >= found.nodes
            ? "full"
            : "partial";
    let coverage = found.failed ? "none" : (found.coverage ?? counted);
    if (coverage === null) return null;
    if (!found.failed && found.coverage !== null && counted !== null && counted !== found.coverage) {
      this.problems.add(
        `the tool says that the ${name} delegate took the ${words[found.coverage]}, the runtime the ${words[counted]}`,
      );
      coverage = weaker(found.coverage, counted);
    }
    if (found.backends.size > 1)
      this.problems.add(`the ${name} delegate used both ${[...found.backends].join(" and ")}`);
    return {
      name,
      backend: found.backends.size === 1 && coverage !== "none" ? [...found.backends][0]! : null,
      coverage,
      partitions: coverage === "none" ? null : (found.partitions ?? (coverage === "full" ? 1 : null)),
      left: found.left,
    };
  }
}

const words: Record<Coverage, string> = {
  full: "whole network",
  partial: "network in part",
  none: "network not at all",
};

const askedNames: Record<string, string> = {
  use_gpu: "GPU",
  use_xnnpack: "XNNPACK",
  use_nnapi: "NNAPI",
  use_hexagon: "Hexagon",
  use_coreml: "COREML",
};

const loggedNames: Record<string, string> = {
  "use gpu": "GPU",
  "use nnapi": "NNAPI",
  "use hexagon": "Hexagon",
  "external delegate path": "EXTERNAL",
};

function weaker(a: Coverage, b: Coverage): Coverage {
  return a === "none" || b === "none" ? "none" : a === "partial" || b === "partial" ? "partial" : "full";
}

// The runtime names delegates by their classes, LiteRT's GPU by its backend.
function nameDelegate(text: string): { name: string; backend: string | null } {
  if (text === "TfLiteGpuDelegateV2" || text === "TfLiteGpuDelegate") return { name: "GPU", backend: null };
  if (text === "TfLiteXNNPackDelegate") return { name: "XNNPACK", backend: null };
  if (text === "TfLiteNnapiDelegate") return { name: "NNAPI", backend: null };
  const litert = /^LITERT_(CL|OPENCL|GL|OPENGL|WEBGPU|METAL|VULKAN)\b/.exec(text);
  if (!litert) return { name: text, backend: null };
  const backend = { CL: "OpenCL", OPENCL: "OpenCL", GL: "OpenGL", OPENGL: "OpenGL" }[litert[1]!];
  return { name: "GPU", backend: backend ?? litert[1]! };
}
