import { createInterface } from "node:readline/promises";
import { Option, type Command } from "commander";
import type { BenchmarkBinary, PublishedBinary } from "../lab/contract.ts";
import { badRequest, cancelled } from "../lab/errors.ts";
import { formatBytes } from "../lab/format.ts";
import { readOptions } from "./options.ts";
import { printJson, printLine, printTable } from "./output.ts";
import { Session } from "./session.ts";

interface BinaryOptions {
  add?: string;
  download?: string;
  yes?: boolean;
  use?: string;
  remove?: string;
}

/** Adds `binaries`. */
export function addBinaryCommands(program: Command, signal: AbortSignal): void {
  const alone = ["add", "download", "use", "remove"];
  const others = (name: string) => alone.filter((other) => other !== name);
  program
    .command("binaries")
    .description("list the benchmark programs for phones, or add, download, approve and remove one")
    .addOption(new Option("--add <file>", "take your own program").conflicts(others("add")))
    .addOption(
      new Option("--download <abi>", "download the published one for phones of an ABI").conflicts(
        others("download"),
      ),
    )
    .addOption(new Option("--yes", "with --download: approve it without asking"))
    .addOption(
      new Option("--use <hash>", "approve one and take it into use; the hash's start is enough").conflicts(
        others("use"),
      ),
    )
    .addOption(new Option("--remove <hash>", "remove one").conflicts(others("remove")))
    .action((_options, command: Command) => {
      const options = readOptions<BinaryOptions>(command);
      if (options.yes && options.download === undefined)
        command.error("error: --yes needs --download ABI (it approves what was downloaded)");
      return Session.use(options, signal, (session) => act(session, options));
    });
}

async function act(session: Session, { add, download, yes, use, remove }: BinaryOptions): Promise<void> {
  const { lab, json } = session;
  if (remove !== undefined) {
    const answer = await lab.removeBinary({ hash: await findHash(session, remove) });
    if (json) printJson(answer);
    else printLine("Removed");
    return;
  }
  const changed =
    add !== undefined
      ? await lab.addBinary({ path: add })
      : use !== undefined
        ? await lab.useBinary({ hash: await findHash(session, use) })
        : download !== undefined
          ? await fetchBinary(session, download, yes ?? false)
          : null;
  if (json) printJson(changed ?? (await listAll(session)));
  else if (changed) printBinaries([changed]);
  else await printAll(session);
}

async function listAll({ lab }: Session): Promise<{
  binaries: BenchmarkBinary[];
  published: PublishedBinary[];
}> {
  return { binaries: await lab.binaries(), published: await lab.publishedBinaries() };
}

async function printAll(session: Session): Promise<void> {
  const { binaries, published } = await listAll(session);
  if (binaries.length > 0) printBinaries(binaries);
  else printLine("No benchmark program for phones yet. Add yours with --add FILE, or download one:");
  printLine();
  printTable(
    [{ head: "published for" }, { head: "program" }, { head: "publisher" }, { head: "address" }],
    published.map(({ abi, name, publisher, url }) => [abi, name, publisher, url]),
  );
}

function printBinaries(binaries: readonly BenchmarkBinary[]): void {
  printTable(
    [
      { head: "program" },
      { head: "ABI" },
      { head: "size", numeric: true },
      { head: "SHA-256" },
      { head: "state" },
      { head: "from" },
    ],
    binaries.map((binary) => [
      binary.name,
      binary.abi ?? "any",
      formatBytes(binary.bytes),
      binary.hash,
      binary.inUse ? "in use" : binary.approved ? "approved" : "not approved",
      binary.source,
    ]),
  );
}

async function findHash({ lab }: Session, start: string): Promise<string> {
  const known = await lab.binaries();
  const found = known.filter(({ hash }) => hash.startsWith(start.toLowerCase()));
  if (found.length === 1 && start.length >= 4) return found[0]!.hash;
  throw badRequest(
    found.length > 1
      ? `${start} is the start of several hashes`
      : `The lab has no benchmark program of the hash ${start}`,
    "List those it has with `latlab binaries`, and give at least four characters.",
  );
}

async function fetchBinary(session: Session, abi: string, yes: boolean): Promise<BenchmarkBinary> {
  const { lab, json } = session;
  const published = await lab.publishedBinaries();
  const wanted = published.find((candidate) => candidate.abi === abi);
  if (!wanted)
    throw badRequest(
      `No benchmark program is published for ${abi}`,
      `There is one for ${published.map((one) => one.abi).join(", ")}; add your own with --add FILE.`,
    );
  const binary = await session.finish(await lab.startDownload({ url: wanted.url }));
  if (binary.approved) return binary;
  if (yes) return lab.useBinary({ hash: binary.hash });
  const canAsk = !json && process.stdin.isTTY && process.stdout.isTTY;
  if (!canAsk) {
    process.stderr.write(
      `warning: ${binary.name} is not approved yet (\`latlab binaries --use ${binary.hash.slice(0, 12)}\` approves it)\n`,
    );
    return binary;
  }
  printLine(`${binary.name}, ${formatBytes(binary.bytes)}, from ${binary.source}`);
  printLine(`SHA-256 ${binary.hash}`);
  return (await ask("Run it on phones? [y/N] ", session.signal))
    ? lab.useBinary({ hash: binary.hash })
    : binary;
}

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl+C at the question reaches the terminal's reader, not the process.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const answer = await terminal.question(question, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    throw signal.aborted ? cancelled() : error;
  } finally {
    terminal.close();
  }
}
