/** Runs the real command line as a shell would. */
import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../src-main/cli.ts", import.meta.url));
const launcher = fileURLToPath(new URL("../../bin/latlab.js", import.meta.url));

/** How a command ended and what it printed. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command that runs. */
export interface RunningCommand {
  child: ChildProcess;
  outcome: Promise<Outcome>;
  /** Resolves with what was printed once stdout holds `text`. */
  waitForOutput(text: string): Promise<string>;
}

/** Where and how a command is started. */
export interface CommandOptions {
  launcher?: boolean;
  cwd?: string;
  /** In place of this process's environment. */
  env?: NodeJS.ProcessEnv;
}

/** Starts `latlab` with arguments; through the launcher when told so. */
export function startCommand(args: readonly string[], options: CommandOptions = {}): RunningCommand {
  const child = spawn(process.execPath, [options.launcher ? launcher : program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: options.cwd,
    env: options.env ?? process.env,
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const watch of [...watchers]) watch();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  return {
    child,
    outcome,
    waitForOutput: (wanted) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          if (!stdout.includes(wanted)) return;
          watchers.delete(watch);
          resolve(stdout);
        };
        watchers.add(watch);
        void outcome.then(() => reject(new Error(`it ended before it printed ${wanted}: ${stderr}`)));
        watch();
      }),
  };
}

/** Runs `latlab` with arguments to its end. */
export function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  return startCommand(args, options).outcome;
}
