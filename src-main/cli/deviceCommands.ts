import { setTimeout as pause } from "node:timers/promises";
import { Option, type Command } from "commander";
import type { Device, Lab } from "../lab/contract.ts";
import { formatBytes, formatMs, formatNumber, formatPercent } from "../lab/format.ts";
import { readOptions } from "./options.ts";
import { printJson, printLine, printTable } from "./output.ts";
import { describeAdb } from "./phoneCommands.ts";
import { Session } from "./session.ts";

/** How long phones may take to say what they are. */
const patienceMs = 10_000;

/** With more, those of several clusters are counted instead of listed. */
const mostCoreSets = 16;

/** Adds `devices`. */
export function addDeviceCommands(program: Command, signal: AbortSignal): void {
  program
    .command("devices")
    .description("list this computer and the phones that can be measured, with their core sets")
    .addOption(
      new Option("--check", "run a small network on each core set first and tell whether it is fast now"),
    )
    .action((_options, command: Command) => {
      const options = readOptions<{ check?: boolean }>(command);
      return Session.use(options, signal, async ({ lab, json }) => {
        if (options.check) await lab.checkSpeed({ device: "host" });
        const devices = await listSettled(lab, signal);
        if (json) {
          printJson(devices);
          return;
        }
        devices.forEach(printDevice);
        describeAdb(await lab.adb()).forEach((line) => printLine(line));
      });
    });
}

// Phones answer one after the other; a list taken at once would show them as strangers.
async function listSettled(lab: Lab, signal: AbortSignal): Promise<Device[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const devices = await lab.devices();
    const open = devices.some(({ state }) => state === "probing");
    if (!open || signal.aborted || performance.now() > deadline) return devices;
    await pause(100);
  }
}

function printDevice(device: Device): void {
  const { phone } = device;
  printLine(`${device.id}: ${device.name}, ${device.state}`);
  if (device.problem) printLine(`  ${device.problem}`);
  if (phone && device.clusters.length === 0) return;
  if (device.kind === "published") {
    printLine(`  ${device.soc}; GPU: ${device.gpu ?? "not told"}`);
    printLine(`  published: ${device.runtimes.join(", ")} at ${device.precisions.join(", ")}`);
    if (device.coreSets.length > 0)
      printLine(`  core sets: ${device.coreSets.map(({ name }) => name).join(", ")}`);
    return;
  }
  printLine(`  ${device.soc}, ${device.abi}, ${formatBytes(device.memoryBytes)} of memory, ${device.os}`);
  if (phone) printPhone(device, phone);
  else
    printLine(
      `  runs ${device.runtimes.join(", ")} at ${device.precisions.join(", ")}; TFLite ${device.runtimeVersion ?? "is missing"}`,
    );
  for (const { coreSet, canaryMs, referenceMs, state } of device.speed)
    printLine(
      `  ${coreSet} is ${state} now: canary ${formatMs(canaryMs)}, at its best ${formatMs(referenceMs)}`,
    );
  for (const [scenario, percent] of Object.entries(device.noiseFloor))
    printLine(`  noise floor of ${scenario}: ${formatPercent(percent)}`);
  printCoreSets(device.coreSets);
}

// A phone of three clusters has 39 core sets; those of one cluster tell how the others are named.
function printCoreSets(all: Device["coreSets"]): void {
  const single = all.filter(({ name }) => !name.includes("+"));
  const mixed = all.filter(({ name }) => name.includes("+"));
  const shown = all.length > mostCoreSets ? single : all;
  printTable(
    [{ head: "  core set" }, { head: "mask" }, { head: "CPUs" }],
    shown.map((set) => [`  ${set.name}`, set.mask, set.cpus.join(",")]),
  );
  if (shown.length < all.length)
    printLine(
      `  and ${mixed.length} of several clusters, ${mixed[0]!.name} to ${mixed.at(-1)!.name} (--json lists all)`,
    );
}

function printPhone(device: Device, phone: NonNullable<Device["phone"]>): void {
  const clusters = device.clusters.map(
    ({ name, cpus, maxMhz }) =>
      `${cpus.length} ${name}${maxMhz === null ? "" : ` at ${formatNumber(maxMhz / 1000, 2)} GHz`}`,
  );
  printLine(`  clusters: ${clusters.join(", ")}; GPU: ${device.gpu ?? "not told"}`);
  const program = phone.binary ? device.runtimeVersion : "no benchmark program yet (`latlab binaries`)";
  printLine(`  runs ${device.runtimes.join(", ")} at ${device.precisions.join(", ")}; ${program}`);
  const told = [
    phone.batteryPercent === null ? "" : `battery ${phone.batteryPercent} %`,
    device.temperatureC === null ? "" : `${formatNumber(device.temperatureC, 1)} °C`,
    phone.thermalStatus === null ? "" : `thermal status ${phone.thermalStatus}`,
    phone.screenOn === null ? "" : `screen ${phone.screenOn ? "on" : "off"}`,
    phone.freeBytes === null ? "" : `${formatBytes(phone.freeBytes)} free`,
  ].filter((part) => part !== "");
  if (told.length > 0) printLine(`  ${told.join(", ")}`);
}
