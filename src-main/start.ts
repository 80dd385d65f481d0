import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { hasScreen } from "./cli/browser.ts";
import { listenForInterrupt } from "./cli/interrupt.ts";
import { runProgram } from "./cli/program.ts";
import { prepareDesktop } from "./desktopFiles.ts";
import { findElectronBinary } from "./electronBinary.ts";
import { describeError } from "./lab/errors.ts";

const args = process.argv.slice(2);
const electron = findElectronBinary();
const obstacle = electron ? await findObstacle() : missingBinary();

if (electron && obstacle === null) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const child = spawn(electron, [root, ...args], { stdio: "inherit" });
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => child.kill(name));
  child.once("error", (error) => {
    console.error(
      `error: ${electron} cannot be started: ${error.message} (\`npx install-electron\` fetches it again)`,
    );
    process.exitCode = 1;
  });
  child.once("exit", (code) => (process.exitCode = code ?? 1));
} else {
  console.log(`${obstacle}: the same lab opens in a browser instead.`);
  process.exitCode = await runProgram(["serve", "--open", ...args], listenForInterrupt());
}

function missingBinary(): string {
  return "Electron's binary is not installed (`npx install-electron` fetches it)";
}

/** Why the desktop window cannot be shown although its binary is there, or null. */
async function findObstacle(): Promise<string | null> {
  if (!hasScreen()) return "There is no screen for a desktop window";
  try {
    await prepareDesktop();
    return null;
  } catch (error) {
    return describeError(error).message;
  }
}
