import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import { fitFlopsLine } from "../../src-main/predict/baseline.ts";
import type { ClassTable, NetworkRow } from "../../src-main/predict/dataset.ts";
import { dealFolds } from "../../src-main/predict/folds.ts";
import { conformalQuantile } from "../../src-main/predict/interval.ts";
import { chooseBlends, type FittedClass } from "../../src-main/predict/learnerChoice.ts";
import { evaluateOverhead, fitOverhead } from "../../src-main/predict/overhead.ts";
import { findDisturbed } from "../../src-main/predict/screening.ts";
import { fitSimpleClass, fitStandIns } from "../../src-main/predict/standIn.ts";

const graph = { name: "", description: "", subgraphs: [], metadata: [] };

function networkRow(kernels: number, kernelMs: number, latencyMs: number): NetworkRow {
  return {
    model: "m",
    family: "f",
    graph,
    flops: 1,
    latencyMs,
    kernels,
    kernelMs,
    uncoveredMs: 0,
    cells: [],
  };
}

describe("overhead", () => {
  const random = createRandom(1);
  const shapes = Array.from(
    { length: 40 },
    () => [20 + Math.floor(100 * random.next()), 5 + 60 * random.next()] as const,
  );

  it("recovers a constant and a time per kernel", () => {
    const overhead = fitOverhead(
      shapes.map(([kernels, ms]) => networkRow(kernels, ms, ms + 0.4 + 0.01 * kernels)),
    );
    expect(overhead.constantMs).toBeCloseTo(0.4, 3);
    expect(overhead.perKernelMs).toBeCloseTo(0.01, 4);
    expect(evaluateOverhead(overhead, 50, 10)).toBeCloseTo(0.9, 2);
  });

  it("recovers a share of the kernels' time", () => {
    const overhead = fitOverhead(shapes.map(([kernels, ms]) => networkRow(kernels, ms, ms * 1.05 + 0.2)));
    expect(overhead.share).toBeCloseTo(0.05, 3);
    expect(overhead.constantMs).toBeCloseTo(0.2, 2);
  });

  it("is never negative, and nothing where kernels explain all", () => {
    const none = fitOverhead(shapes.map(([kernels, ms]) => networkRow(kernels, ms, ms * 0.98)));
    expect(none).toEqual({ constantMs: 0, perKernelMs: 0, share: 0 });
  });

  it("is not moved by one network measured in another state", () => {
    const rows = shapes.map(([kernels, ms]) => networkRow(kernels, ms, ms + 0.4));
    rows[3] = { ...rows[3]!, latencyMs: rows[3]!.latencyMs * 1.7 };
    expect(fitOverhead(rows).constantMs).toBeCloseTo(0.4, 2);
  });
});

describe("intervals", () => {
  it("take the conformal rank, and widen the largest error where there are too few", () => {
    const errors = Array.from({ length: 19 }, (_, place) => -(place + 1));
    // ⌈20 · 0.9⌉ = 18th smallest.
    expect(conformalQuantile(errors)).toBe(18);
    expect(conformalQuantile([1, 2, 3])).toBeCloseTo(4);
    expect(conformalQuantile([])).toBeNaN();
  });

  it("hold nine of ten new errors on average", () => {
    const random = createRandom(5);
    let inside = 0;
    for (let trial = 0; trial < 4000; trial++) {
      const half = conformalQuantile(Array.from({ length: 30 }, () => random.normal()));
      if (Math.abs(random.normal()) <= half) inside++;
    }
    expect(inside / 4000).toBeGreaterThan(0.885);
    expect(inside / 4000).toBeLessThan(0.93);
  });
});

