import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** Prints the outcome as one last line that scripts can read: `12 passed, 0 failed, 1 skipped`. */
export class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    console.log(describeOutcome(modules, errors.length));
  }
}

function describeOutcome(modules: readonly TestModule[], unhandled: number): string {
  let passed = 0;
  let failed = unhandled;
  let skipped = 0;
  for (const module of modules) {
    let failedInside = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed") passed++;
      else if (state === "failed") failedInside++;
      else skipped++;
    }
    // A file that could not be loaded has no tests to fail, nor has a hook outside them.
    if (failedInside === 0 && module.state() === "failed") failedInside = 1;
    failed += failedInside;
  }
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
