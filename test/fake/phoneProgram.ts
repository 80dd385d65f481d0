/** `npm run phone`: a fake phone started by hand, so that anyone without a phone can try the whole lab. */
import { execFile } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { findProgram } from "../../src-main/profile/pinning.ts";
import { FakePhone, type FakePhoneOptions } from "./phone.ts";
import { type GpuBehaviour, listProfiles, readProfile } from "./phoneProfile.ts";

interface Arguments {
  profile: string;
  port?: number;
  tool: "host" | "official";
  gpu?: GpuBehaviour;
  unauthorized?: boolean;
  connect: boolean;
  list?: boolean;
}

interface Fault {
  usage: string;
  help: string;
  run: (phone: FakePhone, words: string[]) => unknown;
}

function readNumber(word: string | undefined, name: string): number {
  const value = Number(word);
  if (word === undefined || !Number.isFinite(value)) throw new Error(`${name} must be a number`);
  return value;
}

// Whether the user's adb server may be spoken to: asking it anything starts it.
let usesAdb = true;

// The server would try again by itself, but only every 10 s.
async function reconnect(phone: FakePhone): Promise<void> {
  if (!usesAdb) return;
  await runAdb(["disconnect", phone.serial]);
  await runAdb(["connect", phone.serial]);
}

function isOn(word: string | undefined): boolean {
  if (word === undefined || word === "on") return true;
  if (word === "off") return false;
  throw new Error(`say "on" or "off", not "${word}"`);
}

const faults: Record<string, Fault> = {
  unplug: { usage: "unplug", help: "pull the cable", run: (phone) => phone.unplug() },
  plug: {
    usage: "plug",
    help: "plug it in again",
    run: async (phone) => {
      await phone.plug();
      await reconnect(phone);
    },
  },
  reboot: {
    usage: "reboot [SECONDS]",
    help: "reboot; it is back after so many seconds (10)",
    run: async (phone, [seconds]) => {
      await phone.reboot({ backAfterMs: readNumber(seconds ?? "10", "SECONDS") * 1000 });
      await reconnect(phone);
    },
  },
  free: {
    usage: "free BYTES",
    help: "leave so much room",
    run: (phone, [bytes]) => phone.setFreeBytes(readNumber(bytes, "BYTES")),
  },
  kill: {
    usage: "kill",
    help: "the low-memory killer ends its benchmarks",
    run: (phone) => phone.killBenchmark(),
  },
  hang: {
    usage: "hang [on|off]",
    help: "the next benchmark hangs after its warm-up",
    run: (phone, [on]) => phone.hangBenchmark(isOn(on)),
  },
  deny: {
    usage: "deny [on|off]",
    help: "benchmarks may not be executed",
    run: (phone, [on]) => phone.denyExecution(isOn(on)),
  },
  abi: {
    usage: "abi [on|off]",
    help: "benchmarks are of a wrong ABI",
    run: (phone, [on]) => phone.refuseAbi(isOn(on)),
  },
  mask: {
    usage: "mask [on|off]",
    help: "the kernel does not keep to core masks",
    run: (phone, [on]) => phone.ignoreMask(isOn(on)),
  },
  clock: {
    usage: "clock SECONDS",
    help: "the clock jumps",
    run: (phone, [seconds]) => phone.jumpClock(readNumber(seconds, "SECONDS")),
  },
  temperature: {
    usage: "temperature CELSIUS",
    help: "battery temperature",
    run: (phone, [celsius]) => phone.setTemperature(readNumber(celsius, "CELSIUS")),
  },
  thermal: {
    usage: "thermal 0-6",
    help: "thermal status, none to shutdown",
    run: (phone, [status]) => phone.setThermalStatus(readNumber(status, "the status")),
  },
  battery: {
    usage: "battery PERCENT",
    help: "battery level",
    run: (phone, [percent]) => phone.setBattery(readNumber(percent, "PERCENT")),
  },
  screen: { usage: "screen [on|off]", help: "the screen", run: (phone, [on]) => phone.setScreen(isOn(on)) },
  lowpower: {
    usage: "lowpower [on|off]",
    help: "low-power mode",
    run: (phone, [on]) => phone.setLowPower(isOn(on)),
  },
  load: {
    usage: "load NUMBER",
    help: "load average of other processes",
    run: (phone, [load]) => phone.setLoad(readNumber(load, "the load")),
  },
  authorize: { usage: "authorize", help: "accept the computer's key", run: (phone) => phone.authorize() },
  state: {
    usage: "state",
    help: "tell what it does and holds",
    run: (phone) => {
      const benchmarks = phone.listBenchmarks();
      console.log(`  connected: ${phone.connected}, fixed performance: ${phone.fixedPerformance}`);
      console.log(`  benchmarks: ${benchmarks.length > 0 ? benchmarks.join(", ") : "none"}`);
      for (const path of phone.files()) console.log(`  ${path}`);
    },
  },
};

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1024 || port > 65535 || (port >= 5554 && port <= 5585))
    throw new InvalidArgumentError("Give a port from 1024 to 65535, not 5554 to 5585, where emulators are.");
  return port;
}