describe("the FLOPs-only line", () => {
  it("goes through points that lie on a line", () => {
    const line = fitFlopsLine([
      { flops: 1e9, measuredMs: 12 },
      { flops: 3e9, measuredMs: 32 },
      { flops: 5e9, measuredMs: 52 },
    ]);
    expect(line(2e9)).toBeCloseTo(22, 9);
    expect(line(0)).toBeCloseTo(2, 9);
  });

  it("has the least squares of relative errors", () => {
    // With FLOPs 1 and two latencies the best constant c minimises (c/10 − 1)² + (c/30 − 1)²: c = (1/10 + 1/30) ÷ (1/100 + 1/900).
    const flat = fitFlopsLine([
      { flops: 0, measuredMs: 10 },
      { flops: 0, measuredMs: 30 },
    ]);
    expect(flat(9)).toBeCloseTo(12, 9);
    const points = [
      { flops: 1e9, measuredMs: 10 },
      { flops: 2e9, measuredMs: 30 },
      { flops: 3e9, measuredMs: 20 },
      { flops: 7e9, measuredMs: 90 },
    ];
    const line = fitFlopsLine(points);
    const [constant, rate] = [line(0), (line(1e9) - line(0)) / 1e9];
    const loss = (c: number, r: number) =>
      points.reduce((sum, { flops, measuredMs }) => sum + ((c + r * flops) / measuredMs - 1) ** 2, 0);
    const least = loss(constant, rate);
    for (const more of [-0.01, 0.01]) {
      expect(loss(Math.max(constant + more, 0), rate)).toBeGreaterThanOrEqual(least);
      expect(loss(constant, rate * (1 + more))).toBeGreaterThan(least);
    }
  });

  it("never falls with FLOPs nor below nothing", () => {
    const line = fitFlopsLine([
      { flops: 1e9, measuredMs: 30 },
      { flops: 5e9, measuredMs: 10 },
    ]);
    expect(line(9e9)).toBeCloseTo(line(0), 9);
    expect(line(0)).toBeGreaterThan(0);
  });
});

describe("folds", () => {
  it("deal every network once, evenly, by seed", () => {
    const folds = dealFolds(23, 5, 3);
    const sizes = [0, 1, 2, 3, 4].map((fold) => folds.filter((value) => value === fold).length);
    expect(sizes.sort()).toEqual([4, 4, 5, 5, 5]);
    expect(dealFolds(23, 5, 3)).toEqual(folds);
    expect(dealFolds(23, 5, 4)).not.toEqual(folds);
  });
});

function classTable(
  kernel: string,
  rows: readonly (readonly [network: number, flops: number, bytes: number, ms: number])[],
): ClassTable {
  return {
    kernel,
    columns: 9,
    x: Float64Array.from(rows.flatMap(([, flops, bytes]) => [flops, bytes, 1, 1, 1, 1, 1, 1, 1])),
    ms: Float64Array.from(rows, ([, , , ms]) => ms),
    network: Int32Array.from(rows, ([network]) => network),
    op: Int32Array.from(rows, (_, row) => row),
  };
}

describe("simpler models", () => {
  const rich = classTable(
    "elementwise-mul",
    Array.from(
      { length: 30 },
      (_, row) => [row % 8, 100 * (row + 1), 800 * (row + 1), 0.01 * (row + 1)] as const,
    ),
  );

  it("stand in by groups, the last for everything", () => {
    const standIns = fitStandIns([rich, classTable("concat", [[0, 0, 1000, 0.5]])]);
    expect(standIns.map((standIn) => standIn.group)).toEqual([
      "element-wise kernels",
      "copies",
      "all kernels",
    ]);
    expect(standIns[0]!.rows).toBe(30);
    expect(standIns.at(-1)!.rows).toBe(31);
  });

  it("say why, and scale their relatives' line to the few rows there are", () => {
    const poor = classTable("activation-tanh", [[0, 1000, 8000, 0.4]]);
    const model = fitSimpleClass(poor, fitStandIns([rich, poor]));
    expect(model.learner).toBe("roofline");
    expect(model.fallback).toContain("1 row of 1 network");
    expect(model.fallback).toContain("element-wise kernels");
    // Relatives would say 0.1 ms, the one row says 0.4: half-way as logarithms.
    const { constantMs, msPerFlop, msPerByte } = model.roofline;
    const predicted = constantMs + 1000 * msPerFlop + 8000 * msPerByte;
    expect(predicted).toBeGreaterThan(0.15);
    expect(predicted).toBeLessThan(0.3);
    expect(model.spread).toBeGreaterThanOrEqual(Math.log(1.5));
  });
});

