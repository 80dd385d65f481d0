import { describe, expect, it } from "vitest";
import { createRandom } from "../../src-main/model/random.ts";
import { binTable, findBin, findEdges, type BinnedTable } from "../../src-main/predict/binning.ts";
import { TreeGrower, type GrowOptions } from "../../src-main/predict/grower.ts";
import { buildHistogram, createHistogram, subtractHistogram } from "../../src-main/predict/histogram.ts";
import { RowPacking } from "../../src-main/predict/rowPacking.ts";
import { predictTrees, TreeCollector } from "../../src-main/predict/trees.ts";

function makeRows(rows: number, columns: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length: rows * columns }, () => Math.floor(random.next() * 1000));
}

const allRows = (rows: number) => Uint32Array.from({ length: rows }, (_, row) => row);

describe("binning", () => {
  it("cuts half-way between few distinct values", () => {
    expect([...findEdges(Float64Array.of(3, 1, 1, 2, 8))]).toEqual([1.5, 2.5, 5.5]);
    expect([...findEdges(Float64Array.of(4, 4, 4))]).toEqual([]);
    expect([...findEdges(new Float64Array(0))]).toEqual([]);
  });

  it("cuts many values into bins of about as many rows, and at most so many bins", () => {
    const random = createRandom(2);
    const values = Float64Array.from({ length: 10_000 }, () => Math.exp(3 * random.normal()));
    const edges = findEdges(values, 50);
    expect(edges.length).toBe(49);
    const counts = new Array<number>(50).fill(0);
    for (const value of values) counts[findBin(edges, value)]!++;
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(199);
    expect(Math.max(...counts)).toBeLessThanOrEqual(201);
  });

  it("never parts equal values, however many there are", () => {
    const values = Float64Array.from({ length: 3000 }, (_, row) => (row < 2000 ? 7 : row));
    const edges = findEdges(values, 20);
    expect(findBin(edges, 7)).toBe(0);
    expect(findBin(edges, 2000)).toBeGreaterThan(0);
    for (let place = 1; place < edges.length; place++)
      expect(edges[place]!).toBeGreaterThan(edges[place - 1]!);
  });

  it("parts neighbouring numbers that have no number between them", () => {
    const next = 1 + Number.EPSILON;
    const edges = findEdges(Float64Array.of(1, next));
    expect(findBin(edges, 1)).toBe(0);
    expect(findBin(edges, next)).toBe(1);
  });

  it("puts a value on an edge into the lower bin and gives each column its own codes", () => {
    const table = binTable(Float64Array.of(1, 10, 2, 20, 3, 10), 2);
    expect([...table.starts]).toEqual([0, 3, 5]);
    expect([...table.codes]).toEqual([0, 3, 1, 4, 2, 3]);
    expect(findBin(table.edges[0]!, 1.5)).toBe(0);
    expect(findBin(table.edges[0]!, 1.5000001)).toBe(1);
  });

  it("keeps to 255 bins", () => {
    const table = binTable(makeRows(5000, 3, 3), 3);
    for (let column = 0; column < 3; column++)
      expect(table.starts[column + 1]! - table.starts[column]!).toBeLessThanOrEqual(255);
  });
});

describe("histograms", () => {
  const rows = 501;
  const random = createRandom(4);
  const gradients = Float64Array.from({ length: rows }, () => random.normal());
  const counts = Uint32Array.from({ length: rows }, () => Math.floor(random.next() * 4));

  // Odd and even numbers of columns: codes are read by twos.
  for (const columns of [1, 4, 5])
    it(`of ${columns} columns sum counts and gradients per bin`, () => {
      const table = binTable(makeRows(rows, columns, 1), columns, 32);
      for (const counted of [null, counts]) {
        const packing = new RowPacking(rows);
        packing.pack(gradients, counted);
        const histogram = createHistogram(table);
        buildHistogram(histogram, table, allRows(rows), 0, rows, packing.values);
        for (let column = 0; column < columns; column++)
          for (let code = table.starts[column]!; code < table.starts[column + 1]!; code++) {
            let gradient = 0;
            let count = 0;
            for (let row = 0; row < rows; row++) {
              if (table.codes[row * table.stride + column] !== code) continue;
              gradient += gradients[row]!;
              count += counted ? counted[row]! : 1;
            }
            const sum = histogram[code]!;
            expect(packing.count(sum)).toBe(count);
            // Each row is rounded by half a step at most.
            const error = (sum - count * packing.unit) * packing.step - gradient;
            expect(Math.abs(error)).toBeLessThanOrEqual(packing.step * (count / 2 + 0.001));
          }
      }
    });

  it("of a child by subtraction is that built directly, to the last bit", () => {
    const table = binTable(makeRows(rows, 4, 1), 4, 32);
    const packing = new RowPacking(rows);
    packing.pack(gradients, counts);
    const order = allRows(rows);
    const [parent, child, direct] = [createHistogram(table), createHistogram(table), createHistogram(table)];
    buildHistogram(parent, table, order, 0, rows, packing.values);
    buildHistogram(child, table, order, 0, 181, packing.values);
    buildHistogram(direct, table, order, 181, rows, packing.values);
    subtractHistogram(parent, child);
    expect(parent).toEqual(direct);
  });
});

