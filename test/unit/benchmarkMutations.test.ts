/**
 * Seeded damage to the golden runs. What "right or a clear error" means here: parsing never throws, and
 * - after damage to whole lines and bytes (lines dropped, doubled, swapped, broken apart, cut off at any byte, log messages and
 *   line ends put in, characters other than digits put in the place of others) every number that is given is the one the
 *   undamaged run has in that field, whatever problems are told; what is not given is null or missing, and a missing row of
 *   the op profile is always told as a problem;
 * - after several such damages at once the same, or a problem is told: what was put together anew can be read as a whole run;
 * - after a digit turned into another, which no reader could tell where a number stands only once, the times that the tool
 *   tells twice (means of both phases, initialisation, first inference, shares of the op profile) are right, null or told.
 */
import { describe, expect, it } from "vitest";
import { type Random, createRandom } from "../../src-main/model/random.ts";
import { type BenchmarkOutput, parseBenchmarkOutput } from "../../src-main/profile/benchmarkOutput.ts";
import { type OpProfile, type ProfileRow, parseProfile } from "../../src-main/profile/profileTable.ts";
import { readGoldenRuns } from "./benchmarkGoldenFiles.ts";

const runs = readGoldenRuns();
const logs = [
  "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
  "01-31 12:00:07.123  8123  8140 I tflite  : count=3 first=1 curr=1 min=1 max=1 avg=1 std=0",
  '01-31 12:00:07.123  8123  8140 W libc    : Access denied finding property "ro.hardware.chipname"',
  "W/Adreno-GSL( 8123): <os_lib_map:1488>: os_lib_map error",
  "",
];
const strangers = [..." \t\r\n,;:=%[](){}/\\\"'`$#@!?<>|~^&*_azAZxX\0\u0001\u007f\ufffdéµ,"];

type Damage = (text: string, random: Random) => string;

function changeLines(change: (lines: string[], at: number, random: Random) => void): Damage {
  return (text, random) => {
    const lines = text.split("\n");
    change(lines, random.int(0, lines.length - 1), random);
    return lines.join("\n");
  };
}

const lineDamage: Record<string, Damage> = {
  drop: changeLines((lines, at) => lines.splice(at, 1)),
  double: changeLines((lines, at) => lines.splice(at, 0, lines[at]!)),
  repeatElsewhere: changeLines((lines, at, random) =>
    lines.splice(random.int(0, lines.length - 1), 0, lines[at]!),
  ),
  swap: changeLines((lines, at, random) => {
    const other = random.int(0, lines.length - 1);
    [lines[at], lines[other]] = [lines[other]!, lines[at]!];
  }),
  log: changeLines((lines, at, random) => lines.splice(at, 0, random.pick(logs))),
  cut: (text, random) => text.slice(0, random.int(0, text.length)),
  beginLate: (text, random) => text.slice(random.int(0, text.length)),
  crlf: (text) => text.replaceAll("\n", "\r\n"),
  stranger: (text, random) => {
    const at = random.int(0, text.length);
    return text.slice(0, at) + random.pick(strangers) + text.slice(at + 1);
  },
  insertStranger: (text, random) => {
    const at = random.int(0, text.length);
    return text.slice(0, at) + random.pick(strangers) + text.slice(at);
  },
};

const otherDigit: Damage = (text, random) => {
  const digits = [...text.matchAll(/\d/g)];
  if (digits.length === 0) return text;
  const { index, 0: digit } = random.pick(digits);
  const other = String((Number(digit) + random.int(1, 9)) % 10);
  return text.slice(0, index) + other + text.slice(index + 1);
};

/** Numbers of an output with the field each stands in. */
function listNumbers(output: BenchmarkOutput): [field: string, value: number][] {
  const found: [string, number][] = [];
  const collect = (prefix: string, value: object): void => {
    for (const [key, entry] of Object.entries(value))
      if (typeof entry === "number") found.push([prefix + key, entry]);
      else if (entry !== null && typeof entry === "object" && !Array.isArray(entry))
        collect(`${prefix}${key}.`, entry as object);
  };
  collect("", output);
  return found;
}

function describeNumbers({ firstMs, averageMs, timesCalled }: ProfileRow): string {
  return `${firstMs} ${averageMs} ${timesCalled}`;
}

