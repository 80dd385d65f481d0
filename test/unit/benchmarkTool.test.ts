import { describe, expect, it } from "vitest";
import { describeUsage } from "../../src-main/profile/benchmarkFlags.ts";
import {
  type BenchmarkRequest,
  type ToolCapabilities,
  describeTool,
  listBenchmarkFlags,
  parseHelp,
} from "../../src-main/profile/benchmarkTool.ts";
import { planCell } from "../../src-main/profile/plan.ts";

/** Usage text in the layout of TFLite's tools, all on the error log's first message. */
function writeHelp(flags: readonly string[], prefix = "ERROR: "): string {
  return [
    `${prefix}usage: ./benchmark_model <flags>`,
    "Flags:",
    ...flags.map((flag) => `\t--${flag}=0        \tint32\toptional\tsomething about --other_flag=1 and more`),
    "",
    "ERROR: Benchmarking failed.",
    "",
  ].join("\n");
}

const oldest =
  "num_runs min_secs max_secs run_delay num_threads warmup_runs warmup_min_secs graph enable_op_profiling use_gpu".split(
    " ",
  );
const tf23 = [
  ...oldest,
  ..."profiling_output_csv_file use_xnnpack gpu_precision_loss_allowed gpu_experimental_enable_quant gpu_backend".split(
    " ",
  ),
];
const tf26 = [...tf23, "verbose", "run_frequency", "dry_run"];
const tf214 = [
  ...tf26,
  ..."report_peak_memory_footprint release_dynamic_tensors allow_dynamic_profiling_buffer_increase".split(
    " ",
  ),
  ..."optimize_memory_for_large_tensors disable_delegate_clustering tensor_name_display_length".split(" "),
];
const litert = [
  ...tf214,
  ..."op_profiling_output_mode op_profiling_output_file xnnpack_force_fp16".split(" "),
];
const litert21 = [...litert, "result_file_path"];
const second =
  "num_runs min_secs max_secs num_threads warmup_runs warmup_min_secs graph use_cpu use_gpu use_npu use_profiler result_file_path".split(
    " ",
  );

const tool = (flags: readonly string[]): ToolCapabilities => parseHelp(writeHelp(flags));

const request: BenchmarkRequest = {
  graph: "/data/local/tmp/lab/net.tflite",
  threads: 2,
  runtime: "tflite",
  precision: "float32",
  plan: planCell("standard").endToEnd,
  perOp: false,
  profilePath: "/data/local/tmp/lab/p.csv",
};

describe("what a benchmark program says it can do", () => {
  it("reads the flags of its usage text and nothing that only mentions a flag", () => {
    const capabilities = tool(tf214);
    expect([...capabilities.flags].sort()).toEqual([...tf214].sort());
    expect(capabilities).toMatchObject({
      kind: "benchmark_model",
      opProfile: "csv",
      gpu: true,
      gpuBackend: true,
      forceFloat16: false,
      turnsXnnpackOff: true,
      samples: false,
    });
  });

  it("reads it with CRLF, without prefix and on a terminal's doubled line ends", () => {
    for (const end of ["\n", "\r\n", "\r\r\n"])
      expect(parseHelp(writeHelp(tf26, "").replaceAll("\n", end)).flags.size).toBe(tf26.length);
  });

  it.each([
    [oldest, "TensorFlow Lite before 2.2, benchmark_model (by its flags)", "stdout"],
    [tf23, "TensorFlow Lite 2.2 or 2.3, benchmark_model (by its flags)", "csv"],
    [tf26, "TensorFlow Lite 2.6, benchmark_model (by its flags)", "csv"],
    [tf214, "TensorFlow Lite 2.14 to 2.16, benchmark_model (by its flags)", "csv"],
    [litert, "TensorFlow Lite 2.17 to 2.21 or LiteRT to 2.0, benchmark_model (by its flags)", "mode"],
    [litert21, "LiteRT 2.1 or later, benchmark_model (by its flags)", "mode"],
    [second, "LiteRT benchmark_litert_model (2025-03 or later by its flags)", "none"],
  ])("tells the version of flags up to %s", (flags, name, opProfile) => {
    expect(describeTool(tool(flags))).toBe(name);
    expect(tool(flags).opProfile).toBe(opProfile);
  });

  it("knows the lab's own program by its usage text", () => {
    const capabilities = parseHelp(describeUsage("host_benchmark_model"));
    expect(capabilities).toMatchObject({ kind: "host", samples: true, opProfile: "mode", gpu: false });
    expect(describeTool(capabilities)).toBe("the lab's own benchmark");
  });

  it.each(["", "Usage: toybox [--long | --help]\n", "--graph=x\n--num_runs=1\n", "/bin/sh: x: not found\n"])(
    "takes %j for an unknown program, which measures nothing",
    (text) => {
      const capabilities = parseHelp(text);
      expect(capabilities.kind).toBe("unknown");
      expect(listBenchmarkFlags(request, capabilities)).toMatchObject({
        flags: [],
        problem: expect.stringContaining("--help"),
      });
    },
  );
});

