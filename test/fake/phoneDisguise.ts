import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describeUsage } from "../../src-main/profile/benchmarkFlags.ts";
import { type GpuReport, type GpuRequest, reportGpu, rewriteProfile } from "./phoneGpu.ts";
import type { GpuBehaviour } from "./phoneProfile.ts";

/** What the fake phone's benchmark program imitates. */
export interface BenchmarkBehaviour {
  tool: "host" | "official";
  gpu: GpuBehaviour;
  /** Operators that stay on the CPU when the GPU takes a part only. */
  unsupported: string[];
}

/** How the host benchmark's flags and output are changed. */
export interface Disguise {
  /** The flags the host benchmark gets. */
  argv: string[];
  /** What one write to stdout becomes. */
  changeOutput(text: string): string;
  changeErrors(text: string): string;
  /** What follows the line that says the model is loaded. */
  reportLoaded(): GpuReport;
  /** Changes the op profile that was written to a file. */
  finish(): void;
}

/** Flags of this project's benchmark that the official tool does not know. */
const ownFlags = ["canary_graph", "canary_reference_us", "samples_output_file"];

/** Flags the official tool has for delegates, with the label under which it logs them. */
const delegateFlags: Record<string, string> = {
  require_full_delegation: "Require full delegation",
  use_gpu: "Use gpu",
  gpu_precision_loss_allowed: "Allow lower precision in gpu",
  gpu_experimental_enable_quant: "Enable running quant models in gpu",
  gpu_inference_for_sustained_speed: "Prefer maximizing the throughput in gpu",
  gpu_backend: "GPU backend",
};

// A name the host benchmark does not know either; the marker is taken out where it lists unconsumed flags.
const hidden = "--hidden-from-host-";

/** The disguise of one start of the program. */
export function disguise(behaviour: BenchmarkBehaviour, argv: readonly string[], program: string): Disguise {
  const official = behaviour.tool === "official";
  const values = new Map<string, string>();
  const passed: string[] = [];
  for (const argument of argv) {
    const [, name = "", value = ""] = /^--([a-z_0-9]+)=(.*)$/s.exec(argument) ?? [];
    values.set(name, value);
    if (name in delegateFlags) continue;
    passed.push(official && ownFlags.includes(name) ? hidden + argument.slice(2) : argument);
  }
  const isOn = (name: string): boolean => /^(true|1)$/i.test(values.get(name) ?? "");
  const gpu: GpuRequest | null = isOn("use_gpu")
    ? {
        behaviour: behaviour.gpu,
        unsupported: behaviour.unsupported,
        backend: values.get("gpu_backend") ?? "",
        wholeOnly: isOn("require_full_delegation"),
        graph: values.get("graph") ?? "",
      }
    : null;
  const given = Object.entries(delegateFlags)
    .filter(([name]) => values.has(name))
    .map(([name, label]) => `INFO: ${label}: [${formatValue(values.get(name)!)}]\n`)
    .join("");
  const changeProfile = (text: string): string => {
    const changed = gpu ? rewriteProfile(text, gpu) : text;
    return official ? initializationProfile + changed : changed;
  };
  return {
    argv: passed,
    changeOutput(text) {
      if (text.startsWith("Operator-wise Profiling Info")) return changeProfile(text);
      if (text.startsWith("WARN: Unconsumed")) return text.replaceAll(hidden, "--");
      if (text.startsWith("INFO: Loaded model")) return given + text;
      if (official && text.startsWith("INFO: Explicitly applied XNNPACK"))
        return "INFO: Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate.\n";
      return text;
    },
    changeErrors(text) {
      if (!text.startsWith("usage: ")) return text;
      return official ? describeOfficialUsage(program) : describeUsage(program) + listDelegateFlags();
    },
    reportLoaded: () => (gpu ? reportGpu(gpu) : { stdout: [], stderr: [], failed: false }),
    finish() {
      const path = values.get("op_profiling_output_file") || values.get("profiling_output_csv_file");
      if (path && isOn("enable_op_profiling") && existsSync(path))
        writeFileSync(path, changeProfile(readFileSync(path, "utf8")));
    },
  };
}

function formatValue(text: string): string {
  return /^true$/i.test(text) ? "1" : /^false$/i.test(text) ? "0" : text;
}

function listDelegateFlags(): string {
  return Object.keys(delegateFlags)
    .map((name) => `\t--${name}=${name === "gpu_backend" ? "" : "false"}\t${delegateFlags[name]}\n`)
    .join("");
}

// Columns as TFLite's command_line_flags.cc writes them: name=default, type, whether it is required, help.
function describeOfficialUsage(program: string): string {
  const lines = describeUsage(program)
    .split("\n")
    .filter((line) => line.startsWith("\t") && !ownFlags.some((name) => line.startsWith(`\t--${name}=`)));
  const flags = [...lines, ...listDelegateFlags().trimEnd().split("\n")].map((line) => {
    const [, flag = "", help = ""] = line.split("\t");
    const value = flag.slice(flag.indexOf("=") + 1);
    const type = /^(true|false)$/.test(value)
      ? "bool"
      : value === "" || /[a-z]/.test(value)
        ? "string"
        : "float";
    return `\t${flag.padEnd(48)}\t${type}\toptional\t${help}`;
  });
  return [`usage: ${program} <flags>`, "Flags:", ...flags, ""].join("\n");
}

const header = "node type, first, avg_ms, %, cdf%, mem KB, times called, name";
const row = "AllocateTensors, 0.052, 0.052, 100%, 100%, 0, 1, AllocateTensors/0";

// The official tool puts this before the ops; numbers of no real run.
const initializationProfile = [
  "Profiling Info for Benchmark Initialization:",
  "============================== Run Order ==============================",
  header,
  row,
  "",
  "============================== Top by Computation Time ==============================",
  header,
  row,
  "",
  "Number of nodes executed: 1",
  "============================== Summary by node type ==============================",
  "node type, count, avg_ms, avg %, cdf %, mem KB, times called",
  "AllocateTensors, 1, 0.052, 100%, 100%, 0, 1",
  "",
  "Timings (microseconds): count=1 curr=52",
  "Memory (bytes): count=0",
  "1 nodes observed",
  "",
  "",
  "",
].join("\n");
