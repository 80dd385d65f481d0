import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServedLab } from "./labWindow.ts";
import { Shell } from "./pages.ts";

describe("an empty lab", () => {
  let served: ServedLab;
  beforeAll(async () => {
    served = await ServedLab.open();
  });
  afterAll(async () => {
    await served.close();
  });

  it("shows this computer first and where to start", async () => {
    const shell = new Shell(await served.openPage());
    await shell.empty("Start here").waitFor();
    const device = shell.page.getByRole("article");
    expect(await device.innerText()).toContain("this computer");
    const [host] = await served.lab.devices();
    const coreSets = shell.table("core sets");
    expect(await coreSets.readColumn(1)).toEqual(host!.coreSets.map((set) => set.name));
    expect(await coreSets.readColumn(3)).toEqual(host!.coreSets.map((set) => set.mask));
  });

  it.each([
    ["#/models", "No models yet", "Sample 60 networks"],
    ["#/runs", "No runs yet", "Sample 60 networks"],
    ["#/runs/new", "Nothing to measure yet", "Sample 60 networks"],
    ["#/predictors", "Nothing to fit on yet", "New run…"],
    ["#/predictors/fit", "Nothing to fit on yet", "New run…"],
    ["#/predictors/evaluate", "Nothing to evaluate on yet", "New run…"],
    ["#/predict", "No predictor yet", "Sample 60 networks"],
  ])("teaches at %s and offers the next step", async (hash, title, offer) => {
    const shell = new Shell(await served.openPage(hash));
    const empty = shell.empty(title);
    await empty.waitFor();
    expect((await empty.locator(".text").innerText()).length).toBeGreaterThan(40);
    expect(await empty.getByText(offer, { exact: true }).isVisible()).toBe(true);
  });

  it.each([
    ["#/runs/99", "There is no run 99"],
    ["#/runs/1/cells/99", "99"],
    ["#/predictors/99", "99"],
  ])("tells at %s what is missing, what to do, and lets it be tried again", async (hash, words) => {
    const shell = new Shell(await served.openPage(hash));
    const alert = shell.page.getByRole("main").getByRole("alert");
    await alert.waitFor();
    expect(await alert.innerText()).toContain(words);
    await alert.getByRole("button", { name: "Try again" }).click();
    await alert.waitFor();
  });

  it("works in a small dark window as in a large light one", async () => {
    const small = await served.openPage("#/models", { width: 900, height: 600, colorScheme: "dark" });
    const large = await served.openPage("#/models", { width: 1440, height: 900, colorScheme: "light" });
    for (const page of [small, large]) await new Shell(page).empty("No models yet").waitFor();
    const readBackground = () => getComputedStyle(document.body).backgroundColor;
    expect(await small.evaluate(readBackground)).toBe("rgb(16, 20, 26)");
    expect(await large.evaluate(readBackground)).toBe("rgb(244, 246, 248)");
    for (const page of [small, large])
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });

  it("leaves the console clean and the content security policy unbroken", () => {
    expect(served.complaints).toEqual([]);
  });
});
