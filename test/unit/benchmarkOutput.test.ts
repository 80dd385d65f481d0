import { describe, expect, it } from "vitest";
import {
  parseBenchmarkOutput,
  parseCounts,
  parseProfileCsv,
} from "../../src-main/profile/benchmarkOutput.ts";
import { createRandom } from "../../src-main/model/random.ts";

const stdout = [
  "INFO: STARTING!",
  "WARN: Unconsumed cmdline flags: --use_gpu=true --nope=1",
  "INFO: Initialized session in 1.5ms.",
  "INFO: count=40 first=2000 curr=1000 min=900 max=2000 avg=1100.5 std=40",
  "",
  "INFO: count=90 first=1100 curr=1000 min=950 max=1500 avg=1050.25 std=70",
  "",
  "INFO: Inference timings in us: Init: 1500, First inference: 2000, Warmup (avg): 1100.5, Inference (avg): 1050.25",
  "INFO: Overall peak memory footprint (MB) via periodic monitoring: 12.5",
  "",
].join("\n");

describe("benchmark output", () => {
  it("reads times, memory and ignored flags of a run with severity prefixes", () => {
    const output = parseBenchmarkOutput(stdout, "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n");
    expect(output).toMatchObject({
      initMs: 1.5,
      firstInferenceMs: 2,
      averageMs: 1.05025,
      peakMemoryBytes: 12.5 * 2 ** 20,
      unconsumed: ["--use_gpu=true", "--nope=1"],
      errors: [],
    });
    expect(output.measured).toEqual({
      count: 90,
      averageMs: 1.05025,
      minMs: 0.95,
      maxMs: 1.5,
      stdMs: 0.07,
      medianMs: null,
      p5Ms: null,
      p95Ms: null,
    });
  });

  it("reads the same without prefixes (before 2.13) and with CRLF", () => {
    const older = stdout.replaceAll(/^(INFO|WARN): /gm, "").replaceAll("\n", "\r\n");
    expect(parseBenchmarkOutput(older, "").averageMs).toBe(1.05025);
    expect(parseBenchmarkOutput(older, "").measured?.count).toBe(90);
  });

  it("reads averages of a second and more, which print in exponent form", () => {
    const line =
      "INFO: Inference timings in us: Init: 747, First inference: 3341326, Warmup (avg): 3.34133e+06, Inference (avg): 2.98313e+06\n";
    expect(parseBenchmarkOutput(line, "").averageMs).toBeCloseTo(2983.13, 6);
  });

  it("takes a dry run's zeros for nothing measured", () => {
    const line =
      "Inference timings in us: Init: 700, First inference: 0, Warmup (avg): 0, Inference (avg): 0\n";
    expect(parseBenchmarkOutput(line, "").averageMs).toBeNull();
  });

  it("reads one run, equal runs, none, and percentiles of newer versions", () => {
    expect(parseCounts("count=1 curr=1158")).toMatchObject({ count: 1, averageMs: 1.158, medianMs: 1.158 });
    expect(parseCounts("count=7 curr=20(all same)")).toMatchObject({ count: 7, minMs: 0.02, stdMs: 0 });
    expect(parseCounts("count=0")).toMatchObject({ count: 0, averageMs: null });
    expect(parseCounts("count=2 first=2 curr=4 min=2 max=4 avg=3 std=1 p5=2 median=3 p95=4")?.medianMs).toBe(
      0.003,
    );
    expect(parseCounts("count=x")).toBeNull();
    expect(parseCounts("curr=5")).toBeNull();
  });

  it("keeps the errors of stderr without the closing line", () => {
    const stderr = "ERROR: Could not open 'x'.\nINFO: hello\nERROR: Benchmarking failed.\n";
    expect(parseBenchmarkOutput("", stderr).errors).toEqual(["Could not open 'x'."]);
  });
});

const csv = [
  "Profiling Info for Benchmark Initialization:",
  "============================== Run Order ==============================",
  "node type, first, avg_ms, %, cdf%, mem KB, times called, name",
  "AllocateTensors, 0.189, 0.189, 100%, 100%, 128, 1, AllocateTensors/0",
  "",
  "Operator-wise Profiling Info for Regular Benchmark Runs:",
  "============================== Run Order ==============================",
  "node type, first, avg_ms, %, cdf%, mem KB, times called, name",
  "CONV_2D, 1.715, 1.62649, 86.6732%, 86.6732%, 0, 1, [conv2d]:2",
  "DEQUANTIZE, 0, 8.65385e-05, 0.00461153%, 86.6778%, 0, 1, [a/b, c]:8",
  "Convolution (NHWC, F32) IGEMM, 0.2, 0.25, 13.3222%, 100%, 0, 1, Delegate/Convolution (NHWC, F32) IGEMM:3",
  "",
  "============================== Top by Computation Time ==============================",
  "node type, first, avg_ms, %, cdf%, mem KB, times called, name",
  "CONV_2D, 1.715, 1.62649, 86.6732%, 86.6732%, 0, 1, [conv2d]:2",
  "",
  "Number of nodes executed: 2",
].join("\n");

describe("op profile", () => {
  it("reads the run order of the inferences only", () => {
    const { rows, skipped } = parseProfileCsv(csv);
    expect(skipped).toBe(0);
    expect(rows).toEqual([
      {
        type: "CONV_2D",
        name: "conv2d",
        node: 2,
        firstMs: 1.715,
        averageMs: 1.62649,
        timesCalled: 1,
        delegated: false,
      },
      {
        type: "DEQUANTIZE",
        name: "a/b, c",
        node: 8,
        firstMs: 0,
        averageMs: 8.65385e-5,
        timesCalled: 1,
        delegated: false,
      },
      {
        type: "Convolution (NHWC, F32) IGEMM",
        name: "Delegate/Convolution (NHWC, F32) IGEMM",
        node: 3,
        firstMs: 0.2,
        averageMs: 0.25,
        timesCalled: 1,
        delegated: true,
      },
    ]);
  });

  it("reads the older layout with a start column (2.2 to 2.9)", () => {
    const older = csv
      .replaceAll("node type, first,", "node type, start, first,")
      .replace("CONV_2D, 1.715, 1.62649", "CONV_2D, 0.001, 1.715, 1.62649");
    expect(parseProfileCsv(older).rows[0]).toMatchObject({ firstMs: 1.715, averageMs: 1.62649, node: 2 });
  });

  it("never throws and never invents times on mutated text", () => {
    const random = createRandom(7);
    const noise = ["\0", ",", "%", "\n", "1e999", "NaN", "-", "=", "é", "count="];
    for (let round = 0; round < 3000; round++) {
      const at = random.int(0, csv.length - 1);
      const cut = csv.slice(0, at) + random.pick(noise) + csv.slice(at + random.int(0, 40));
      for (const row of parseProfileCsv(cut).rows) {
        expect(Number.isFinite(row.averageMs)).toBe(true);
        expect(Number.isFinite(row.firstMs)).toBe(true);
      }
      const mixed =
        stdout.slice(0, at % stdout.length) + random.pick(noise) + stdout.slice((at % stdout.length) + 3);
      const { averageMs } = parseBenchmarkOutput(mixed, cut);
      expect(averageMs === null || Number.isFinite(averageMs)).toBe(true);
    }
  });
});
