/** Holds the fake phone, seen only through the real adb server and client: what the lab's tests with phones stand on. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { type Socket, createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { parseBenchmarkOutput } from "../../src-main/profile/benchmarkOutput.ts";
import { type AdbOutput, type AdbServer, startAdbServer } from "../fake/adbServer.ts";
import {
  type AdbPacket,
  type PacketCommand,
  PacketReader,
  command,
  encodePacket,
} from "../fake/adbPackets.ts";
import { FakePhone, type FakePhoneOptions } from "../fake/phone.ts";
import { listProfiles, readProfile } from "../fake/phoneProfile.ts";
import { RootEraser } from "../fake/phoneShell.ts";

const folder = mkdtempSync(join(tmpdir(), "fake phone test é "));
const benchmark = new URL("../fake/benchmark_model", import.meta.url).pathname;
const phones: FakePhone[] = [];
let server: AdbServer;

beforeAll(async () => {
  server = await startAdbServer();
});
afterEach(async () => {
  for (const phone of phones.splice(0)) {
    await server.disconnect(phone.serial);
    await phone.stop();
  }
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function startPhone(options: Partial<FakePhoneOptions> = {}): Promise<FakePhone> {
  const phone = await FakePhone.start({ profile: "snapdragon855", ...options });
  phones.push(phone);
  await server.connect(phone.serial);
  return phone;
}

function adb(phone: FakePhone, ...args: string[]): Promise<AdbOutput> {
  return server.run(["-s", phone.serial, ...args]);
}

interface Told {
  code: number;
  out: string;
  err: string;
}

async function shell(phone: FakePhone, line: string): Promise<Told> {
  const { exitCode, stdout, stderr } = await adb(phone, "shell", line);
  return { code: exitCode, out: stdout.toString("utf8"), err: stderr };
}

async function waitFor(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(20);
  }
}

function hasFile(phone: FakePhone, name: string): boolean {
  try {
    statSync(join(phone.root, name));
    return true;
  } catch {
    return false;
  }
}

function outputOf(told: AdbOutput | Error): string {
  return told instanceof Error ? told.message : told.stdout.toString("utf8");
}

function writeNetwork(): string {
  const builder = new GraphBuilder("tiny", { seed: 1, description: "" });
  let x = builder.input([1, 24, 24, 3]);
  x = builder.conv(x, 8, 3, { stride: 2, activation: "relu6", name: "stem" });
  x = builder.depthwise(x, 3, { activation: "relu6" });
  const end = builder.fullyConnected(builder.globalAveragePool(x), 10, { name: "classifier" });
  const path = join(folder, "tiny.tflite");
  writeFileSync(path, writeTflite(builder.build(end)));
  return path;
}

const program = "/data/local/tmp/lab/benchmark_model";
const network = "/data/local/tmp/lab/tiny.tflite";
const short = "--num_runs=5 --min_secs=0 --warmup_runs=1 --warmup_min_secs=0";
const long = "--num_runs=1 --min_secs=100 --warmup_runs=1 --warmup_min_secs=0";

async function installBenchmark(phone: FakePhone): Promise<void> {
  expect((await adb(phone, "push", benchmark, program)).exitCode).toBe(0);
  expect((await adb(phone, "push", writeNetwork(), network)).exitCode).toBe(0);
}

/** Starts a benchmark that goes on until something ends it. */
async function startLong(phone: FakePhone, line = `exec taskset 1 ${program} --graph=${network} ${long}`) {
  const abort = new AbortController();
  const ended = server
    .run(["-s", phone.serial, "shell", line], { signal: abort.signal })
    .catch((error: Error) => error);
  await waitFor(() => phone.listBenchmarks().length === 1, "a benchmark");
  return { abort, ended };
}

