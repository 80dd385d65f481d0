import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { BenchmarkOutput } from "../../src-main/profile/benchmarkOutput.ts";
import type { ClassifiedRows } from "../../src-main/profile/kernelTimes.ts";
import type { OpProfile } from "../../src-main/profile/profileTable.ts";

/** What one run of a benchmark printed, in the format of a version, and what it is to be read as. */
export interface GoldenRun {
  name: string;
  stdout: string;
  stderr: string;
  /** The op profile's file, or stdout where the profile is there. */
  profileText: string;
  expected: {
    flags: string[];
    output: BenchmarkOutput;
    profile?: OpProfile | null;
    opTypes?: string[];
    classified?: ClassifiedRows;
  };
}

const folder = join(import.meta.dirname, "../golden/benchmark");

/** All golden runs; the numbers in them are made up, the formats are those of the versions they are named after. */
export function readGoldenRuns(): GoldenRun[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const read = (file: string): string => readFileSync(join(folder, name, file), "utf8");
      const stdout = read("stdout.txt");
      return {
        name,
        stdout,
        stderr: read("stderr.txt"),
        profileText: existsSync(join(folder, name, "profile.csv")) ? read("profile.csv") : stdout,
        expected: JSON.parse(read("expected.json")) as GoldenRun["expected"],
      };
    });
}
