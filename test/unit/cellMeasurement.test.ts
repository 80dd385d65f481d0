import { describe, expect, it } from "vitest";
import { formatProfileCsv } from "../../src-main/profile/benchmarkReport.ts";
import { findDisagreement } from "../../src-main/profile/cellMeasurement.ts";
import type { SamplesFile } from "../../src-main/profile/samplesFile.ts";

const pass = { runs: 6, minSecs: 0, maxSecs: 3, warmupSecs: 0 };

function secondPass(opsMs: number[], canaryUs = 1000): { samples: SamplesFile; profileCsv: string } {
  const count = 6;
  const fill = (value: number): number[] => Array.from({ length: count }, () => value);
  const nodes = opsMs.map((ms, index) => {
    return { type: "CONV_2D", name: `[t]:${index}`, firstUs: ms * 1000, avgUs: ms * 1000 };
  });
  return {
    profileCsv: formatProfileCsv(nodes, fill(1)),
    samples: {
      format: 1,
      referenceUs: 1000,
      threads: 1,
      canaryUs: fill(canaryUs),
      atUs: fill(0),
      us: fill(50_000),
      canaryBeforeUs: fill(canaryUs),
      canaryAfterUs: fill(canaryUs),
      waitedUs: fill(0),
      initUs: 0,
      firstInferenceUs: 0,
      runtimeVersion: "2.9.0",
    },
  };
}

describe("the per-op pass of a cell", () => {
  it("belongs to its end-to-end pass when the op times add up to it", () => {
    expect(findDisagreement(secondPass([30, 18]), 50, pass)).toBeNull();
  });

  it("is refused when its ops took the slow state's time", () => {
    expect(findDisagreement(secondPass([50, 37]), 50, pass)).toBe(
      "the op times add up to 174 % of the end-to-end time",
    );
    expect(findDisagreement(secondPass([20, 10]), 50, pass)).toMatch(/60 %/);
  });

  it("is refused when too few of its inferences were fast", () => {
    expect(findDisagreement(secondPass([30, 18], 1750), 50, pass)).toMatch(/only 0 of 6/);
  });

  it("forgives what the timing callbacks of many tiny ops cost", () => {
    const tiny = Array.from({ length: 160 }, () => 0.008);
    expect(findDisagreement(secondPass(tiny), 1, pass)).toBeNull();
  });

  it("says nothing where the runtime gave no op times", () => {
    expect(findDisagreement({ samples: null, profileCsv: null }, 50, pass)).toBeNull();
  });
});
