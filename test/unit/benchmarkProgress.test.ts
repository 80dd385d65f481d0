import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import { BenchmarkProgress } from "../../src-main/profile/benchmarkProgress.ts";

const lines = [
  ["INFO: STARTING!", "starting"],
  ["INFO: Initialized session in 3.1ms.", "starting"],
  [
    "INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.",
    "warmup",
  ],
  ["INFO: count=61 first=9120 curr=8050 min=7900 max=9120 avg=8201.7 std=170", "warmup"],
  ["", "warmup"],
  [
    "INFO: Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.",
    "measuring",
  ],
  ["W/Adreno-GSL( 8123): something", "measuring"],
  ["INFO: count=117 first=8100 curr=8012 min=7866 max=9544 avg=8077.25 std=211", "reporting"],
  [
    "INFO: Inference timings in us: Init: 1, First inference: 2, Warmup (avg): 3, Inference (avg): 4",
    "reporting",
  ],
] as const;

describe("a benchmark under way", () => {
  it("is in the phase that its last whole line tells, with and without prefixes", () => {
    for (const prefix of [/^/, /^INFO: /]) {
      const progress = new BenchmarkProgress();
      for (const [line, phase] of lines) expect(progress.feed(`${line.replace(prefix, "")}\n`)).toBe(phase);
      expect(progress.warmupAverageMs).toBeCloseTo(8.2017, 9);
      expect(progress.warmup?.count).toBe(61);
    }
  });

  it("does not know the warm-up's mean before measuring begins", () => {
    const progress = new BenchmarkProgress();
    progress.feed(`${lines[2][0]}\n`);
    expect(progress.warmupAverageMs).toBeNull();
  });

  it("goes the same way however the stream is cut", () => {
    const text = lines.map(([line]) => `${line}\r\n`).join("");
    const random = createRandom(5);
    for (let round = 0; round < 200; round++) {
      const progress = new BenchmarkProgress();
      let seen = "";
      for (let at = 0; at < text.length;) {
        const next = Math.min(text.length, at + random.int(1, 120));
        const phase = progress.feed(text.slice(at, next));
        if (!seen.endsWith(phase)) seen += ` ${phase}`;
        at = next;
      }
      const phases = seen.trim().split(" ");
      expect(
        ["starting", "warmup", "measuring", "reporting"].filter((phase) => phases.includes(phase)),
      ).toEqual(phases);
      expect(progress.phase).toBe("reporting");
      expect(progress.warmupAverageMs).toBeCloseTo(8.2017, 9);
    }
  });

  it("keeps no endless line", () => {
    const progress = new BenchmarkProgress();
    for (let piece = 0; piece < 200; piece++) progress.feed("x".repeat(10_000));
    expect(progress.phase).toBe("starting");
    for (const [line] of lines) progress.feed(`\n${line}\n`);
    expect(progress.phase).toBe("reporting");
  });
});
