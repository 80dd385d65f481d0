import { resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { AdbState, LabSettings, PreflightCheck } from "../lab/contract.ts";
import { LabError } from "../lab/errors.ts";
import { preflightFailed } from "../lab/phoneErrors.ts";
import { formatBytes } from "../lab/format.ts";
import { readInteger, readList, readOptions } from "./options.ts";
import { printJson, printLine, printTable } from "./output.ts";
import { Session } from "./session.ts";

/** Adds `preflight`, `settings`, `pair`, `connect`, `disconnect` and `clean`. */
export function addPhoneCommands(program: Command, signal: AbortSignal): void {
  program
    .command("preflight")
    .description("check whether a phone is ready to be measured")
    .addOption(phoneOption())
    .addOption(
      new Option("--cores <sets>", "core sets to check, e.g. 1large,1large+2small").argParser(readList),
    )
    .addOption(new Option("--fix", "do what can be done about what is found"))
    .action((_options, command: Command) => {
      const options = readOptions<{ device: string; cores?: string[]; fix?: boolean }>(command);
      return Session.use(options, signal, async (session) => {
        const { device, cores } = options;
        const found = await session.finish(await session.lab.startPreflight({ device, coreSets: cores }));
        const checks = options.fix ? await fix(session, device, found) : found;
        if (session.json) printJson(checks);
        else printChecks(checks);
        const failed = checks.filter(({ state }) => state === "failed");
        if (failed.length > 0)
          throw preflightFailed(
            device,
            failed.map(({ title, detail }) => `${title}: ${detail}`),
          );
      });
    });

  program
    .command("settings")
    .description("show the lab's settings, or change some")
    .addOption(new Option("--adb <path>", "the adb program; `auto` looks in the usual places"))
    .addOption(
      new Option(
        "--adb-server <addresses...>",
        "further adb servers to find phones on, host:port; `none` for none",
      ),
    )
    .addOption(
      new Option("--cache <bytes>", "room that models may take on a phone").argParser(
        readInteger(10_000_000, 1_000_000_000_000),
      ),
    )
    .addOption(
      new Option("--start-temperature <degrees>", "how warm a phone may be when a cell starts, °C").argParser(
        readDegrees,
      ),
    )
    .action((_options, command: Command) => {
      const options = readOptions<SettingsOptions>(command);
      return Session.use(options, signal, async ({ lab, json }) => {
        const changes = listChanges(options);
        const changed = Object.values(changes).some((value) => value !== undefined);
        const settings = changed ? await lab.changeSettings(changes) : await lab.settings();
        if (json) printJson(settings);
        else printSettings(settings);
      });
    });

  program
    .command("pair")
    .description("pair with a phone over Wi-Fi: what it shows under Wireless debugging, Pair device")
    .argument("<address>", "host:port of the pairing")
    .argument("<code>", "the digits beside it")
    .action((address: string, code: string, _options, command: Command) =>
      Session.use(readOptions(command), signal, async ({ lab, json }) => {
        const answer = await lab.pairPhone({ address, code });
        if (json) printJson(answer);
        else printLine(`${answer.message}. Now connect to the address that Wireless debugging itself shows.`);
      }),
    );

  program
    .command("connect")
    .description("connect to a phone over Wi-Fi and remember it")
    .argument("<address>", "host:port of the phone's Wireless debugging")
    .action((address: string, _options, command: Command) =>
      Session.use(readOptions(command), signal, async ({ lab, json }) => {
        const answer = await lab.connectPhone({ address });
        if (json) printJson(answer);
        else printLine(`${answer.device} is connected`);
      }),
    );

  program
    .command("disconnect")
    .description("let go of a phone over Wi-Fi and forget it")
    .argument("<address>", "host:port it was connected by")
    .action((address: string, _options, command: Command) =>
      Session.use(readOptions(command), signal, async ({ lab, json }) => {
        const answer = await lab.disconnectPhone({ address });
        if (json) printJson(answer);
        else printLine(answer.removed > 0 ? `${address} is disconnected` : `${address} was not connected`);
      }),
    );

  program
    .command("clean")
    .description("remove everything the lab put on a phone")
    .addOption(phoneOption())
    .action((_options, command: Command) => {
      const options = readOptions<{ device: string }>(command);
      return Session.use(options, signal, async ({ lab, json }) => {
        const answer = await lab.cleanPhone({ device: options.device });
        if (json) printJson(answer);
        else printLine(`${formatBytes(answer.removedBytes)} removed from ${options.device}`);
      });
    });
}

/** How adb is reached, where that explains why there are no phones; empty when all is well. */
export function describeAdb(adb: AdbState): string[] {
  const servers = adb.servers.flatMap(({ address, problem }) => (problem ? [`${address}: ${problem}`] : []));
  return [...(adb.problem ? [`No phones: ${adb.problem}`] : []), ...servers];
}

interface SettingsOptions {
  adb?: string;
  adbServer?: string[];
  cache?: number;
  startTemperature?: number;
}

function listChanges({ adb, adbServer, cache, startTemperature }: SettingsOptions): Partial<LabSettings> {
  return {
    adbPath: adb === undefined ? undefined : adb === "auto" ? null : resolve(adb),
    adbServers: adbServer?.flatMap((entry) => (entry === "none" ? [] : readList(entry))),
    phoneCacheBytes: cache,
    startTemperatureC: startTemperature,
  };
}

function phoneOption(): Option {
  return new Option("--device <id>", "which phone, as `devices` names it").makeOptionMandatory();
}

function readDegrees(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text.trim()) || value < 15 || value > 60)
    throw new InvalidArgumentError("It must be a number from 15 to 60.");
  return value;
}

// What cannot be fixed stays as it was found; the others are still worth fixing.
async function fix(
  { lab }: Session,
  device: string,
  checks: readonly PreflightCheck[],
): Promise<PreflightCheck[]> {
  const fixed: PreflightCheck[] = [];
  for (const check of checks) {
    if (check.action === null || check.state === "ok") {
      fixed.push(check);
      continue;
    }
    try {
      fixed.push(await lab.applyRemedy({ device, remedy: check.action }));
    } catch (error) {
      if (!(error instanceof LabError) || error.code === "phone-lost") throw error;
      process.stderr.write(`warning: ${check.title}: ${error.message}\n`);
      fixed.push(check);
    }
  }
  return fixed;
}

const signs: Record<PreflightCheck["state"], string> = {
  ok: "ok",
  warning: "warning",
  failed: "FAILED",
  unknown: "unknown",
};

function printChecks(checks: readonly PreflightCheck[]): void {
  printTable(
    [{ head: "check" }, { head: "state" }, { head: "found" }],
    checks.map(({ title, state, detail }) => [title, signs[state], detail]),
  );
  for (const { title, remedy, action } of checks)
    if (remedy) printLine(`${title}: ${remedy}${action ? " (--fix does what it can)" : ""}`);
}

function printSettings(settings: LabSettings): void {
  const list = (entries: readonly string[]) => entries.join(", ") || "none";
  printTable(
    [{ head: "setting" }, { head: "value" }],
    [
      ["adb program", settings.adbPath ?? "looked for in the usual places"],
      ["further adb servers", list(settings.adbServers)],
      ["phones on Wi-Fi", list(settings.wifiPhones)],
      ["room for models on a phone", formatBytes(settings.phoneCacheBytes)],
      ["start temperature", `${settings.startTemperatureC} °C`],
    ],
  );
}
