import {
  readPublishedEndToEnd,
  readPublishedOps,
  type PublishedLatency,
  type PublishedOp,
  type ReadOptions,
} from "./readPublished.ts";
import { readFileName } from "./fileName.ts";

/** What one published file tells of one network. */
export interface PublishedNetwork {
  network: string;
  /** Line of its first row. */
  line: number;
  /** End to end; empty in a per-op file. */
  latencies: PublishedLatency[];
  /** Empty in an end-to-end file. */
  ops: PublishedOp[];
}

/** The networks of a published file in its order, of either kind by its name. Rejects as the two readers do. */
export async function* readPublishedNetworks(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<PublishedNetwork> {
  let current = null as PublishedNetwork | null;
  const rows =
    readFileName(path)?.info === "ops"
      ? readPublishedOps(path, options)
      : readPublishedEndToEnd(path, options);
  for await (const row of rows) {
    if (current?.network !== row.network) {
      if (current) yield current;
      current = { network: row.network, line: row.line, latencies: [], ops: [] };
    }
    if ("operation" in row) current.ops.push(row);
    else current.latencies.push(row);
  }
  if (current) yield current;
}
