/** What the zoo takes in memory; `npm run bench` prints the figures with their times. */
import { beforeAll, describe, expect, it } from "vitest";
import { measureZooMemory, type ZooMemory } from "../../bench/zooMemory.ts";

describe("memory", () => {
  let figures: ZooMemory;
  beforeAll(async () => {
    figures = await measureZooMemory();
  });

  it("all graphs of the zoo at once take less than 500 MB, Node included", () => {
    expect(figures.networks).toBeGreaterThan(102);
    expect(figures.build.peakBytes).toBeLessThan(500e6);
  });

  it("a model of 350 MB is written in a fraction of its size and read in less than twice", () => {
    const { write, read } = figures;
    expect(write.fileBytes).toBeGreaterThan(340e6);
    expect(read.fileBytes).toBe(write.fileBytes);
    expect(write.peakBytes).toBeLessThan(write.fileBytes);
    expect(read.peakBytes).toBeLessThan(2 * read.fileBytes);
  });
});
