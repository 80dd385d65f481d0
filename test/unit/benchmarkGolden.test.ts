import { describe, expect, it } from "vitest";
import { parseBenchmarkOutput } from "../../src-main/profile/benchmarkOutput.ts";
import { classifyRows } from "../../src-main/profile/kernelTimes.ts";
import { parseProfile } from "../../src-main/profile/profileTable.ts";
import { readGoldenRuns } from "./benchmarkGoldenFiles.ts";

const runs = readGoldenRuns();

describe("golden runs of each version", () => {
  it.each(runs.map((run) => [run.name, run] as const))("%s: output", (_, { stdout, stderr, expected }) => {
    expect(parseBenchmarkOutput(stdout, stderr, expected.flags)).toEqual(expected.output);
  });

  const profiled = runs.filter(({ expected }) => expected.profile);
  it.each(profiled.map((run) => [run.name, run] as const))(
    "%s: op profile",
    (_, { profileText, expected }) => {
      const profile = parseProfile(profileText);
      expect(profile).toEqual(expected.profile);
      expect(classifyRows(profile, expected.opTypes!)).toEqual(expected.classified);
    },
  );

  it("reads the same with CRLF and with doubled carriage returns of a terminal", () => {
    for (const end of ["\r\n", "\r\r\n"])
      for (const { stdout, stderr, profileText, expected } of runs) {
        const turn = (text: string): string => text.replaceAll("\n", end);
        expect(parseBenchmarkOutput(turn(stdout), turn(stderr), expected.flags)).toEqual(expected.output);
        if (expected.profile) expect(parseProfile(turn(profileText))).toEqual(expected.profile);
      }
  });

  it("reads the same with log messages between all lines, rows of tables included", () => {
    const logs = [
      "INFO: Created TensorFlow Lite delegate for GPU.",
      "01-31 12:00:07.123  8123  8140 I tflite  : count=3 first=1 curr=1 min=1 max=1 avg=1 std=0",
      "W/Adreno-GSL( 8123): <os_lib_map:1488>: os_lib_map error, on 'libadreno_app_profiles.so'",
      "WARN: something, 1, 2, 3%, 4%, 0, 1, [else]:7",
    ];
    for (const { stdout, stderr, profileText, expected } of runs) {
      let next = 0;
      const interleave = (text: string): string =>
        text
          .split("\n")
          .map((line, index, all) =>
            index === all.length - 1 ? line : `${line}\n${logs[next++ % logs.length]}`,
          )
          .join("\n");
      const flags = expected.flags;
      expect(parseBenchmarkOutput(interleave(stdout), interleave(stderr), flags)).toEqual(expected.output);
      if (expected.profile) expect(parseProfile(interleave(profileText))).toEqual(expected.profile);
    }
  });
});
