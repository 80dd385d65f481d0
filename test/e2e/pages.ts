/** What a person does on each screen, by the words they read there. */
import type { Locator, Page } from "playwright-core";

/** The frame around the screens: rail, job bar, notices, palette and help. */
export class Shell {
  readonly page: Page;
  constructor(page: Page) {
    this.page = page;
  }

  get title(): Locator {
    return this.page.locator("#screen-title");
  }

  get jobs(): Locator {
    return this.page.getByRole("contentinfo", { name: "Jobs" });
  }

  /** The empty screen of that title. */
  empty(title: string): Locator {
    return this.page.locator("section.empty", { has: this.page.getByRole("heading", { name: title }) });
  }

  /** The part of a screen with that title. */
  panel(title: string): Locator {
    return this.page.getByRole("region", { name: title, exact: true });
  }

  async go(noun: "Devices" | "Models" | "Runs" | "Predictors" | "Predict"): Promise<void> {
    await this.page
      .getByRole("navigation", { name: "Lab" })
      .getByRole("link", { name: noun, exact: false })
      .first()
      .click();
  }

  async waitForJob(title: string | RegExp, state: "done" | "failed" | "cancelled"): Promise<void> {
    const job = this.jobs.locator(`li[data-state=${state}]`, { hasText: title });
    await job.waitFor({ timeout: 120_000 });
  }

  table(label: string): Table {
    return new Table(this.page, label);
  }

  readClipboard(): Promise<string> {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }
}

/** A table by its name. */
export class Table {
  readonly grid: Locator;
  readonly page: Page;
  readonly label: string;
  constructor(page: Page, label: string) {
    this.page = page;
    this.label = label;
    this.grid = page.getByRole("grid", { name: label, exact: true });
  }

  get rows(): Locator {
    return this.grid.locator("tbody tr[data-row]");
  }

  row(name: string): Locator {
    return this.rows.filter({ has: this.page.locator("td", { hasText: new RegExp(`^\\s*${name}\\s*$`) }) });
  }

  async filter(text: string): Promise<void> {
    await this.page.getByRole("searchbox", { name: `Filter ${this.label}`, exact: true }).fill(text);
  }

  async sortBy(column: string): Promise<void> {
    await this.grid.getByRole("columnheader", { name: column }).getByRole("button").click();
  }

  /** The rows there are, drawn or not. */
  async count(): Promise<number> {
    return Number(await this.grid.getAttribute("aria-rowcount")) - 1;
  }

  /** The texts of one column's drawn cells. */
  async readColumn(place: number): Promise<string[]> {
    const texts = await this.rows.locator(`td:nth-child(${place})`).allInnerTexts();
    return texts.map((text) => text.trim());
  }

  async tick(...names: string[]): Promise<void> {
    for (const name of names)
      await this.grid.getByRole("checkbox", { name: `Tick ${name}`, exact: true }).check();
  }
}

/** A phone's card on the screen of devices, by its id. */
export class PhoneCard {
  readonly article: Locator;
  constructor(page: Page, id: string) {
    this.article = page.locator(`article[data-device=${JSON.stringify(id)}]`);
  }

  read(): Promise<string> {
    return this.article.innerText();
  }

  /** The block of a core. */
  core(cpu: number): Locator {
    return this.article.getByRole("button", { name: new RegExp(`^CPU ${cpu},`) });
  }

  get checks(): Locator {
    return this.article.locator("[data-check]");
  }

  check(id: string): Locator {
    return this.article.locator(`[data-check=${JSON.stringify(id)}]`);
  }
}

/** Drops a file on the window as a file manager would. */
export async function dropFile(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const transfer = await page.evaluateHandle(
    ({ fileName, content }) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(content), (char) => char.charCodeAt(0))], fileName));
      return data;
    },
    { fileName: name, content: Buffer.from(bytes).toString("base64") },
  );
  await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
  await page.dispatchEvent("body", "dragover", { dataTransfer: transfer });
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
}
