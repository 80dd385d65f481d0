import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatMs } from "../../src-main/lab/format.ts";
import { ServedLab } from "./labWindow.ts";
import { Shell } from "./pages.ts";
import { addTinyNetworks } from "./tinyNetworks.ts";

const scenario = "host/1core/float32/tflite";

describe("predictors", () => {
  let served: ServedLab;
  let measured: string[];
  let unmeasured: string[];
  beforeAll(async () => {
    served = await ServedLab.open();
    const names = await addTinyNetworks(served.lab, served.folder, 20);
    measured = names.slice(0, 18);
    unmeasured = names.slice(18);
    const { job } = await served.lab.startRun({
      device: "host",
      coreSets: ["1core"],
      precision: "float32",
      runtime: "tflite",
      models: measured,
      thoroughness: "quick",
    });
    await served.lab.jobResult({ job, kind: "profile" });
  });
  afterAll(async () => {
    await served.close();
  });

  it("wait for being fitted where something is measured", async () => {
    const shell = new Shell(await served.openPage("#/predict"));
    await shell.empty("No predictor yet").getByRole("link", { name: "Fit a predictor…" }).click();
    await shell.page.waitForURL(/#\/predictors\/fit/);
  });

  it("are fitted on a scenario and show how far they can be trusted", async () => {
    const shell = new Shell(await served.openPage("#/predictors"));
    const page = shell.page;
    const scenarios = shell.table("scenarios");
    await scenarios.row(scenario).waitFor();
    expect((await scenarios.readColumn(2))[0]).toBe("18");
    await scenarios.row(scenario).getByRole("link", { name: "Fit…" }).click();
    await page.getByRole("radio", { name: /lasso/ }).check();
    await page.getByRole("button", { name: "Fit", exact: true }).click();
    await page.waitForURL(/#\/predictors\/1$/, { timeout: 100_000 });

    const found = await served.lab.predictor({ predictor: 1 });
    const networks = shell.table("networks");
    await networks.rows.first().waitFor();
    expect(await networks.count()).toBe(found.points.length);
    expect(await shell.table("kernel classes").count()).toBe(found.classes.length);
    const text = await page.getByRole("main").innerText();
    expect(text).toContain(`${found.crossValidated.mape.toFixed(1)} %`);
    expect(text).toContain(`FLOPs only ${found.baseline.mape.toFixed(1)} %`);
    await page.getByRole("img", { name: /^Predicted against measured/ }).waitFor();
    await page.getByRole("button", { name: "Show as table" }).first().click();
    expect(await shell.table("Predicted against measured").count()).toBe(found.points.length);
  });

  it("predict every model of the library, measured or not", async () => {
    const shell = new Shell(await served.openPage("#/predict"));
    const table = shell.table("predictions");
    await table.rows.first().waitFor();
    expect(await table.count()).toBe(20);
    const [prediction] = await served.lab.predict({ models: [unmeasured[0]!], scenario, ops: false });
    await table.filter(unmeasured[0]!);
    expect((await table.readColumn(3))[0]).toBe(formatMs(prediction!.latencyMs));
    expect((await table.readColumn(5))[0]).toBe("–");
  });

  it("show where a network's time goes, and are held against a measurement", async () => {
    const [prediction] = await served.lab.predict({ models: [unmeasured[0]!], scenario, ops: true });
    const shell = new Shell(await served.openPage(`#/predict/${unmeasured[0]!}`));
    const page = shell.page;
    await page.getByRole("img", { name: /^Where the time goes/ }).waitFor();
    const kernels = shell.table("kernels");
    expect(await kernels.count()).toBe(prediction!.ops.length);
    await page.getByRole("button", { name: "Show as table" }).click();
    const steps = shell.table("Where the time goes");
    await steps.rows.first().waitFor();
    expect(await steps.count()).toBe(prediction!.ops.length + 2);

    await page.getByLabel("Thoroughness").selectOption("quick");
    await page.getByRole("button", { name: "Validate on the device" }).click();
    const verdict = page.getByText(/off by\s+[+-]?[\d.]+ %,\s+(in|out)side\s+the\s+interval/);
    await verdict.waitFor({ timeout: 100_000 });
    const [after] = await served.lab.predict({ models: [unmeasured[0]!], scenario, ops: true });
    expect(after!.measuredMs).not.toBeNull();
    const detail = page.locator(".detail");
    await detail.getByText(formatMs(after!.measuredMs)).first().waitFor();
    await expect.poll(() => kernels.readColumn(5)).not.toContain("–");
  });

  it("are evaluated on networks held out, with a curve and a table that carries the baseline", async () => {
    const shell = new Shell(
      await served.openPage(`#/predictors/evaluate?scenario=${encodeURIComponent(scenario)}`),
    );
    const page = shell.page;
    await page.getByLabel("Training sizes").fill("8, 12");
    await page.getByLabel("Splits").fill("1");
    await page.getByRole("button", { name: "Evaluate", exact: true }).click();
    const table = shell.table("accuracy");
    await table.rows.first().waitFor({ timeout: 110_000 });
    expect(await table.readColumn(1)).toContain("FLOPs only (baseline)");
    expect(new Set(await table.readColumn(2))).toEqual(new Set(["8", "12"]));
    await page.getByRole("img", { name: /^Learning curve/ }).waitFor();
    // The job is in the address: the result is there again after a reload.
    await page.reload();
    await table.rows.first().waitFor();
  });

  it("say of a scenario without one that it has none", async () => {
    const shell = new Shell(await served.openPage("#/predict?scenario=host%2F9core%2Ffloat32%2Ftflite"));
    await shell.page.getByText("No predictor is fitted for host/9core/float32/tflite.").waitFor();
  });

  it("are removed after asking", async () => {
    const shell = new Shell(await served.openPage("#/predictors/1"));
    await shell.page.getByRole("button", { name: "Remove…" }).click();
    await shell.page.getByRole("button", { name: "Really remove" }).click();
    await shell.page.getByText(/None fitted yet/).waitFor();
    expect(await served.lab.predictors()).toEqual([]);
  });

  it("leave the console clean", () => {
    expect(served.complaints).toEqual([]);
  });
});
