import { describe, expect, it } from "vitest";
import { parseBenchmarkFlags } from "../../src-main/profile/benchmarkFlags.ts";
import { parseCounts, parseProfileCsv } from "../../src-main/profile/benchmarkOutput.ts";
import { formatCounts, formatDouble, formatProfileCsv } from "../../src-main/profile/benchmarkReport.ts";

describe("number formats of C++ streams", () => {
  // Expected values are what `std::cout << double` prints with its default precision.
  it.each([
    [0, "0"],
    [1087.02, "1087.02"],
    [2983130.4, "2.98313e+06"],
    [999999.4, "999999"],
    [999999.6, "1e+06"],
    [0.0000865385, "8.65385e-05"],
    [0.0001, "0.0001"],
    [142.7512345, "142.751"],
    [1e-10, "1e-10"],
  ])("%s prints as %s", (value, text) => {
    expect(formatDouble(value)).toBe(text);
  });
});

describe("the host benchmark's report", () => {
  it("prints counts as the official tool does, population deviation truncated", () => {
    expect(formatCounts([2, 4])).toBe("count=2 first=2 curr=4 min=2 max=4 avg=3 std=1");
    expect(formatCounts([5])).toBe("count=1 curr=5");
    expect(formatCounts([5, 5.2])).toBe("count=2 curr=5(all same)");
    expect(formatCounts([])).toBe("count=0");
  });

  it("is read back by the parser to the same numbers", () => {
    const nodes = [
      { type: "CONV_2D", name: "[a]:0", firstUs: 1500, avgUs: 1400.5 },
      { type: "ADD", name: "[b, c]:1", firstUs: 10, avgUs: 0.0865 },
    ];
    const { rows, skipped } = parseProfileCsv(formatProfileCsv(nodes, [1400, 1500]));
    expect(skipped).toBe(0);
    expect(rows.map((row) => [row.type, row.name, row.node])).toEqual([
      ["CONV_2D", "a", 0],
      ["ADD", "b, c", 1],
    ]);
    expect(rows[0]!.averageMs).toBeCloseTo(1.4005, 9);
    expect(rows[1]!.averageMs).toBeCloseTo(8.65e-5, 12);
    expect(parseCounts(formatCounts([1400, 1500]))?.averageMs).toBe(1.45);
  });
});

describe("the host benchmark's flags", () => {
  it("reads name=value, lists what it does not know, and knows the older CSV flag", () => {
    const { flags, unconsumed, given } = parseBenchmarkFlags([
      "--graph=a b.tflite",
      "--num_runs=5",
      "--use_xnnpack=true",
      "--use_gpu=true",
      "--profiling_output_csv_file=x.csv",
    ]);
    expect(flags).toMatchObject({
      graph: "a b.tflite",
      num_runs: 5,
      use_xnnpack: true,
      op_profiling_output_mode: "csv",
      op_profiling_output_file: "x.csv",
      min_secs: 1,
    });
    expect(unconsumed).toEqual(["--use_gpu=true"]);
    expect(given).toContain("Use xnnpack: [1]");
  });

  it("refuses a value that is no number and a mode it cannot write", () => {
    expect(() => parseBenchmarkFlags(["--num_runs=x"])).toThrow(/--num_runs=x/);
    expect(() => parseBenchmarkFlags(["--use_xnnpack=maybe"])).toThrow(/use_xnnpack/);
    expect(() => parseBenchmarkFlags(["--op_profiling_output_mode=proto"])).toThrow(/not supported/);
  });
});
