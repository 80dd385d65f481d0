import { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { readInteger, readIntegers, readList } from "../../src-main/cli/options.ts";
import { renderTable } from "../../src-main/cli/output.ts";
import { JointProgress, ProgressLine, describeProgress } from "../../src-main/cli/progress.ts";
import type { Job, JobState } from "../../src-main/lab/contract.ts";
import { chooseLabFolder } from "../../src-main/lab/folder.ts";

function createJob(progress: JobState): Job {
  return { id: 1, kind: "profile", title: "Profile 3 models", startedAt: "", progress, run: 1 };
}

const running = (done: number, total: number, etaMs: number | null, note = "a network"): Job =>
  createJob({ state: "running", done, total, etaMs, note });

describe("progress", () => {
  it("reads as count, share, time left and what is done", () => {
    expect(describeProgress(running(12, 40, 125_000))).toBe("12/40  30 %  about 2m 10s left  a network");
    expect(describeProgress(running(12, 40, null))).toBe("12/40  30 %  a network");
    expect(describeProgress(running(2.5, 10, null, "demo"))).toBe("25 %  demo");
    expect(describeProgress(running(0, 0, null, ""))).toBe("Profile 3 models");
    expect(describeProgress(createJob({ state: "queued" }))).toBe("Profile 3 models: waiting for its turn");
    expect(describeProgress(createJob({ state: "done" }))).toBeNull();
  });

  it("of jobs side by side is that of all: cells together, the longest time left, what was said last", () => {
    const joint = new JointProgress();
    const of = (id: number, job: Job): Job => ({ ...job, id });
    expect(describeProgress(joint.join(of(1, running(1, 4, 60_000, "one"))))).toBe(
      "1/4  25 %  about 1m left  one",
    );
    expect(describeProgress(joint.join(of(2, running(2, 4, 30_000, "two"))))).toBe(
      "3/8  37 %  about 1m left  two",
    );
    // One that has ended counts as done, and its time left no more.
    expect(describeProgress(joint.join(of(1, createJob({ state: "done" }))))).toBeNull();
    expect(describeProgress(joint.join(of(2, running(3, 4, 30_000, "two"))))).toBe(
      "7/8  87 %  about 30s left  two",
    );
  });

  it("is one line on a terminal, never wider than it, and goes away", () => {
    const written: string[] = [];
    const line = new ProgressLine({ isTTY: true, columns: 20, write: (text) => written.push(text) });
    line.show(running(1, 4, 60_000, "a network with a long name"));
    expect(written[0]).toBe("\r\x1b[K1/4  25 %  about 1…");
    line.clear();
    line.clear();
    expect(written.slice(1)).toEqual(["\r\x1b[K"]);
  });

  it("is a line now and then where there is no terminal, and none of a short command", () => {
    const written: string[] = [];
    let now = 0;
    const line = new ProgressLine({ write: (text) => written.push(text) }, () => now);
    for (; now < 40_000; now += 1000) line.show(running(1, 4, null));
    line.clear();
    expect(written).toEqual(["1/4  25 %  a network\n", "1/4  25 %  a network\n"]);
  });
});

describe("tables", () => {
  it("are plain text, numbers to the right, without trailing spaces", () => {
    const text = renderTable(
      [{ head: "model" }, { head: "ms", numeric: true }, { head: "on" }],
      [
        ["a", "1.5", "x"],
        ["längerer 名前", "1,234", ""],
      ],
    );
    expect(text.split("\n")).toEqual([
      "model             ms  on",
      "a                1.5  x",
      "längerer 名前  1,234",
    ]);
  });

  it("show what a terminal would act on", () => {
    expect(renderTable([{ head: "model" }], [["evil\x1b[2J\nname"]])).toBe("model\nevil\\x1b[2J\\x0aname");
  });
});

describe("options", () => {
  it("read whole numbers within limits and lists", () => {
    expect(readInteger(0, 10)("7")).toBe(7);
    expect(readIntegers("10, 30,,60")).toEqual([10, 30, 60]);
    expect(readList(" a , b")).toEqual(["a", "b"]);
    for (const text of ["", "x", "1.5", "1e3", "-1", "11", "0x1", "NaN"])
      expect(() => readInteger(0, 10)(text), text).toThrow(CommanderError);
    expect(() => readList(" , ")).toThrow(CommanderError);
    expect(() => readIntegers("10,x")).toThrow(CommanderError);
  });

  it("choose the lab's folder: given, environment, the user's data", () => {
    expect(chooseLabFolder("/given", { LATLAB_HOME: "/home" })).toBe("/given");
    expect(chooseLabFolder(undefined, { LATLAB_HOME: "/home" })).toBe("/home");
    expect(chooseLabFolder(undefined, {})).toContain("latency-lab");
  });
});
