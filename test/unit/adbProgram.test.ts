import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findAdb, readLocalServer, readVersion } from "../../src-main/device/adbProgram.ts";
import { formatAddress, readAddress } from "../../src-main/device/serverAddress.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "latlab-adb ünï-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function writeProgram(name: string, script: string, mode = 0o755): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, mode);
  return path;
}

function writeAdb(name: string, version: string): string {
  return writeProgram(
    name,
    `[ "$1" = version ] && printf 'Android Debug Bridge version 1.0.41\\nVersion ${version}\\n'`,
  );
}

describe.skipIf(process.platform === "win32")("findAdb", () => {
  test("the order: setting, LATENCY_LAB_ADB, ADB, ANDROID_HOME, ANDROID_SDK_ROOT, PATH, usual places", async () => {
    const setting = writeAdb("setting/adb", "1.0.1");
    const env: Record<string, string | undefined> = {
      LATENCY_LAB_ADB: writeAdb("lab/my adb", "1.0.2"),
      ADB: writeAdb("adb/adb", "1.0.3"),
      ANDROID_HOME: dirname(dirname(writeAdb("home/platform-tools/adb", "1.0.4"))),
      ANDROID_SDK_ROOT: dirname(dirname(writeAdb("root/platform-tools/adb", "1.0.5"))),
      PATH: `${join(folder, "empty")}:${dirname(writeAdb("path/adb", "1.0.6"))}`,
      HOME: dirname(dirname(dirname(dirname(writeAdb("user/Android/Sdk/platform-tools/adb", "1.0.7"))))),
    };
    const first = await findAdb(setting, env);
    expect(first).toEqual({
      path: setting,
      source: "the settings",
      version: "1.0.41 (1.0.1)",
      problem: null,
      switchedOff: false,
    });
    const order: [string | null, string, string][] = [
      [null, "$LATENCY_LAB_ADB", "1.0.2"],
      ["LATENCY_LAB_ADB", "$ADB", "1.0.3"],
      ["ADB", "$ANDROID_HOME", "1.0.4"],
      ["ANDROID_HOME", "$ANDROID_SDK_ROOT", "1.0.5"],
      ["ANDROID_SDK_ROOT", "PATH", "1.0.6"],
    ];
    if (process.platform === "linux")
      order.push(["PATH", join(folder, "user/Android/Sdk/platform-tools"), "1.0.7"]);
    for (const [taken, source, version] of order) {
      if (taken) env[taken] = undefined;
      const program = await findAdb(null, env);
      expect([program.source, program.version]).toEqual([source, `1.0.41 (${version})`]);
    }
  });

  test("the setting may name the folder or the SDK", async () => {
    const path = writeAdb("sdk/platform-tools/adb", "9");
    for (const setting of [path, dirname(path), dirname(dirname(path))])
      expect((await findAdb(setting, {})).path).toBe(path);
  });

  test("none switches phones off, whatever is installed", async () => {
    const program = await findAdb(null, { LATENCY_LAB_ADB: "none", PATH: process.env["PATH"] });
    expect(program).toMatchObject({ path: null, switchedOff: true });
    expect(program.problem).toContain("LATENCY_LAB_ADB=none");
  });

  test("what is named but missing or broken is reported, not passed over", async () => {
    const good = dirname(writeAdb("good/adb", "1"));
    const gone = await findAdb(join(folder, "gone"), { PATH: good });
    expect(gone.path).toBeNull();
    expect(gone.problem).toMatch(/the settings names .*gone, where there is no adb program\. Install/);
    const broken = writeProgram("broken/adb", "echo 'cannot open shared object' >&2; exit 127");
    const refused = await findAdb(null, { ADB: broken, PATH: good });
    expect(refused.path).toBeNull();
    expect(refused.problem).toMatch(/\$ADB, cannot be run: .*127.*shared object/);
    const plain = writeProgram("plain/adb", "exit 0", 0o644);
    expect((await findAdb(plain, {})).path).toBeNull();
  });

  test("a broken one on PATH gives way to the next", async () => {
    const broken = dirname(writeProgram("b/adb", "exit 1"));
    const good = writeAdb("g/adb", "2");
    expect((await findAdb(null, { PATH: `${broken}:${dirname(good)}` })).path).toBe(good);
  });

  test("an adb that tells no version is still used", async () => {
    const mute = writeProgram("mute/adb", "exit 0");
    expect(await findAdb(mute, {})).toMatchObject({ path: mute, version: null, problem: null });
  });
});

