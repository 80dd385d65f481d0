import { copyText } from "./clipboard.ts";
import { tellCommand } from "./commandLine.ts";
import { labState } from "./labState.svelte.ts";
import { attempt, notices } from "./notices.svelte.ts";

/** The command line that does what the screen in front does. */
class ScreenCommand {
  words: readonly string[] = $state.raw([]);

  /** The whole line, on this lab's folder. */
  get text(): string {
    return tellCommand(this.words, labState.info.value?.folder ?? null);
  }

  async copy(): Promise<void> {
    await attempt(async () => {
      await copyText(this.text);
      notices.tell("Command copied", this.text);
    });
  }
}

export const screenCommand = new ScreenCommand();
