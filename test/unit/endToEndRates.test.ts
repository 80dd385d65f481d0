import { describe, expect, it } from "vitest";
import { fitNonNegativeRates, sumClasses } from "../../src-main/predict/additiveRates.ts";
import {
  endToEndLearners,
  tryEndToEnd,
  type EndToEndLearner,
  type EndToEndTask,
} from "../../src-main/predict/endToEndTask.ts";
import { findNominalCost } from "../../src-main/predict/nominalCost.ts";
import { compileWork, sumWork } from "../../src-main/predict/workDesign.ts";
import { EvidenceTuner } from "../../src-main/predict/workEvidence.ts";
import { studentQuantile } from "../../src-main/predict/interval.ts";
import { estimatedScales, predictByAll, WorkPredictor } from "../../src-main/predict/workPrediction.ts";
import { fitWorkRates, levelDeviation } from "../../src-main/predict/workRates.ts";
import { countThreads, listWork, type NetworkWork, type WorkTerm } from "../../src-main/predict/workTerms.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { findZooNetwork } from "../../src-main/model/zoo/zoo.ts";

/** A network with so many nominal cycles of each class. */
function makeWork(cycles: Record<string, number>, threaded = true): NetworkWork {
  const terms = Object.entries(cycles).map(([kernel, amount], op): WorkTerm => ({
    op,
    logCycles: Math.log(amount),
    threaded,
    sum: kernel,
    names: [`class ${kernel}`],
    weights: [1],
  }));
  return { terms, kernels: [], uncovered: [], flops: Object.values(cycles).reduce((a, b) => a + b, 0) };
}

/** Networks of three classes in mixtures that tell them apart. */
function drawWorks(count: number): NetworkWork[] {
  const random = createRandom(5);
  const amount = () => 1e6 * Math.exp(3 * random.next());
  return Array.from({ length: count }, () => makeWork({ a: amount(), b: amount(), c: amount() }));
}

const trueRates: Record<string, number> = { a: 2e-6, b: 5e-7, c: 1e-6 };
const timeOf = (work: NetworkWork) =>
  work.terms.reduce((sum, term) => sum + Math.exp(term.logCycles) * trueRates[term.sum]!, 0);

describe("non-negative rates", () => {
  it("are recovered from sums", () => {
    const works = drawWorks(12);
    const { names, amounts } = sumClasses(works);
    const rates = fitNonNegativeRates(amounts, names.length, Float64Array.from(works, timeOf));
    names.forEach((name, place) => expect(rates[place]! / trueRates[name]!).toBeCloseTo(1, 4));
  });

  it("are zero rather than negative, and for what nobody has", () => {
    // The second amount makes networks faster, the third never occurs.
    const amounts = Float64Array.of(1, 0, 0, 1, 1, 0, 1, 2, 0);
    const rates = fitNonNegativeRates(amounts, 3, Float64Array.of(3, 2, 1.5));
    expect(rates[0]).toBeGreaterThan(1);
    expect([rates[1], rates[2]]).toEqual([0, 0]);
  });
});