describe("shell", () => {
  it("tells exit codes and keeps stdout and stderr apart", async () => {
    const phone = await startPhone();
    expect(await shell(phone, "echo out; echo err >&2; exit 7")).toEqual({
      code: 7,
      out: "out\n",
      err: "err\n",
    });
    expect(await shell(phone, "kill -9 $$")).toMatchObject({ code: 137 });
    expect((await shell(phone, "nosuchprogram")).code).toBe(127);
  });

  it("is a real shell: quoting is what it would be", async () => {
    const phone = await startPhone();
    const { out } = await shell(phone, `printf '%s|' "a  b" '$(id)' "it's" é '\n' \\$HOME`);
    expect(out).toBe("a  b|$(id)|it's|é|\n|$HOME|");
  });

  it("takes stdin, also as bytes", async () => {
    const phone = await startPhone();
    const bytes = randomBytes(300_000);
    const { stdout } = await server.run(["-s", phone.serial, "shell", "cat"], { input: bytes });
    expect(stdout.equals(bytes)).toBe(true);
  });

  it("runs several commands at once on one connection", async () => {
    const phone = await startPhone();
    const lines = Array.from({ length: 8 }, (_, index) =>
      shell(phone, `yes ${index} | head -c 400000 | cksum`),
    );
    const here = await Promise.all(lines);
    expect(new Set(here.map(({ out }) => out)).size).toBe(8);
    expect(here.every(({ code, out }) => code === 0 && out.endsWith(" 400000\n"))).toBe(true);
  });

  it("ends an exec'ed command when its client goes, by SIGHUP to the leader alone", async () => {
    const phone = await startPhone();
    const exec = new AbortController();
    const gone = server
      .run(["-s", phone.serial, "shell", "exec sleep 1000"], { signal: exec.signal })
      .catch(() => null);
    await waitFor(() => phone.listProcesses().length === 1, "the command");
    exec.abort();
    await gone;
    await waitFor(() => phone.listProcesses().length === 0, "its end");

    const survivor = new AbortController();
    const left = server
      .run(["-s", phone.serial, "shell", "sleep 1000; echo end"], { signal: survivor.signal })
      .catch(() => null);
    await waitFor(() => phone.listProcesses().length === 2, "shell and command");
    survivor.abort();
    await left;
    await waitFor(() => phone.listProcesses().length === 1, "the shell's end");
    await sleep(100);
    expect(phone.listProcesses()).toHaveLength(1);
  });

  it("waits with the exit code for whoever still holds the output", async () => {
    const phone = await startPhone();
    const { out, code } = await shell(phone, "(sleep 0.3; echo late) & echo early; exit 3");
    expect({ out, code }).toEqual({ out: "early\nlate\n", code: 3 });
  });

  it("shows the phone's paths, and neither its folder here nor the host's programs", async () => {
    const phone = await startPhone();
    expect((await shell(phone, "cd /data/local/tmp && pwd && echo $PATH")).out).toBe(
      "/data/local/tmp\n/system/bin\n",
    );
    expect((await shell(phone, "cat /sys/devices/system/cpu/nosuch")).err).toContain(
      "/sys/devices/system/cpu/nosuch",
    );
    expect((await shell(phone, "node --version; apt-get --version")).code).toBe(127);
    const link = join(phone.root, "data/local/tmp/out");
    symlinkSync("/etc", link);
    expect((await adb(phone, "pull", "/data/local/tmp/out/passwd", join(folder, "x"))).exitCode).not.toBe(0);
  });

  it("does not let a command signal processes that are not the phone's", async () => {
    const phone = await startPhone();
    const pid = process.pid;
    const { err } = await shell(phone, `kill -0 ${pid}; kill ${pid}; pkill -0 -f vitest; pidof node`);
    expect(err.match(/No such process/g)).toHaveLength(2);
    const { out } = await shell(phone, "sleep 50 & kill $!; wait $!; echo $?");
    expect(out).toBe("143\n");
    expect((await shell(phone, "ps -A -o PID,ARGS")).out).not.toContain("vitest");
  });
});

