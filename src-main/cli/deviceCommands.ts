import { Option, type Command } from "commander";
import type { Device } from "../lab/contract.ts";
import { formatBytes, formatMs, formatPercent } from "../lab/format.ts";
import { readOptions } from "./options.ts";
import { printJson, printLine, printTable } from "./output.ts";
import { Session } from "./session.ts";

/** Adds `devices`. */
export function addDeviceCommands(program: Command, signal: AbortSignal): void {
  program
    .command("devices")
    .description("list the devices that can be measured, with their core sets")
    .addOption(
      new Option("--check", "run a small network on each core set first and tell whether it is fast now"),
    )
    .action((_options, command: Command) => {
      const options = readOptions<{ check?: boolean }>(command);
      return Session.use(options, signal, async ({ lab, json }) => {
        if (options.check)
          for (const device of await lab.devices())
            if (!device.problem) await lab.checkSpeed({ device: device.id });
        const devices = await lab.devices();
        if (json) printJson(devices);
        else devices.forEach(printDevice);
      });
    });
}

function printDevice(device: Device): void {
  printLine(`${device.id}: ${device.name}, ${device.state}`);
  if (device.problem) printLine(`  ${device.problem}`);
  printLine(`  ${device.soc}, ${device.abi}, ${formatBytes(device.memoryBytes)} of memory, ${device.os}`);
  printLine(
    `  runs ${device.runtimes.join(", ")} at ${device.precisions.join(", ")}; TFLite ${device.runtimeVersion ?? "is missing"}`,
  );
  for (const { coreSet, canaryMs, referenceMs, state } of device.speed)
    printLine(
      `  ${coreSet} is ${state} now: canary ${formatMs(canaryMs)}, at its best ${formatMs(referenceMs)}`,
    );
  for (const [scenario, percent] of Object.entries(device.noiseFloor))
    printLine(`  noise floor of ${scenario}: ${formatPercent(percent)}`);
  printTable(
    [{ head: "  core set" }, { head: "mask" }, { head: "CPUs" }],
    device.coreSets.map((set) => [`  ${set.name}`, set.mask, set.cpus.join(",")]),
  );
}
