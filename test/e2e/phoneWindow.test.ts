/** The window on phones in states that a phone is hard to bring into, as a scripted lab tells of them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LabError } from "../../src-main/lab/errors.ts";
import { describeModel, describeRun, Script } from "./scriptedLab.ts";
import {
  adbFound,
  describeBinary,
  describeCell,
  describeGpuMeasurement,
  describePhone,
  describeTelemetry,
  describeUnknownPhone,
  preflightChecks,
  usualSettings,
} from "./scriptedPhones.ts";
import { ServedLab } from "./labWindow.ts";
import { PhoneCard, Shell } from "./pages.ts";

describe("the window on phones", () => {
  let served: ServedLab;
  let script: Script;
  // One window for all: the script behind it is exchanged.
  const current = { script: new Script() };

  beforeAll(async () => {
    served = await ServedLab.open((folder) => current.script.openBehind(folder, () => current.script));
  });
  beforeEach(() => {
    script = current.script = new Script();
    script.devices = [describePhone("8ABX0PHONE")];
    script.binaries = [describeBinary()];
    script.models = Array.from({ length: 9 }, (_, index) => describeModel(`net-${index}`, 1e8 * (index + 1)));
  });
  afterEach(async () => {
    await served.closePages();
  });
  afterAll(async () => {
    await served.close();
  });

  async function openShell(hash: string): Promise<Shell> {
    return new Shell(await served.openPage(hash));
  }

  function asked(call: string): unknown[] {
    return script.asked.filter((entry) => entry.call === call).map((entry) => entry.request);
  }

  it("shows a phone that is plugged in and lets it go when it is unplugged", async () => {
    script.devices = [];
    const shell = await openShell("#/devices");
    await shell.empty("Plug in a phone").waitFor();
    script.devices = [describePhone("8ABX0PHONE")];
    script.publish({ type: "devices" });
    const card = new PhoneCard(shell.page, "8ABX0PHONE");
    await card.article.waitFor();
    for (const words of [
      "✓ ready",
      "Qualcomm SM8150",
      "Adreno (TM) 640, OpenCL",
      "81 %, charging",
      "41.3 GB",
    ])
      expect(await card.read()).toContain(words);
    await shell.empty("Plug in a phone").waitFor({ state: "detached" });
    script.devices = [{ ...describePhone("8ABX0PHONE"), state: "absent", problem: "Last seen today." }];
    script.publish({ type: "devices" });
    await card.article.waitFor({ state: "detached" });
    expect(await shell.page.getByRole("region", { name: "Devices that are not here" }).innerText()).toContain(
      "Pixel 4",
    );
  });

  it.each([
    ["unauthorized", "not authorised", "Unlock the phone and accept the dialog"],
    ["no-permissions", "no permissions", "install the udev rules"],
    ["offline", "offline", "Plug it in again"],
    ["recovery", "in recovery", "Choose Reboot system now"],
  ] as const)("says of a phone that is %s what to do, in full", async (state, word, remedy) => {
    const problem = `This is what is wrong with it. ${remedy}, and then a long rest of the sentence so that it wraps.`;
    script.devices = [describeUnknownPhone("R58M30", state, problem)];
    const card = new PhoneCard((await openShell("#/devices")).page, "R58M30");
    await card.article.waitFor();
    expect(await card.read()).toContain(word);
    expect(await card.read()).toContain(problem);
    expect(await card.article.getByRole("button", { name: /^CPU/ }).count()).toBe(0);
    expect(await card.article.getByRole("link", { name: /New run/ }).count()).toBe(0);
  });

  it("composes a core set of blocks with the keyboard and takes it to a new run", async () => {
    script.devices = [describePhone("8ABX0PHONE", { phone: { offlineCpus: [3] } })];
    const shell = await openShell("#/devices");
    const card = new PhoneCard(shell.page, "8ABX0PHONE");
    await card.core(7).focus();
    await shell.page.keyboard.press("Space");
    await card.core(1).click();
    await card.article.getByText("1large+2small", { exact: true }).waitFor();
    expect(await card.read()).toContain("mask 0x83");
    expect(await card.core(0).getAttribute("aria-pressed")).toBe("true");
    expect(await card.core(2).getAttribute("aria-pressed")).toBe("false");
    // An offline core is drawn, hollow, and is no button.
    expect(await card.core(3).count()).toBe(0);
    expect(await card.read()).toContain("1 offline");
    await card.article.getByRole("link", { name: "New run with these cores" }).click();
    await shell.page.getByRole("button", { name: "Leave 1large+2small out" }).waitFor();
    await shell.table("models").tick("net-3");
    await shell.page.getByRole("radio", { name: /Quick/ }).check();
    await shell.page.getByRole("button", { name: "Start run" }).click();
    await shell.page.waitForURL(/#\/runs\/1$/);
    expect(asked("startRun")).toEqual([
      {
        device: "8ABX0PHONE",
        coreSets: ["1large+2small"],
        precision: "float32",
        runtime: "tflite",
        models: ["net-3"],
        repetitions: 1,
        thoroughness: "quick",
      },
    ]);
  });

  it("prepares the noise test: this phone, these cores, the middle network, twenty times", async () => {
    const shell = await openShell("#/devices");
    const card = new PhoneCard(shell.page, "8ABX0PHONE");
    await card.core(5).click();
    await card.article.getByRole("link", { name: "Noise test on 2med" }).click();
    await shell.page.getByText(/^20 cells, about/).waitFor();
    await shell.page.getByRole("button", { name: "Copy command" }).click();
    await shell.page.getByText("Command copied").waitFor();
    expect(await shell.readClipboard()).toContain(
      "profile --device 8ABX0PHONE --cores 2med --precision float32 --runtime tflite --repetitions 20 net-4",
    );
  });

  it("checks a phone and does what the button beside a check says", async () => {
    script.checks = preflightChecks;
    script.answers.applyRemedy = () => ({
      ...preflightChecks[2]!,
      state: "ok",
      detail: "on",
      remedy: null,
      action: null,
    });
    const shell = await openShell("#/devices");
    const card = new PhoneCard(shell.page, "8ABX0PHONE");
    await card.article.getByRole("button", { name: "Check", exact: true }).click();
    await card.article.getByText("1 thing would stop a run").waitFor();
    expect(await card.checks.count()).toBe(preflightChecks.length);
    expect(await card.check("screen").innerText()).toContain("wake it and let it stay awake");
    await card.check("screen").getByRole("button", { name: "Wake the screen" }).click();
    await card.article.getByText("Can be measured, with 1 warning").waitFor();
    expect(asked("applyRemedy")).toEqual([{ device: "8ABX0PHONE", remedy: "wake-screen" }]);
    expect(await card.check("screen").getByRole("button").count()).toBe(0);
    expect(await card.checks.count()).toBe(preflightChecks.length);
  });

  it("shows checks as they come, also those that another window asked for", async () => {
    const shell = await openShell("#/devices");
    const card = new PhoneCard(shell.page, "8ABX0PHONE");
    await card.article.waitFor();
    script.publish({ type: "preflight", device: "8ABX0PHONE", check: preflightChecks[3]! });
    await card.check("battery").waitFor();
    script.publish({ type: "preflight", device: "another", check: preflightChecks[2]! });
    script.publish({
      type: "preflight",
      device: "8ABX0PHONE",
      check: { ...preflightChecks[3]!, state: "ok" },
    });
    await card.article.getByText("Ready to be measured", { exact: true }).waitFor();
    expect(await card.checks.count()).toBe(1);
  });

  it("shows what a phone says of itself as text, whatever it says", async () => {
    const hostile = `<img src=x onerror="window.hit=1">$(reboot)'"\u202Egnp.exe ${"long".repeat(60)}`;
    script.devices = [
      describePhone("<b>serial</b>", {
        name: hostile,
        soc: hostile,
        gpu: hostile,
        os: hostile,
        phone: { androidVersion: hostile, server: hostile },
      }),
    ];
    script.checks = [{ ...preflightChecks[3]!, title: hostile, detail: hostile, remedy: hostile }];
    for (const hash of ["#/devices", "#/runs/new"]) {
      const shell = await openShell(hash);
      await shell.page.getByText("$(reboot)").first().waitFor();
      const check = shell.page.getByRole("button", { name: "Check", exact: true });
      if (await check.isVisible()) await check.click();
      expect(await shell.page.locator("main img[src=x]").count()).toBe(0);
      expect(await shell.page.evaluate(() => Reflect.get(window, "hit"))).toBeUndefined();
      expect(
        await shell.page.evaluate(() =>
          [document.documentElement, ...document.querySelectorAll("main .body")].every(
            (element) => element.scrollWidth <= element.clientWidth,
          ),
        ),
      ).toBe(true);
    }
  });

  it("teaches what is missing: adb, then a benchmark program", async () => {
    script.devices = [];
    script.adb = {
      ...adbFound,
      path: null,
      source: null,
      version: null,
      problem: "There is no adb here.",
      servers: [],
    };
    const shell = await openShell("#/devices");
    await shell.empty("Phones need adb").waitFor();
    expect(await shell.panel("adb").innerText()).toContain("There is no adb here.");
    script.adb = adbFound;
    script.devices = [describePhone("8ABX0PHONE", { phone: { binary: null } })];
    script.binaries = [];
    for (const type of ["adb", "devices", "binaries"] as const) script.publish({ type });
    await shell.empty("One thing is missing: a benchmark program").waitFor();
    expect(await shell.panel("Benchmark program").innerText()).toContain("need one for arm64-v8a");
  });

  it("adds and removes adb servers of other computers, and tells why one does not answer", async () => {
    const shell = await openShell("#/devices");
    const panel = shell.panel("adb");
    script.answers.changeSettings = (request: { adbServers: string[] }) => {
      if (request.adbServers.includes("nonsense"))
        throw new LabError("bad-request", "nonsense is no address", "Write host:port.");
      script.settings = { ...usualSettings, ...request };
      script.adb = {
        ...adbFound,
        servers: [
          ...adbFound.servers,
          ...request.adbServers.map((address) => ({
            address,
            local: false,
            state: "unreachable" as const,
            problem: "Nothing listens there.",
            phones: 0,
          })),
        ],
      };
      return script.settings;
    };
    const field = panel.getByLabel("adb server of another computer");
    await field.fill("nonsense");
    await panel.getByRole("button", { name: "Add", exact: true }).click();
    await panel.getByRole("alert").filter({ hasText: "Write host:port." }).waitFor();
    await field.fill("lab-2:5037");
    await field.press("Enter");
    const server = panel.locator("[data-server='lab-2:5037']");
    await server.waitFor();
    expect(await server.innerText()).toContain("unreachable");
    expect(await server.innerText()).toContain("Nothing listens there.");
    expect(await field.inputValue()).toBe("");
    await panel.getByRole("button", { name: "Remove the server lab-2:5037" }).click();
    await server.waitFor({ state: "detached" });
    expect(script.settings.adbServers).toEqual([]);
  });

  it("pairs over Wi-Fi in two steps and says why a step failed", async () => {
    script.answers.pairPhone = ({ code }: { code: string }) => {
      if (code !== "123456")
        throw new LabError(
          "pairing-failed",
          "192.168.1.20:37123 could not be reached: wrong code",
          "Look at the code again.",
        );
      return { message: "Successfully paired" };
    };
    script.answers.connectPhone = ({ address }: { address: string }) => {
      script.settings = { ...script.settings, wifiPhones: [address] };
      return { device: address };
    };
    const shell = await openShell("#/devices");
    await shell.page.keyboard.type("nw");
    const dialog = shell.page.getByRole("dialog", { name: "Pair a phone over Wi-Fi" });
    await dialog.getByLabel("Address of the pairing").fill("192.168.1.20:37123");
    await dialog.getByLabel("Code").fill("000000");
    await dialog.getByRole("button", { name: "Pair", exact: true }).click();
    await dialog.getByRole("alert").filter({ hasText: "Look at the code again." }).waitFor();
    await dialog.getByLabel("Code").fill("123456");
    await dialog.getByRole("button", { name: "Pair", exact: true }).click();
    await dialog.getByText("Successfully paired").waitFor();
    const address = dialog.getByLabel("Address of the phone");
    expect(await address.inputValue()).toBe("192.168.1.20:");
    await address.fill("192.168.1.20:41555");
    await dialog.getByRole("button", { name: "Connect", exact: true }).click();
    await dialog.waitFor({ state: "hidden" });
    const forget = shell.panel("adb").getByRole("button", { name: "Forget 192.168.1.20:41555" });
    await forget.click();
    await shell.page.getByText("192.168.1.20:41555 forgotten").waitFor();
    expect(asked("disconnectPhone")).toEqual([{ address: "192.168.1.20:41555" }]);
  });

  it("runs a downloaded benchmark program only after it was told to", async () => {
    const url = "https://example.org/android_aarch64_benchmark_model";
    script.binaries = [];
    script.published = [
      {
        abi: "arm64-v8a",
        name: "benchmark_model",
        url,
        publisher: "Someone",
        license: "Apache-2.0",
        hash: null,
        note: "Nightly.",
      },
    ];
    const downloaded = describeBinary({ hash: "d".repeat(64), source: url, approved: false, inUse: false });
    script.answers.jobResult = () => {
      script.binaries = [downloaded];
      script.publish({ type: "binaries" });
      return downloaded;
    };
    script.answers.startDownload = () => ({ job: 77, kind: "download" });
    script.answers.useBinary = () => {
      script.binaries = [{ ...downloaded, approved: true, inUse: true }];
      return script.binaries[0];
    };
    const shell = await openShell("#/devices");
    const panel = shell.panel("Benchmark program");
    await panel.getByRole("button", { name: "Download benchmark_model for arm64-v8a" }).click();
    const entry = panel.locator(`[data-binary='${downloaded.hash}']`);
    await entry.waitFor();
    for (const words of ["not run yet", "6.41 MB", downloaded.hash, url])
      expect(await entry.innerText()).toContain(words);
    expect(asked("startDownload")).toEqual([{ url }]);
    expect(asked("useBinary")).toEqual([]);
    await entry.getByRole("button", { name: "Use it" }).click();
    await entry.getByText("✓ in use").waitFor();
    expect(asked("useBinary")).toEqual([{ hash: downloaded.hash }]);
  });

  it("adds the user's own benchmark program by its path, and tells why one does not fit", async () => {
    script.answers.addBinary = ({ path }: { path: string }) => {
      throw new LabError(
        "binary-unfit",
        `${path} cannot be used: it is for x86_64`,
        "Take one built for arm64.",
      );
    };
    const shell = await openShell("#/devices");
    const panel = shell.panel("Benchmark program");
    await panel.getByLabel("Path on the computer of the lab").fill("/tmp/wrong one");
    await panel.getByRole("button", { name: "Add", exact: true }).click();
    await panel.getByRole("alert").filter({ hasText: "Take one built for arm64." }).waitFor();
    expect(asked("addBinary")).toEqual([{ path: "/tmp/wrong one" }]);
  });

  it("starts one run a device, with cores on one and the GPU on the other, and tells both command lines", async () => {
    script.devices = [describePhone("8ABX0PHONE"), describePhone("R58M30", { name: "Galaxy" })];
    const shell = await openShell("#/runs/new");
    const page = shell.page;
    await shell.table("models").tick("net-0", "net-1");
    await page.getByText(/^2 cells, about/).waitFor();
    await page.getByRole("checkbox", { name: /Galaxy/ }).check();
    await page.getByText(/^4 cells on 2 devices at once, about/).waitFor();
    await page.getByRole("button", { name: "Copy command" }).click();
    await expect.poll(() => shell.readClipboard()).toContain("--device 8ABX0PHONE,R58M30 --cores 1large");
    const galaxy = page.getByRole("group", { name: "What to measure on Galaxy" });
    await galaxy.getByRole("radio", { name: /GPU/ }).check();
    await galaxy.getByRole("radio", { name: "float16" }).check();
    await page.getByRole("radio", { name: /Thorough/ }).check();
    expect(await page.getByLabel("Repetitions").inputValue()).toBe("3");
    await page.getByText(/^12 cells on 2 devices/).waitFor();
    await page.getByRole("button", { name: "Copy command" }).click();
    await expect.poll(async () => (await shell.readClipboard()).split("\n").length).toBe(2);
    expect(await shell.readClipboard()).toContain(
      "--device R58M30 --gpu --precision float16 --runtime gpu-cl",
    );
    await page.getByRole("button", { name: "Start run" }).click();
    await page.waitForURL(/#\/runs$/);
    expect(asked("startRun")).toMatchObject([
      { device: "8ABX0PHONE", coreSets: ["1large"], runtime: "tflite", repetitions: 3 },
      { device: "R58M30", coreSets: ["gpu"], runtime: "gpu-cl", precision: "float16", repetitions: 3 },
    ]);
  });

  it("keeps what has started when the next device refuses", async () => {
    script.devices = [describePhone("8ABX0PHONE"), describePhone("R58M30", { name: "Galaxy" })];
    script.answers.startRun = ({ device }: { device: string }) => {
      if (device === "R58M30")
        throw new LabError("preflight-failed", "R58M30 is not ready", "Wake its screen.");
      return { run: 1, job: 1, kind: "profile" };
    };
    const shell = await openShell("#/runs/new");
    await shell.table("models").tick("net-0");
    await shell.page.getByRole("checkbox", { name: /Galaxy/ }).check();
    await shell.page.getByRole("button", { name: "Start run" }).click();
    await shell.page.getByRole("alert").filter({ hasText: "Wake its screen." }).waitFor();
    await shell.page.getByText("Started before that: run 1").waitFor();
    expect(await shell.page.getByRole("checkbox", { name: /Pixel 4/ }).isChecked()).toBe(false);
    expect(await shell.page.getByRole("checkbox", { name: /Galaxy/ }).isChecked()).toBe(true);
  });

  it("tells of a run what the phone went through, what it waits for and what failed with its stderr", async () => {
    const failed = describeCell(3, {
      state: "failed",
      latencyMs: null,
      kept: 0,
      total: 0,
      attempts: 2,
      error: "The benchmark was killed (signal 9)",
    });
    script.cells = [
      describeCell(1),
      describeCell(2),
      failed,
      describeCell(4, { state: "empty", latencyMs: null }),
    ];
    script.telemetry = describeTelemetry(3);
    script.runs = [
      { ...describeRun(1, "8ABX0PHONE", script.cells), state: "running", job: 1, etaMs: 60_000 },
    ];
    script.jobs = [
      {
        id: 1,
        kind: "profile",
        title: "Profile 4 models",
        startedAt: "2026-03-01T10:00:00Z",
        run: 1,
        progress: {
          state: "running",
          done: 3,
          total: 4,
          etaMs: 60_000,
          note: "net-4 on x: cooling: battery 36 °C, about 2 min",
        },
      },
    ];
    script.measurements.set(3, {
      ...describeGpuMeasurement(failed, 1),
      stderr: "lowmemorykiller: <b>bye</b>",
    });
    const shell = await openShell("#/runs/1");
    const page = shell.page;
    await page.getByText("cooling: battery 36 °C, about 2 min", { exact: true }).waitFor();
    await page.getByText(/waited .* to go/).waitFor();
    await page.getByRole("img", { name: /^Temperature and frequency/ }).waitFor();
    await page.getByRole("button", { name: "Show as table" }).click();
    await expect.poll(() => shell.table("Temperature and frequency").count()).toBe(script.telemetry.length);
    // Each cell that ends brings new readings.
    script.telemetry = describeTelemetry(5);
    script.publish({ type: "cell", run: 1, cell: describeCell(4) });
    await expect
      .poll(() => shell.table("Temperature and frequency").count(), { timeout: 10_000 })
      .toBe(script.telemetry.length);
    const failure = page.locator("[data-failed-cell='3']");
    expect(await failure.innerText()).toContain("The benchmark was killed (signal 9)");
    await failure.locator("summary").click();
    await failure.getByText("lowmemorykiller: <b>bye</b>").waitFor();
    script.runs = [{ ...script.runs[0]!, state: "paused", job: null }];
    script.jobs = [];
    script.publish({ type: "run", run: script.runs[0]! });
    await page.getByRole("button", { name: "Retry 1 failed" }).click();
    expect(asked("resumeRun")).toEqual([{ run: 1, retry: true }]);
  });

  it("tells on a run's screen why it stands still", async () => {
    script.cells = [describeCell(1, { state: "empty", latencyMs: null })];
    script.runs = [{ ...describeRun(1, "8ABX0PHONE", script.cells), state: "failed" }];
    script.jobs = [
      {
        id: 1,
        kind: "profile",
        title: "Profile 1 model",
        startedAt: "2026-03-01T10:00:00Z",
        run: 1,
        progress: {
          state: "failed",
          error: { code: "preflight-failed", message: "8ABX0PHONE is not ready", hint: "Wake its screen." },
        },
      },
    ];
    const { page } = await openShell("#/runs/1");
    await page.getByRole("alert").filter({ hasText: "8ABX0PHONE is not ready" }).waitFor();
    await page.getByText("Wake its screen.").waitFor();
    expect(await page.getByText(/Pixel 4 \(8ABX0PHONE\), 1 models?/).count()).toBe(1);
    await page.getByRole("button", { name: "Resume" }).click();
    await expect.poll(() => asked("resumeRun")).toEqual([{ run: 1, retry: false }]);
  });

  it("tells how far all runs are that measure at once", async () => {
    script.cells = [describeCell(1), describeCell(2, { state: "empty" })];
    const run = { ...describeRun(1, "8ABX0PHONE", script.cells), state: "running" as const, etaMs: 60_000 };
    script.runs = [{ ...run, id: 2, device: "R58M30", etaMs: 240_000 }, run];
    const shell = await openShell("#/runs");
    const total = shell.page.getByRole("region", { name: "Total progress" });
    await total.waitFor();
    expect(await total.innerText()).toMatch(/2 runs are measuring\s+2 of 4 cells, about 4m left/);
    script.publish({ type: "run", run: { ...run, state: "done", etaMs: null } });
    await total.waitFor({ state: "detached" });
  });

  it("shows of a cell every attempt, what the GPU left behind, its kernels and where the numbers come from", async () => {
    const cell = describeCell(7, {
      scenario: "8ABX0PHONE/gpu/float16/gpu-cl",
      attempts: 2,
      kept: 0,
      total: 0,
    });
    script.cells = [cell];
    script.runs = [describeRun(1, "8ABX0PHONE", script.cells)];
    script.measurements.set(7, describeGpuMeasurement(cell, 1));
    const shell = await openShell("#/runs/1/cells/7");
    const page = shell.page;
    const main = page.getByRole("main");
    await main.getByText("57 inferences").waitFor();
    const attempts = page.getByRole("region", { name: "Attempts" });
    expect(await attempts.getByRole("listitem").count()).toBe(2);
    expect(await attempts.innerText()).toContain("8ABX0PHONE was lost while measuring");
    const delegate = await page.getByRole("region", { name: "Delegate" }).innerText();
    expect(delegate).toContain("took a part; the rest ran on the CPU");
    expect(delegate).toContain("RESIZE_BILINEAR: half_pixel_centers is not supported");
    expect(await shell.table("kernel times").count()).toBe(2);
    const text = await main.innerText();
    for (const words of ["0x80, read back the same", "none → light", "arm64-v8a", "8.51 ms", "1m 24s"])
      expect(text).toContain(words);
    await page.getByRole("button", { name: "Copy command" }).click();
    await expect.poll(() => shell.readClipboard()).toContain("--device 8ABX0PHONE --gpu --precision float16");
  });

  it("leaves the console clean and the content security policy unbroken", () => {
    expect(served.complaints).toEqual([]);
  });
});
