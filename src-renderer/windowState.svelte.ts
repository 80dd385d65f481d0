import { addFiles, chooseFiles } from "./modelFiles.ts";
import type { CommandActions } from "./commands.ts";
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

/** Adds files and shows what came of it: the one model, or the list. */
export async function openFiles(files: readonly File[]): Promise<void> {
  const added = await addFiles(files);
  if (added.length === 1) navigation.go(formatRoute("models", [added[0]!.name]));
  else if (added.length > 1) navigation.go(formatRoute("models"));
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
