import { untrack } from "svelte";
import { describeError } from "../src-main/lab/errors.ts";
import { connection } from "./connection.svelte.ts";

/** An error as the window shows it. */
export interface ShownError {
  message: string;
  hint: string;
}

/** Message and hint of anything thrown. */
export function showError(error: unknown): ShownError {
  const { message, hint } = describeError(error);
  return { message, hint };
}

/** Something loaded from the lab: its last value, whether it is loading, and why it could not be loaded. */
export class Resource<T> {
  value: T | null = $state.raw(null);
  error: ShownError | null = $state.raw(null);
  loading = $state(false);
  #load: () => Promise<T>;
  #ticket = 0;
  #again = false;
  #running = false;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** Loads it anew. Calls during a load are answered by one more load after it, so that bursts of events cost little. */
  async reload(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.loading = true;
    const ticket = this.#ticket;
    try {
      // Whoever asks for a reload does not thereby depend on what the loading reads.
      const value = await untrack(this.#load);
      if (ticket === this.#ticket) {
        this.value = value;
        this.error = null;
      }
    } catch (error) {
      if (ticket === this.#ticket) this.error = showError(error);
    } finally {
      this.#running = false;
      this.loading = false;
    }
    if (this.#again) {
      this.#again = false;
      await this.reload();
    }
  }

  /** Puts a value known otherwise in place, e.g. one that an event brought. */
  set(value: T): void {
    this.#ticket++;
    // A load under way may answer with what was before; it is thrown away and made again.
    if (this.#running) this.#again = true;
    this.value = value;
    this.error = null;
  }
}

/** Loads a resource now and with every new connection, for as long as the component that calls it lives. */
export function keepLoaded<T>(resource: Resource<T>): void {
  $effect(() => {
    if (connection.epoch >= 0) void resource.reload();
  });
}
