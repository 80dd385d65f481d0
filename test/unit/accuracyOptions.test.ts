import { describe, expect, it } from "vitest";
import { readAccuracyOptions, UsageError } from "../../bench/accuracyOptions.ts";

describe("the options of the accuracy command", () => {
  it("have usual values", () => {
    expect(readAccuracyOptions(["data"])).toMatchObject({
      folder: "data",
      only: null,
      scenarios: null,
      learners: [],
      trainSizes: [],
      seeds: 5,
      out: "accuracy.html",
      json: false,
    });
  });

  it("are read as they are given", () => {
    const words = [
      "--only=gpu",
      "--scenarios",
      "^s10",
      "--learners",
      "lasso, auto",
      "--sizes",
      "10,20",
      "--json",
    ];
    expect(
      readAccuracyOptions([...words, "--seeds", "2", "--workers", "3", "data", "--out", "page.html"]),
    ).toEqual({
      folder: "data",
      only: "gpu",
      scenarios: /^s10/,
      learners: ["lasso", "auto"],
      trainSizes: [10, 20],
      seeds: 2,
      workers: 3,
      out: "page.html",
      json: true,
    });
    expect(readAccuracyOptions(["--help"])).toBeNull();
  });

  it.each([
    [[], "one folder is needed, not 0"],
    [["a", "b"], "one folder is needed, not 2"],
    [["a", "--only", "tpu"], "--only is gpu or cpu, not tpu"],
    [["a", "--seeds", "0"], "--seeds wants whole numbers from 1, not 0"],
    [["a", "--sizes", "10,x"], "--sizes wants whole numbers from 1, not x"],
    [["a", "--workers", "1.5"], "--workers wants whole numbers from 1, not 1.5"],
    [["a", "--scenarios", "("], "--scenarios: Invalid regular expression"],
    [["a", "--nothing"], "Unknown option '--nothing'"],
  ])("%j are refused with a reason", (words, problem) => {
    expect(() => readAccuracyOptions(words)).toThrow(UsageError);
    expect(() => readAccuracyOptions(words)).toThrow(problem);
  });
});
