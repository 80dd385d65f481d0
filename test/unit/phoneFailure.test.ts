import { describe, expect, it } from "vitest";
import type { Aggregate, DelegateCoverage, Device } from "../../src-main/lab/contract.ts";
import { cancelled, modelUnknown } from "../../src-main/lab/errors.ts";
import { phoneLost, phoneRefused } from "../../src-main/lab/phoneErrors.ts";
import { explainRejection, explainStart, findFailure } from "../../src-main/profile/phoneFailure.ts";
import type { PassEnd } from "../../src-main/profile/phonePass.ts";
import { usualDeadlines } from "../../src-main/profile/phonePass.ts";
import { readStayAwake } from "../../src-main/profile/phoneRestore.ts";
import { chooseFeedingCpus, resolvePhoneTarget } from "../../src-main/profile/phoneTarget.ts";
import { findOtherRuntime, judgeAggregate } from "../../src-main/profile/phoneVerdict.ts";

const well: PassEnd = {
  before: null,
  pid: 1,
  readBackMask: "f0",
  exitCode: 0,
  overdue: null,
  lost: null,
  stdout: "",
  stderr: "",
};

describe("how a process on a phone ended", () => {
  it.each([
    ["well", {}, null, null],
    ["well, where the phone tells no mask", { readBackMask: null }, null, null],
    ["on other cores", { readBackMask: "ff" }, "later", /cores of mask ff where f0 was asked for/],
    ["lost", { exitCode: null, lost: phoneLost("p", "running x") }, "back", /p was lost while running x/],
    ["overdue at its start", { exitCode: 137, overdue: "starting" }, "later", /single run by its deadline/],
    ["overdue later", { exitCode: null, overdue: "measuring" }, "later", /did not end before its deadline/],
    [
      "killed",
      { exitCode: 137 },
      "later",
      /^the phone ended the benchmark \(SIGKILL\), most likely because memory/,
    ],
    ["hung up", { exitCode: 129 }, "later", /ended the benchmark \(SIGHUP\)/],
    ["segmentation fault", { exitCode: 139 }, "no", /SIGSEGV: it crashed on this network/],
    ["abort", { exitCode: 134, stderr: "FATAL: x" }, "no", /SIGABRT: it crashed/],
    ["wrong instructions", { exitCode: 132 }, "no", /built for cores this phone does not have/],
    [
      "model refused",
      { exitCode: 1, stderr: "ERROR: Failed to load model /x\nERROR: Benchmarking failed.\n" },
      "no",
      /^Failed to load model/,
    ],
    [
      "model not opened",
      { exitCode: 1, stderr: "ERROR: Could not open '/x'. No such file or directory\n" },
      "no",
      /^Could not open/,
    ],
    [
      "denied",
      { exitCode: 126, stderr: "sh: /x: can't execute: Permission denied\n" },
      "no",
      /^permission denied/,
    ],
    [
      "denied to taskset",
      { exitCode: 126, stderr: "taskset: exec /x: Permission denied\n" },
      "no",
      /^permission denied/,
    ],
    [
      "wrong ABI",
      { exitCode: 126, stderr: "sh: /x: not executable: 64-bit ELF file\n" },
      "no",
      /^not executable: .*another ABI/,
    ],
    ["gone", { exitCode: 127, stderr: "sh: /x/benchmark_model: not found\n" }, "back", /is not there/],
    [
      "unlinkable",
      { exitCode: 1, stderr: 'CANNOT LINK EXECUTABLE "/x": library "libc++.so" not found' },
      "no",
      /lacks a library/,
    ],
    [
      "without taskset",
      { exitCode: 127, stderr: "/system/bin/sh: taskset: not found\n" },
      "no",
      /no taskset/,
    ],
    [
      "with a mask refused",
      { exitCode: 1, stderr: "taskset: sched_setaffinity: Invalid argument\n" },
      "later",
      /refused the cores of mask f0: .*Invalid argument/,
    ],
    ["full", { exitCode: 1, stderr: "ERROR: write: No space left on device\n" }, "no", /^the phone is full/],
    ["silent", { exitCode: 5 }, "no", /exit code 5/],
    ["with control characters", { exitCode: 5, stderr: "a\u001b[2Jb\u202e\n" }, "no", /^a \[2Jb$/],
  ] as [string, Partial<PassEnd>, string | null, RegExp | null][])("%s", (_name, other, again, words) => {
    const failure = findFailure({ ...well, ...other }, "f0");
    if (again === null) expect(failure).toBeNull();
    else {
      expect(failure?.again).toBe(again);
      expect(failure?.error).toMatch(words!);
    }
  });

  it("is told by one of these, and what is a matter of the lab's is not", () => {
    expect(explainRejection(phoneLost("p", "x"))?.again).toBe("back");
    expect(explainRejection(phoneRefused("p", "take it", "No space left on device"))?.again).toBe("no");
    expect(explainRejection(phoneRefused("p", "answer", "it was ended"))?.again).toBe("later");
    expect(explainRejection(modelUnknown("m"))?.again).toBe("no");
    expect(explainRejection(cancelled())).toBeNull();
    expect(explainRejection(new Error("bug"))).toBeNull();
    expect(explainStart("all is well")).toBeNull();
  });
});

it("deadlines leave a slow start alone and count in the time an inference takes", () => {
  const plan = { runs: 1, minSecs: 0, maxSecs: 5, warmupSecs: 0 };
  expect(usualDeadlines.startMs(plan)).toBe(70_000);
  expect(usualDeadlines.measureMs(plan, null)).toBe(17_500);
  expect(usualDeadlines.measureMs(plan, 4000)).toBe(37_500);
});

it("a phone's setting is put back only as what a setting can be", () => {
  expect(["3\n", "null\r\n", "0", "", "3; reboot", "99999"].map(readStayAwake)).toEqual([
    "3",
    "null",
    "0",
    null,
    null,
    null,
  ]);
});

describe("what ran", () => {
  const coverage = (name: string, kind: DelegateCoverage["coverage"], backend: string | null = null) => ({
    name,
    backend,
    coverage: kind,
    partitions: null,
    left: [],
  });
  const output = (
    coverages: DelegateCoverage[],
    delegates: string[] = [],
    unconsumed: string[] = [],
    problems: string[] = [],
    xnnpackCreated = false,
  ) => ({
    coverages,
    delegates,
    unconsumed,
    problems,
    xnnpackCreated,
  });

  it.each([
    ["gpu-cl", output([coverage("GPU", "full", "OpenCL")], ["GPU"]), null],
    ["gpu-cl", output([coverage("GPU", "partial", "OpenCL")], ["GPU"]), null],
    ["gpu-cl", output([coverage("GPU", "full", null)], ["GPU"]), null],
    ["gpu-cl", output([coverage("GPU", "full", "OpenGL")], ["GPU"]), /fell back to OpenGL/],
    [
      "gpu-cl",
      output([coverage("GPU", "full", null)], [], [], ["the GPU delegate used both OpenCL and OpenGL"]),
      /OpenGL/,
    ],
    ["gpu-cl", output([coverage("GPU", "none")]), /fell back to the CPU/],
    ["gpu-cl", output([]), /fell back to the CPU/],
    ["gpu-cl", output([], [], ["--use_gpu=true"]), /ignored --use_gpu=true/],
    ["tflite", output([]), null],
    ["tflite", output([], [], ["--verbose=true"]), null],
    ["tflite", output([], ["XNNPACK"]), /builtin kernels were asked for/],
    ["tflite", output([coverage("XNNPACK", "partial")]), /builtin kernels were asked for/],
    ["tflite", output([], [], [], [], true), /builtin kernels were asked for/],
    ["xnnpack", output([], ["XNNPACK"]), null],
    ["xnnpack", output([coverage("XNNPACK", "partial")]), null],
    ["xnnpack", output([coverage("XNNPACK", "none")], ["XNNPACK"]), /took nothing/],
    ["xnnpack", output([]), /does not say/],
  ] as const)("%s %j", (runtime, told, words) => {
    const found = findOtherRuntime(runtime, "benchmark_model", told);
    if (words === null) expect(found).toBeNull();
    else expect(found).toMatch(words);
  });
});

describe("statistics of a tool that tells no samples", () => {
  const aggregate = (other: Partial<Aggregate>): Aggregate => ({
    count: 50,
    averageMs: 10,
    minMs: 9,
    maxMs: 12,
    stdMs: 1,
    medianMs: null,
    p5Ms: null,
    p95Ms: null,
    ...other,
  });

  it("give the median where it is told, else the mean", () => {
    expect(judgeAggregate({ measured: aggregate({ medianMs: 9.5 }), averageMs: 10 })?.latencyMs).toBe(9.5);
    expect(judgeAggregate({ measured: aggregate({}), averageMs: 10 })?.latencyMs).toBe(10);
    expect(judgeAggregate({ measured: null, averageMs: 10 })).toMatchObject({ latencyMs: 10, spreadMs: 0 });
  });

  it("give half an interquartile range by p5 and p95, else by the deviation", () => {
    // Of a normal distribution with deviation 1: p95 − p5 is 3.29, the quartiles lie 0.6745 to each side.
    const wide = aggregate({ p5Ms: 10 - 1.6449, p95Ms: 10 + 1.6449, stdMs: 2 });
    expect(judgeAggregate({ measured: wide, averageMs: 10 })?.spreadMs).toBeCloseTo(0.6745, 6);
    expect(judgeAggregate({ measured: aggregate({}), averageMs: 10 })?.spreadMs).toBeCloseTo(0.6745, 6);
  });

  it("are noisy when they scatter by more than a quarter", () => {
    expect(judgeAggregate({ measured: aggregate({ stdMs: 2.5 }), averageMs: 10 })?.noise).toBeNull();
    expect(judgeAggregate({ measured: aggregate({ stdMs: 2.6 }), averageMs: 10 })?.noise).toMatch(
      /scatter by 2\.60 ms/,
    );
  });

  it("of nothing are no measurement", () => {
    expect(judgeAggregate({ measured: null, averageMs: null })).toBeNull();
    expect(judgeAggregate({ measured: aggregate({ averageMs: 0 }), averageMs: 0 })).toBeNull();
  });
});

describe("where a scenario runs", () => {
  const device = {
    id: "phone",
    clusters: [
      { name: "large", cpus: [7], maxMhz: 2841 },
      { name: "med", cpus: [4, 5, 6], maxMhz: 2419 },
      { name: "small", cpus: [0, 1, 2, 3], maxMhz: 1785 },
    ],
    coreSets: [],
    phone: { offlineCpus: [] as number[] },
  } as unknown as Device;

  it("takes any core set by name, with its mask as toybox reads it", () => {
    expect(resolvePhoneTarget("phone/1large+2small/int8/tflite", device)).toMatchObject({
      cpus: [7, 0, 1],
      mask: "0x83",
      phoneMask: "83",
      threads: 3,
    });
  });

  it("feeds a GPU from the fastest cores, at least two where there are", () => {
    expect(resolvePhoneTarget("phone/gpu/float16/gpu-cl", device)).toMatchObject({
      phoneMask: "f0",
      threads: 1,
    });
    const twoLarge = {
      ...device,
      clusters: [{ name: "large", cpus: [6, 7], maxMhz: 1 }, device.clusters[2]!],
    };
    expect(chooseFeedingCpus(twoLarge)).toEqual([6, 7]);
    const offline = { ...device, phone: { ...device.phone!, offlineCpus: [7, 6] } };
    expect(chooseFeedingCpus(offline)).toEqual([4, 5]);
  });

  it.each([
    ["phone/2large/float32/tflite", "core-set-unknown"],
    ["phone/gpu/float32/tflite", "scenario-unsupported"],
    ["phone/1large/float32/gpu-cl", "scenario-unsupported"],
    ["phone/1large/float16/tflite", "scenario-unsupported"],
  ])("refuses %s", (id, code) => {
    expect(() => resolvePhoneTarget(id, device)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