describe("packed rows", () => {
  it("add up exactly in any order, with as many rows as there may be and all gradients at their largest", () => {
    for (const rows of [1, 2, 3, 1000, 1_000_003]) {
      const packing = new RowPacking(rows);
      for (const sign of [1, -1]) {
        packing.pack(new Float64Array(rows).fill(sign * 0.7), null);
        const sum = packing.values.reduce((total, value) => total + value, 0);
        expect(Number.isSafeInteger(sum)).toBe(true);
        expect(packing.count(sum)).toBe(rows);
        expect((sum - rows * packing.unit) * packing.step).toBeCloseTo(sign * 0.7 * rows, 6);
      }
    }
  });

  it("round a gradient to a step of at most 2⁻¹⁷ of the largest with 100,000 rows", () => {
    const rows = 100_000;
    const random = createRandom(5);
    const gradients = Float64Array.from({ length: rows }, () => 1e-7 * random.normal());
    const largest = gradients.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const packing = new RowPacking(rows);
    packing.pack(gradients, null);
    expect(packing.step / largest).toBeLessThan(2 ** -17);
    let worst = 0;
    gradients.forEach((gradient, row) => {
      const back = (packing.values[row]! - packing.unit) * packing.step;
      worst = Math.max(worst, Math.abs(back - gradient));
    });
    expect(worst).toBeLessThanOrEqual(packing.step * 0.501);
  });

  it("take gradients of nothing, or next to it, for 0", () => {
    for (const value of [0, Number.MIN_VALUE]) {
      const packing = new RowPacking(3);
      packing.pack(new Float64Array(3).fill(value), null);
      expect([...packing.values]).toEqual([packing.unit, packing.unit, packing.unit]);
    }
  });
});

