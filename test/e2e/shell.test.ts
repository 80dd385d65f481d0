import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../../src-renderer/commands.ts";
import { ServedLab } from "./labWindow.ts";
import { Shell } from "./pages.ts";
import { addTinyNetworks } from "./tinyNetworks.ts";

describe("the frame of the window", () => {
  let served: ServedLab;
  beforeAll(async () => {
    served = await ServedLab.open();
    await addTinyNetworks(served.lab, served.folder, 3);
  });
  afterAll(async () => {
    await served.close();
  });

  it("is gone through with keys one after the other", async () => {
    const shell = new Shell(await served.openPage());
    await shell.page.getByRole("article").waitFor();
    for (const [keys, title] of [
      ["gm", "Models"],
      ["gr", "Runs"],
      ["gp", "Predictors"],
      ["gl", "Predict"],
      ["gd", "Devices"],
      ["nr", "New run"],
    ] as const) {
      await shell.page.keyboard.type(keys);
      await expect.poll(() => shell.title.innerText()).toBe(title);
    }
  });

  it("finds commands and models in the palette", async () => {
    const shell = new Shell(await served.openPage());
    await shell.page.getByRole("article").waitFor();
    await shell.page.keyboard.press("Control+k");
    const field = shell.page.getByRole("combobox", { name: "Find a command or a model" });
    await field.fill("tiny-1");
    await shell.page.getByRole("option", { name: /tiny-1/ }).waitFor();
    await shell.page.keyboard.press("Enter");
    await shell.page.waitForURL(/#\/models\/tiny-1/);
    await shell.page.keyboard.press("Control+k");
    await field.fill("sample");
    await shell.page.keyboard.press("Enter");
    const dialog = shell.page.getByRole("dialog", { name: "Sample networks" });
    await dialog.waitFor();
    await shell.page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
  });

  it("tells every command's keys in the help", async () => {
    const shell = new Shell(await served.openPage());
    await shell.page.getByRole("article").waitFor();
    await shell.page.keyboard.press("?");
    const help = shell.page.getByRole("dialog", { name: "Keys and help" });
    await help.waitFor();
    const text = await help.innerText();
    for (const command of commands) expect(text).toContain(command.title);
    expect(text).toContain(served.folder);
  });

  it("lets keys be typed as text in a field", async () => {
    const shell = new Shell(await served.openPage("#/models"));
    await shell.table("models").rows.first().waitFor();
    await shell.page.keyboard.press("/");
    await shell.page.keyboard.type("gd?");
    expect(await shell.page.getByRole("searchbox", { name: "Filter models" }).inputValue()).toBe("gd?");
    expect(await shell.title.innerText()).toBe("Models");
  });

  it("copies the command line that does what the screen does", async () => {
    const shell = new Shell(await served.openPage("#/models/tiny-0"));
    await shell.table("ops").rows.first().waitFor();
    await shell.page.getByRole("button", { name: "Copy command" }).click();
    await shell.page.getByText("Command copied").waitFor();
    expect(await shell.readClipboard()).toBe(`npx latlab inspect tiny-0 --lab ${served.folder}`);
  });

  it("keeps its place in the address", async () => {
    const shell = new Shell(await served.openPage("#/models/tiny-2"));
    await shell.table("ops").rows.first().waitFor();
    await shell.page.reload();
    await shell.table("ops").rows.first().waitFor();
    await shell.go("Devices");
    await shell.page.getByRole("article").waitFor();
    await shell.page.goBack();
    await shell.table("ops").rows.first().waitFor();
  });

  it("is reached with Tab, and the focus shows", async () => {
    const shell = new Shell(await served.openPage("#/models"));
    await shell.table("models").rows.first().waitFor();
    await shell.page.keyboard.press("Tab");
    const focused = () =>
      shell.page.evaluate(() => {
        const element = document.activeElement;
        if (!element) return null;
        return { text: element.textContent, outline: getComputedStyle(element).outlineStyle };
      });
    expect((await focused())?.text).toContain("Skip to the content");
    await shell.page.keyboard.press("Tab");
    const link = await focused();
    expect(link?.text).toContain("Devices");
    expect(link?.outline).toBe("solid");
  });

  it("tells when the lab is gone and comes back by itself with what happened meanwhile", async () => {
    const shell = new Shell(await served.openPage("#/models"));
    const table = shell.table("models");
    await table.rows.first().waitFor();
    const banner = shell.page.getByText("The connection to the lab is lost.");
    await served.restartServer(async () => {
      await banner.waitFor();
      await addTinyNetworks(served.lab, served.folder, 4);
    });
    await banner.waitFor({ state: "detached" });
    await expect.poll(() => table.count()).toBe(4);
    // Losing the lab is told by the browser too; that is not a complaint about the window.
    const refused = served.complaints.filter((text) => /WebSocket|ERR_CONNECTION/.test(text));
    served.complaints.splice(
      0,
      served.complaints.length,
      ...served.complaints.filter((text) => !refused.includes(text)),
    );
  });

  it("leaves the console clean", () => {
    expect(served.complaints).toEqual([]);
  });
});