describe("readVersion", () => {
  test("formats of several releases", () => {
    expect(
      readVersion("Android Debug Bridge version 1.0.41\nVersion 29.0.6-debian\nInstalled as /usr/bin/adb\n"),
    ).toBe("1.0.41 (29.0.6-debian)");
    expect(readVersion("Android Debug Bridge version 1.0.32\nRevision 09a0d98bebce-android\r\n")).toBe(
      "1.0.32 (09a0d98bebce-android)",
    );
    expect(readVersion("Android Debug Bridge version 1.0.31\n")).toBe("1.0.31");
    expect(readVersion("some wrapper\nmore")).toBe("some wrapper");
    expect(readVersion("")).toBeNull();
    expect(readVersion("x".repeat(10_000))?.length).toBeLessThan(100);
  });
});

describe("readLocalServer", () => {
  test("as adb reads its environment", () => {
    const address = (env: Record<string, string>) => {
      const server = readLocalServer(env);
      return [formatAddress(server), server.startable, server.problem === null];
    };
    expect(address({})).toEqual(["127.0.0.1:5037", true, true]);
    expect(address({ ANDROID_ADB_SERVER_PORT: "6000" })).toEqual(["127.0.0.1:6000", true, true]);
    expect(address({ ANDROID_ADB_SERVER_ADDRESS: "bench7", ANDROID_ADB_SERVER_PORT: "6000" })).toEqual([
      "bench7:6000",
      false,
      true,
    ]);
    expect(address({ ADB_SERVER_SOCKET: "tcp:6001", ANDROID_ADB_SERVER_PORT: "6000" })).toEqual([
      "127.0.0.1:6001",
      true,
      true,
    ]);
    expect(address({ ADB_SERVER_SOCKET: "tcp:localhost:6001" })).toEqual(["localhost:6001", true, true]);
    expect(address({ ADB_SERVER_SOCKET: "tcp:10.0.0.9:6001" })).toEqual(["10.0.0.9:6001", false, true]);
    expect(address({ ADB_SERVER_SOCKET: "tcp:[::1]:6001" })).toEqual(["[::1]:6001", true, true]);
    expect(address({ ADB_SERVER_SOCKET: "localfilesystem:/tmp/adb" })).toEqual([
      "127.0.0.1:5037",
      false,
      false,
    ]);
    expect(address({ ANDROID_ADB_SERVER_PORT: "many" })).toEqual(["127.0.0.1:5037", false, false]);
    expect(address({ ANDROID_ADB_SERVER_PORT: "70000" })).toEqual(["127.0.0.1:5037", false, false]);
  });
});

describe("readAddress", () => {
  test("hosts, ports and what is neither", () => {
    expect(readAddress("phone", 5555)).toEqual({ host: "phone", port: 5555 });
    expect(readAddress(" 10.0.0.2:37 ", 5555)).toEqual({ host: "10.0.0.2", port: 37 });
    expect(readAddress("[fe80::1]:37", 5555)).toEqual({ host: "fe80::1", port: 37 });
    for (const text of [
      "",
      ":1",
      "a:0",
      "a:65536",
      "a:b",
      "a b:1",
      "a:1:2",
      "[x]:1",
      "a;b",
      "a\n:1",
      "$(id):1",
    ])
      expect([text, readAddress(text, 5555)]).toEqual([text, null]);
  });
});
