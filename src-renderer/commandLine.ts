/** The command lines that do what the screens do. Pure text, so that tests can hold them against the command line itself. */
import type { EvaluateRequest, FitRequest, RunRequest } from "../src-main/lab/contract.ts";

/** Quotes an argument for a POSIX shell when it needs it. */
export function quoteArgument(argument: string): string {
  return /^[\w./:@%+=,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

/** `npx latlab …` on this lab's folder. */
export function tellCommand(words: readonly (string | number)[], folder: string | null): string {
  const line = [...words, ...(folder === null ? [] : ["--lab", folder])];
  return ["npx latlab", ...line.map((word) => quoteArgument(String(word)))].join(" ");
}

export function tellProfile(request: RunRequest, devices: readonly string[] = [request.device]): string[] {
  const words = ["profile", "--device", devices.join(",")];
  if (request.runtime === "gpu-cl") words.push("--gpu");
  else words.push("--cores", request.coreSets.join(","));
  words.push("--precision", request.precision, "--runtime", request.runtime);
  if (request.repetitions !== undefined && request.repetitions > 1)
    words.push("--repetitions", String(request.repetitions));
  if (request.thoroughness !== undefined && request.thoroughness !== "standard")
    words.push("--thoroughness", request.thoroughness);
  return [...words, ...request.models];
}

/** The lines for runs on several devices: one for all that are asked for the same. */
export function tellProfiles(requests: readonly RunRequest[]): string[][] {
  const alike = new Map<string, RunRequest[]>();
  for (const request of requests) {
    const key = JSON.stringify({ ...request, device: "" });
    alike.set(key, [...(alike.get(key) ?? []), request]);
  }
  return [...alike.values()].map((group) =>
    tellProfile(
      group[0]!,
      group.map((request) => request.device),
    ),
  );
}

export function tellFit(request: FitRequest): string[] {
  const words = ["fit", "--scenario", request.scenario, "--learner", request.learner ?? "auto"];
  if (request.seed !== undefined) words.push("--seed", String(request.seed));
  return words;
}

export function tellEvaluate(request: EvaluateRequest): string[] {
  const words = ["evaluate", "--scenario", request.scenario, "--protocol", request.protocol ?? "random"];
  if (request.trainSizes) words.push("--train-sizes", request.trainSizes.join(","));
  if (request.splits !== undefined) words.push("--splits", String(request.splits));
  if (request.seed !== undefined) words.push("--seed", String(request.seed));
  const [only, ...others] = request.learners ?? [];
  if (only !== undefined && others.length === 0) words.push("--learner", only);
  return words;
}
