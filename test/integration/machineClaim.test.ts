import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { claimOnThisComputer } from "../../src-main/store/machineClaim.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "latlab-claim-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const source = fileURLToPath(new URL("../../src-main/store/machineClaim.ts", import.meta.url));

/** Another process that holds a phone until it is killed. */
async function holdElsewhere(device: string): Promise<() => Promise<void>> {
  const program = `const { claimOnThisComputer } = await import(${JSON.stringify(source)});
    claimOnThisComputer(${JSON.stringify(device)}, ${JSON.stringify(folder)});
    console.log("held"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  };
}

it("holds a phone against every other lab until it is given up", () => {
  const release = claimOnThisComputer("pixel 4/$(odd)", folder);
  expect(() => claimOnThisComputer("pixel 4/$(odd)", folder)).toThrow(/is being measured by process/);
  claimOnThisComputer("another", folder)();
  release();
  claimOnThisComputer("pixel 4/$(odd)", folder)();
  expect(readdirSync(folder)).toEqual([]);
});

it("is taken over from a process that died, and only then", async () => {
  const kill = await holdElsewhere("pixel4");
  expect(() => claimOnThisComputer("pixel4", folder)).toThrow(/is being measured by process/);
  await kill();
  const release = claimOnThisComputer("pixel4", folder);
  expect(() => claimOnThisComputer("pixel4", folder)).toThrow(/is being measured/);
  release();
});
