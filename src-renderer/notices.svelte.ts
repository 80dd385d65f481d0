import { showError } from "./resource.svelte.ts";

/** One line that tells what just happened; a failed one stays until it is dismissed. */
export interface Notice {
  id: number;
  kind: "done" | "failed";
  message: string;
  hint: string;
}

const shownMs = 5000;

class Notices {
  list: Notice[] = $state.raw([]);
  #next = 1;

  tell(message: string, hint = ""): void {
    const notice = this.#add("done", message, hint);
    setTimeout(() => this.dismiss(notice.id), shownMs);
  }

  fail(error: unknown): void {
    const { message, hint } = showError(error);
    this.#add("failed", message, hint);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #add(kind: Notice["kind"], message: string, hint: string): Notice {
    const notice = { id: this.#next++, kind, message, hint };
    this.list = [...this.list.filter((other) => other.message !== message), notice].slice(-4);
    return notice;
  }
}

export const notices = new Notices();

/** Runs an action and tells its error, if any, as a notice; gives undefined then. */
export async function attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    notices.fail(error);
    return undefined;
  }
}