describe("rates of work", () => {
  const works = drawWorks(30);
  const logMs = Float64Array.from(works, (work) => Math.log(timeOf(work)));

  it("are recovered from sums, each network within a fraction of a percent", () => {
    const { columns, networks } = compileWork(works, 1);
    const rates = fitWorkRates(columns, networks, logMs);
    const predictor = new WorkPredictor(rates, columns);
    networks.forEach((network, place) =>
      expect(predictor.predict(network).logMs).toBeCloseTo(logMs[place]!, 2),
    );
    const rateOf = (name: string) =>
      rates.level + rates.coefficients[rates.columns.indexOf(`class ${name}`)]!;
    for (const name of ["a", "b", "c"])
      expect(Math.abs(rateOf(name) - Math.log(trueRates[name]!))).toBeLessThan(0.05);
  });

  it("give a class that nobody measured its nominal cost beside the others, and less certainty", () => {
    const steady = works.map((work) => ({
      ...work,
      terms: work.terms.map((term) => ({ ...term, names: [], weights: [] })),
    }));
    const ms = steady.map(
      (work) => 1e-6 * work.terms.reduce((sum, { logCycles }) => sum + Math.exp(logCycles), 0),
    );
    const unseen = makeWork({ a: 1e6, d: 4e6 });
    const seen = makeWork({ a: 1e6, b: 4e6 });
    const { columns, networks } = compileWork([...works, unseen, seen], 1);
    const rates = fitWorkRates(columns, networks.slice(0, 30), Float64Array.from(ms, Math.log));
    const predictor = new WorkPredictor(rates, columns);
    const [ofUnseen, ofSeen] = networks.slice(30).map((network) => predictor.predict(network));
    expect(Math.exp(ofUnseen!.logMs)).toBeCloseTo(5, 1);
    expect(Math.exp(ofSeen!.logMs)).toBeCloseTo(5, 1);
    expect(ofUnseen!.deviation).toBeGreaterThan(5 * ofSeen!.deviation);
  });

  it("are not pulled by a network that was disturbed", () => {
    const disturbed = logMs.map((log, place) => (place === 3 ? log + 2 : log));
    const { columns, networks } = compileWork(works, 1);
    const predictor = new WorkPredictor(fitWorkRates(columns, networks, disturbed), columns);
    networks.forEach((network, place) =>
      expect(Math.abs(predictor.predict(network).logMs - logMs[place]!)).toBeLessThan(0.1),
    );
  });

  it("that do not vary with shape are not unsure of shapes", () => {
    const withShapes = works.map((work) => ({
      ...work,
      terms: work.terms.map((term) => ({ ...term, names: [...term.names, "shape depth"], weights: [1, 2] })),
    }));
    const [plain, bent] = [works, withShapes].map((each) => {
      const { columns, networks } = compileWork(each, 1);
      const predictor = new WorkPredictor(fitWorkRates(columns, networks, logMs, true), columns);
      return predictor.predict(networks[0]!);
    });
    expect(bent!.deviation).toBeCloseTo(plain!.deviation, 10);
    expect(bent!.logMs).toBeCloseTo(plain!.logMs, 10);
  });

  it("hold nine in ten networks they did not see within the interval they promise", () => {
    const random = createRandom(8);
    const many = drawWorks(240);
    const noise = () =>
      0.05 * Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    const noisy = Float64Array.from(many, (work) => Math.log(timeOf(work)) + noise());
    const { columns, networks } = compileWork(many, 1);
    const predictor = new WorkPredictor(
      fitWorkRates(columns, networks.slice(0, 40), noisy.slice(0, 40)),
      columns,
    );
    const inside = networks.slice(40).filter((network, place) => {
      const { logMs: log, deviation } = predictor.predict(network);
      return Math.abs(log - noisy[40 + place]!) < studentQuantile * deviation;
    });
    expect(inside.length / 200).toBeGreaterThan(0.85);
    expect(inside.length / 200).toBeLessThan(0.99);
  });

  it("know how many threads share the work, and what only one does", () => {
    const of = (threaded: boolean, threads: number) =>
      sumWork(compileWork([makeWork({ a: 8 }, threaded)], threads).networks[0]!, new Float64Array(1));
    expect(of(true, 4)).toBeCloseTo(Math.log(2), 12);
    expect(of(false, 4)).toBeCloseTo(Math.log(8), 12);
    expect(["1large", "1large+2med", "4small", "2core", "gpu"].map(countThreads)).toEqual([1, 3, 4, 2, 1]);
  });

  it("bend with the derivative that finite differences give", () => {
    const { columns, networks } = compileWork(works.slice(0, 1), 1);
    const at = Float64Array.from(columns, (_, column) => 0.1 * column);
    const gradient = new Float64Array(columns.length);
    const value = sumWork(networks[0]!, at, gradient);
    columns.forEach((_, column) => {
      const moved = sumWork(networks[0]!, at.with(column, at[column]! + 1e-6));
      expect((moved - value) / 1e-6).toBeCloseTo(gradient[column]!, 4);
    });
    expect(gradient.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
  });
});

describe("the covariance of networks", () => {
  it("gives the closed form of two networks", () => {
    const tuner = new EvidenceTuner([0.5], 2, 3);
    const shares = Float64Array.of(1, 0, 0.5, 0.5);
    tuner.setShares(shares, 2, [0], [2], Float64Array.of(0.2, -0.1));
    const noise = tuner.noise ** 2;
    const [a, b, d] = [9 + 0.25 + noise, 9 + 0.125, 9 + 0.125 + noise];
    const determinant = a * d - b * b;
    const [first, second] = tuner.solve();
    expect(first).toBeCloseTo((d * 0.2 + b * 0.1) / determinant, 8);
    expect(second).toBeCloseTo((-b * 0.2 - a * 0.1) / determinant, 8);
  });

  it("predicts one measured network as the posterior of one number does", () => {
    const { columns, networks } = compileWork([makeWork({ a: 10 }), makeWork({ b: 10 })], 1);
    const rates = fitWorkRates(columns, networks.slice(0, 1), Float64Array.of(1));
    const predictor = new WorkPredictor(rates, columns);
    const [same, other] = networks.map((network) => predictor.predict(network));
    const prior = rates.deviations[2]! ** 2;
    const noise = rates.noise ** 2;
    const level = levelDeviation ** 2;
    const whole = level + prior;
    expect(same!.logMs).toBeCloseTo(1, 6);
    expect(same!.deviation ** 2).toBeCloseTo(
      estimatedScales * (whole - whole ** 2 / (whole + noise)) + noise,
      6,
    );
    expect(other!.deviation ** 2).toBeCloseTo(
      estimatedScales * (whole - level ** 2 / (whole + noise)) + noise,
      6,
    );
  });
});

describe("several fits of the same networks", () => {
  it("predict the mean of their logarithms, the less surely the more they differ", () => {
    const { columns, networks } = compileWork([makeWork({ a: 10 }), makeWork({ b: 10 })], 1);
    const fitTo = (logMs: number) =>
      new WorkPredictor(fitWorkRates(columns, networks.slice(0, 1), Float64Array.of(logMs)), columns);
    const [low, high] = [fitTo(1), fitTo(2)];
    const both = predictByAll([low, high], networks[1]!);
    const each = [low, high].map((predictor) => predictor.predict(networks[1]!));
    expect(both.logMs).toBeCloseTo((each[0]!.logMs + each[1]!.logMs) / 2, 12);
    const apart = each[1]!.logMs - each[0]!.logMs;
    expect(apart).toBeGreaterThan(0.5);
    const alone = (each[0]!.deviation + each[1]!.deviation) / 2;
    expect(both.deviation ** 2).toBeCloseTo(alone ** 2 + apart ** 2, 12);
    expect(predictByAll([low, low], networks[1]!)).toEqual(each[0]);
  });
});

describe("the work of a network", () => {
  it("is that of its ops: arithmetic by FLOPs, calls, none without an op", () => {
    const graph = findZooNetwork("mobilenet_wd4")!.build();
    const work = listWork(graph, "float32");
    const { ops } = mainSubgraph(graph);
    expect(work.kernels.map(({ op }) => op)).toEqual(ops.map((_, index) => index));
    expect(work.terms.filter(({ sum }) => sum === "calls").length).toBe(ops.length);
    const pointwise = work.terms.filter(({ sum }) => sum === "conv-1x1 arithmetic");
    const cycles = pointwise.reduce((sum, { logCycles }) => sum + Math.exp(logCycles), 0);
    expect(cycles).toBeGreaterThan(0.5 * work.flops * findNominalCost("conv-1x1", "float32").perFlop);
    expect(cycles).toBeLessThan(work.flops * findNominalCost("conv-1x1", "float32").perFlop);
  });

  it("takes grouped convolutions for the slow, single-threaded code they run", () => {
    for (const precision of ["float32", "int8"] as const) {
      const [grouped, plain] = ["conv-grouped", "conv"].map((kernel) => findNominalCost(kernel, precision));
      expect(grouped!.perFlop).toBeGreaterThan(8 * plain!.perFlop);
      expect([grouped!.threaded, plain!.threaded]).toEqual([false, true]);
    }
  });
});

describe("tries of every learner", () => {
  const works = drawWorks(20);
  const ms = Float64Array.from(works, timeOf);
  const task = (times: Float64Array): Omit<EndToEndTask, "learners"> => ({
    design: compileWork(works, 1),
    amounts: sumClasses(works),
    flops: Float64Array.from(works, ({ flops }) => flops),
    ms: times,
    sets: [{ train: works.map((_, place) => place).slice(0, 15), test: [15, 16, 17, 18, 19] }],
  });
  const tryAlone = (learner: EndToEndLearner, times: Float64Array) =>
    tryEndToEnd({ ...task(times), learners: [learner] })[0]![0]!;

  it.each(["flops", "additive", "shrunken", "end-to-end"] as const)(
    "%s never looks at the times of tested networks",
    (learner) => {
      const honest = tryAlone(learner, ms);
      const changed = ms.map((time, place) => (place >= 15 ? time * 10 + place : time));
      const other = tryAlone(learner, changed);
      expect(other.predictedMs).toEqual(honest.predictedMs);
      const moved = tryAlone(
        learner,
        ms.map((time, place) => (place < 15 ? time * 2 : time)),
      );
      expect(moved.predictedMs[0]! / honest.predictedMs[0]!).toBeCloseTo(2, 3);
    },
  );

  it("side by side give what each gives alone", () => {
    const together = tryEndToEnd({ ...task(ms), learners: endToEndLearners });
    expect(together.map(([only]) => only)).toEqual(endToEndLearners.map((learner) => tryAlone(learner, ms)));
  });

  it.each(["additive", "shrunken", "end-to-end"] as const)(
    "%s predicts sums better than FLOPs alone",
    (learner) => {
      const errorOf = (which: EndToEndLearner) => {
        return tryAlone(which, ms).predictedMs.reduce(
          (sum, value, index) => sum + Math.abs(value / ms[15 + index]! - 1) / 5,
          0,
        );
      };
      expect(errorOf(learner)).toBeLessThan(0.02);
      expect(errorOf("flops")).toBeGreaterThan(3 * errorOf(learner));
    },
  );
});
