import { statSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { cleanPhone } from "../../src-main/profile/phoneClean.ts";
import { PhoneRig } from "./phoneRig.ts";

let rig: PhoneRig;

beforeAll(async () => {
  rig = await PhoneRig.start({ profile: "exynos9820" });
});

afterAll(async () => {
  await rig?.stop();
});

it("models are held under the limit, oldest first, and all of it goes with one command", async () => {
  const listModels = () => rig.phone.files().filter((path) => path.endsWith(".tflite"));
  const measureModels = () =>
    listModels().reduce(
      (sum, path) => sum + (statSync(rig.phone.locate(path), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
  // Over 100 kB each; the canary has over two megabytes.
  const models = rig.addNetworks(5, 40);
  const settings = { phoneCacheBytes: 2_600_000, startTemperatureC: 38 };
  const sizes: number[] = [];
  const cells = await rig.measure(rig.plan(["1large/float32/tflite"], models, { settings }), () =>
    sizes.push(measureModels()),
  );
  for (const { cell } of cells) expect(["done", "noisy"]).toContain(cell.state);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(settings.phoneCacheBytes);
  expect(listModels().length).toBeGreaterThan(1);
  expect(listModels().length).toBeLessThan(6);

  const files = rig.phone.files();
  expect(files.every((path) => path.startsWith("/data/local/tmp/latency-lab/"))).toBe(true);
  const connection = await rig.phones.connect(rig.phone.serial);
  await connection.push(Buffer.from("mine"), "/data/local/tmp/mine", 0o644);
  expect(await cleanPhone(connection)).toBeGreaterThan(2_000_000);
  expect(rig.phone.files()).toEqual(["/data/local/tmp/mine"]);
  await connection.close();
});
