import { describe, expect, it } from "vitest";
import {
  parseBenchmarkOutput,
  parseCounts,
  parseProfileCsv,
} from "../../src-main/profile/benchmarkOutput.ts";
import { BenchmarkProgress } from "../../src-main/profile/benchmarkProgress.ts";
import { readCountLine } from "../../src-main/profile/countLine.ts";
import { classifyRows } from "../../src-main/profile/kernelTimes.ts";
import { type ProfileRow, readProfileRow } from "../../src-main/profile/profileRow.ts";
import { parseProfile } from "../../src-main/profile/profileTable.ts";
import { createRandom } from "../../src-main/model/random.ts";

const stdout = [
  "INFO: STARTING!",
  "WARN: Unconsumed cmdline flags: --use_gpu=true --nope=1",
  "INFO: Initialized session in 1.5ms.",
  "INFO: count=40 first=2000 curr=1000 min=900 max=2000 avg=1100.5 std=180",
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
  "Number of nodes executed: 3",
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

const row = "CONV_2D, 1.715, 1.62649, 86.6732%, 86.6732%, 0, 1, [conv2d]:2";

describe("numbers that are not the tool's", () => {
  it("takes a decimal comma for damage, never for another number", () => {
    const comma = (text: string): string => text.replaceAll(/(\d)\.(\d)/g, "$1,$2");
    const output = parseBenchmarkOutput(comma(stdout), "");
    expect(output).toMatchObject({ averageMs: null, measured: null, initMs: null, peakMemoryBytes: null });
    expect(output.problems.length).toBeGreaterThan(2);
    for (const text of [csv, csv.replaceAll(/\d+\.?\d*%/g, "100%")]) {
      const profile = parseProfile(comma(text));
      expect(profile.rows).toEqual([]);
      expect(profile.skipped).toBe(3);
      expect(profile.problems[0]).toContain("cannot be read");
    }
  });

  it.each(["nan", "-nan", "inf", "0x10", "1_000", "1e999", "12 ", "-5", "+-5", "007", "5.", ".5", "", "٣"])(
    "does not read %j as a time",
    (text) => {
      expect(parseCounts(`count=1 curr=${text}`)?.averageMs ?? null).toBe(text === "12 " ? 0.012 : null);
      expect(readProfileRow(row.replace("1.62649", text))).toBeNull();
    },
  );

  it("does not read a count line that contradicts itself", () => {
    const line = "count=90 first=1100 curr=1000 min=950 max=1500 avg=1050.25 std=70";
    expect(parseCounts(line)?.averageMs).toBe(1.05025);
    for (const [from, to] of [
      ["avg=1050.25", "avg=1550.25"],
      ["min=950", "min=1950"],
      ["std=70", "std=700"],
      ["std=70", "std=7"],
      ["first=1100", "first=110"],
      [" std=70", ""],
      ["std=70", "std=70 p5=960"],
      ["std=70", "std=70 p5=1200 median=1000 p95=1400"],
      ["curr=1000", "curr=1000 curr=1000"],
    ] as const)
      expect(parseCounts(line.replace(from, to)), to).toBeNull();
  });

  it("does not read a count line that is not whole", () => {
    for (const line of [
      "count=3",
      "count=1",
      "count=3 curr=5",
      "count=3 first=5 curr=5",
      "count=2 curr=4 avg=4",
    ])
      expect(readCountLine(line), line).toMatchObject({
        counts: null,
        problem: expect.stringContaining("not whole"),
      });
  });

  it("gives neither of two averages that contradict each other", () => {
    const output = parseBenchmarkOutput(stdout.replace("avg=1050.25", "avg=1060.25"), "");
    expect(output).toMatchObject({ averageMs: null, measured: null, warmupAverageMs: 1.1005 });
    expect(output.problems.join()).toContain("measured phase is 1.06025 ms");
  });

  it("takes a last line without its end for cut", () => {
    const cut = stdout.slice(0, stdout.indexOf("050.25\nINFO: Overall"));
    expect(parseBenchmarkOutput(cut, "")).toMatchObject({ averageMs: null, measured: null, initMs: 1.5 });
    expect(parseBenchmarkOutput(cut, "").problems).toContain("stdout ends inside a line");
  });
});

describe("rows that contradict each other", () => {
  const tail = csv.slice(csv.indexOf("\n\n====", csv.indexOf("Operator-wise")));
  const told = (text: string): string => parseProfile(text).problems.join("\n");

  it("tells a lost row, a doubled one and one of another table", () => {
    expect(told(csv.replace(`${row}\n`, ""))).toContain("missing");
    expect(told(csv.replace(row, `${row}\n${row}`))).toContain("twice");
    expect(parseProfile(csv.replace(row, `${row}\n${row}`)).rows).toHaveLength(3);
    const alien = csv.replace(tail, `\nSOFTMAX, 0.2, 0.2, 99%, 99%, 0, 1, [other]:9${tail}`);
    expect(parseProfile(alien).rows.map(({ node }) => node)).not.toContain(9);
  });

  it("does not give a time that is not its share of the whole", () => {
    const profile = parseProfile(csv.replace("0.25, 13.3222%", "0.95, 13.3222%"));
    expect(profile.rows.map(({ node }) => node)).toEqual([2, 8]);
    expect(profile.problems.join()).toContain("do not fit their share");
  });

  it("tells op times that do not add up to the sum the report tells", () => {
    const whole = `${csv}\n\nTimings (microseconds): count=9 first=4000 curr=4000 min=3900 max=4100 avg=4000 std=60\n`;
    expect(told(whole)).toContain("add up to 1.877 ms, but it tells a sum of 4 ms");
    expect(parseProfile(whole).totalMs).toBeNull();
  });
});

describe("op times and kernels", () => {
  const made = { name: "x", node: 0, firstMs: 9, averageMs: 2, timesCalled: 3, delegated: false };

  it("are told per inference, whatever an op's calls are", () => {
    const rows = [
      { ...made, type: "ADD" },
      { ...made, type: "Add (ND)", name: "Delegate/Add (ND)", node: 1, delegated: true },
    ];
    expect(classifyRows({ rows, innerRows: [] }, ["ADD", "ADD"])).toEqual({
      opTimes: [{ op: 0, type: "ADD", ms: 6 }],
      kernels: [{ type: "Add (ND)", name: "Delegate/Add (ND):1", ms: 6 }],
    });
  });

  it("join by index and type together, never with a delegate's own index", () => {
    const join = (changes: Partial<ProfileRow>): number =>
      classifyRows({ rows: [{ ...made, type: "ADD", ...changes }], innerRows: [] }, ["ADD", "MUL"]).opTimes
        .length;
    expect(join({})).toBe(1);
    expect(join({ type: "ADD/fused" })).toBe(1);
    expect(join({ type: "ADD_N" })).toBe(0);
    expect(join({ node: 1 })).toBe(0);
    expect(join({ node: 7 })).toBe(0);
    expect(join({ node: null })).toBe(0);
    expect(join({ delegated: true })).toBe(0);
  });
});

describe("delegates", () => {
  const started = "INFO: Initialized session in 3ms.\n";
  const read = (stderr: string, flags: string[] = [], out = started) =>
    parseBenchmarkOutput(out, stderr, flags);

  it("misses one that was asked for only once the session has begun", () => {
    expect(read("", ["--use_gpu=true"]).coverages).toMatchObject([{ name: "GPU", coverage: "none" }]);
    expect(read("", ["--use_gpu=false"]).coverages).toEqual([]);
    expect(read("", ["--use_gpu=true"], "INFO: STARTING!\n").coverages).toEqual([]);
    expect(read("", ["--use_gpu=true"], "INFO: STARTING!\n").problems.join()).toContain("GPU");
  });

  it("reads operators left behind from Android's log, with other messages between them", () => {
    const log = (text: string): string => `01-31 12:00:07.123  8123  8140 E tflite  : ${text}\n`;
    const { coverages } = read(
      log("Following operations are not supported by GPU delegate:") +
        log("SPLIT: Operation is not supported.") +
        "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n" +
        log("DEQUANTIZE: ") +
        log("130 operations will run on the GPU, and the remaining 114 operations will run on the CPU."),
    );
    expect(coverages).toMatchObject([
      { name: "GPU", coverage: "partial", left: ["SPLIT: Operation is not supported.", "DEQUANTIZE"] },
    ]);
  });

  it("believes the runtime's count over the tool's word and tells that they differ", () => {
    const { coverages, problems } = read(
      "VERBOSE: Replacing 3 out of 5 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 2 partitions for the whole graph.\n",
      [],
      `INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate.\n${started}`,
    );
    expect(coverages).toMatchObject([{ name: "GPU", coverage: "partial" }]);
    expect(problems.join()).toContain("the runtime the network in part");
  });

  it("knows the GPU's backend by each line that tells it, and that none of its kernels is none of the network", () => {
    const full = `INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate.\n${started}`;
    const backend = (stderr: string): unknown => read(stderr, [], full).coverages[0]?.backend;
    expect(backend("ERROR: Falling back to OpenGL\n")).toBe("OpenGL");
    expect(backend("INFO: Initialized OpenGL-based API.\n")).toBe("OpenGL");
    expect(backend("INFO: Initialized OpenCL-based API from serialized data.\n")).toBe("OpenCL");
    expect(backend("")).toBeNull();
    expect(read("INFO: Created 0 GPU delegate kernels.\n").coverages).toMatchObject([{ coverage: "none" }]);
  });

  it("keeps a hostile list short", () => {
    const items = Array.from({ length: 5000 }, (_, index) => `OP_${index}: ${"x".repeat(1000)}\n`).join("");
    const { coverages } = read(
      `ERROR: Following operations are not supported by GPU delegate:\n${items}1 operations will run on the GPU, and the remaining 2 operations will run on the CPU.\n`,
    );
    expect(coverages[0]!.left).toHaveLength(200);
    expect(coverages[0]!.left[0]!.length).toBeLessThanOrEqual(300);
  });
});

describe("hostile output", () => {
  const size = 5_000_000;
  const fill = (piece: string): string => piece.repeat(Math.ceil(size / piece.length));
  const hostile: [string, string][] = [
    ["one line", fill("x")],
    ["line ends", fill("\n")],
    ["carriage returns", fill("\r")],
    ["digits", fill("1")],
    ["commas", fill("1, ")],
    ["percentages", fill("1, 1, 1%, 1%, 0, 1, x, ")],
    ["short rows", fill("A, 1, 1, 1%, 1%, 0\n")],
    ["whole rows", fill("A, 1, 1, 1%, 1%, 0, 1, [x]:1\n")],
    ["tabs", fill("\t")],
    ["tab rows", fill("\tA\t1\t1\t1%\t1%\t0\n")],
    ["spaces", fill(" ")],
    ["equals signs", fill("=")],
    ["titles", fill("===== Run Order =====\n")],
    ["counts", fill("count=1 curr=1\n")],
    ["a long count", `count=1 curr=${fill("1")}\n`],
    ["fields", `count=1 ${fill("a=1 ")}\n`],
    ["prefixes", fill("INFO: ")],
    ["log headers", fill("01-31 12:00:07.123  1  1 I ")],
    ["unconsumed", `Unconsumed cmdline flags: ${fill("--a=1 ")}\n`],
    ["errors", fill("ERROR: a: Permission denied\n")],
    ["a list", `Following operations are not supported by GPU delegate:\n${fill("A: b\n")}`],
    ["subgraphs", fill("Subgraph (index: 1, name: ) profile:\n")],
    ["zeros", fill("\0")],
  ];
  const head =
    "Operator-wise Profiling Info for Regular Benchmark Runs:\n===== Run Order =====\nnode type, first, avg_ms, %, cdf%, mem KB, times called, name\n";

  // The baseline takes each line in hand once, as any reader must; a quadratic pattern is thousands of times slower than it.
  it.each(hostile)("of 5 MB is read in linear time: %s", (_, text) => {
    const measure = (work: () => unknown): number => {
      const start = performance.now();
      work();
      return performance.now() - start;
    };
    const baseline = measure(() =>
      text.split("\n").map((line) => /^(\w+): (.*)$/.exec(line)?.[2]?.split(", ")),
    );
    const taken = measure(() => {
      parseBenchmarkOutput(text, text);
      parseProfile(head + text);
      const progress = new BenchmarkProgress();
      for (let at = 0; at < text.length; at += 65_536) progress.feed(text.slice(at, at + 65_536));
    });
    expect(taken).toBeLessThan(4000 + 30 * baseline);
  });

  it("longer than any benchmark's is cut, and this is told", () => {
    const { problems } = parseBenchmarkOutput(`${stdout}${"\n".repeat(16_000_001)}`, "");
    expect(problems.join()).toContain("longer than a benchmark's output");
  });
});
