import { runProgram, exitCodes } from "./cli/program.ts";

const interrupted = new AbortController();

// The first signal cancels what runs and lets it end cleanly; a second one does not wait.
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.on(name, () => {
    if (interrupted.signal.aborted) process.exit(exitCodes.cancelled);
    interrupted.abort();
  });

// A reader that has enough (`latlab models | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(exitCodes.done);
});

process.exitCode = await runProgram(process.argv.slice(2), interrupted.signal);
