/** The phones of several adb servers, real ones and stubs for what a real one does not do on demand. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Phones, type PhonesOptions } from "../../src-main/device/phones.ts";
import { LabError } from "../../src-main/lab/errors.ts";
import { type AdbServer, locateAdb, startAdbServer } from "../fake/adbServer.ts";
import { FakePhone } from "../fake/phone.ts";
import { type Answer, StubAdbServer, withLength } from "./stubAdbServer.ts";

const cleanUps: (() => unknown)[] = [];
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);

beforeEach(() => {
  process.on("unhandledRejection", note);
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await pause(20);
  process.off("unhandledRejection", note);
  expect(unhandled.splice(0)).toEqual([]);
});

async function startServer(): Promise<AdbServer> {
  const server = await startAdbServer();
  cleanUps.push(() => server.stop());
  return server;
}

async function startPhone(options: Partial<Parameters<typeof FakePhone.start>[0]> = {}): Promise<FakePhone> {
  const phone = await FakePhone.start({ profile: "snapdragon855", ...options });
  cleanUps.push(() => phone.stop());
  return phone;
}

async function startStub(answer: Answer): Promise<StubAdbServer> {
  const stub = new StubAdbServer(answer);
  await stub.start();
  cleanUps.push(() => stub.stop());
  return stub;
}

function openPhones(options: PhonesOptions): Phones {
  const phones = new Phones(options);
  cleanUps.push(() => phones.close());
  return phones;
}

/** An environment whose local server is at a port, with no adb program to start one. */
function bareEnvironment(port: number): Record<string, string> {
  const home = mkdtempSync(join(tmpdir(), "latlab-noadb-"));
  cleanUps.push(() => rmSync(home, { recursive: true, force: true }));
  return { LATENCY_LAB_ADB: join(home, "adb"), HOME: home, ANDROID_ADB_SERVER_PORT: String(port) };
}

async function catchError(work: Promise<unknown>): Promise<LabError> {
  const error = await work.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof LabError)) throw error;
  return error;
}

/** Waits for a change of the phones after which something holds. */
async function until(phones: Phones, holds: () => boolean): Promise<void> {
  while (!holds())
    await new Promise<void>((resolve) => {
      const stop = phones.onChange(() => {
        stop();
        resolve();
      });
      if (holds()) resolve();
    });
}

