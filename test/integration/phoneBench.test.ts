import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listPhoneMarks } from "../../src-main/store/phoneMarks.ts";
import { PhoneRig } from "./phoneRig.ts";

let rig: PhoneRig;

beforeAll(async () => {
  rig = await PhoneRig.start();
});

afterAll(async () => {
  await rig?.stop();
});

describe("a phone with the lab's own benchmark", () => {
  it("gives a CPU cell with samples, op times and everything that tells where it comes from", async () => {
    const models = rig.addNetworks(2);
    const notes: string[] = [];
    const cells = await rig.measure(rig.plan(["1large/float32/tflite"], models), (note) => notes.push(note));
    expect(cells).toHaveLength(2);
    for (const { cell, samples, opTimes, provenance, stderr } of cells) {
      // On a busy computer the two passes may disagree; then the cell says so.
      expect(cell.state).toBe(cell.error === null ? "done" : "noisy");
      expect(stderr).toBe("");
      expect(samples.length).toBeGreaterThan(3);
      expect(opTimes.map(({ type }) => type)).toEqual(["CONV_2D", "CONV_2D", "MEAN", "FULLY_CONNECTED"]);
      expect(provenance).toMatchObject({
        coreMask: "0x80",
        readBackMask: "80",
        binaryAbi: null,
        fixedPerformance: true,
        thermalStatusBefore: "none",
        thermalStatusAfter: "none",
        delegate: null,
        cooledMs: 0,
      });
      expect(provenance!.flags).toContain("--graph=MODEL");
      expect(provenance!.flags).toContain("--canary_graph=CANARY");
      expect(provenance!.runtimeHash).toMatch(/^[0-9a-f]{64}$/);
      expect(provenance!.runtimeVersion).toMatch(/^2\.\d+.*own benchmark$/);
      expect(provenance!.frequencyMhzBefore).toBeGreaterThan(0);
      expect(provenance!.temperatureCAfter).toBeGreaterThan(0);
      expect(provenance!.canaryReferenceMs).toBeGreaterThan(0);
    }
    expect(rig.phone.listBenchmarks()).toEqual([]);
    expect(rig.phone.fixedPerformance).toBe(false);
    expect(listPhoneMarks(rig.store)).toEqual([]);
  });
});
