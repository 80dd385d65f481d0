/**
 * Reads the files of the public mobile-ml-benchmark data set (Li, Paolieri, Golubchik: measurements on phones with TensorFlow Lite
 * and PyTorch Mobile) row by row, in constant memory, without a lab. Times are microseconds in the files and milliseconds here.
 */
import { publishedUnreadable } from "../lab/errors.ts";
import { readHeader, type PublishedHeader, type PublishedScenario } from "./columns.ts";
import { readCsvRows } from "./csvRows.ts";
import { readFeatures, type PublishedFeatures } from "./featureText.ts";
import { readFileName, type PublishedFileName } from "./fileName.ts";

/** One network's end-to-end latency on one scenario. */
export interface PublishedLatency {
  network: string;
  /** Line of the file, from 1. */
  line: number;
  /** As published (2 × multiply-accumulates); null when not told. */
  flops: number | null;
  sizeBytes: number | null;
  scenario: PublishedScenario;
  meanMs: number;
  stdMs: number | null;
}

/** One operation of a network with its time on every phone that has one. */
export interface PublishedOp {
  network: string;
  /** Its place among the network's rows, from 0. */
  index: number;
  line: number;
  /** As published, e.g. `CONV_2D`, `CONV_2D_GROUP`. */
  operation: string;
  features: PublishedFeatures;
  perPhone: PublishedOpTime[];
}

/**
 * An operation's time on a scenario. Rows of one network with the same `kernel` on a phone are one kernel that ran once: see
 * `mergeKernels`.
 */
export interface PublishedOpTime {
  phone: string;
  scenario: PublishedScenario;
  /** Name of the kernel that ran, e.g. `convolution_2d_3_linked_:_relu_4`; null where the file names none. */
  kernel: string | null;
  ms: number;
}

/** What a reader of a file is told while it is read. */
export interface ReadOptions {
  /** Called with the bytes read so far. */
  onBytes?: (bytes: number) => void;
}

/**
 * The end-to-end latencies of a file, row by row and scenario by scenario; fields that are empty, `-` or `nan` are left out. Rejects with
 * data-unreadable, naming file, line and column, at the first thing wrong; a network stands in one row only.
 */
export async function* readPublishedEndToEnd(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<PublishedLatency> {
  const seen = new Set<string>();
  for await (const { header, row } of readRows(path, "e2e", options)) {
    const network = row.readName(header.model);
    if (seen.has(network)) throw row.fail(header.model, `${network} has a row already`);
    seen.add(network);
    const flops = header.flops === null ? null : row.readNumber(header.flops);
    const sizeBytes = header.size === null ? null : row.readNumber(header.size);
    for (const { scenario, mean, std } of header.scenarios) {
      const meanUs = row.readNumber(mean);
      if (meanUs === null) continue;
      if (meanUs === 0) throw row.fail(mean, "a network cannot take no time");
      const stdUs = std === null ? null : row.readNumber(std);
      const stdMs = stdUs === null ? null : stdUs / 1000;
      yield { network, line: row.line, flops, sizeBytes, scenario, meanMs: meanUs / 1000, stdMs };
    }
  }
}

/**
 * The operations of a per-op file, network by network in the file's order. Rejects with data-unreadable, naming file, line and
 * column, at the first thing wrong; the rows of a network stand together.
 */
export async function* readPublishedOps(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<PublishedOp> {
  const seen = new Set<string>();
  let network = "";
  let index = 0;
  for await (const { header, row } of readRows(path, "ops", options)) {
    const name = row.readName(header.model);
    if (name !== network) {
      if (seen.has(name)) throw row.fail(header.model, `rows of ${name} stand in two places`);
      seen.add(name);
      network = name;
      index = 0;
    }
    const perPhone: PublishedOpTime[] = [];
    for (const { scenario, mean, kernel } of header.scenarios) {
      const us = row.readNumber(mean);
      if (us === null) continue;
      const ran = kernel === null ? "" : row.fields[kernel]!;
      perPhone.push({ phone: scenario.phone, scenario, kernel: ran === "" ? null : ran, ms: us / 1000 });
    }
    const operation = row.readName(header.operation);
    yield {
      network,
      index: index++,
      line: row.line,
      operation,
      features: row.readFeatures(header.feature),
      perPhone,
    };
  }
}

async function* readRows(
  path: string,
  info: PublishedFileName["info"],
  { onBytes }: ReadOptions,
): AsyncGenerator<{ header: PublishedHeader; row: Row }> {
  const file = readFileName(path);
  if (file?.info !== info)
    throw publishedUnreadable(
      path,
      null,
      "its name is not one of the data set's, such as tflite_cnn_real_e2e.csv",
    );
  let header: PublishedHeader | null = null;
  for await (const { line, fields, bytesRead } of readCsvRows(path)) {
    onBytes?.(bytesRead);
    if (header === null) {
      header = readHeader(path, line, fields, file);
      continue;
    }
    yield { header, row: new Row(path, line, fields, header.names) };
  }
  if (header === null) throw publishedUnreadable(path, null, "it is empty");
}

/** One row with its place, for messages. */
class Row {
  readonly line: number;
  readonly fields: string[];
  private readonly path: string;
  private readonly names: string[];

  constructor(path: string, line: number, fields: string[], names: string[]) {
    this.path = path;
    this.line = line;
    this.fields = fields;
    this.names = names;
    if (fields.length === names.length) return;
    const { length } = fields;
    throw publishedUnreadable(
      path,
      { line, column: Math.min(length, names.length) },
      `the row has ${length} fields, the header ${names.length}${length < names.length ? ": is the file cut off?" : ""}`,
    );
  }

  fail(column: number, problem: string): Error {
    const place = { line: this.line, column: column + 1, name: this.names[column] };
    return publishedUnreadable(this.path, place, problem);
  }

  readName(column: number): string {
    const text = this.fields[column]!;
    if (text.trim() === "" || /\p{Cc}/u.test(text)) throw this.fail(column, "a name is missing");
    return text;
  }

  /** A number from 0, or null where nothing was measured. */
  readNumber(column: number): number | null {
    const text = this.fields[column]!;
    // Most fields by far are plain numbers; the pattern is for what Number takes and no file should hold, such as 0x10.
    const value = Number(text);
    if (value >= 0 && value < Infinity && plainNumber.test(text)) return value;
    if (notMeasured.test(text)) return null;
    throw this.fail(column, `${JSON.stringify(shorten(text))} is not a number from 0`);
  }

  readFeatures(column: number): PublishedFeatures {
    const text = this.fields[column]!;
    const read = readFeatures(text);
    if ("features" in read) return read.features;
    throw this.fail(column, `the features cannot be read at character ${read.at + 1}: ${read.problem}`);
  }
}

const plainNumber = /^\+?[\d.]+(?:[eE][-+]?\d+)?$/;
const notMeasured = /^(?:|-|nan)$/i;

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
