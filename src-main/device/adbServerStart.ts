import { spawn } from "node:child_process";
import type { AdbProgram, Environment } from "./adbProgram.ts";
import type { Address } from "./serverAddress.ts";

const startTimeoutMs = 30_000;

/** Starts this computer's adb server with `adb start-server` and gives null, or in words why it did not start. */
export async function startAdbServer(
  program: AdbProgram,
  address: Address,
  env: Environment,
): Promise<string | null> {
  if (program.path === null) return program.problem ?? "There is no adb program.";
  const { path } = program;
  const { code, output } = await runToEnd(path, ["-P", String(address.port), "start-server"], env);
  if (code === 0) return null;
  const said = output.trim().replace(/\s+/g, " ").slice(-300);
  const how = code === null ? "did not end in time" : `ended with exit code ${code}`;
  return `\`${path} start-server\` ${how}${said ? ` (${said})` : ""}. Run it in a terminal to see what is wrong.`;
}

function runToEnd(
  path: string,
  args: string[],
  env: Environment,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(path, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...env },
      timeout: startTimeoutMs,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-4000)));
    const end = (code: number | null) => {
      // The server that was started may keep the pipes open for as long as it lives.
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ code, output });
      });
    };
    child.once("error", (error) => {
      output += error.message;
      end(-1);
    });
    child.once("exit", end);
  });
}
