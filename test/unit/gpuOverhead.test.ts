import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import { evaluateGpuOverhead, fitGpuOverhead, type GpuWork } from "../../src-main/predict/gpuOverhead.ts";

const random = createRandom(1);
const works = Array.from({ length: 40 }, (): GpuWork => {
  const times = Array.from({ length: 20 + Math.floor(80 * random.next()) }, () =>
    Math.exp(3 * random.next() - 3),
  );
  return {
    times,
    untimed: Math.floor(30 * random.next()),
    untimedBytes: 1e7 * random.next(),
    bytes: 1e8 * (1 + random.next()),
  };
});
const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

function fit(law: (work: GpuWork) => number) {
  return fitGpuOverhead(
    works.map((work) => ({ work, beyondMs: law(work), latencyMs: sumOf(work.times) + law(work) })),
  );
}

describe("overhead on a GPU", () => {
  it("recovers a constant, a time per launch and per byte of kernels without a time", () => {
    const overhead = fit((work) => 1.5 + 0.02 * work.times.length + 2e-7 * work.untimedBytes);
    expect(overhead.constantMs).toBeCloseTo(1.5, 3);
    expect(overhead.perKernelMs).toBeCloseTo(0.02, 4);
    expect(overhead.msPerUntimedByte).toBeCloseTo(2e-7, 9);
    expect(overhead.share).toBeCloseTo(0, 4);
    expect(evaluateGpuOverhead(overhead, works[0]!)).toBeCloseTo(
      1.5 + 0.02 * works[0]!.times.length + 2e-7 * works[0]!.untimedBytes,
      3,
    );
  });

  it("recovers what brief kernels leave no time to hide", () => {
    const times = works.flatMap((work) => work.times).sort((a, b) => a - b);
    const brief = (times[(times.length - 1) >> 1]! + times[times.length >> 1]!) / 2;
    const law = ({ times: own }: GpuWork) => 1 + 0.1 * sumOf(own.map((ms) => Math.max(0, 1 - ms / brief)));
    const overhead = fit(law);
    expect(overhead.briefMs).toBeCloseTo(brief, 9);
    expect(overhead.perBriefMs).toBeCloseTo(0.1, 3);
    for (const work of works) expect(evaluateGpuOverhead(overhead, work)).toBeCloseTo(law(work), 2);
  });

  it("is never negative, and nothing where kernels explain all or no network is known", () => {
    for (const value of Object.values(fit((work) => -0.02 * sumOf(work.times))))
      expect(value).toBeGreaterThanOrEqual(0);
    expect(
      evaluateGpuOverhead(
        fit((work) => -0.02 * sumOf(work.times)),
        works[0]!,
      ),
    ).toBe(0);
    expect(evaluateGpuOverhead(fitGpuOverhead([]), works[0]!)).toBe(0);
  });

  it("takes no form with more numbers than few networks can tell", () => {
    const few = works.slice(0, 3).map((work) => ({ work, beyondMs: 1, latencyMs: sumOf(work.times) + 1 }));
    const { constantMs, ...rest } = fitGpuOverhead(few);
    expect(constantMs).toBeCloseTo(1, 9);
    expect({ ...rest, briefMs: 0 }).toEqual({
      perKernelMs: 0,
      perUntimedMs: 0,
      msPerUntimedByte: 0,
      msPerByte: 0,
      share: 0,
      perBriefMs: 0,
      briefMs: 0,
    });
  });
});
