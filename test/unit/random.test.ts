import { describe, expect, test } from "vitest";
import { createRandom, deriveSeed, fillUniform } from "../../src-main/model/random.ts";

describe("createRandom", () => {
  test("the same seed gives the same numbers, on every machine and in every version", () => {
    const random = createRandom(1);
    expect([random.next(), random.next(), random.next()].map((value) => value * 2 ** 32)).toEqual([
      1267123985, 3201100967, 908946779,
    ]);
  });

  test("close seeds give unrelated streams", () => {
    const firsts = new Set(Array.from({ length: 10_000 }, (_, seed) => createRandom(seed).next()));
    expect(firsts.size).toBeGreaterThan(9_990);
    let agreeing = 0;
    const [one, two] = [createRandom(7), createRandom(8)];
    for (let draw = 0; draw < 10_000; draw++) if (one.next() < 0.5 === two.next() < 0.5) agreeing++;
    expect(Math.abs(agreeing - 5_000)).toBeLessThan(250);
  });

  test("next is uniform on [0, 1)", () => {
    const random = createRandom(3);
    const bins = new Array<number>(16).fill(0);
    for (let draw = 0; draw < 160_000; draw++) bins[Math.floor(random.next() * 16)]!++;
    const chiSquare = bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    // 15 degrees of freedom: 99.9 % lie below 37.7.
    expect(chiSquare).toBeLessThan(37.7);
  });

  test("int reaches both ends and nothing beyond", () => {
    const random = createRandom(4);
    const seen = new Set(Array.from({ length: 1_000 }, () => random.int(-1, 3)));
    expect([...seen].sort((a, b) => a - b)).toEqual([-1, 0, 1, 2, 3]);
    expect(() => random.int(3, 2)).toThrow("No integer lies between 3 and 2");
  });

  test("pickWeighted follows the weights and never takes a weight of zero", () => {
    const random = createRandom(5);
    const counts = { rare: 0, often: 0, never: 0 };
    for (let draw = 0; draw < 10_000; draw++)
      counts[
        random.pickWeighted<keyof typeof counts>([
          ["rare", 1],
          ["often", 3],
          ["never", 0],
        ])
      ]++;
    expect(counts.never).toBe(0);
    expect(Math.abs(counts.rare - 2_500)).toBeLessThan(200);
    expect(() => random.pickWeighted([["never", 0]])).toThrow("no weight is positive");
    expect(() => random.pick([])).toThrow("empty list");
  });

  test("normal has mean 0 and variance 1", () => {
    const random = createRandom(6);
    const draws = Array.from({ length: 50_000 }, () => random.normal());
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.03);
  });

  test("shuffle keeps the elements and the list it was given", () => {
    const list = [1, 2, 3, 4, 5, 6, 7, 8];
    const shuffled = createRandom(7).shuffle(list);
    expect(list).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(shuffled).not.toEqual(list);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(list);
  });
});

describe("deriveSeed", () => {
  test("tells keys apart by value, type, order and grouping", () => {
    const seeds = [
      deriveSeed(1, "a", "b"),
      deriveSeed(1, "ab"),
      deriveSeed(1, "b", "a"),
      deriveSeed(2, "a", "b"),
      deriveSeed(1, 7),
      deriveSeed(1, "7"),
      deriveSeed(1),
      deriveSeed(1, ""),
      deriveSeed(1, 0.5),
    ];
    expect(new Set(seeds).size).toBe(seeds.length);
    for (const seed of seeds) expect(Number.isSafeInteger(seed) && seed >= 0).toBe(true);
    expect(deriveSeed(1, 0)).toBe(deriveSeed(1, -0));
  });

  test("100,000 names give 100,000 seeds", () => {
    const seeds = new Set(Array.from({ length: 100_000 }, (_, index) => deriveSeed(1, "network", index)));
    expect(seeds.size).toBe(100_000);
  });

  test("refuses what is no number", () => {
    expect(() => deriveSeed(NaN)).toThrow("finite number");
    expect(() => createRandom(Infinity)).toThrow("finite number");
  });
});

test("fillUniform stays within the limit, fills it, and repeats itself", () => {
  const first = new Float32Array(20_000);
  const second = new Float32Array(20_000);
  fillUniform(first, 11, 0.25);
  fillUniform(second, 11, 0.25);
  expect(second).toEqual(first);
  expect(Math.max(...first)).toBeGreaterThan(0.2499);
  expect(Math.max(...first)).toBeLessThanOrEqual(0.25);
  expect(Math.min(...first)).toBeLessThan(-0.2499);
  expect(Math.min(...first)).toBeGreaterThanOrEqual(-0.25);
  expect(Math.abs(first.reduce((sum, value) => sum + value, 0) / first.length)).toBeLessThan(0.005);
  fillUniform(first, 11, 0);
  expect(first.every((value) => Object.is(value, 0))).toBe(true);
});
