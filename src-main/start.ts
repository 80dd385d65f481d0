import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { hasScreen } from "./cli/browser.ts";
import { listenForInterrupt } from "./cli/interrupt.ts";
import { runProgram } from "./cli/program.ts";
import { prepareDesktop } from "./desktopFiles.ts";
import { findElectronBinary } from "./electronBinary.ts";

const args = process.argv.slice(2);
const electron = findElectronBinary();
const obstacle = !electron
  ? "Electron's binary is not installed (`npx install-electron` fetches it)"
  : !hasScreen()
    ? "There is no screen for a desktop window"
    : null;

if (electron && obstacle === null) {
  await prepareDesktop();
  const root = fileURLToPath(new URL("..", import.meta.url));
  const child = spawn(electron, [root, ...args], { stdio: "inherit" });
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => child.kill(name));
  child.once("exit", (code) => (process.exitCode = code ?? 1));
} else {
  console.log(`${obstacle}: the same lab opens in a browser instead.`);
  process.exitCode = await runProgram(["serve", "--open", ...args], listenForInterrupt());
}
