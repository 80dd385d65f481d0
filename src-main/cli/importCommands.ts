import type { Command } from "commander";
import type { ImportResult } from "../lab/contract.ts";
import { formatBytes, formatCount } from "../lab/format.ts";
import { readOptions } from "./options.ts";
import { printJson, printLine, printTable } from "./output.ts";
import { Session } from "./session.ts";

/** Adds `import-published`. */
export function addImportCommands(program: Command, signal: AbortSignal): void {
  program
    .command("import-published")
    .description("bring the public measurements of the mobile-ml-benchmark data set into the lab; resumable")
    .argument("<folder>", "the data set's folder, or one inside it that holds its .csv files")
    .action((path: string, _options, command: Command) =>
      Session.use(readOptions(command), signal, async (session) => {
        const result = await session.finish(await session.lab.startImportPublished({ path }));
        if (session.json) printJson(result);
        else printResult(result);
      }),
    );
}

function printResult(result: ImportResult): void {
  printTable(
    [
      { head: "file" },
      { head: "size", numeric: true },
      { head: "rows", numeric: true },
      { head: "networks", numeric: true },
      { head: "" },
    ],
    result.files.map(({ name, bytes, rows, networks, state }) => [
      name,
      formatBytes(bytes),
      formatCount(rows),
      formatCount(networks),
      state === "known" ? "was here already" : "imported",
    ]),
  );
  printLine(
    `${formatCount(result.measurements)} latencies and ${formatCount(result.opTimes)} op times of ${formatCount(result.networks)} networks on ${formatCount(result.scenarios)} scenarios of ${result.devices.join(", ")}`,
  );
  for (const path of result.ignored)
    printLine(`passed over: ${path} is none of the data set's files by its name`);
  for (const { network, rows } of result.unmatched)
    printLine(
      `${network}: ${formatCount(rows)} op rows are not ops of the zoo's graph; they are kept as rows`,
    );
  const { withoutGraph } = result;
  if (withoutGraph.length > 0)
    printLine(
      `${formatCount(withoutGraph.length)} networks are not in the zoo and are kept by name, with their measurements but without a graph: ${shorten(withoutGraph)}`,
    );
}

const namesShown = 10;

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, namesShown).join(", ");
  return names.length > namesShown ? `${shown} and ${formatCount(names.length - namesShown)} more` : shown;
}
