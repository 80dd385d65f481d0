import { copyText } from "./clipboard.ts";
import { tellCommand } from "./commandLine.ts";
import { labState } from "./labState.svelte.ts";
import { attempt, notices } from "./notices.svelte.ts";

/** The command lines, mostly one, that do what the screen in front does. */
class ScreenCommand {
  lines: readonly (readonly string[])[] = $state.raw([]);

  /** The whole text, on this lab's folder. */
  get text(): string {
    const folder = labState.info.value?.folder ?? null;
    return this.lines.map((words) => tellCommand(words, folder)).join("\n");
  }

  async copy(): Promise<void> {
    await attempt(async () => {
      await copyText(this.text);
      notices.tell(this.lines.length > 1 ? "Commands copied" : "Command copied", this.text);
    });
  }
}

export const screenCommand = new ScreenCommand();
