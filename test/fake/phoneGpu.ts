import { readFileSync } from "node:fs";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { type ProfiledNode, formatProfileCsv } from "../../src-main/profile/benchmarkReport.ts";
import type { GpuBehaviour } from "./phoneProfile.ts";

/** What the program says once it has loaded the model, and whether it then gives up. */
export interface GpuReport {
  stdout: string[];
  stderr: string[];
  failed: boolean;
}

export interface GpuRequest {
  behaviour: GpuBehaviour;
  /** Operators the delegate does not take. */
  unsupported: readonly string[];
  /** `--gpu_backend`: `cl`, `gl` or empty for whatever works. */
  backend: string;
  /** `--require_full_delegation`. */
  wholeOnly: boolean;
  graph: string;
}

const noOpenCl =
  'Can not open OpenCL library on this device - dlopen failed: library "libOpenCL.so" not found';

/** The delegate's lines, in the words of TFLite's sources (delegates/gpu/delegate.cc, tools/benchmark). */
export function reportGpu(request: GpuRequest): GpuReport {
  const { behaviour, backend, wholeOnly } = request;
  if (behaviour === "none")
    return {
      stdout: ["WARN: GPU acceleration is unsupported on this platform."],
      stderr: [],
      failed: false,
    };
  const created = {
    stdout: ["INFO: GPU delegate created."],
    stderr: ["INFO: Created TensorFlow Lite delegate for GPU."],
  };
  const openGl = behaviour === "opengl" || backend === "gl";
  if (behaviour === "opengl" && backend === "cl")
    return {
      stdout: created.stdout,
      stderr: [
        ...created.stderr,
        `ERROR: TfLiteGpuDelegate Init: ${noOpenCl}`,
        "INFO: Created 0 GPU delegate kernels.",
        "ERROR: TfLiteGpuDelegate Prepare: delegate is not initialized",
        "ERROR: Node number 0 (TfLiteGpuDelegateV2) failed to prepare.",
        "ERROR: Restored original execution plan after delegate application failure.",
        "ERROR: Failed to apply GPU delegate.",
        "ERROR: Benchmarking failed.",
      ],
      failed: true,
    };
  const left = listLeft(request);
  const stderr = [...created.stderr, ...describeLeft(left.operators, left.taken, left.count)];
  if (behaviour === "opengl") stderr.push(`ERROR: ${noOpenCl}`, "ERROR: Falling back to OpenGL");
  const kernels = left.taken > 0 ? 1 : 0;
  if (kernels > 0) stderr.push(`INFO: Initialized ${openGl ? "OpenGL" : "OpenCL"}-based API.`);
  stderr.push(`INFO: Created ${kernels} GPU delegate kernels.`);
  if (left.count > 0 && wholeOnly)
    return {
      stdout: created.stdout,
      stderr: [...stderr, "ERROR: Disallowed CPU fallback detected.", "ERROR: Benchmarking failed."],
      failed: true,
    };
  const applied =
    kernels === 0
      ? "Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate."
      : left.count === 0
        ? "Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate."
        : `Explicitly applied GPU delegate, and the model graph will be partially executed by the delegate w/ ${kernels} delegate kernels.`;
  return { stdout: [...created.stdout, `INFO: ${applied}`], stderr, failed: false };
}

function listLeft({ behaviour, unsupported, graph }: GpuRequest): {
  operators: string[];
  count: number;
  taken: number;
} {
  let operators: string[] = [];
  try {
    operators = mainSubgraph(readTflite(readFileSync(graph), graph)).ops.map((op) => op.type);
  } catch {
    // A graph only the runtime can read: nothing is known to stay behind.
  }
  const left = behaviour === "partial" ? operators.filter((op) => unsupported.includes(op)) : [];
  return {
    operators: [...new Set(left)],
    count: left.length,
    taken: Math.max(operators.length, 1) - left.length,
  };
}

function describeLeft(operators: readonly string[], taken: number, count: number): string[] {
  if (count === 0) return [];
  return [
    "WARNING: Following operations are not supported by GPU delegate:",
    ...operators.map((op) => `${op}: OP is supported, but tensor type/shape isn't compatible.`),
    `${taken} operations will run on the GPU, and the remaining ${count} operations will run on the CPU.`,
  ];
}

const kernelNames: Record<string, string> = {
  CONV_2D: "convolution_2d",
  DEPTHWISE_CONV_2D: "depthwise_convolution",
  FULLY_CONNECTED: "fully_connected",
  AVERAGE_POOL_2D: "pooling_2d",
  MAX_POOL_2D: "pooling_2d",
  CONCATENATION: "concat",
  RESIZE_BILINEAR: "resize",
};

function splitRow(line: string): ProfiledNode | null {
  const fields = line.split(", ");
  const [type, first, average] = fields;
  if (fields.length < 8 || type === undefined) return null;
  return {
    type,
    firstUs: Number(first) * 1000,
    avgUs: Number(average) * 1000,
    name: fields.slice(7).join(", "),
  };
}

/** An op profile as it looks when the GPU took the ops: one row per GPU kernel with OpenCL, none at all with OpenGL. */
export function rewriteProfile(text: string, request: GpuRequest): string {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.includes(" Run Order ="));
  if (start < 0 || request.behaviour === "none") return text;
  const rows = lines
    .slice(start + 2, lines.indexOf("", start))
    .map(splitRow)
    .filter((row) => row !== null);
  const isLeft = (row: ProfiledNode): boolean =>
    request.behaviour === "partial" && request.unsupported.includes(row.type);
  const silent = request.behaviour === "opengl" || request.backend === "gl";
  const kept = silent ? [] : fuseKernels(rows.filter((row) => !isLeft(row)));
  const nodes = [...kept, ...rows.filter(isLeft)];
  if (nodes.length === 0) return "";
  const timings = lines.find((line) => line.startsWith("Timings (microseconds)"));
  return formatProfileCsv(nodes, []).replace(/^Timings \(microseconds\).*$/m, timings ?? "$&");
}

// An addition is computed in the kernel before it, as the GPU delegate fuses elementwise ops.
function fuseKernels(rows: readonly ProfiledNode[]): ProfiledNode[] {
  const kernels: ProfiledNode[] = [];
  rows.forEach((row, index) => {
    const label = `${kernelNames[row.type] ?? row.type.toLowerCase()} ${index}`;
    const before = kernels.at(-1);
    if (row.type === "ADD" && before) {
      before.type += ` -> ${label}`;
      before.firstUs += row.firstUs;
      before.avgUs += row.avgUs;
    } else kernels.push({ ...row, type: label });
  });
  return kernels.map((kernel, index) => ({ ...kernel, name: `Delegate/${kernel.type}:${index}` }));
}