describe("one server", () => {
  test("phones appear and vanish by themselves, and the first list knows them", async () => {
    const server = await startServer();
    const first = await startPhone();
    const second = await startPhone({ profile: "exynos9820" });
    await server.connect(first.serial);
    const phones = openPhones({ env: server.environment() });
    expect(await phones.list()).toMatchObject([
      {
        id: first.serial,
        serial: first.serial,
        server: server.address,
        state: "ready",
        problem: null,
        word: "device",
      },
    ]);
    await server.connect(second.serial);
    await until(phones, () => phones.known().length === 2);
    await server.disconnect(first.serial);
    await until(phones, () => phones.known().length === 1);
    expect(phones.known()[0]?.id).toBe(second.serial);
    expect(phones.servers()).toEqual([
      { address: server.address, local: true, state: "connected", problem: null, phones: 1 },
    ]);
    expect(await phones.adb()).toMatchObject({
      path: locateAdb(),
      source: "$LATENCY_LAB_ADB",
      problem: null,
    });
  });

  test("an unauthorized phone says what to do and is ready once its user accepts", async () => {
    const server = await startServer();
    const phone = await startPhone({ authorized: false });
    await server.connect(phone.serial);
    const phones = openPhones({ env: server.environment() });
    await phones.list();
    await until(phones, () => phones.known()[0]?.state === "unauthorized");
    expect(phones.known()[0]?.problem).toMatch(
      /Unlock the phone and accept the dialog "Allow USB debugging"/,
    );
    const error = await catchError(phones.connect(phone.serial));
    expect(error.code).toBe("phone-unavailable");
    expect(error.hint).toContain("Unlock the phone");
    const waits: string[] = [];
    const waiting = phones.waitFor(phone.serial, {
      onWait: (problem) => {
        waits.push(problem);
        phone.authorize();
      },
    });
    const connection = await waiting;
    expect((await connection.run("echo hello")).stdout).toBe("hello\n");
    expect(waits[0]).toContain("Allow USB debugging");
    await connection.close();
  });

  test("waiting ends with the phone booted, with patience, or with an abort", async () => {
    const server = await startServer();
    const phone = await startPhone({ properties: { "sys.boot_completed": "0" } });
    await server.connect(phone.serial);
    const phones = openPhones({ env: server.environment() });
    const impatient = await catchError(phones.waitFor(phone.serial, { patienceMs: 600 }));
    expect([impatient.code, impatient.message]).toEqual([
      "phone-lost",
      expect.stringContaining("not finished booting"),
    ]);
    const absent = await catchError(phones.waitFor("nobody", { patienceMs: 50 }));
    expect([absent.code, absent.message]).toEqual(["phone-lost", expect.stringContaining("not connected")]);
    const controller = new AbortController();
    const waiting = catchError(phones.waitFor("nobody", { signal: controller.signal }));
    controller.abort();
    expect((await waiting).code).toBe("cancelled");
    expect((await catchError(phones.waitFor(phone.serial, { signal: controller.signal }))).code).toBe(
      "cancelled",
    );
    const waits: string[] = [];
    const booted = phones.waitFor(phone.serial, {
      onWait: (problem) => {
        waits.push(problem);
        phone.setProperty("sys.boot_completed", "1");
      },
    });
    await (await booted).close();
    expect(waits).toEqual(["It has not finished booting."]);
    // Where there is no such property, as on a plain board, the phone is taken as it is.
    phone.setProperty("sys.boot_completed", "");
    await (await phones.waitFor(phone.serial, { patienceMs: 10_000 })).close();
  });

  test("killed: commands under way are lost, the lab starts it again and its phones on Wi-Fi come back", async () => {
    const server = await startServer();
    const phone = await startPhone();
    const env = server.environment();
    // What the lab starts is a daemon; this test has to end it, once the lab starts no other.
    cleanUps.push(() => server.run(["kill-server"]));
    const phones = openPhones({ env, wifiPhones: [phone.serial] });
    const connection = await phones.waitFor(phone.serial, { patienceMs: 60_000 });
    const running = catchError(connection.run("exec sleep 300"));
    const idle = await phones.connect(phone.serial);
    const lost = new Promise((resolve) => idle.lost.addEventListener("abort", resolve));
    while (phone.commands === 0) await pause(10);
    await server.kill();
    expect(await running).toMatchObject({
      code: "phone-lost",
      message: expect.stringContaining("exec sleep 300"),
    });
    await lost;
    const again = await phones.waitFor(phone.serial, { patienceMs: 60_000 });
    expect((await again.run("echo again")).stdout).toBe("again\n");
    expect(phones.servers()[0]).toMatchObject({ state: "connected", local: true });
    await again.close();
  });
});