function findWrongRows(profile: OpProfile, expected: OpProfile): string[] {
  const right = new Set(expected.rows.map(describeNumbers));
  const inner = new Set(expected.innerRows.map(describeNumbers));
  return [
    ...profile.rows.map(describeNumbers).filter((row) => !right.has(row)),
    ...profile.innerRows.map(describeNumbers).filter((row) => !inner.has(row) && !right.has(row)),
    ...(profile.rows.length > expected.rows.length ? ["more rows than there are"] : []),
    ...(profile.totalMs !== null && profile.totalMs !== expected.totalMs ? [`total ${profile.totalMs}`] : []),
  ];
}

describe("damaged output", () => {
  it.each(Object.keys(lineDamage))("gives only right numbers after %s", (name) => {
    const random = createRandom(11);
    for (let round = 0; round < 100; round++)
      for (const run of runs) {
        const damage = (text: string): string => lineDamage[name]!(text, random);
        checkStrictly(
          run,
          damage(run.stdout),
          damage(run.stderr),
          damage(run.profileText),
          `${name} ${round}`,
        );
      }
  });

  it("gives right numbers or tells a problem after several damages at once", () => {
    const random = createRandom(12);
    const names = Object.keys(lineDamage);
    for (let round = 0; round < 2500; round++)
      for (const run of runs) {
        const chosen = Array.from({ length: random.int(2, 5) }, () => random.pick(names));
        const damage = (text: string): string =>
          chosen.reduce((rest, name) => lineDamage[name]!(rest, random), text);
        const label = `${chosen.join(", ")} ${round}`;
        checkStrictly(run, damage(run.stdout), damage(run.stderr), damage(run.profileText), label, true);
      }
  });

  it("tells, or does not give, a time told twice of which one digit is another", () => {
    const random = createRandom(13);
    const modern = ["initMs", "firstInferenceMs", "warmupAverageMs", "averageMs"];
    const twice = (run: (typeof runs)[number]): string[] =>
      run.name === "tf-1.15-stdout-table" || run.name === "tf-2.2-csv"
        ? ["warmupAverageMs", "averageMs"]
        : modern;
    let told = 0;
    for (let round = 0; round < 250; round++)
      for (const run of runs) {
        const { expected } = run;
        const stdout = otherDigit(run.stdout, random);
        const output = parseBenchmarkOutput(stdout, run.stderr, expected.flags);
        const right = new Map(listNumbers(expected.output));
        for (const [field, value] of listNumbers(output))
          if (twice(run).includes(field) && !isSame(run, value, right.get(field)))
            expect(output.problems, `${run.name} ${round} ${field} ${value}`).not.toEqual([]);
        told += output.problems.length > expected.output.problems.length ? 1 : 0;
      }
    expect(told).toBeGreaterThan(500);
  });
});

/** Lines that tell the same time print it with more or fewer digits: six, or two decimals in LiteRT's second tool. */
function isSame(run: (typeof runs)[number], value: number, right: number | undefined): boolean {
  if (right === undefined) return false;
  const tolerance = run.name === "litert-model-results" ? 0.0051 : 1e-5 * right;
  return Math.abs(value - right) <= tolerance;
}

function checkStrictly(
  run: (typeof runs)[number],
  stdout: string,
  stderr: string,
  profileText: string,
  label: string,
  problemSuffices = false,
): void {
  const { expected } = run;
  const output = parseBenchmarkOutput(stdout, stderr, expected.flags);
  const right = new Map(listNumbers(expected.output));
  for (const [field, value] of listNumbers(output))
    if (!isSame(run, value, right.get(field)) && !(problemSuffices && output.problems.length > 0))
      expect.fail(
        `${run.name}, ${label}: ${field} is ${value}, not ${right.get(field)}\n${stdout}\n${output.problems.join("\n")}`,
      );
  if (!expected.profile) return;
  const profile = parseProfile(profileText);
  const wrong = findWrongRows(profile, expected.profile);
  if (wrong.length > 0 && !(problemSuffices && profile.problems.length > 0))
    expect.fail(`${run.name}, ${label}: ${wrong.join(" | ")}\n${profileText}`);
  if (profile.rows.length < expected.profile.rows.length && profile.problems.length === 0)
    expect.fail(`${run.name}, ${label}: rows are missing and nothing is told\n${profileText}`);
}