describe("growing a tree", () => {
  const options: GrowOptions = { maxLeaves: 8, minLeaf: 1, l2: 0, shrinkage: 1, minGain: 1e-9 };

  function grow(x: Float64Array, columns: number, y: Float64Array, changed: Partial<GrowOptions> = {}) {
    const binned = binTable(x, columns);
    const collector = new TreeCollector();
    const grower = new TreeGrower(binned, { ...options, ...changed });
    const gradients = y.map((value) => -value);
    const leaves = grower.grow(
      collector,
      allRows(y.length),
      gradients,
      null,
      Int32Array.from({ length: columns }, (_, column) => column),
    );
    return { ensemble: collector.finish(0), leaves };
  }

  // if a ≤ 500: (b ≤ 300 ? 1 : 5) else (c ≤ 700 ? 20 : 26)
  const truth = (a: number, b: number, c: number) => (a <= 500 ? (b <= 300 ? 1 : 5) : c <= 700 ? 20 : 26);
  const rows = 2000;
  const x = makeRows(rows, 4, 7);
  const y = Float64Array.from({ length: rows }, (_, row) =>
    truth(x[row * 4]!, x[row * 4 + 1]!, x[row * 4 + 2]!),
  );

  it("recovers a known tree exactly where bins allow it", () => {
    // Values in steps of 10 make 101 bins: every threshold of the truth lies on an edge.
    const coarse = x.map((value) => Math.round(value / 10) * 10);
    const target = y.map((_, row) => truth(coarse[row * 4]!, coarse[row * 4 + 1]!, coarse[row * 4 + 2]!));
    const { ensemble, leaves } = grow(coarse, 4, target);
    expect(leaves.length).toBe(4);
    target.forEach((value, row) => expect(predictTrees(ensemble, coarse, row * 4)).toBeCloseTo(value, 10));
    const used = new Set([...ensemble.feature].filter((column) => column >= 0));
    expect(used).toEqual(new Set([0, 1, 2]));
    // Half-way between the values on either side.
    const root = ensemble.feature.indexOf(0);
    expect(ensemble.threshold[root]).toBe(505);
  });

  it("takes the split with the largest gain first", () => {
    const { ensemble, leaves } = grow(x, 4, y, { maxLeaves: 2 });
    expect(leaves.length).toBe(2);
    // By exhaustive search over sorted rows.
    const explained = [0, 1, 2].map((column) => bestReduction(x, y, column));
    expect(ensemble.feature[0]).toBe(explained.indexOf(Math.max(...explained)));
  });

  it("keeps leaves as large as asked, and leaves alone what does not gain", () => {
    const { leaves } = grow(x, 4, y, { maxLeaves: 64, minLeaf: 150 });
    for (const leaf of leaves) expect(leaf.to - leaf.from).toBeGreaterThanOrEqual(150);
    expect(grow(x, 4, new Float64Array(rows).fill(3)).leaves.length).toBe(1);
    expect(grow(Float64Array.of(1, 2), 1, Float64Array.of(0, 1), { minLeaf: 2 }).leaves.length).toBe(1);
  });

  it("goes no deeper than asked", () => {
    expect(grow(x, 4, y, { maxDepth: 0 }).leaves.length).toBe(1);
    expect(grow(x, 4, y, { maxDepth: 1 }).leaves.length).toBe(2);
    // The truth has two levels; without noise nothing is left to split below them.
    expect(grow(x, 4, y, { maxLeaves: 64, maxDepth: 2 }).leaves.length).toBe(4);
    // Every row's value differs: as many leaves as the depth allows.
    const line = Float64Array.from({ length: 64 }, (_, row) => row);
    for (const maxDepth of [3, 6])
      expect(grow(line, 1, line, { maxLeaves: 1000, maxDepth }).leaves.length).toBe(2 ** maxDepth);
  });

  it("shrinks leaf values by l2 and shrinkage", () => {
    const one = grow(Float64Array.of(1, 1), 1, Float64Array.of(6, 6), { l2: 2, shrinkage: 0.5 });
    // Sum 12 over weight 2 + 2, halved.
    expect(predictTrees(one.ensemble, Float64Array.of(1))).toBe(1.5);
  });

  it("counts rows: 2 is the row twice, 0 is none", () => {
    const counts = Uint32Array.from(y, (_, row) => row % 3);
    const noisy = y.map((value, row) => value + Math.sin(row));
    const places = [...counts].flatMap((count, row) => new Array<number>(count).fill(row));
    const repeated = Float64Array.from(places.flatMap((row) => [...x.subarray(row * 4, row * 4 + 4)]));
    const collector = new TreeCollector();
    // The bins of the repeated rows, so that both trees choose among the same splits.
    const binned = binTable(repeated, 4);
    const first = { ...binned, ...encode(x, binned) };
    const order = Uint32Array.from([...counts.keys()].filter((row) => counts[row]! > 0));
    const gradients = noisy.map((value, row) => -value * counts[row]!);
    const grower = new TreeGrower(first, { ...options, maxLeaves: 32, minLeaf: 7 });
    grower.grow(collector, order, gradients, counts, Int32Array.of(0, 1, 2, 3));
    const other = grow(
      repeated,
      4,
      Float64Array.from(places, (row) => noisy[row]!),
      { maxLeaves: 32, minLeaf: 7 },
    );
    const tree = collector.finish(0);
    expect(tree.roots.length).toBe(1);
    expect(tree.feature).toEqual(other.ensemble.feature);
    expect(tree.threshold).toEqual(other.ensemble.threshold);
    tree.value.forEach((value, node) => expect(value).toBeCloseTo(other.ensemble.value[node]!, 9));
  });

  it("gives each leaf the rows the finished tree sends there", () => {
    const { ensemble, leaves } = grow(x, 4, y, { maxLeaves: 16 });
    expect(leaves.reduce((sum, leaf) => sum + leaf.to - leaf.from, 0)).toBe(rows);
    const values = new Map<number, number>();
    for (let row = 0; row < rows; row++) {
      const value = predictTrees(ensemble, x, row * 4);
      values.set(value, (values.get(value) ?? 0) + 1);
    }
    const expected = new Map<number, number>();
    for (const leaf of leaves)
      expected.set(leaf.value, (expected.get(leaf.value) ?? 0) + leaf.to - leaf.from);
    expect(values).toEqual(expected);
  });

  it("keeps collected trees when their arrays grow, and can hand out only the first", () => {
    const collector = new TreeCollector();
    const grower = new TreeGrower(binTable(x, 4), { ...options, maxLeaves: 200, shrinkage: 0.3 });
    const gradients = y.map((value, row) => -value - Math.sin(row));
    for (let tree = 0; tree < 12; tree++)
      grower.grow(collector, allRows(rows), gradients, null, Int32Array.of(0, 1, 2, 3));
    const whole = collector.finish(1);
    expect(whole.feature.length).toBeGreaterThan(1024);
    const first = collector.finish(1, 5);
    expect(first.roots.length).toBe(5);
    for (const row of [0, 77, 1999])
      expect(predictTrees(first, x, row * 4)).toBe(predictTrees(whole, x, row * 4, 5));
  });
});

// Codes of rows by the edges of another table.
function encode(x: Float64Array, { edges, starts, columns }: BinnedTable) {
  const codes = Uint16Array.from(x, (value, place) => {
    const column = place % columns;
    return starts[column]! + findBin(edges[column]!, value);
  });
  return { rows: x.length / columns, codes, pairs: new Uint32Array(codes.buffer) };
}

function bestReduction(x: Float64Array, y: Float64Array, column: number): number {
  const order = Array.from(y, (_, row) => row).sort((a, b) => x[a * 4 + column]! - x[b * 4 + column]!);
  const total = y.reduce((sum, value) => sum + value, 0);
  let left = 0;
  let best = 0;
  order.slice(0, -1).forEach((row, place) => {
    left += y[row]!;
    if (x[row * 4 + column] === x[order[place + 1]! * 4 + column]) return;
    const count = place + 1;
    best = Math.max(best, left ** 2 / count + (total - left) ** 2 / (y.length - count));
  });
  return best;
}