describe("several servers", () => {
  test("the same phone on two of them has two ids", async () => {
    const here = await startServer();
    const there = await startServer();
    const phone = await startPhone();
    const other = await startPhone();
    await here.connect(phone.serial);
    await there.connect(phone.serial);
    await there.connect(other.serial);
    const phones = openPhones({ env: here.environment(), servers: [there.address] });
    const list = await phones.list();
    const remote = `${phone.serial}@${there.address}`;
    expect(list.map(({ id }) => id).sort()).toEqual(
      [phone.serial, remote, `${other.serial}@${there.address}`].sort(),
    );
    expect(phones.resolve(phone.serial)?.server).toBe(here.address);
    expect(phones.resolve(remote)?.server).toBe(there.address);
    expect(phones.resolve(other.serial)?.id).toBe(`${other.serial}@${there.address}`);
    expect(phones.resolve("nobody")).toBeNull();
    const [near, far] = await Promise.all([phones.connect(phone.serial), phones.connect(remote)]);
    expect([near.id, far.id, far.serial]).toEqual([phone.serial, remote, phone.serial]);
    const lines = await Promise.all([near.run("echo near"), far.run("echo far")]);
    expect(lines.map(({ stdout }) => stdout)).toEqual(["near\n", "far\n"]);
    // The other server's end is no matter of this one's.
    await there.kill();
    await until(phones, () => phones.known().length === 1);
    expect(far.lost.aborted).toBe(true);
    expect((await near.run("echo still")).stdout).toBe("still\n");
  });

  test("a bare serial that only further servers have twice is refused with the ids", async () => {
    const list = withLength("SAME                   device transport_id:1\n");
    const track: Answer = (request, socket) =>
      void (request === "host:track-devices-l" && socket.write(`OKAY${list}`));
    const [first, second] = [await startStub(track), await startStub(track)];
    const local = await startStub((_, socket) => void socket.write(`OKAY${withLength("")}`));
    const phones = openPhones({ env: bareEnvironment(local.port), servers: [first.address, second.address] });
    await phones.list();
    const refuse = () => phones.resolve("SAME");
    expect(refuse).toThrow(/2 phones have the serial SAME/);
    expect(phones.resolve(`SAME@${second.address}`)?.server).toBe(second.address);
  });

  test("one that is away says so, is never started, and is back by itself", async () => {
    const here = await startServer();
    const there = await startServer();
    const phone = await startPhone();
    await there.connect(phone.serial);
    await there.kill();
    const phones = openPhones({ env: here.environment(), servers: [there.address] });
    expect(await phones.list()).toEqual([]);
    const away = phones.servers()[1];
    expect(away).toMatchObject({ address: there.address, local: false, state: "unreachable", phones: 0 });
    expect(away?.problem).toMatch(/Nothing listens there.*adb -a nodaemon server start/);
    expect((await catchError(phones.connect(`${phone.serial}@${there.address}`))).code).toBe(
      "adb-unreachable",
    );
    await pause(600);
    expect(phones.servers()[1]?.state).toBe("unreachable");
    await there.restart();
    await there.connect(phone.serial);
    const connection = await phones.waitFor(`${phone.serial}@${there.address}`, { patienceMs: 60_000 });
    expect(connection.serial).toBe(phone.serial);
    await connection.close();
  });

  test("servers are added and taken away while others keep their connections", async () => {
    const here = await startServer();
    const there = await startServer();
    const phone = await startPhone();
    await here.connect(phone.serial);
    await there.connect(phone.serial);
    const phones = openPhones({ env: here.environment() });
    const connection = await phones.connect(phone.serial);
    // This computer's server by another name is not a further one.
    await phones.setServers([there.address, `localhost:${here.port}`, there.address]);
    await phones.list();
    expect(phones.servers().map(({ address }) => address)).toEqual([here.address, there.address]);
    expect(phones.known().length).toBe(2);
    const far = await phones.connect(`${phone.serial}@${there.address}`);
    const pending = catchError(far.run("exec sleep 300"));
    await phones.setServers([]);
    expect((await pending).code).toBe("phone-lost");
    expect(phones.known().map(({ id }) => id)).toEqual([phone.serial]);
    expect((await connection.run("echo same")).stdout).toBe("same\n");
    expect(() => openPhones({ servers: ["not an address"] })).toThrow(/is not the address of an adb server/);
  });
});

describe("Wi-Fi", () => {
  test("connected and disconnected by hand; adb's words of failure become an error", async () => {
    const server = await startServer();
    const phone = await startPhone();
    const phones = openPhones({ env: server.environment() });
    expect(await phones.connectWifi(phone.serial)).toBe(phone.serial);
    expect(await phones.connectWifi(phone.serial)).toBe(phone.serial);
    await until(phones, () => phones.known()[0]?.state === "ready");
    expect(await phones.disconnectWifi(phone.serial)).toBe(true);
    expect(await phones.disconnectWifi(phone.serial)).toBe(false);
    await phone.unplug();
    const refused = await catchError(phones.connectWifi(phone.serial));
    expect(refused.code).toBe("pairing-failed");
    expect(refused.message).toMatch(/Connection refused/);
    expect((await catchError(phones.connectWifi("no address!"))).code).toBe("bad-request");
    expect((await catchError(phones.pair(phone.serial, "12345"))).code).toBe("bad-request");
    expect((await catchError(phones.pair("127.0.0.1", "123456"))).code).toBe("bad-request");
    expect((await catchError(phones.pair(phone.serial, "123 456"))).code).toBe("pairing-failed");
  });

  test("phones of the settings are connected, also when they come late, until they are taken away", async () => {
    const server = await startServer();
    const phone = await startPhone();
    const late = await startPhone();
    await late.unplug();
    const phones = openPhones({ env: server.environment(), wifiPhones: [phone.serial, late.serial] });
    expect((await phones.list()).map(({ id }) => id)).toEqual([phone.serial]);
    expect(phones.wifiProblems().get(late.serial)).toMatch(/refused/);
    await late.plug();
    await until(phones, () => phones.known().filter(({ state }) => state === "ready").length === 2);
    expect(phones.wifiProblems().get(late.serial)).toBeNull();
    expect(await phones.disconnectWifi(late.serial)).toBe(true);
    await until(phones, () => phones.known().length === 1);
    await pause(1500);
    expect(phones.known().length).toBe(1);
  });
});

