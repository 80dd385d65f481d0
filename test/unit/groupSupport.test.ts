import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { splitGroups } from "../../src-main/model/groupSplitting.ts";
import { countGroupedConvolutions, explainGroups, runsGroups } from "../../src-main/profile/groupSupport.ts";

describe("runtimes and grouped convolutions", () => {
  test.each([
    ["1.15.5", false],
    ["2.3.0", false],
    ["2.9.0", false],
    ["2.10.0", true],
    ["2.17.1-rc2", true],
    ["3.0.0", true],
    ["", false],
  ])("TFLite %s runs them: %s", (version, runs) => {
    expect(runsGroups(version)).toBe(runs);
  });

  test("those of a network are counted, depthwise and split ones not", () => {
    const builder = new GraphBuilder("net");
    let x = builder.input([1, 6, 6, 8]);
    x = builder.conv(builder.depthwise(x, 3), 8, 3, { groups: 4 });
    x = builder.conv(builder.groupedConv(x, 8, 3, 2), 8, 1, { groups: 2 });
    const graph = builder.build(x);
    expect(countGroupedConvolutions(graph)).toBe(2);
    expect(countGroupedConvolutions(splitGroups(graph))).toBe(0);
  });

  test("the reason names how many and the version", () => {
    expect(explainGroups(1, "2.9.0")).toBe(
      "it has a CONV_2D with groups, which TFLite 2.9.0 of this computer cannot run (2.10 is the first that can)",
    );
    expect(explainGroups(4, "2.9.0")).toMatch(/^it has 4 CONV_2D with groups, /);
    expect(explainGroups(4, "2.10.0")).toBeNull();
    expect(explainGroups(0, "2.9.0")).toBeNull();
  });
});