describe("files", () => {
  it("carries 5 MB there and back unchanged, with mode and time", async () => {
    const phone = await startPhone();
    const bytes = randomBytes(5_000_000);
    const [there, back] = [join(folder, "there.bin"), join(folder, "back.bin")];
    writeFileSync(there, bytes, { mode: 0o755 });
    expect((await adb(phone, "push", there, "/data/local/tmp/a b/ü.bin")).exitCode).toBe(0);
    expect(phone.files()).toEqual(["/data/local/tmp/a b/ü.bin"]);
    const stats = statSync(phone.locate("/data/local/tmp/a b/ü.bin"));
    // adbd copies the owner's bits to group and others.
    expect(stats.mode & 0o777).toBe(0o777);
    expect(Math.trunc(stats.mtimeMs / 1000)).toBe(Math.trunc(statSync(there).mtimeMs / 1000));
    expect((await shell(phone, "sha256sum '/data/local/tmp/a b/ü.bin'")).out).toContain(
      createHash("sha256").update(bytes).digest("hex"),
    );
    expect((await adb(phone, "pull", "/data/local/tmp/a b/ü.bin", back)).exitCode).toBe(0);
    expect(readFileSync(back).equals(bytes)).toBe(true);
  });

  it("speaks the older protocol with checksums too", async () => {
    const phone = await startPhone({ profile: "board" });
    const bytes = randomBytes(700_000);
    const path = join(folder, "old.bin");
    writeFileSync(path, bytes);
    expect((await adb(phone, "push", path, "/data/local/tmp/old.bin")).exitCode).toBe(0);
    const { stdout } = await adb(phone, "exec-out", "cat /data/local/tmp/old.bin");
    expect(stdout.equals(bytes)).toBe(true);
  });

  it("says what a phone says when it refuses", async () => {
    const phone = await startPhone();
    const source = join(folder, "some.bin");
    writeFileSync(source, randomBytes(1000));
    const pulled = await adb(phone, "pull", "/data/local/tmp/nosuch", join(folder, "x"));
    expect(pulled.exitCode).toBe(1);
    expect(`${pulled.stdout}${pulled.stderr}`).toContain("No such file or directory");
    const denied = await adb(phone, "push", source, "/data/system/x");
    expect(`${denied.stdout}${denied.stderr}`).toContain("Permission denied");
    const readOnly = await adb(phone, "push", source, "/system/x");
    expect(`${readOnly.stdout}${readOnly.stderr}`).toContain("Read-only file system");
    const outside = await adb(phone, "push", source, "/data/local/tmp/../../../x");
    expect(outside.exitCode).not.toBe(0);
    const list = await adb(phone, "ls", "/data/local");
    expect(list.stdout.toString("utf8")).toMatch(/ tmp$/m);
  });

  it("is full when it is full, and not once something was removed", async () => {
    const phone = await startPhone();
    const source = join(folder, "big.bin");
    writeFileSync(source, randomBytes(200_000));
    phone.setFreeBytes(300_000);
    expect((await adb(phone, "push", source, "/data/local/tmp/one")).exitCode).toBe(0);
    const { stdout, stderr, exitCode } = await adb(phone, "push", source, "/data/local/tmp/two");
    expect(exitCode).toBe(1);
    expect(`${stdout}${stderr}`).toContain("No space left on device");
    expect(phone.files()).toEqual(["/data/local/tmp/one"]);
    expect((await shell(phone, "df -k /data/local/tmp | tail -1")).out).toMatch(/\s97\s+\S+%\s+\/data\n/);
    await shell(phone, "rm /data/local/tmp/one");
    expect((await adb(phone, "push", source, "/data/local/tmp/two")).exitCode).toBe(0);
    phone.setFreeBytes(0);
    const none = await adb(phone, "push", source, "/data/local/tmp/three");
    expect(`${none.stdout}${none.stderr}`).toContain("couldn't create file: No space left on device");
  });
});

