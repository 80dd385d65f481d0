/** The screen of models over the zoo: facets, the graph by keyboard, kernels, two models compared. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLab } from "../../src-main/lab/lab.ts";
import type { ModelSummary } from "../../src-main/lab/contract.ts";
import { ServedLab } from "./labWindow.ts";
import { Shell } from "./pages.ts";
import { describeModel } from "./scriptedLab.ts";

/** A model of published measurements, as an import leaves it. */
const published: ModelSummary = {
  ...describeModel("NAS0", 2e9),
  kind: "published",
  family: "cnn synthetic",
  ops: 0,
  measuredOn: ["pixel4/1large/float32/tflite", "pixel4/gpu/float16/gpu-cl"],
};

describe("models of the zoo", () => {
  let served: ServedLab;
  beforeAll(async () => {
    served = await ServedLab.open(async (folder) => {
      const lab = await openLab({ folder, adb: { env: { ...process.env, LATENCY_LAB_ADB: "none" } } });
      return { ...lab, models: async (filter) => [...(await lab.models(filter)), published] };
    });
  });
  afterAll(async () => {
    await served.close();
  });

  it("are narrowed by facets in a small window, and the address keeps them", async () => {
    const shell = new Shell(await served.openPage("#/models", { width: 900, height: 600 }));
    const page = shell.page;
    const table = shell.table("models");
    await table.rows.first().waitFor();
    const zoo = (await served.lab.models()).filter((model) => model.kind === "zoo");
    const resnets = zoo.filter((model) => model.family === "resnet");
    const facets = page.getByRole("button", { name: /^Facets/ });
    await facets.click();
    await page
      .getByRole("checkbox", { name: /^resnet\b/ })
      .first()
      .check();
    await expect.poll(() => table.count()).toBe(resnets.length);
    const least = resnets.toSorted((a, b) => b.flops - a.flops)[2]!.flops;
    await page.getByRole("textbox", { name: /FLOPs.*from|from.*FLOPs/i }).fill(String(least));
    await page.keyboard.press("Enter");
    await expect.poll(() => table.count()).toBe(resnets.filter(({ flops }) => flops >= least).length);
    await page.keyboard.press("Escape");
    await expect.poll(() => facets.getAttribute("aria-expanded")).toBe("false");
    await page.reload();
    await expect.poll(() => table.count()).toBe(resnets.filter(({ flops }) => flops >= least).length);
    await page.getByRole("button", { name: "Clear all" }).click();
    await expect.poll(() => table.count()).toBe(zoo.length + 1);
  });

  it("show their graph to the keyboard: along its edges, into a node, larger and smaller", async () => {
    const shell = new Shell(await served.openPage("#/models/resnet18?view=graph&wide=1"));
    const page = shell.page;
    const graph = page.getByRole("listbox", { name: /^Graph of resnet18/ });
    await graph.focus();
    const active = () =>
      page.evaluate(() => {
        const id = document.activeElement?.getAttribute("aria-activedescendant");
        return (id && document.getElementById(id)?.getAttribute("aria-label")) ?? "";
      });
    await expect.poll(active).toMatch(/^Input/);
    await page.keyboard.press("ArrowDown");
    await expect.poll(active).toMatch(/CONV_2D.*#?0/);
    // Where one stands is seen by more than its colour.
    const widths = await page.evaluate(() =>
      [...document.querySelectorAll("[role=option] rect.body")].map((body) =>
        parseFloat(getComputedStyle(body).strokeWidth),
      ),
    );
    expect(widths.filter((width) => width > 1)).toHaveLength(1);
    await page.keyboard.press("Enter");
    await shell.panel("Op detail").getByText("CONV_2D").first().waitFor();
    await page.waitForURL(/[?&]op=0/);
    const scale = () =>
      page.evaluate(
        () =>
          /scale\(([\d.]+)\)/.exec(
            document.querySelector("svg g[transform]")?.getAttribute("transform") ?? "",
          )?.[1],
      );
    const before = Number(await scale());
    await page.keyboard.press("+");
    await expect.poll(async () => Number(await scale())).toBeGreaterThan(before);
    await page.keyboard.press("End");
    await expect.poll(active).toMatch(/^Output/);
  });

  it("are quick to open as a graph however large, folded to what is read as a picture", async () => {
    const shell = new Shell(
      await served.openPage("#/models/swin-base-patch4-window12-384?view=graph&wide=1"),
    );
    const graph = shell.page.getByRole("listbox", { name: /^Graph of swin/ });
    await graph.waitFor();
    const nodes = Number(/, (\d+) nodes/.exec((await graph.getAttribute("aria-label")) ?? "")?.[1]);
    expect(nodes).toBeGreaterThan(10);
    expect(nodes).toBeLessThanOrEqual(90);
  });

  it("tell the kernels of a CPU and of a GPU with a name, and the command that does the same", async () => {
    const shell = new Shell(await served.openPage("#/models/resnet18?view=kernels&wide=1"));
    const page = shell.page;
    const kernels = shell.table("kernels");
    await kernels.rows.first().waitFor();
    const [onCpu] = await served.lab.kernels({ models: ["resnet18"], target: "cpu" });
    expect(await kernels.count()).toBe(onCpu!.kernels.length);
    await page.getByLabel("Runs on").selectOption({ label: "another GPU…" });
    await page.getByLabel("Its name").fill("Mali-G76 MP12");
    await page.keyboard.press("Enter");
    await page.getByText(/rules of tflite-2\.10 for Mali, generation bifrost3,/).waitFor();
    const [onGpu] = await served.lab.kernels({ models: ["resnet18"], target: "gpu:Mali-G76 MP12" });
    await expect.poll(() => kernels.count()).toBe(onGpu!.kernels.length);
    await kernels.rows.first().focus();
    await page.keyboard.press("Enter");
    const detail = shell.panel("Kernel detail");
    await detail.getByText(onGpu!.kernels[0]!.why[0]!).waitFor();
    await page.getByRole("button", { name: "Copy command" }).click();
    expect(await shell.readClipboard()).toContain("kernels resnet18 --target 'gpu:Mali-G76 MP12'");
  });

  it("are compared op by op, and the comparison is copied as CSV", async () => {
    const shell = new Shell(await served.openPage("#/models/resnet18/compare/resnet18_wd2"));
    const page = shell.page;
    const pairs = shell.table("op pairs");
    await pairs.rows.first().waitFor();
    await page.getByRole("button", { name: "Copy as CSV" }).first().click();
    await page
      .getByText(/rows copied as CSV/)
      .first()
      .waitFor();
    const lines = (await shell.readClipboard()).trimEnd().split("\n");
    expect(lines).toHaveLength((await pairs.count()) + 1);
    expect(lines[0]).toMatch(/^Stage,Op class,Op of A,Op of B,FLOPs A,FLOPs B,FLOPs B − A,/);
    const [a, b] = await served.lab.inspect({ models: ["resnet18", "resnet18_wd2"] });
    const [first] = lines.slice(1).map((line) => line.split(","));
    expect(first!.slice(2, 7)).toEqual([
      `#0 1×112×112×64`,
      `#0 1×112×112×32`,
      String(a!.ops[0]!.flops),
      String(b!.ops[0]!.flops),
      String(b!.ops[0]!.flops! - a!.ops[0]!.flops!),
    ]);
    await page.getByRole("button", { name: "Stages and classes" }).click();
    await shell.table("stages and classes").rows.first().waitFor();
  });

  it("known by published measurements alone are explained, not an error", async () => {
    const shell = new Shell(await served.openPage("#/models/NAS0"));
    const page = shell.page;
    await page.getByText("Known by its published measurements only.").waitFor();
    await page.getByText("gpu/float16/gpu-cl").waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    const detail = page.locator(".detail");
    expect(await detail.getByRole("button", { name: "Graph" }).count()).toBe(0);
    expect(await detail.getByRole("link", { name: "Predict" }).count()).toBe(0);
  });

  it("leave the console clean", () => {
    expect(served.complaints).toEqual([]);
  });
});