describe("the flags of a pass", () => {
  const list = (changes: Partial<BenchmarkRequest>, flags: readonly string[] = litert21) =>
    listBenchmarkFlags({ ...request, ...changes }, tool(flags));

  it("are name=value, with the plan's times, and without op profiling end to end", () => {
    expect(list({})).toEqual({
      flags: [
        "--graph=/data/local/tmp/lab/net.tflite",
        "--num_threads=2",
        "--warmup_runs=1",
        "--warmup_min_secs=0.2",
        "--num_runs=30",
        "--min_secs=1",
        "--max_secs=30",
        "--use_xnnpack=false",
      ],
      leftOut: [],
      profileInFile: false,
      problem: null,
    });
  });

  it("write the op profile the way the program can, in a pass of its own", () => {
    const profiling = (flags: readonly string[]): string[] =>
      list({ perOp: true, plan: planCell("quick").perOp }, flags).flags.filter((flag) => /profil/.test(flag));
    expect(profiling(litert21)).toEqual([
      "--enable_op_profiling=true",
      "--op_profiling_output_mode=csv",
      "--op_profiling_output_file=/data/local/tmp/lab/p.csv",
      "--allow_dynamic_profiling_buffer_increase=true",
    ]);
    expect(profiling(tf26)).toEqual([
      "--enable_op_profiling=true",
      "--profiling_output_csv_file=/data/local/tmp/lab/p.csv",
    ]);
    expect(profiling(oldest)).toEqual(["--enable_op_profiling=true"]);
    expect(list({ perOp: true }, oldest).profileInFile).toBe(false);
    expect(list({ perOp: true }, tf26).profileInFile).toBe(true);
  });

  it("watch memory only in the pass that is disturbed anyway", () => {
    expect(list({}).flags).not.toContain("--report_peak_memory_footprint=true");
    expect(list({ perOp: true }).flags).toContain("--report_peak_memory_footprint=true");
  });

  it("hold the GPU to OpenCL and the precision asked for, and keep XNNPACK from the rest", () => {
    const gpu = (precision: BenchmarkRequest["precision"]): string[] =>
      list({ runtime: "gpu-cl", precision }).flags.filter((flag) => /gpu|xnnpack/.test(flag));
    expect(gpu("float16")).toEqual([
      "--use_gpu=true",
      "--gpu_backend=cl",
      "--gpu_precision_loss_allowed=true",
      "--gpu_experimental_enable_quant=false",
      "--use_xnnpack=false",
    ]);
    expect(gpu("float32")).toContain("--gpu_precision_loss_allowed=false");
    expect(gpu("int8")).toContain("--gpu_experimental_enable_quant=true");
  });

  it("leave out what the program does not know and tell it", () => {
    const { flags, leftOut, problem } = list({ runtime: "gpu-cl", precision: "float16" }, oldest);
    expect(problem).toBeNull();
    expect(leftOut).toEqual([
      "--gpu_backend=cl",
      "--gpu_precision_loss_allowed=true",
      "--gpu_experimental_enable_quant=false",
      "--use_xnnpack=false",
    ]);
    expect(flags).toContain("--use_gpu=true");
  });

  it("force float16 on the CPU only through XNNPACK", () => {
    expect(list({ runtime: "xnnpack", precision: "float16" }).flags).toContain("--xnnpack_force_fp16=true");
    expect(list({ runtime: "xnnpack", precision: "float32" }).flags).not.toContain(
      "--xnnpack_force_fp16=true",
    );
  });

  it.each<[string, Partial<BenchmarkRequest>, readonly string[]]>([
    ["builtin kernels do not compute in float16", { precision: "float16" }, litert21],
    ["no --xnnpack_force_fp16", { runtime: "xnnpack", precision: "float16" }, tf214],
    ["no --use_xnnpack", { runtime: "xnnpack" }, oldest],
    ["without GPU support", { runtime: "gpu-cl" }, tf214.filter((flag) => flag !== "use_gpu")],
    ["float32 on the GPU", { runtime: "gpu-cl" }, oldest],
    ["takes no int8", { runtime: "gpu-cl", precision: "int8" }, oldest],
    ["cannot time single ops", { perOp: true, runtime: "xnnpack" }, second],
    ["always applies XNNPACK", {}, second],
  ])("tell why there are none: %s", (reason, changes, flags) => {
    const result = list(changes, flags);
    expect(result.problem).toContain(reason);
    expect(result.flags).toEqual([]);
  });

  it("ask only the lab's own program for samples and the canary", () => {
    const wishes = {
      samplesPath: "/data/local/tmp/lab/s.json",
      canary: { graph: "/data/local/tmp/lab/c.tflite", referenceUs: 412 },
    };
    expect(list(wishes).flags.some((flag) => /samples|canary/.test(flag))).toBe(false);
    const own = listBenchmarkFlags({ ...request, ...wishes }, parseHelp(describeUsage("host")));
    expect(own.flags).toEqual(
      expect.arrayContaining([
        "--samples_output_file=/data/local/tmp/lab/s.json",
        "--canary_graph=/data/local/tmp/lab/c.tflite",
        "--canary_reference_us=412",
      ]),
    );
    expect(own.leftOut).toEqual([]);
  });
});