describe("described phones", () => {
  it.each(listProfiles())("%s answers what the lab asks of it", async (profile) => {
    const phone = await startPhone({ profile });
    const described = readProfile(profile);
    const { out } = await shell(
      phone,
      "getprop ro.product.model; cat /sys/devices/system/cpu/online; cat /sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq; dumpsys thermalservice | grep -c 'Status: 0'; dumpsys SurfaceFlinger | grep GLES",
    );
    const lines = out.trim().split("\n");
    expect(lines.slice(0, 2)).toEqual([described.model, described.online]);
    const first = described.clusters.find(({ cpus }) => cpus.includes(0))!;
    expect(lines.includes(String(first.maxKhz))).toBe(described.cpufreq);
    expect(out.includes("GLES:")).toBe(described.gpu.gles !== null);
    const cores = described.clusters.flatMap(({ cpus }) => cpus);
    expect(cores).toEqual(Array.from({ length: cores.length }, (_, cpu) => cpu));
  });

  it("have what they lack missing: offline cores, thermal service, clocks, performance mode", async () => {
    const offline = await startPhone({ profile: "snapdragon845offline" });
    expect((await shell(offline, "ls /sys/devices/system/cpu/cpu7")).out).toBe("cpu_capacity\nonline\n");
    expect((await shell(offline, "taskset c0 true")).err).toBe(
      "taskset: sched_setaffinity: Invalid argument\n",
    );
    const board = await startPhone({ profile: "board" });
    expect((await shell(board, "dumpsys thermalservice")).err).toBe("Can't find service: thermalservice\n");
    expect(
      (await shell(board, "ls -d /sys/devices/system/cpu/cpu0/*/ /sys/devices/system/cpu/cpufreq")).code,
    ).not.toBe(0);
    const refused = await shell(board, "cmd power set-fixed-performance-mode-enabled true");
    expect([refused.code, board.fixedPerformance]).toEqual([255, false]);
    const old = await startPhone({ profile: "exynos9820" });
    expect((await shell(old, "dumpsys thermalservice")).out).toMatch(
      /Name: battery, Type: 2, Status: 0, Value: 28\.7/,
    );
  });

  it("hold what is set on them and forget what a reboot forgets", async () => {
    const phone = await startPhone();
    phone.setTemperature(41.3);
    phone.setThermalStatus(3);
    phone.setBattery(12, false);
    phone.setScreen(false);
    phone.setLowPower(true);
    phone.setLoad(5.5);
    const { out } = await shell(
      phone,
      "dumpsys battery; dumpsys thermalservice; dumpsys power; settings get global low_power; cat /proc/loadavg",
    );
    for (const part of [
      "temperature: 413",
      "Thermal Status: 3",
      "level: 12",
      "USB powered: false",
      "mWakefulness=Asleep",
      "\n1\n5.50 ",
    ])
      expect(out).toContain(part);
    await shell(
      phone,
      "input keyevent KEYCODE_WAKEUP; settings put global low_power 0; cmd power set-fixed-performance-mode-enabled true",
    );
    expect([phone.screenOn, phone.lowPower, phone.fixedPerformance]).toEqual([true, false, true]);
    const [boot, before] = [(await shell(phone, "cat /proc/sys/kernel/random/boot_id")).out, phone.bootId];
    expect(boot.trim()).toBe(before);
    await phone.reboot({ backAfterMs: 0 });
    await server.reconnect(phone.serial);
    expect((await shell(phone, "cat /proc/sys/kernel/random/boot_id")).out.trim()).not.toBe(before);
    expect(phone.fixedPerformance).toBe(false);
  });

  it("move their clock", async () => {
    const phone = await startPhone();
    phone.jumpClock(-86_400);
    const seconds = Date.now() / 1000;
    expect(Number((await shell(phone, "date +%s")).out)).toBeLessThan(seconds - 86_000);
    await shell(phone, "touch /data/local/tmp/now");
    expect(statSync(phone.locate("/data/local/tmp/now")).mtimeMs / 1000).toBeLessThan(seconds - 86_000);
  });

  it("give properties as they are, however hostile", async () => {
    const value = `a'b"c $(id) \`id\` ; é`;
    const phone = await startPhone({ properties: { "ro.product.model": value } });
    expect((await shell(phone, "getprop ro.product.model")).out).toBe(`${value}\n`);
    expect((await shell(phone, "getprop")).out).toContain(`[ro.product.model]: [${value}]`);
    expect((await shell(phone, "getprop no.such")).out).toBe("\n");
  });
});

