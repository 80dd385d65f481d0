import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServedLab } from "./labWindow.ts";
import { dropFile, Shell } from "./pages.ts";

const faceDetector = join(
  dirname(createRequire(import.meta.url).resolve("@mediapipe/face_detection/package.json")),
  "face_detection_short_range.tflite",
);

describe("models", () => {
  let served: ServedLab;
  beforeAll(async () => {
    served = await ServedLab.open();
  });
  afterAll(async () => {
    await served.close();
  });

  it("are sampled through the window, with the job told below", async () => {
    const shell = new Shell(await served.openPage("#/models"));
    await shell.empty("No models yet").getByRole("button", { name: "Sample 60 networks" }).click();
    const dialog = shell.page.getByRole("dialog", { name: "Sample networks" });
    await dialog.getByLabel("How many").fill("70");
    await dialog.getByLabel("Seed").fill("7");
    expect(await dialog.innerText()).toContain("npx latlab sample --count 70 --seed 7");
    await dialog.getByRole("button", { name: "Sample 70 networks" }).click();
    await shell.waitForJob(/Sample 70/, "done");
    const table = shell.table("models");
    await table.rows.first().waitFor();
    await expect.poll(() => table.count()).toBe(70);
  });

  it("are drawn only as far as they show, and all of them can be reached", async () => {
    const shell = new Shell(await served.openPage("#/models"));
    const table = shell.table("models");
    await table.rows.first().waitFor();
    const names = (await served.lab.models()).map((model) => model.name).sort();
    expect(await table.rows.count()).toBeLessThan(70);
    expect((await table.readColumn(2))[0]).toBe(names[0]);
    await table.rows.first().focus();
    await shell.page.keyboard.press("End");
    await table.row(names.at(-1)!).waitFor();
    await expect
      .poll(() => shell.page.evaluate(() => document.activeElement?.getAttribute("data-row")))
      .toBe("69");
  });

  it("are filtered, sorted and written as CSV", async () => {
    const shell = new Shell(await served.openPage("#/models"));
    const table = shell.table("models");
    await table.rows.first().waitFor();
    const models = await served.lab.models();
    await table.sortBy("FLOPs");
    const heaviest = models.toSorted((a, b) => b.flops - a.flops)[0]!;
    expect((await table.readColumn(2))[0]).toBe(heaviest.name);
    await table.filter(heaviest.name.toUpperCase());
    expect(await table.readColumn(2)).toEqual([heaviest.name]);
    await shell.page.getByRole("button", { name: "Copy as CSV" }).click();
    await shell.page.getByText("1 rows copied as CSV").waitFor();
    const [header, row] = (await shell.readClipboard()).split("\n");
    expect(header).toBe("Name,Family,Kind,Ops,FLOPs,Parameters,Size (bytes),Measured on");
    expect(row).toBe(
      `${heaviest.name},${heaviest.family},sampled,${heaviest.ops},${heaviest.flops},${heaviest.params},${heaviest.bytes},`,
    );
    // The filter is part of the address.
    await shell.page.waitForURL(/[?&]q=/);
    await shell.page.reload();
    await table.rows.first().waitFor();
    expect(await table.readColumn(2)).toEqual([heaviest.name]);
    await table.filter("no such network");
    await shell.page.getByRole("button", { name: "Clear the filter" }).click();
    await expect.poll(() => table.count()).toBe(70);
  });

  it("are inspected beside the list", async () => {
    const [model] = await served.lab.models();
    const [detail] = await served.lab.inspect({ models: [model!.name] });
    const shell = new Shell(await served.openPage("#/models"));
    await shell.table("models").row(model!.name).click();
    await shell.page.waitForURL(new RegExp(`#/models/${model!.name}`));
    const ops = shell.table("ops");
    await ops.rows.first().waitFor();
    expect(await ops.count()).toBe(detail!.ops.length);
    expect((await ops.readColumn(2))[0]).toBe(detail!.ops[0]!.op);
    await shell.page.getByRole("button", { name: "Show as table" }).click();
    const shares = shell.table("Share of FLOPs by op type");
    await shares.rows.first().waitFor();
    await shell.page.getByRole("link", { name: "Close the model" }).click();
    await ops.grid.waitFor({ state: "detached" });
  });

  it("are dropped on the window from anywhere", async () => {
    const shell = new Shell(await served.openPage("#/devices"));
    await shell.page.getByRole("article").waitFor();
    await dropFile(shell.page, "face_detection_short_range.tflite", readFileSync(faceDetector));
    await shell.page.waitForURL(/#\/models\/face_detection_short_range/);
    const ops = shell.table("ops");
    await ops.rows.first().waitFor();
    const [detail] = await served.lab.inspect({ models: [faceDetector] });
    expect(await ops.count()).toBe(detail!.ops.length);
    expect((await served.lab.models({ kind: "file" })).map((model) => model.name)).toEqual([
      "face_detection_short_range",
    ]);
  });

  it("that cannot be read are refused with what is wrong and what to do", async () => {
    const shell = new Shell(await served.openPage("#/models"));
    await shell.table("models").rows.first().waitFor();
    await dropFile(shell.page, "broken.tflite", new TextEncoder().encode("this is no network at all"));
    const notice = shell.page.getByRole("alert").filter({ hasText: "broken" });
    await notice.waitFor();
    expect(await notice.innerText()).toMatch(/not a readable \.tflite file/);
    await notice.getByRole("button", { name: "Dismiss" }).click();
    await notice.waitFor({ state: "detached" });
    expect(await served.lab.models({ kind: "file" })).toHaveLength(1);
  });

  it("are removed when ticked, after asking", async () => {
    const shell = new Shell(await served.openPage("#/models?kind=file"));
    const table = shell.table("models");
    await table.tick("face_detection_short_range");
    const group = shell.page.getByRole("group", { name: "Ticked models" });
    await group.getByRole("button", { name: "Remove…" }).click();
    await group.getByRole("button", { name: "Really remove 1" }).click();
    await expect.poll(async () => (await served.lab.models({ kind: "file" })).length).toBe(0);
    await group.waitFor({ state: "detached" });
  });

  it("leave the console clean", () => {
    expect(served.complaints).toEqual([]);
  });
});
