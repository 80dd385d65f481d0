import { badRequest } from "../src-main/lab/errors.ts";
import { lab } from "./connection.svelte.ts";
import { addFiles, chooseFiles, isModelFile } from "./modelFiles.ts";
import type { CommandActions } from "./commands.ts";
import { attempt, notices } from "./notices.svelte.ts";
import { navigation } from "./navigation.svelte.ts";
import { formatRoute } from "./route.ts";
import { screenCommand } from "./screenCommand.svelte.ts";

/** What is open over the screens. */
class WindowState {
  palette = $state(false);
  help = $state(false);
  sampling = $state(false);
  pairing = $state(false);
  jobs = $state(false);
}

export const windowState = new WindowState();

/**
 * Adds files and shows what came of it: the one model, or the list. On the screen of devices anything but a network is taken
 * for a benchmark program.
 */
export async function openFiles(files: readonly File[]): Promise<void> {
  const isProgram = (file: File) => takesPrograms() && !isModelFile(file.name);
  for (const file of files.filter(isProgram)) await attempt(() => addProgram(file));
  const added = await addFiles(files.filter((file) => !isProgram(file)));
  if (added.length === 1) navigation.go(formatRoute("models", [added[0]!.name]));
  else if (added.length > 1) navigation.go(formatRoute("models"));
}

/** Whether a benchmark program can be dropped here. */
export function takesPrograms(): boolean {
  return navigation.route.noun === "devices";
}

async function addProgram(file: File): Promise<void> {
  const path = window.latencyLab?.pathOf(file);
  if (!path)
    throw badRequest(
      `A browser does not tell where ${file.name} lies`,
      "Type its path under Benchmark program, on the computer of the lab.",
    );
  const binary = await lab.addBinary({ path });
  notices.tell(`${binary.name} added`, `It runs on phones of ${binary.abi ?? "any ABI"}.`);
}

/** What the commands do in this window. */
export const actions: CommandActions = {
  go: (hash) => navigation.go(hash),
  openPalette: () => (windowState.palette = true),
  openHelp: () => (windowState.help = true),
  openFile: () => void chooseFiles().then(openFiles),
  openSampling: () => (windowState.sampling = true),
  openPairing: () => (windowState.pairing = true),
  copyCommand: () => void screenCommand.copy(),
  focusFilter: () => document.querySelector<HTMLInputElement>("main input[type=search]")?.focus(),
  toggleJobs: () => (windowState.jobs = !windowState.jobs),
};
