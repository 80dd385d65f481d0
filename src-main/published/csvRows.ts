import { open } from "node:fs/promises";
import Papa from "papaparse";
import { publishedUnreadable } from "../lab/errors.ts";

/** One row of a CSV file with the line it starts on, counted from 1. */
export interface CsvRow {
  line: number;
  fields: string[];
  /** Bytes of the file read so far: the row lies before this place. */
  bytesRead: number;
}

/** Large enough that parsing outweighs reading, small beside the memory of any computer. */
const chunkBytes = 512 * 1024;
/** No published row comes near this; without it, a quotation mark left open would take in the whole file. */
const longestRow = 4 * 1024 * 1024;

/** The file of a path; rejects with data-unreadable naming it when it cannot be opened. */
export async function openFile(path: string) {
  return open(path, "r").catch((error: NodeJS.ErrnoException) => {
    throw publishedUnreadable(path, null, `it cannot be opened (${error.code ?? error.message})`);
  });
}

/**
 * The rows of a CSV file (RFC 4180: commas, quotation marks, LF or CR LF as on its first line, UTF-8) in constant memory,
 * whatever its size; empty lines are passed over. Rejects with data-unreadable naming the line of a quotation mark out of
 * place, of a row longer than 4 MB or of bytes that are not UTF-8.
 */
export async function* readCsvRows(path: string): AsyncGenerator<CsvRow> {
  const file = await openFile(path);
  try {
    const text = new TextDecoder("utf-8", { fatal: true });
    const chunk = Buffer.alloc(chunkBytes);
    let parser: RowParser | null = null;
    let bytesRead = 0;
    for (;;) {
      const { bytesRead: length } = await file.read(chunk, 0, chunkBytes, null);
      bytesRead += length;
      const last = length === 0;
      const added = decode(text, chunk.subarray(0, length), last, () => parser?.line ?? 1, path);
      parser ??= new RowParser(path, added);
      for (const { line, fields } of parser.add(added, last)) yield { line, fields, bytesRead };
      if (last) return;
    }
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw publishedUnreadable(path, null, `it cannot be read (${code ?? syscall})`);
  } finally {
    await file.close();
  }
}

function decode(
  text: TextDecoder,
  bytes: Uint8Array,
  last: boolean,
  lineNow: () => number,
  path: string,
): string {
  try {
    return text.decode(bytes, { stream: !last });
  } catch {
    throw publishedUnreadable(path, { line: lineNow() }, "at or after it there are bytes that are not UTF-8");
  }
}

/** Cuts text that comes in pieces into rows. */
class RowParser {
  /** The line the text not yet parsed starts on. */
  line = 1;
  private readonly path: string;
  private readonly newline: "\n" | "\r\n";
  private rest = "";

  constructor(path: string, start: string) {
    this.path = path;
    this.newline = /^[^\n]*\r\n/.test(start) ? "\r\n" : "\n";
  }

  *add(text: string, last: boolean): Generator<{ line: number; fields: string[] }> {
    const input = this.rest + text;
    const parsed = parseText(input, this.newline, !last);
    // Rows before a wrong one count their lines.
    const wrong = parsed.errors[0];
    let number = 0;
    for (const fields of parsed.data) {
      if (wrong && number++ >= (wrong.row ?? 0)) break;
      const line = this.line;
      this.line += 1;
      for (const field of fields) if (field.includes("\n")) this.line += field.split("\n").length - 1;
      if (fields.length > 1 || fields[0] !== "") yield { line, fields };
    }
    if (wrong)
      throw publishedUnreadable(
        this.path,
        { line: this.line },
        wrong.code === "MissingQuotes"
          ? "a quotation mark is opened and never closed"
          : "a quotation mark stands where none can stand",
      );
    this.rest = input.slice(parsed.meta.cursor);
    if (this.rest.length > longestRow)
      throw publishedUnreadable(
        this.path,
        { line: this.line },
        "the row is longer than 4 MB: is a quotation mark left open?",
      );
  }
}

interface ParsedText {
  data: string[][];
  errors: { code: string; row?: number }[];
  meta: { cursor: number };
}

// The library's own streams lose the errors of rows or run ahead of their reader; its parser takes pieces as we come by them.
function parseText(input: string, newline: "\n" | "\r\n", open: boolean): ParsedText {
  const parser = new Papa.Parser({ delimiter: ",", newline });
  return parser.parse(input, 0, open) as ParsedText;
}
