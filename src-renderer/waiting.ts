/** What a run says while it measures nothing. */

/** Whether a run's note tells that it waits for something: a phone that is gone, too warm, asleep, or a busy computer. */
export function isWaiting(note: string): boolean {
  return /^(waiting|cooling|too warm|slow|paused)\b/i.test(note);
}

/** The note without the figures that change while one waits, so that the same waiting is known again. */
export function nameWaiting(note: string): string {
  return note.replace(/\d+(\.\d+)?/g, "#");
}