describe("taskset", () => {
  it("takes bare hexadecimal masks of online cores only, and tells them in /proc", async () => {
    const phone = await startPhone();
    expect(await shell(phone, "taskset 0x3 true")).toMatchObject({
      code: 1,
      err: "taskset: bad mask '0x3'\n",
    });
    expect((await shell(phone, "taskset 100 true")).err).toBe(
      "taskset: sched_setaffinity: Invalid argument\n",
    );
    const mask = "Cpus_allowed:\t000000b3\nCpus_allowed_list:\t0-1,4-5,7\n";
    expect((await shell(phone, "taskset b3 sh -c 'grep Cpus_allowed /proc/$$/status'")).out).toBe(mask);
    expect((await shell(phone, "taskset b3 grep Cpus_allowed /proc/self/status")).out).toBe(mask);
    expect((await shell(phone, "taskset 1 nosuch")).code).toBe(127);
    expect((await shell(phone, "taskset 1 sh -c 'exit 9'")).code).toBe(9);
    phone.ignoreMask();
    expect((await shell(phone, "taskset 1 grep Cpus_allowed_list /proc/self/status")).out).toContain("0-7");
  });

  it("really pins, and its entries in /proc end with their processes", async () => {
    const phone = await startPhone();
    const { abort, ended } = await (async () => {
      const abort = new AbortController();
      const ended = server
        .run(["-s", phone.serial, "shell", "exec taskset 4 sleep 1000"], { signal: abort.signal })
        .catch(() => null);
      return { abort, ended };
    })();
    await waitFor(() => phone.listProcesses().length === 1, "the command");
    const [pid] = phone.listProcesses();
    await waitFor(
      () => readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sleep"),
      "taskset to hand over",
    );
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1];
    expect(list).toMatch(/^\d+$/);
    expect((await shell(phone, `cat /proc/${pid}/cmdline | tr '\\0' ' '`)).out).toBe("sleep 1000 ");
    expect((await shell(phone, "pgrep -x sleep; pidof sleep")).out).toBe(`${pid}\n${pid}\n`);
    abort.abort();
    await ended;
    await waitFor(() => phone.listProcesses().length === 0, "its end");
    expect((await shell(phone, `cat /proc/${pid}/cmdline`)).code).not.toBe(0);
  });
});

