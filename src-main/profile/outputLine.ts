/** A line of a benchmark's output as far as its transport can be told from what the tool wrote. */
export interface OutputLine {
  /** Without severity prefix, log header and line end. */
  text: string;
  severity: Severity | null;
  /** It came through Android's log, which repeats what the streams tell. */
  logcat: boolean;
  /** False for a last line without its line end, and for one too long to be the tool's: its numbers may be cut. */
  whole: boolean;
}

export type Severity = "info" | "warning" | "error";

// Output comes from another machine: past these it is not a benchmark's.
const longestOutput = 16_000_000;
const longestLine = 65_536;

const severities: Record<string, Severity> = {
  VERBOSE: "info",
  DEBUG: "info",
  INFO: "info",
  WARN: "warning",
  WARNING: "warning",
  ERROR: "error",
  FATAL: "error",
  V: "info",
  D: "info",
  I: "info",
  W: "warning",
  E: "error",
  F: "error",
};

const prefixed = /^(VERBOSE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL): /;
// LiteRT's second tool tells the source of a message: `INFO: [benchmark_litert_model.h:75] …`.
const source = /^\[[\w./-]{1,200}:\d{1,6}\] ?/;
// `01-31 12:00:00.000  1234  1234 I tflite  : …`, `I/tflite (1234): …` and `I tflite : …`.
const threadTime =
  /^\d\d-\d\d \d\d:\d\d:\d\d\.\d{1,6} {1,8}\d{1,8} {1,8}\d{1,8} ([VDIWEF]) ([\w.:/-]{1,60}) {0,60}: ?/;
const brief = /^([VDIWEF])(?:\/| )([\w.-]{1,60}) {0,8}(?:\( {0,8}\d{1,8}\))? {0,8}: /;

/** Calls `visit` with each line in one pass over the text; tells whether anything past the longest believable output was left out. */
export function readLines(text: string, visit: (line: OutputLine) => void): { cut: boolean } {
  const end = Math.min(text.length, longestOutput);
  let start = 0;
  while (start < end) {
    let stop = text.indexOf("\n", start);
    const ended = stop >= 0 && stop < end;
    if (!ended) stop = end;
    // A pseudo-terminal may turn one line end into several carriage returns.
    let last = stop;
    while (last > start && text.charCodeAt(last - 1) === 13) last--;
    const fits = last - start <= longestLine;
    visit(describeLine(text.slice(start, fits ? last : start + longestLine), ended && fits));
    start = stop + 1;
  }
  return { cut: text.length > longestOutput };
}

function describeLine(text: string, whole: boolean): OutputLine {
  const first = text.charCodeAt(0);
  // Most lines of a report start with a tab or an operator's name: no pattern is tried on them in vain.
  const upper = first >= 65 && first <= 90;
  if (upper) {
    const severity = prefixed.exec(text);
    if (severity) {
      const rest = text.slice(severity[0].length).replace(source, "");
      return { text: rest, severity: severities[severity[1]!]!, logcat: false, whole };
    }
  }
  const log = upper ? brief.exec(text) : first >= 48 && first <= 57 ? threadTime.exec(text) : null;
  if (log) return { text: text.slice(log[0].length), severity: severities[log[1]!]!, logcat: true, whole };
  return { text, severity: null, logcat: false, whole };
}
