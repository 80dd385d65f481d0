/** The window on a fake phone behind a real adb server: everything between the click and the phone is the real thing. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLab } from "../../src-main/lab/lab.ts";
import { startAdbServer } from "../fake/adbServer.ts";
import type { AdbServer } from "../fake/adbServer.ts";
import { FakePhone } from "../fake/phone.ts";
import { ServedLab, withoutZoo } from "./labWindow.ts";
import { PhoneCard, Shell } from "./pages.ts";
import { addTinyNetworks } from "./tinyNetworks.ts";

const binary = fileURLToPath(new URL("../fake/benchmark_model", import.meta.url));

describe("phones", () => {
  let server: AdbServer;
  let phone: FakePhone;
  let served: ServedLab;
  let names: string[];
  beforeAll(async () => {
    server = await startAdbServer();
    phone = await FakePhone.start({ profile: "snapdragon855" });
    const env = server.environment();
    served = await ServedLab.open(async (folder) => withoutZoo(await openLab({ folder, adb: { env } })));
    names = await addTinyNetworks(served.lab, served.folder, 2);
  });
  afterAll(async () => {
    await served?.close();
    await phone?.stop();
    await server?.stop();
  });

  it("appear when they are plugged in, with what they are, and go when they are unplugged", async () => {
    const shell = new Shell(await served.openPage("#/devices"));
    await shell.empty("Plug in a phone").waitFor();
    await server.connect(phone.serial);
    const card = new PhoneCard(shell.page, phone.serial);
    await card.article.getByText("✓ ready").waitFor();
    const text = await card.read();
    for (const words of [
      "Nova 4",
      "1 × large",
      "3 × med",
      "4 × small",
      "2.84 GHz",
      "Adreno",
      "OpenCL",
      "87 %",
    ])
      expect(text).toContain(words);
    await phone.unplug();
    await card.article.getByText("✓ ready").waitFor({ state: "detached" });
    await server.disconnect(phone.serial);
    const gone = shell.page.getByRole("region", { name: "Devices that are not here" });
    await gone.getByText(phone.serial, { exact: true }).waitFor();
    await phone.plug();
    await server.connect(phone.serial);
    await card.article.getByText("✓ ready").waitFor();
    await gone.waitFor({ state: "detached" });
  });

  it("that do not trust this computer say what to do, and are ready once they do", async () => {
    const shy = await FakePhone.start({ profile: "board", authorized: false });
    try {
      await server.connect(shy.serial);
      const shell = new Shell(await served.openPage("#/devices"));
      const card = new PhoneCard(shell.page, shy.serial);
      await card.article.getByText("! not authorised").waitFor();
      expect(await card.read()).toContain("Allow USB debugging");
      shy.authorize();
      await card.article.getByText("✓ ready").waitFor();
    } finally {
      await server.disconnect(shy.serial);
      await shy.stop();
    }
  });

  it("say of themselves what is shown as text and nothing else", async () => {
    const hostile = `<img src=x onerror="window.hit=1">$(touch /tmp/hit)'"`;
    const odd = await FakePhone.start({
      profile: "exynos9820",
      properties: {
        "ro.product.model": hostile,
        "ro.soc.model": hostile,
        "ro.build.version.release": hostile,
      },
    });
    try {
      await server.connect(odd.serial);
      const shell = new Shell(await served.openPage("#/devices"));
      const card = new PhoneCard(shell.page, odd.serial);
      await card.article.getByText("✓ ready").waitFor();
      expect(await card.article.getByRole("heading", { level: 2 }).innerText()).toContain(
        "<img src=x onerror",
      );
      expect(await shell.page.locator("main img").count()).toBe(0);
      expect(await shell.page.evaluate(() => Reflect.get(window, "hit"))).toBeUndefined();
    } finally {
      await server.disconnect(odd.serial);
      await odd.stop();
    }
  });

  it("take the user's own benchmark program, and are checked and remedied before a run", async () => {
    const shell = new Shell(await served.openPage("#/devices"));
    await shell.empty("One thing is missing: a benchmark program").waitFor();
    const panel = shell.panel("Benchmark program");
    await panel.getByLabel("Path on the computer of the lab").fill(binary);
    await panel.getByRole("button", { name: "Add", exact: true }).click();
    await panel.getByText("✓ in use").waitFor();
    await shell.empty("One thing is missing: a benchmark program").waitFor({ state: "detached" });
    phone.setScreen(false);
    const card = new PhoneCard(shell.page, phone.serial);
    await card.article.getByRole("button", { name: "Check", exact: true }).click();
    await shell.waitForJob(/Check .*Nova 4/, "done");
    const screen = card.check("screen");
    expect(await screen.getAttribute("data-state")).not.toBe("ok");
    await screen.getByRole("button", { name: "Wake the screen" }).click();
    await expect.poll(() => screen.getAttribute("data-state"), { timeout: 20_000 }).toBe("ok");
    expect(phone.screenOn).toBe(true);
    for (const id of ["binary", "core-mask"])
      expect(await card.check(id).getAttribute("data-state"), id).toBe("ok");
  });

  it("are measured on the cores composed of their blocks, and the run tells what they went through", async () => {
    const shell = new Shell(await served.openPage("#/devices"));
    const page = shell.page;
    const card = new PhoneCard(page, phone.serial);
    await card.core(7).click();
    await card.core(1).click();
    await card.article.getByRole("link", { name: "New run with these cores" }).click();
    await shell.table("models").tick(...names);
    await page.getByRole("radio", { name: /Quick/ }).check();
    await page.getByText(/^2 cells, about/).waitFor();
    await page.getByRole("button", { name: "Start run" }).click();
    await page.waitForURL(/#\/runs\/1$/);
    await shell.waitForJob(/Profile/, "done");
    const run = await served.lab.run({ run: 1 });
    expect(run.scenarios).toEqual([`${phone.serial}/1large+2small/float32/tflite`]);
    expect(run.cellList.map((cell) => cell.latencyMs !== null)).toEqual([true, true]);
    expect(await page.locator("[data-cell-state=done], [data-cell-state=noisy]").count()).toBe(2);
    await page.getByRole("img", { name: /^Temperature and frequency/ }).waitFor();
    await page.getByRole("button", { name: "Show as table" }).click();
    const telemetry = await served.lab.runTelemetry({ run: 1 });
    expect(telemetry.length).toBeGreaterThan(0);
    await expect
      .poll(() => shell.table("Temperature and frequency").count(), { timeout: 10_000 })
      .toBe(telemetry.length);
    await page.locator("[data-cell-state]").first().click();
    await page.getByText("0x83, read back the same").waitFor();
  });

  it("that fail a cell show what happened with the program's own words, and it is tried again", async () => {
    phone.refuseAbi();
    const shell = new Shell(
      await served.openPage(`#/runs/new?device=${phone.serial}&cores=1large&model=${names[0]}`),
    );
    const page = shell.page;
    await page.getByRole("radio", { name: /Quick/ }).check();
    await page.getByRole("button", { name: "Start run" }).click();
    await page.waitForURL(/#\/runs\/2$/);
    const failure = page.locator("[data-failed-cell]");
    await failure.waitFor({ timeout: 60_000 });
    await failure.locator("summary").click();
    await failure.locator("pre", { hasText: "Exec format error" }).waitFor();
    phone.refuseAbi(false);
    await page.getByRole("button", { name: "Retry 1 failed" }).click();
    await page.locator("[data-cell-state=done], [data-cell-state=noisy]").waitFor({ timeout: 60_000 });
    await page.locator("[data-cell-state]").click();
    const attempts = page.getByRole("region", { name: "Attempts" });
    await attempts.getByText("failed").waitFor();
  });

  it("on Wi-Fi are paired through adb itself, which says why it could not", async () => {
    const shell = new Shell(await served.openPage("#/devices"));
    await shell.page.getByRole("button", { name: "Pair over Wi-Fi…" }).first().click();
    const dialog = shell.page.getByRole("dialog", { name: "Pair a phone over Wi-Fi" });
    await dialog.getByLabel("Address of the pairing").fill("127.0.0.1:1");
    await dialog.getByLabel("Code").fill("123456");
    await dialog.getByRole("button", { name: "Pair", exact: true }).click();
    await dialog.getByRole("alert").filter({ hasText: "127.0.0.1:1" }).waitFor();
  });

  it("leave the console clean", () => {
    expect(served.complaints).toEqual([]);
  });
});