describe("benchmark program", () => {
  it("measures a network with the real TFLite", async () => {
    const phone = await startPhone();
    await installBenchmark(phone);
    const { code, out, err } = await shell(phone, `exec taskset 80 ${program} --graph=${network} ${short}`);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const output = parseBenchmarkOutput(out, err);
    expect(output.measured?.count).toBe(5);
    expect(output.averageMs).toBeGreaterThan(0.001);
    expect(out).toContain(`Loaded model ${network}`);
  });

  it("imitates the official tool: own flags unknown, help without them, initialization before the ops", async () => {
    const phone = await startPhone({ tool: "official" });
    await installBenchmark(phone);
    const { code, out } = await shell(
      phone,
      `${program} --graph=${network} ${short} --canary_graph=${network} --samples_output_file=/data/local/tmp/s.json --enable_op_profiling=true --op_profiling_output_mode=csv --op_profiling_output_file=/data/local/tmp/p.csv`,
    );
    expect(code).toBe(0);
    expect(out).toContain(`WARN: Unconsumed cmdline flags: --canary_graph=${network} --samples_output_file=`);
    expect(out).not.toContain("INFO: Canary");
    expect(phone.files()).not.toContain("/data/local/tmp/s.json");
    const csv = (await shell(phone, "cat /data/local/tmp/p.csv")).out;
    expect(csv.indexOf("Operator-wise")).toBeGreaterThan(csv.indexOf("Benchmark Initialization"));
    const help = await shell(phone, `${program} --help`);
    expect(help).toMatchObject({ code: 1, out: "" });
    expect(help.err).toContain(`usage: ${program}`);
    expect(help.err).toContain("--use_gpu=false");
    expect(help.err).not.toContain("canary");
  });

  it("says what a GPU delegate says: whole, partial, fallen back, refused, absent", async () => {
    const profileFlags =
      "--enable_op_profiling=true --op_profiling_output_mode=csv --op_profiling_output_file=/data/local/tmp/p.csv";
    const run = async (gpu: "opencl" | "opengl" | "partial" | "none", flags: string) => {
      const phone = await startPhone({ tool: "official", gpu, profile: "snapdragon8gen3" });
      await installBenchmark(phone);
      const told = await shell(
        phone,
        `${program} --graph=${network} ${short} --use_gpu=true ${profileFlags} ${flags}`,
      );
      return { ...told, csv: (await shell(phone, "cat /data/local/tmp/p.csv")).out };
    };
    const whole = await run("opencl", "--gpu_backend=cl");
    expect(whole.out).toContain(
      "Explicitly applied GPU delegate, and the model graph will be completely executed",
    );
    expect(whole.err).toContain("Initialized OpenCL-based API.");
    expect(whole.csv).toMatch(/^convolution_2d 0, .*, Delegate\/convolution_2d 0:0$/m);
    expect(whole.csv).not.toContain("CONV_2D");
    const partial = await run("partial", "");
    expect(partial.out).toContain("partially executed by the delegate w/ 1 delegate kernels.");
    expect(partial.err).toMatch(/operations are not supported by GPU delegate:\nFULLY_CONNECTED:/);
    expect(partial.err).toContain("3 operations will run on the GPU, and the remaining 1 operations");
    expect(partial.csv).toMatch(/^FULLY_CONNECTED, /m);
    expect((await run("partial", "--require_full_delegation=true")).code).toBe(1);
    const fallen = await run("opengl", "");
    expect(fallen.err).toMatch(/Falling back to OpenGL\nINFO: Initialized OpenGL-based API\./);
    expect(fallen.csv).not.toContain("Operator-wise");
    const refused = await run("opengl", "--gpu_backend=cl");
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.err).toContain("Failed to apply GPU delegate.");
    const none = await run("none", "");
    expect(none).toMatchObject({ code: 0, err: "" });
    expect(none.out).toContain("WARN: GPU acceleration is unsupported on this platform.");
    expect(none.csv).toMatch(/^CONV_2D, /m);
  });

  it("is not found executable when denied, nor when its ABI is wrong", async () => {
    const phone = await startPhone();
    await installBenchmark(phone);
    phone.denyExecution();
    expect(await shell(phone, `${program} --help`)).toMatchObject({
      code: 126,
      err: `/system/bin/sh: ${program}: can't execute: Permission denied\n`,
    });
    expect(await shell(phone, `exec taskset 1 ${program}`)).toMatchObject({
      code: 126,
      err: `taskset: exec ${program}: Permission denied\n`,
    });
    phone.denyExecution(false);
    phone.refuseAbi();
    expect(await shell(phone, `${program} --help`)).toMatchObject({
      code: 126,
      err: `/system/bin/sh: ${program}: not executable: 64-bit ELF file\n`,
    });
    phone.refuseAbi(false);
    await shell(phone, `chmod 644 ${program}`);
    expect((await shell(phone, program)).code).toBe(126);
    expect((await shell(phone, `taskset 1 ${program}`)).code).toBe(126);
  });

  it("ends with its client when exec'ed, and goes on without it when not", async () => {
    const phone = await startPhone();
    await installBenchmark(phone);
    const first = await startLong(phone);
    first.abort.abort();
    await first.ended;
    await waitFor(() => phone.listBenchmarks().length === 0, "the benchmark's end");
    const log = "/data/local/tmp/log";
    const second = await startLong(phone, `taskset 1 ${program} --graph=${network} ${long} > ${log}; true`);
    // Only once it measures would the host's benchmark, undisguised, notice that its parent has gone.
    const measures = (): boolean =>
      readFileSync(phone.locate(log), "utf8").split("Running benchmark").length === 3;
    await waitFor(measures, "measured inferences");
    expect((await shell(phone, "pgrep -f lab/benchmark_model")).out).toContain(
      String(phone.listBenchmarks()[0]),
    );
    second.abort.abort();
    await second.ended;
    await waitFor(() => phone.listProcesses().length === 1, "the shell's end");
    await sleep(300);
    expect(phone.listBenchmarks()).toHaveLength(1);
    // The phone's pkill reaches what is left behind.
    await shell(phone, "pkill -9 -f [l]ab/benchmark_model");
    await waitFor(() => phone.listBenchmarks().length === 0, "its end");
  });

  it("is killed as by the low-memory killer", async () => {
    const phone = await startPhone();
    await installBenchmark(phone);
    const { ended } = await startLong(phone);
    expect(phone.killBenchmark()).toHaveLength(1);
    expect(await ended).toMatchObject({ exitCode: 137 });
  });

  it("hangs after its warm-up, and SIGHUP ends it where SIGTERM does not", async () => {
    const phone = await startPhone();
    await installBenchmark(phone);
    phone.hangBenchmark();
    const { abort, ended } = await startLong(phone, `exec taskset 1 ${program} --graph=${network} ${short}`);
    const [pid] = phone.listBenchmarks();
    await waitFor(() => !hasFile(phone, ".fake/hang"), "the benchmark to take the order to hang");
    await sleep(100);
    await shell(phone, `kill -TERM ${pid}`);
    await sleep(300);
    expect(phone.listBenchmarks()).toEqual([pid]);
    abort.abort();
    await ended;
    await waitFor(() => phone.listBenchmarks().length === 0, "its end");
    expect((await shell(phone, `${program} --graph=${network} ${short}`)).code).toBe(0);
  });
});

