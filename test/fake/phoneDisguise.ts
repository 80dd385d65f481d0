import type { GpuBehaviour } from "./phoneProfile.ts";

/** What the fake phone's benchmark program imitates. */
export interface BenchmarkBehaviour {
  tool: "host" | "official";
  gpu: GpuBehaviour;
  /** Operators that stay on the CPU when the GPU takes a part only. */
  unsupported: string[];
}

/** How the host benchmark's flags and output are changed. */
export interface Disguise {
  argv: string[];
  /** What one write to stdout becomes. */
  changeOutput(text: string): string;
  changeErrors(text: string): string;
  /** Lines for stderr before this write to stdout. */
  errorsBefore(text: string): string[];
  finish(): void;
}

export function disguise(_behaviour: BenchmarkBehaviour, argv: string[], _program: string): Disguise {
  return {
    argv,
    changeOutput: (text) => text,
    changeErrors: (text) => text,
    errorsBefore: () => [],
    finish: () => undefined,
  };
}
