import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServedLab } from "./labWindow.ts";
import { Shell } from "./pages.ts";
import { addTinyNetworks } from "./tinyNetworks.ts";

// How noisy the computer is while this runs is not the window's doing: a noisy cell is a measured one here.
const measured = "[data-cell-state=done], [data-cell-state=noisy]";

describe("runs", () => {
  let served: ServedLab;
  let names: string[];
  beforeAll(async () => {
    served = await ServedLab.open();
    names = await addTinyNetworks(served.lab, served.folder, 3);
  });
  afterAll(async () => {
    await served.close();
  });

  it("are started from ticked models, cancelled, resumed and finished", async () => {
    const shell = new Shell(await served.openPage("#/models"));
    const page = shell.page;
    await shell.table("models").tick(...names);
    await page.getByRole("link", { name: "Profile…" }).click();
    const extent = page.getByText(/\d+ cells?, about/);
    await extent.waitFor();
    expect(await extent.innerText()).toMatch(/^3 cells/);
    await page.getByLabel("Repetitions").fill("4");
    await page.getByRole("radio", { name: /Quick/ }).check();
    await expect.poll(() => extent.innerText()).toMatch(/^12 cells/);
    await page.getByRole("button", { name: "Start run" }).click();

    await page.waitForURL(/#\/runs\/1$/);
    const cells = page.locator("[data-cell-state]");
    await expect.poll(() => cells.count()).toBe(12);
    await page.locator(measured).first().waitFor({ timeout: 60_000 });
    await page.getByRole("main").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Resume" }).waitFor();
    await shell.waitForJob(/Profile/, "cancelled");
    const kept = (await served.lab.run({ run: 1 })).cellList.filter((cell) => cell.latencyMs !== null);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(12);
    expect((await served.lab.run({ run: 1 })).state).toBe("paused");

    await page.getByRole("button", { name: "Resume" }).click();
    await expect.poll(() => page.locator(measured).count(), { timeout: 110_000 }).toBe(12);
    await shell.waitForJob(/Profile|Resume/, "done");
    await page.getByText(/finished \d{4}-/).waitFor();
    // What was measured before the cancelling has not been measured again.
    const after = (await served.lab.run({ run: 1 })).cellList;
    for (const cell of kept.filter((entry) => entry.state === "done"))
      expect(after.find((entry) => entry.id === cell.id)?.latencyMs).toBe(cell.latencyMs);
  });

  it("are listed with what was measured, and lead to their grid", async () => {
    const shell = new Shell(await served.openPage("#/runs"));
    const table = shell.table("runs");
    await table.rows.first().waitFor();
    expect(await table.readColumn(1)).toEqual(["Run 1"]);
    const run = await served.lab.run({ run: 1 });
    expect((await table.readColumn(5))[0]).toBe(`${run.done} of 12`);
    await table.row("Run 1").click();
    await expect.poll(() => shell.page.locator(measured).count()).toBe(12);
  });

  it("show each cell's samples, kept and dropped, op times and provenance", async () => {
    const [cell] = (await served.lab.run({ run: 1 })).cellList;
    const measurement = await served.lab.measurement({ cell: cell!.id });
    const shell = new Shell(await served.openPage(`#/runs/1/cells/${cell!.id}`));
    const page = shell.page;
    await page.getByText(`${cell!.kept} runs kept of ${cell!.total}`).waitFor();
    await page.getByRole("img", { name: /^Samples over time/ }).waitFor();
    await page.getByRole("button", { name: "Show as table" }).first().click();
    const samples = shell.table("Samples over time");
    await samples.rows.first().waitFor();
    expect(await samples.count()).toBe(measurement.samples.length);
    expect(await shell.table("op times").count()).toBe(measurement.opTimes.length);
    expect(await page.getByRole("main").innerText()).toContain(
      measurement.provenance!.modelHash.slice(0, 12),
    );
  });

  it("are exported whole", async () => {
    const shell = new Shell(await served.openPage("#/runs"));
    const download = shell.page.waitForEvent("download");
    await shell.page.getByRole("button", { name: "Export measurements" }).click();
    expect((await download).suggestedFilename()).toBe("measurements.csv");
  });

  it("stand beside the speed of the device and its noise floor", async () => {
    const shell = new Shell(await served.openPage("#/devices"));
    const device = shell.page.getByRole("article");
    const [host] = await served.lab.devices();
    const scenarios = Object.keys(host!.noiseFloor);
    // On a computer too noisy to measure anything well there is no floor to show, and the screen says so.
    if (scenarios.length === 0) await device.getByText(/Unknown until/).waitFor();
    else await shell.table("noise floors").row("host/1core/float32/tflite").waitFor();
    await device.getByRole("button", { name: "Check speed" }).click();
    await device
      .getByText(/● fast|▽ slow/)
      .first()
      .waitFor({ timeout: 60_000 });
  });

  it("are removed after asking", async () => {
    const shell = new Shell(await served.openPage("#/runs/1"));
    await shell.page.getByRole("button", { name: "Remove…" }).click();
    await shell.page.getByRole("button", { name: "Really remove" }).click();
    await shell.empty("No runs yet").waitFor();
    expect(await served.lab.runs()).toEqual([]);
  });

  it("leave the console clean", () => {
    expect(served.complaints).toEqual([]);
  });
});