describe("connection", () => {
  it("is lost with the cable: commands end without a word, nothing stays behind, and it comes back", async () => {
    const phone = await startPhone();
    await installBenchmark(phone);
    const { ended } = await startLong(phone);
    await phone.unplug();
    // adb itself exits with 0 here: only the missing exit packet tells, which its client does not pass on.
    expect(outputOf(await ended)).not.toContain("Inference timings");
    await waitFor(() => phone.listProcesses().length === 0, "the benchmark's end");
    await server.waitForState(phone.serial, "offline");
    await phone.plug();
    await server.reconnect(phone.serial);
    expect((await shell(phone, "echo here")).out).toBe("here\n");
    expect(phone.files()).toEqual([program, network]);
  });

  it("is lost with a reboot, which kills what runs", async () => {
    const phone = await startPhone();
    await installBenchmark(phone);
    const { ended } = await startLong(phone, `taskset 1 ${program} --graph=${network} ${long}; true`);
    await phone.reboot({ backAfterMs: 10 });
    expect(phone.listProcesses()).toEqual([]);
    expect(outputOf(await ended)).not.toContain("Inference timings");
    await server.reconnect(phone.serial);
    expect((await shell(phone, "ls /proc | grep -c '^[0-9]'")).out).toBe("0\n");
  });

  it("waits for the user to accept the computer's key", async () => {
    const phone = await startPhone({ authorized: false });
    await server.waitForState(phone.serial, "unauthorized");
    expect((await shell(phone, "echo in")).code).not.toBe(0);
    phone.authorize();
    await server.waitForState(phone.serial, "device");
    expect((await shell(phone, "echo in")).out).toBe("in\n");
  });

  it("survives the server: killed and started again, it forgets its phones", async () => {
    const other = await startAdbServer();
    const phone = await FakePhone.start({ profile: "board" });
    phones.push(phone);
    try {
      await other.connect(phone.serial);
      expect([...(await other.listStates()).values()]).toEqual(["device"]);
      await other.restart();
      expect((await other.listStates()).size).toBe(0);
      await other.connect(phone.serial);
      expect([...(await other.listStates()).values()]).toEqual(["device"]);
    } finally {
      await other.stop();
    }
  });

  it("leaves neither processes nor files behind when it is stopped", async () => {
    const phone = await startPhone();
    await installBenchmark(phone);
    await startLong(phone);
    const { root } = phone;
    await phone.stop();
    expect(phone.listProcesses()).toEqual([]);
    expect(() => statSync(root)).toThrow();
  });
});

/** An adb server of few words: sends what it is told and keeps what comes. */
class RawClient {
  readonly packets: AdbPacket[] = [];
  readonly #socket: Socket;
  closed = false;