/** Runs the user's adb with the user's settings; gives what it said, or null when there is none. */
function runAdb(args: string[]): Promise<string | null> {
  const program = process.env["ADB"] || findProgram("adb");
  if (!program) return Promise.resolve(null);
  return new Promise((resolve) => {
    execFile(program, args, (_error, stdout, stderr) => resolve(`${stdout}${stderr}`.trim()));
  });
}

function printProfiles(): void {
  for (const name of listProfiles()) {
    const profile = readProfile(name);
    const clusters = profile.clusters.map((cluster) => cluster.cpus.length).join("+");
    const gpu = profile.gpu.gles?.split(", ")[1] ?? "no GPU";
    console.log(
      `${name.padEnd(22)} ${clusters.padEnd(8)} cores, ${gpu}, GPU delegate: ${profile.gpu.behaviour}`,
    );
  }
}

async function obey(phone: FakePhone, line: string): Promise<void> {
  const [name = "", ...words] = line.trim().split(/\s+/);
  if (name === "") return;
  if (name === "help") {
    for (const fault of Object.values(faults)) console.log(`  ${fault.usage.padEnd(22)} ${fault.help}`);
    return;
  }
  const fault = Object.hasOwn(faults, name) ? faults[name] : undefined;
  if (!fault) {
    console.log(`  There is no "${name}"; help lists what there is.`);
    return;
  }
  try {
    await fault.run(phone, words);
    console.log(`  ${name}: done`);
  } catch (error) {
    console.log(`  ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function run(options: Arguments): Promise<void> {
  if (options.list) {
    printProfiles();
    return;
  }
  usesAdb = options.connect;
  const request: FakePhoneOptions = {
    profile: options.profile,
    tool: options.tool,
    authorized: !options.unauthorized,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.gpu === undefined ? {} : { gpu: options.gpu }),
  };
  const phone = await FakePhone.start(request);
  console.log(
    `This is a FAKE phone (${options.profile}) on ${phone.serial}: its benchmark runs on this computer.`,
  );
  if (usesAdb) {
    const said = await runAdb(["connect", phone.serial]);
    console.log(said ?? `There is no adb here. Install it, then: adb connect ${phone.serial}`);
  } else console.log(`adb connect ${phone.serial}`);
  const program = fileURLToPath(new URL("./benchmark_model", import.meta.url));
  console.log(`Its benchmark program: npx latlab binaries --add ${program}`);
  console.log('Faults: type "help". Ctrl+C stops it.');
  const lines = createInterface({ input: process.stdin });
  let last = Promise.resolve();
  lines.on("line", (line) => (last = last.then(() => obey(phone, line))));
  // With the cable pulled and no input nothing else keeps the program alive.
  const alive = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  clearInterval(alive);
  lines.close();
  if (usesAdb) await runAdb(["disconnect", phone.serial]);
  await phone.stop();
}

const program = new Command("phone")
  .description("Starts a fake phone for the lab to find; see --list.")
  .addOption(new Option("--profile <name>", "which phone").choices(listProfiles()).default("snapdragon855"))
  .option("--port <number>", "TCP port; a free one when not given", parsePort)
  .addOption(
    new Option("--tool <kind>", "the benchmark program it imitates")
      .choices(["host", "official"])
      .default("host"),
  )
  .addOption(
    new Option("--gpu <behaviour>", "instead of the profile's").choices([
      "opencl",
      "opengl",
      "partial",
      "none",
    ]),
  )
  .option("--unauthorized", "wait for the command authorize")
  .option("--no-connect", "do not connect it to the adb server")
  .option("--list", "list the phones")
  .action(run);

try {
  await program.parseAsync();
  process.exit();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
