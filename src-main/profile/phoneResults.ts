import { randomBytes } from "node:crypto";
import type { PhoneConnection } from "../device/phoneConnection.ts";
import { type PhoneTelemetry, parseTelemetry, telemetryCommand } from "../device/phoneTelemetry.ts";
import { quote } from "../device/quote.ts";
import { joinSections, splitSections } from "../device/shellSections.ts";
import { pidFolder } from "./phoneOrphans.ts";
import { type SamplesFile, parseSamplesFile } from "./samplesFile.ts";

/** The files in which an owner's benchmark leaves its results on a phone. */
export interface ResultPaths {
  /** Raw samples of the end-to-end pass and of the per-op pass. */
  samples: string;
  opSamples: string;
  profile: string;
}

/** Where an owner's results lie. */
export function locateResults(owner: string): ResultPaths {
  return {
    samples: `${pidFolder}/${owner}.samples.json`,
    opSamples: `${pidFolder}/${owner}.ops.json`,
    profile: `${pidFolder}/${owner}.profile.csv`,
  };
}

/** What a cell's processes left behind; null what is not there or not whole. */
export interface CellFiles {
  samples: SamplesFile | null;
  opSamples: SamplesFile | null;
  profile: string | null;
  after: PhoneTelemetry;
}

// The profile of a network with thousands of ops and the samples of the longest pass stay well below.
const limitBytes = 32_000_000;
const timeoutMs = 60_000;

/** Reads a cell's results and the phone's state after it in one round trip, and removes the files. */
export async function readResults(
  connection: PhoneConnection,
  paths: ResultPaths,
  cpus: readonly number[],
  signal: AbortSignal,
): Promise<CellFiles> {
  const mark = `@@${randomBytes(8).toString("hex")}`;
  const names = Object.entries(paths) as [keyof ResultPaths, string][];
  const sections = Object.fromEntries(names.map(([name, path]) => [name, `cat ${quote(path)}`]));
  const remove = `rm -f ${names.map(([, path]) => quote(path)).join(" ")}`;
  // Telemetry first: reading files is work for the phone too.
  const { stdout } = await connection.run(
    `${telemetryCommand(cpus)}; ${joinSections(sections, mark)}; ${remove}`,
    { limitBytes, timeoutMs, signal },
  );
  const start = stdout.indexOf(`${mark} `);
  const found = splitSections(start < 0 ? "" : stdout.slice(start), mark);
  const whole = found.has("end");
  const text = (name: keyof ResultPaths): string | null => (whole && found.get(name)) || null;
  return {
    samples: parseOrNull(text("samples")),
    opSamples: parseOrNull(text("opSamples")),
    profile: text("profile"),
    after: parseTelemetry(start < 0 ? stdout : stdout.slice(0, start)),
  };
}

function parseOrNull(text: string | null): SamplesFile | null {
  return text === null ? null : parseSamplesFile(text);
}