  constructor(port: number, version: number) {
    const reader = new PacketReader(2 ** 20);
    reader.checksum = version === 0x01000000;
    this.#socket = createConnection({ port, host: "127.0.0.1" });
    this.#socket.on("data", (chunk) => {
      reader.push(chunk);
      for (let packet = reader.next(); packet; packet = reader.next()) this.packets.push(packet);
    });
    this.#socket.once("close", () => (this.closed = true));
    this.#socket.on("error", () => undefined);
  }

  send(name: PacketCommand, arg0: number, arg1: number, text: string, wrongSum = false): void {
    const data = Buffer.from(text, "latin1");
    const bytes = encodePacket({ command: name, arg0, arg1, data }, true);
    if (wrongSum) bytes.writeUInt32LE(1, 16);
    this.#socket.write(bytes);
  }

  count(name: PacketCommand): number {
    return this.packets.filter((packet) => packet.command === name).length;
  }

  end(): void {
    this.#socket.destroy();
  }
}

describe("packets and texts", () => {
  // The real adb server neither checks sums nor minds writes it has not asked for.
  it.each([0x01000000, 0x01000001])(
    "keep to the agreed sums and to one write at a time, version %i",
    async (version) => {
      const phone = await FakePhone.start({ profile: "snapdragon855" });
      phones.push(phone);
      const client = new RawClient(phone.port, version);
      client.send(command.CNXN, version, 4096, "host::\0");
      await waitFor(() => client.count(command.CNXN) === 1, "the greeting");
      client.send(command.OPEN, 7, 0, "exec:yes | head -c 20000\0");
      await waitFor(() => client.count(command.WRTE) === 1, "output");
      await sleep(100);
      expect(client.count(command.WRTE)).toBe(1);
      const stream = client.packets.find((packet) => packet.command === command.OKAY)!.arg0;
      expect(client.packets.at(-1)!.data.length).toBeLessThanOrEqual(4096);
      while (client.count(command.CLSE) === 0) {
        const before = client.packets.length;
        client.send(command.OKAY, 7, stream, "");
        await waitFor(() => client.packets.length > before, "what follows");
      }
      const written = client.packets.filter((packet) => packet.command === command.WRTE);
      expect(written.reduce((sum, packet) => sum + packet.data.length, 0)).toBe(20_000);
      client.send(command.OPEN, 8, 0, "nosuch:\0");
      await waitFor(() => client.count(command.CLSE) === 2, "the refusal");
      client.send(command.OPEN, 9, 0, "exec:echo\0", true);
      if (version === 0x01000000) await waitFor(() => client.closed, "the end");
      else await waitFor(() => client.packets.at(-1)!.arg1 === 9, "an answer");
      client.end();
    },
  );

  it("reads packets in whatever pieces they come, and refuses broken ones", () => {
    const packet = { command: command.WRTE, arg0: 1, arg1: 0xffffffff, data: Buffer.from("hello") };
    const bytes = encodePacket(packet, true);
    expect(bytes.readUInt32LE(16)).toBe(532);
    const reader = new PacketReader(100);
    const read = [...bytes].flatMap((byte) => {
      reader.push(Buffer.from([byte]));
      return reader.next() ?? [];
    });
    expect(read).toEqual([packet]);
    for (const [at, value] of [
      [20, 0],
      [16, 1],
      [24, 0],
      [13, 1],
    ] as const) {
      const broken = new PacketReader(100);
      const wrong = Buffer.from(bytes);
      wrong[at] = value;
      broken.push(wrong);
      expect(() => broken.next()).toThrow();
    }
    const unchecked = new PacketReader(100);
    unchecked.checksum = false;
    unchecked.push(encodePacket(packet, false));
    expect(unchecked.next()).toEqual(packet);
  });

  it("takes the phone's folder out of its output, also across pieces", () => {
    const text = "/tmp/fake-phone-abc/data /tmp/fake-phone /tmp/tmp/fake-phone-abc!/tmp/fak";
    for (let size = 1; size <= text.length; size++) {
      const eraser = new RootEraser("/tmp/fake-phone-abc");
      const parts: Buffer[] = [];
      for (let at = 0; at < text.length; at += size)
        parts.push(eraser.push(Buffer.from(text.slice(at, at + size))));
      parts.push(eraser.end());
      expect(Buffer.concat(parts).toString()).toBe("/data /tmp/fake-phone /tmp!/tmp/fak");
    }
  });
});