describe("what is not there", () => {
  test("nothing is asked before the first use, and nothing ever with LATENCY_LAB_ADB=none", async () => {
    const stub = await startStub((_, socket) => void socket.write(`OKAY${withLength("")}`));
    const lazy = openPhones({ env: bareEnvironment(stub.port), wifiPhones: ["127.0.0.1:9"] });
    lazy.onChange(() => undefined);
    expect([lazy.known(), lazy.servers(), lazy.resolve("x")]).toEqual([[], [], null]);
    await lazy.setServers([stub.address]);
    await pause(50);
    expect(stub.connections).toBe(0);

    const off = openPhones({
      env: { ...bareEnvironment(stub.port), LATENCY_LAB_ADB: "none" },
      servers: [stub.address, `localhost:${stub.port}`],
      wifiPhones: ["127.0.0.1:9"],
    });
    expect(await off.list()).toEqual([]);
    expect(await off.adb()).toMatchObject({
      path: null,
      servers: [],
      problem: expect.stringContaining("switched off"),
    });
    for (const call of [off.connect("x"), off.waitFor("x"), off.connectWifi("127.0.0.1:9")])
      expect((await catchError(call)).code).toBe("adb-missing");
    await off.setServers([`127.0.0.2:${stub.port}`]);
    expect(off.servers()).toEqual([]);
    await pause(50);
    expect(stub.connections).toBe(0);
  });

  test("without adb and without a server the problem says what to install; with a server all is well", async () => {
    const gone = await startStub(() => undefined);
    await gone.stop();
    const phones = openPhones({ env: bareEnvironment(gone.port) });
    expect(await phones.list()).toEqual([]);
    const state = await phones.adb();
    expect(state.problem).toMatch(/no adb program.*Install/s);
    expect(state.servers[0]).toMatchObject({ state: "unreachable", problem: state.problem });
    expect((await catchError(phones.connect("x"))).code).toBe("adb-missing");

    const server = await startServer();
    const phone = await startPhone();
    await server.connect(phone.serial);
    const served = openPhones({ env: bareEnvironment(server.port) });
    expect((await served.list()).length).toBe(1);
    expect(await served.adb()).toMatchObject({ path: null, problem: null });
    await (await served.connect(phone.serial)).close();
  });

  test("adb that cannot start its server says why", async () => {
    const gone = await startStub(() => undefined);
    await gone.stop();
    const env = bareEnvironment(gone.port);
    const script = '[ "$1" = version ] && echo fine && exit\necho "cannot bind: in use" >&2\nexit 3';
    writeFileSync(env["LATENCY_LAB_ADB"]!, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const phones = openPhones({ env });
    await phones.list();
    expect(phones.servers()[0]?.problem).toMatch(
      /start-server` ended with exit code 3 \(cannot bind: in use\)/,
    );
  });

  test("an environment that names no server's address is reported, and no server is asked", async () => {
    const phones = openPhones({ env: { ...bareEnvironment(1), ADB_SERVER_SOCKET: "localabstract:adb" } });
    expect(await phones.list()).toEqual([]);
    expect(phones.servers()[0]).toMatchObject({
      state: "unreachable",
      problem: expect.stringContaining("ADB_SERVER_SOCKET"),
    });
  });
});

describe("servers that answer oddly", () => {
  async function openStub(answer: Answer): Promise<{ stub: StubAdbServer; phones: Phones }> {
    const stub = await startStub(answer);
    return { stub, phones: openPhones({ env: bareEnvironment(stub.port) }) };
  }

  test("states the real server gives only of real phones", async () => {
    const lines =
      "????????????           no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html] usb:1-4 transport_id:1\r\n" +
      "R5CT                   recovery usb:1-5 product:a model:b device:c transport_id:2\n" +
      "SIDE                   sideload transport_id:3\n" +
      "TWIN                   device model:First transport_id:9\n" +
      "TWIN                   device model:Second transport_id:5\n" +
      "ODD                    napping transport_id:6\n";
    const { phones } = await openStub((_, socket) => void socket.write(`OKAY${withLength(lines)}`));
    const list = await phones.list();
    const states = list.map(({ id, state, model }) => [id, state, model]);
    expect(states).toEqual([
      ["????????????", "no-permissions", null],
      ["R5CT", "recovery", "b"],
      ["SIDE", "sideload", null],
      ["TWIN", "ready", "Second"],
      ["ODD", "unavailable", null],
      ["TWIN#9", "unavailable", "First"],
    ]);
    for (const { state, problem } of list) expect(problem === null).toBe(state === "ready");
    expect(list[0]?.problem).toMatch(/plugdev/);
    expect((await catchError(phones.connect("R5CT"))).hint).toMatch(/[Rr]eboot/);
  });

  test("phones that are just coming are waited for", async () => {
    const { phones } = await openStub((_, socket) => {
      socket.write(`OKAY${withLength("A                      connecting transport_id:1\n")}`);
      setTimeout(() => socket.write(withLength("A                      device transport_id:1\n")), 100);
    });
    expect((await phones.list())[0]?.state).toBe("ready");
  });

  test.each<[string, Answer, RegExp]>([
    [
      "another protocol",
      (_, socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      /not an adb server/,
    ],
    ["a refusal", (_, socket) => void socket.end(`FAIL${withLength("unknown host service")}`), /too old/],
    ["a wrong length", (_, socket) => void socket.end("OKAYzzzzrubbish"), /not an adb server/],
    ["an end", (_, socket) => void socket.end(), /does not answer/],
    ["a reset", (_, socket) => void socket.resetAndDestroy(), /does not answer/],
  ])("%s", async (_, answer, problem) => {
    const { phones } = await openStub(answer);
    expect(await phones.list()).toEqual([]);
    expect(phones.servers()[0]?.state).toBe("unreachable");
    expect(phones.servers()[0]?.problem).toMatch(problem);
  });

  test("a silent one does not hold the first list up", async () => {
    const { phones } = await openStub(() => undefined);
    expect(await phones.list()).toEqual([]);
    expect(phones.servers()[0]?.state).toBe("connecting");
  });

  const ready = withLength("OLD                    device transport_id:1\n");

  test("a phone without the shell protocol is refused with the reason", async () => {
    const { phones } = await openStub((request, socket) => {
      if (request === "host:track-devices-l") socket.write(`OKAY${ready}`);
      else if (request === "host:features") socket.write(`OKAY${withLength("cmd,remount_shell")}`);
      else socket.write("OKAY");
    });
    const error = await catchError(phones.connect("OLD"));
    expect([error.code, error.hint]).toEqual(["phone-unavailable", expect.stringContaining("Android 7")]);
    expect((await catchError(phones.waitFor("OLD"))).code).toBe("phone-unavailable");
  });

  test("hostile packets of a phone: endless lengths, unknown ids, no exit code, a file without end", async () => {
    const { stub, phones } = await openStub((request, socket) => {
      if (request === "host:track-devices-l") return void socket.write(`OKAY${ready}`);
      if (request === "host:features") return void socket.write(`OKAY${withLength("shell_v2")}`);
      socket.write("OKAY");
      if (request.endsWith("endless")) {
        socket.write(Buffer.of(1, 0xff, 0xff, 0xff, 0xff));
        socket.write("x".repeat(100_000));
      }
      if (request.endsWith("unknown")) {
        const unknown = Buffer.concat([
          Buffer.of(77, 3, 0, 0, 0),
          Buffer.from("abc"),
          Buffer.of(5, 0, 0, 0, 0),
        ]);
        socket.write(Buffer.concat([unknown, Buffer.of(1, 1, 0, 0, 0, 0x41), Buffer.of(3, 1, 0, 0, 0, 9)]));
      }
      if (request === "sync:") {
        // DATA of almost 4 GB, and no end of it.
        socket.write(Buffer.concat([Buffer.from("DATA"), Buffer.of(0xff, 0xff, 0xff, 0xef)]));
        const flood = setInterval(() => socket.write(Buffer.alloc(100_000)), 1);
        socket.once("close", () => clearInterval(flood));
      }
      if (request.endsWith("mute")) socket.end();
    });
    const connection = await phones.connect("OLD");
    expect(await connection.run("unknown")).toMatchObject({ exitCode: 9, stdout: "A" });
    let told = 0;
    const controller = new AbortController();
    const endless = connection.run("endless", {
      limitBytes: 10,
      signal: controller.signal,
      onStdout: (text) => (told += text.length) >= 100_000 && controller.abort(),
    });
    expect((await catchError(endless)).code).toBe("cancelled");
    const long = await catchError(connection.pull("/x", { limitBytes: 300_000 }));
    expect([long.code, long.message]).toEqual([
      "phone-refused",
      expect.stringContaining("longer than 300000"),
    ]);
    expect((await catchError(connection.run("mute"))).code).toBe("phone-lost");
    await (await phones.connect("OLD")).close();
    // Its features were asked once for all of that.
    expect(stub.requests.filter((request) => request === "host:features").length).toBe(1);
  });

  test("a phone on Wi-Fi that is offline, or listed but gone, is let go of and connected anew", async () => {
    for (const word of ["offline", "device"]) {
      let listed = word;
      const stub = await startStub((request, socket) => {
        const line = () => withLength(`10.0.0.2:5555          ${listed} transport_id:1\n`);
        if (request === "host:track-devices-l") {
          socket.write(`OKAY${line()}`);
          const stop = setInterval(() => socket.write(line()), 20);
          socket.once("close", () => clearInterval(stop));
        } else if (request === "host:disconnect:10.0.0.2:5555") {
          listed = "offline";
          socket.end(`OKAY${withLength("disconnected 10.0.0.2:5555")}`);
        } else if (request === "host:connect:10.0.0.2:5555") {
          listed = "device";
          socket.end(`OKAY${withLength("connected to 10.0.0.2:5555")}`);
        } else if (request === "host:features") socket.end(`OKAY${withLength("shell_v2")}`);
        else if (!request.startsWith("shell")) socket.write("OKAY");
        else if (stub.requests.includes("host:connect:10.0.0.2:5555"))
          socket.write(Buffer.concat([Buffer.from("OKAY"), Buffer.of(3, 1, 0, 0, 0, 0)]));
        else socket.end(`FAIL${withLength("device offline")}`);
      });
      const phones = openPhones({ env: bareEnvironment(stub.port), wifiPhones: ["10.0.0.2"] });
      await (await phones.waitFor("10.0.0.2:5555")).close();
      const asked = stub.requests.filter((request) => /connect/.test(request));
      expect([word, ...asked]).toEqual([word, "host:disconnect:10.0.0.2:5555", "host:connect:10.0.0.2:5555"]);
    }
  });

  test("a service the phone refuses is no loss of the phone", async () => {
    const { phones } = await openStub((request, socket) => {
      if (request === "host:track-devices-l") socket.write(`OKAY${ready}`);
      else if (request === "host:features") socket.write(`OKAY${withLength("shell_v2")}`);
      else if (request.startsWith("shell")) socket.end(`FAIL${withLength("closed")}`);
      else socket.write("OKAY");
    });
    const connection = await phones.connect("OLD");
    expect((await catchError(connection.run("echo"))).code).toBe("phone-refused");
    expect(connection.lost.aborted).toBe(false);
  });
});
