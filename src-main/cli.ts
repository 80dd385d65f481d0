import { listenForInterrupt } from "./cli/interrupt.ts";
import { runProgram } from "./cli/program.ts";

// A reader that has enough (`latlab models | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await runProgram(process.argv.slice(2), listenForInterrupt());
