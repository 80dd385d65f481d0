import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import { watchSamples } from "../../src-main/profile/canaryWatch.ts";
import { estimateRemainingMs, neededKept, planCell } from "../../src-main/profile/plan.ts";
import {
  type RawSample,
  chooseTolerance,
  findReference,
  judgeSamples,
  quantile,
} from "../../src-main/profile/speedState.ts";

/** A device whose speed switches between 1 and `slowdown` at the given moments (µs), with a clock of its own. */
function createDevice(switches: number[], slowdown: number, seed = 1) {
  const random = createRandom(seed);
  let clock = 0;
  const factor = (): number => (switches.filter((at) => at <= clock).length % 2 === 1 ? slowdown : 1);
  const run = (us: number): number => {
    const took = us * factor() * (1 + 0.02 * random.next());
    clock += took;
    return took;
  };
  return { run, now: () => clock, pause: (us: number) => void (clock += us), waited: () => null };
}

describe("quantile", () => {
  it("interpolates between order statistics", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3], 1)).toBe(3);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe("reference", () => {
  it("is the lowest stable cluster, not the lucky lowest reading nor the commonest", () => {
    const slow = Array.from({ length: 70 }, (_, index) => 1750 + (index % 7) * 10);
    const fast = Array.from({ length: 29 }, (_, index) => 1000 + (index % 5) * 5);
    const reference = findReference([...slow, ...fast, 400]);
    expect(reference).toBeGreaterThan(990);
    expect(reference).toBeLessThan(1030);
  });

  it("falls back on the lower quartile of few readings", () => {
    expect(findReference([5, 7])).toBe(5.5);
    expect(findReference([])).toBeNaN();
  });
});

describe("judgement", () => {
  const sample = (us: number, before: number, after: number): RawSample => ({
    atUs: 0,
    us,
    canaryBeforeUs: before,
    canaryAfterUs: after,
    waitedUs: null,
  });

  it("keeps samples with a fast canary on both sides and drops interrupted ones", () => {
    const samples = [
      ...Array.from({ length: 8 }, () => sample(100, 10, 10)),
      sample(175, 17, 17),
      sample(140, 10, 17),
      sample(130, 10, 10),
    ];
    const judgement = judgeSamples(samples, 10, chooseTolerance(1));
    expect(judgement.keptCount).toBe(8);
    expect(judgement.kept.slice(8)).toEqual([false, false, false]);
    expect(judgement.us).toBe(100);
    expect(judgement.noisy).toBe(false);
  });

  it("drops samples that waited for a core, however fast the canary was", () => {
    const calm = Array.from({ length: 6 }, () => ({ ...sample(100, 10, 10), waitedUs: 1 }));
    const pushed = Array.from({ length: 6 }, () => ({ ...sample(104, 10, 10), waitedUs: 4 }));
    const judgement = judgeSamples([...calm, ...pushed], 10, chooseTolerance(1));
    expect(judgement.kept).toEqual([...calm.map(() => true), ...pushed.map(() => false)]);
  });

  it("forgives several threads the waiting for each other, not for another busy process", () => {
    const two = (waitedUs: number): RawSample => ({ ...sample(100, 10, 10), waitedUs });
    expect(judgeSamples([two(30), two(95)], 10, chooseTolerance(2)).kept).toEqual([true, false]);
    expect(judgeSamples([two(30)], 10, chooseTolerance(1)).kept).toEqual([false]);
  });

  it("marks a measurement noisy when the device was never fast, and takes the quietest samples", () => {
    const samples = Array.from({ length: 40 }, (_, index) =>
      sample(170 + index, 16 + index / 10, 16 + index / 10),
    );
    const judgement = judgeSamples(samples, 10, chooseTolerance(1));
    expect(judgement).toMatchObject({ keptCount: 0, noisy: true });
    expect(judgement.us).toBeLessThan(175);
  });
});

describe("watching samples", () => {
  const limits = { runs: 30, minSecs: 0.2, maxSecs: 60, tolerance: chooseTolerance(1), referenceUs: 2000 };

  it("measures the fast time of a device that is slow two thirds of the time, where the plain median is wrong", () => {
    const device = createDevice([100_000, 2_100_000, 3_000_000, 5_000_000, 6_000_000, 9_000_000], 1.75);
    const watched = watchSamples(
      () => device.run(20_000),
      () => device.run(2000),
      limits,
      device,
    );
    const judgement = judgeSamples(watched.samples, watched.referenceUs, limits.tolerance);
    expect(judgement.keptCount).toBeGreaterThanOrEqual(30);
    expect(Math.abs(judgement.us / 20_200 - 1)).toBeLessThan(0.02);
    expect(judgement.noisy).toBe(false);
  });

  it("finds the reference itself when none is given", () => {
    const device = createDevice([50_000, 1_500_000], 1.75);
    const watched = watchSamples(
      () => device.run(10_000),
      () => device.run(2000),
      { ...limits, referenceUs: 0, minSecs: 3 },
      device,
    );
    expect(Math.abs(watched.referenceUs / 2020 - 1)).toBeLessThan(0.03);
  });

  it("ends at its deadline on a device that stays slow, with evidence of the slow state", () => {
    const device = createDevice([0], 1.75);
    const watched = watchSamples(
      () => device.run(20_000),
      () => device.run(2000),
      { ...limits, maxSecs: 5 },
      device,
    );
    expect(device.now()).toBeLessThan(5.3e6);
    expect(watched.samples.length).toBeGreaterThanOrEqual(3);
    expect(judgeSamples(watched.samples, watched.referenceUs, chooseTolerance(1)).noisy).toBe(true);
  });

  it("without a canary runs the count and the seconds that benchmark_model would", () => {
    const device = createDevice([], 1);
    const plain = { ...limits, runs: 5, minSecs: 0.5, referenceUs: 0 };
    const watched = watchSamples(() => device.run(20_000), null, plain, device);
    expect(watched.samples.length).toBe(25);
    expect(watched.samples.every((sample) => sample.canaryBeforeUs === null)).toBe(true);
  });

  it("takes at least one sample of a network slower than the deadline", () => {
    const device = createDevice([], 1);
    const watched = watchSamples(() => device.run(9e6), null, { ...limits, maxSecs: 1 }, device);
    expect(watched.samples.length).toBe(1);
  });
});

describe("plan", () => {
  it("asks fewer kept inferences of a network that fills the deadline", () => {
    const pass = planCell("quick").endToEnd;
    expect(neededKept(pass, 1000)).toBe(5);
    expect(neededKept(pass, 3_000_000)).toBe(2);
  });

  it("estimates from the cells measured lately", () => {
    expect(estimateRemainingMs([], 5)).toBeNull();
    expect(estimateRemainingMs([100, 200, 300], 10)).toBe(2000);
  });
});