describe("choosing learners", () => {
  const networks = Array.from({ length: 12 }, () => networkRow(1, 1, 1));
  const table = classTable(
    "concat",
    networks.map((_, network) => [network, 0, 100, 1] as const),
  );
  const random = createRandom(3);

  function fitted(lasso: number, boosting: number): FittedClass {
    const candidate = (learner: "lasso" | "boosting", error: (place: number) => number) => ({
      learner,
      correction: { kind: "boosting" as const, trees: emptyTrees },
      heldOut: Float64Array.from(networks, (_, place) => error(place)),
      note: "",
    });
    const signs = networks.map(() => (random.chance(0.5) ? 1 : -1));
    return {
      table,
      fit: {
        roofline: { constantMs: 1, msPerFlop: 0, msPerByte: 0 },
        candidates: [
          candidate("lasso", (place) => signs[place]! * lasso),
          candidate("boosting", (place) => signs[place]! * boosting),
        ],
      },
    };
  }
  const emptyTrees = {
    base: 0,
    roots: new Int32Array(0),
    feature: new Int16Array(0),
    threshold: new Float64Array(0),
    left: new Int32Array(0),
    value: new Float64Array(0),
  };

  it("auto takes the clearly better one, and uses what was asked for otherwise", () => {
    expect(chooseBlends("auto", [fitted(0.3, 0.01)], networks).get("concat")).toEqual(["boosting"]);
    expect(chooseBlends("auto", [fitted(0.01, 0.3)], networks).get("concat")).toEqual(["lasso"]);
    expect(chooseBlends("lasso", [fitted(0.3, 0.01)], networks).get("concat")).toEqual(["lasso"]);
  });

  it("auto takes the mean of both where their errors cancel", () => {
    const both = fitted(0.2, 0.2);
    both.fit.candidates[1]!.heldOut = both.fit.candidates[0]!.heldOut.map((value) => -value);
    expect(chooseBlends("auto", [both], networks).get("concat")).toEqual(["lasso", "boosting"]);
  });
});

describe("screening", () => {
  function makeTask(
    factor: (network: number, row: number) => number,
    latency: (network: number) => number = () => 1,
  ) {
    const random = createRandom(8);
    const rows: (readonly [number, number, number, number])[] = [];
    const sums = new Array<number>(20).fill(0);
    for (let network = 0; network < 20; network++)
      for (let row = 0; row < 10; row++) {
        const bytes = Math.round(10 ** (3 + 3 * random.next()));
        const ms = (0.05 + bytes * 1e-5) * Math.exp(0.03 * random.normal()) * factor(network, row);
        rows.push([network, 0, bytes, ms]);
        sums[network]! += ms;
      }
    return {
      networks: sums.map((kernelMs, network) => ({
        kernelMs,
        uncoveredMs: 0,
        latencyMs: kernelMs * latency(network),
      })),
      tables: [classTable("concat", rows)],
      seed: 1,
    };
  }
  const found = (task: Parameters<typeof findDisturbed>[0]) =>
    findDisturbed(task).map(({ network }) => network);

  it("leaves quiet measurements alone", () => {
    expect(found(makeTask(() => 1))).toEqual([]);
  });

  it("finds networks all of whose kernels were slow, worst first, with the reason", () => {
    const task = makeTask((network) => (network === 4 ? 1.5 : network === 9 ? 1.8 : 1));
    expect(found(task)).toEqual([9, 4]);
    expect(findDisturbed(task)[1]!.reason).toMatch(/1\.[45]\d × as long/);
  });

  it("keeps a network with some unusual kernels", () => {
    expect(found(makeTask((network, row) => (network === 4 && row < 6 ? 1.6 : 1)))).toEqual([]);
  });

  it("finds op times that do not agree with the end-to-end time", () => {
    const task = makeTask(
      () => 1,
      (network) => (network === 2 ? 0.5 : 1.01),
    );
    expect(found(task)).toEqual([2]);
    expect(findDisturbed(task)[0]!.reason).toContain("between the two passes");
    // An end-to-end time above the sum is overhead or a slow pass of its own: the op times are sound.
    expect(
      found(
        makeTask(
          () => 1,
          (network) => (network === 2 ? 2 : 1.01),
        ),
      ),
    ).toEqual([]);
  });

  it("never leaves out more than a quarter, and judges no handful", () => {
    expect(found(makeTask((network) => (network < 9 ? 1.8 : 1))).length).toBeLessThanOrEqual(5);
    const task = makeTask((network) => (network === 0 ? 2 : 1));
    expect(findDisturbed({ ...task, networks: task.networks.slice(0, 9) })).toEqual([]);
  });
});
