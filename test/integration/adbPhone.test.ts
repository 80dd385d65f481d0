/** One phone's connection, over the real adb server to a fake phone. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PhoneConnection } from "../../src-main/device/phoneConnection.ts";
import { Phones } from "../../src-main/device/phones.ts";
import { quote } from "../../src-main/device/quote.ts";
import { LabError } from "../../src-main/lab/errors.ts";
import { type AdbServer, startAdbServer } from "../fake/adbServer.ts";
import { FakePhone } from "../fake/phone.ts";

let server: AdbServer;
let phone: FakePhone;
let phones: Phones;
let connection: PhoneConnection;
let folder: string;
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);

beforeAll(async () => {
  process.on("unhandledRejection", note);
  folder = mkdtempSync(join(tmpdir(), "latlab-phone ünï-"));
  server = await startAdbServer();
  phone = await FakePhone.start({ profile: "snapdragon855" });
  phones = new Phones({
    env: server.environment(),
    wifiPhones: [phone.serial],
  });
});

afterAll(async () => {
  await phones?.close();
  await phone?.stop();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
  process.off("unhandledRejection", note);
});

beforeEach(async () => {
  connection = await phones.waitFor(phone.serial, { patienceMs: 60_000 });
});

afterEach(async () => {
  await connection?.close();
  await pause(20);
  expect(unhandled).toEqual([]);
});

async function catchError(work: Promise<unknown>): Promise<LabError> {
  const error = await work.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof LabError)) throw error;
  return error;
}

/** Waits until something holds; every test ends by its own limit when it never does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(10);
}

describe("commands", () => {
  test("streams apart, exit code, quoting, end of input", async () => {
    expect(await connection.run("echo out; echo err >&2; exit 7")).toEqual({
      exitCode: 7,
      stdout: "out\n",
      stderr: "err\n",
      truncated: false,
    });
    expect((await connection.run("exit 0")).exitCode).toBe(0);
    const odd = `it's "odd" $(id) \`id\` \\ * é日😀\nnext -rf`;
    expect((await connection.run(`printf %s ${quote(odd)}`)).stdout).toBe(odd);
    // A command that reads its input would wait for ever for somebody to type.
    expect((await connection.run("cat")).exitCode).toBe(0);
    expect((await connection.run("definitely-not-a-program")).exitCode).toBe(127);
  });

  test("output is untrusted text: broken UTF-8 is replaced, characters split over packets are not", async () => {
    const { stdout } = await connection.run(String.raw`printf 'a\377b\303'; sleep 0.05; printf '\251'`);
    expect(stdout).toBe("a�bé");
    const pieces: string[] = [];
    const line = String.raw`printf '\342\202'; sleep 0.1; printf '\254 10'; sleep 0.1; printf '\303'`;
    await connection.run(line, { onStdout: (text) => pieces.push(text) });
    expect(pieces.join("")).toBe("€ 10�");
    expect(pieces.length).toBeGreaterThan(1);
  });

  test("10 MB are read to their end, kept up to the limit, and told as they come", async () => {
    let told = 0;
    const limitBytes = 100_000;
    const line =
      "head -c 10000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' y >&2; echo end >&2; exit 3";
    const result = await connection.run(line, { limitBytes, onStdout: (text) => (told += text.length) });
    expect(result.exitCode).toBe(3);
    expect(result.truncated).toBe(true);
    expect(result.stdout).toBe("x".repeat(limitBytes));
    expect(result.stderr).toBe("y".repeat(limitBytes));
    expect(told).toBe(10_000_000);
    const exact = await connection.run("printf 12345", { limitBytes: 5 });
    expect([exact.stdout, exact.truncated]).toEqual(["12345", false]);
    const over = await connection.run("printf 123456", { limitBytes: 5 });
    expect([over.stdout, over.truncated]).toEqual(["12345", true]);
  });

  test("20 at once keep their answers apart", async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        connection.run(`sleep 0.0${index % 7}; echo ${index}; exit ${index}`),
      ),
    );
    expect(results.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual(
      results.map((_, index) => [index, `${index}\n`]),
    );
  });

  test("abort rejects at once and ends the command on the phone", async () => {
    const before = phone.listProcesses().length;
    const controller = new AbortController();
    const running = connection.run("echo started; exec sleep 300", {
      signal: controller.signal,
      onStdout: () => controller.abort(),
    });
    expect((await catchError(running)).code).toBe("cancelled");
    await until(() => phone.listProcesses().length === before);
    const late = await catchError(connection.run("echo never", { signal: controller.signal }));
    expect(late.code).toBe("cancelled");
    expect((await connection.run("echo still here")).stdout).toBe("still here\n");
  });

  test("aborted while its connection is being opened", async () => {
    for (let delay = 0; delay < 5; delay++) {
      const controller = new AbortController();
      const running = catchError(connection.run("sleep 300", { signal: controller.signal }));
      if (delay > 0) await pause(delay - 1);
      controller.abort();
      expect((await running).code).toBe("cancelled");
    }
    await until(() => phone.commands === 0);
    expect(connection.lost.aborted).toBe(false);
  });

  test("a time limit ends the command and says so", async () => {
    const error = await catchError(connection.run("exec sleep 300", { timeoutMs: 150 }));
    expect(error.code).toBe("phone-refused");
    expect(error.message).toContain("refused to finish running exec sleep 300 within 0.15 s");
    await until(() => phone.commands === 0);
    expect(connection.lost.aborted).toBe(false);
  });

  test("a listener's own error comes back as it is and ends the command", async () => {
    const bug = new Error("a bug of ours");
    const running = connection.run("echo x; exec sleep 300", {
      onStdout: () => {
        throw bug;
      },
    });
    await expect(running).rejects.toBe(bug);
    await until(() => phone.commands === 0);
    expect(connection.lost.aborted).toBe(false);
  });

  test("NUL never reaches the phone", async () => {
    expect((await catchError(connection.run("echo a\0b"))).code).toBe("bad-request");
  });
});

describe("files", () => {
  const names = [
    "plain.tflite",
    "two words",
    'it\'s "odd" $(id) `id`.bin',
    "new\nline",
    "日本語 é😀",
    "-rf",
    "a,b,33261",
    " ",
  ];

  test("names with anything in them are pushed, run and pulled", async () => {
    for (const name of names) {
      const path = `/data/local/tmp/odd/${name}`;
      const script = Buffer.from(`#!/system/bin/sh\necho ran ${names.indexOf(name)}\n`);
      await connection.push(script, path, 0o755);
      expect(await connection.pull(path, { limitBytes: 1000 })).toEqual(script);
      expect((await connection.run(`sh ${quote(path)}`)).stdout).toBe(`ran ${names.indexOf(name)}\n`);
      // adbd gives group and others what the owner has.
      expect((await connection.run(`stat -c %a ${quote(path)}`)).stdout).toBe("777\n");
    }
  });

  test("from a file, with progress, over several packets; empty; replaced", async () => {
    const bytes = randomBytes(3_333_333);
    const path = join(folder, "model ünï.bin");
    writeFileSync(path, bytes);
    const progress: number[] = [];
    await connection.push({ path }, "/data/local/tmp/m", 0o644, {
      onProgress: (sent) => progress.push(sent),
    });
    expect(progress.at(-1)).toBe(bytes.length);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(hash(readFileSync(phone.locate("/data/local/tmp/m")))).toBe(hash(bytes));
    const pulled = await connection.pull("/data/local/tmp/m", { limitBytes: bytes.length });
    expect(pulled && hash(pulled)).toBe(hash(bytes));
    await connection.push(new Uint8Array(0), "/data/local/tmp/m", 0o600);
    expect(await connection.pull("/data/local/tmp/m", { limitBytes: 0 })).toEqual(Buffer.alloc(0));
  });

  test("what cannot be: no such file, too long, a folder, a full phone, no local file, a bad path", async () => {
    expect(await connection.pull("/data/local/tmp/none", { limitBytes: 10 })).toBeNull();
    await connection.push(randomBytes(500_000), "/data/local/tmp/long", 0o644);
    const long = await catchError(connection.pull("/data/local/tmp/long", { limitBytes: 499_999 }));
    expect(long.code).toBe("phone-refused");
    expect(long.message).toContain("longer than 499999 bytes");
    expect((await catchError(connection.pull("/data/local/tmp", { limitBytes: 10 }))).code).toBe(
      "phone-refused",
    );

    phone.setFreeBytes(100_000);
    try {
      const full = await catchError(connection.push(randomBytes(4_000_000), "/data/local/tmp/big", 0o644));
      expect(full.code).toBe("phone-refused");
      expect(full.message).toMatch(
        /refused to put \/data\/local\/tmp\/big on the phone: .*No space left on device/,
      );
    } finally {
      phone.setFreeBytes(8e9);
    }
    for (const path of [join(folder, "gone"), folder])
      expect((await catchError(connection.push({ path }, "/data/local/tmp/x", 0o644))).code).toBe(
        "bad-request",
      );
    for (const path of ["relative", "/nul\0", `/${"x".repeat(1100)}`]) {
      expect((await catchError(connection.push(Buffer.of(1), path, 0o644))).code).toBe("bad-request");
      expect((await catchError(connection.pull(path, { limitBytes: 1 }))).code).toBe("bad-request");
    }
    expect(connection.lost.aborted).toBe(false);
    expect((await connection.run("echo fine")).stdout).toBe("fine\n");
  });

  test("a push can be aborted in the middle, and one whose listener fails ends", async () => {
    const controller = new AbortController();
    const bytes = randomBytes(20_000_000);
    const pushing = connection.push(bytes, "/data/local/tmp/half", 0o644, {
      signal: controller.signal,
      onProgress: (sent) => sent > 2_000_000 && controller.abort(),
    });
    expect((await catchError(pushing)).code).toBe("cancelled");
    const bug = new Error("a bug of ours");
    const failing = connection.push(bytes, "/data/local/tmp/half", 0o644, {
      onProgress: () => {
        throw bug;
      },
    });
    await expect(failing).rejects.toBe(bug);
    expect(connection.lost.aborted).toBe(false);
  });
});

describe("loss", () => {
  test("unplugged: every pending call says what was under way, later ones reject at once", async () => {
    const running = catchError(connection.run("echo started; exec sleep 300"));
    const pushing = catchError(connection.push(endless(), "/data/local/tmp/endless", 0o644));
    await until(() => phone.commands > 0);
    await phone.unplug();
    const [run, push] = await Promise.all([running, pushing]);
    expect([run.code, push.code]).toEqual(["phone-lost", "phone-lost"]);
    expect(run.message).toContain("was lost while running echo started; exec sleep 300");
    expect(push.message).toContain("was lost while putting /data/local/tmp/endless on it");
    expect(connection.lost.aborted).toBe(true);
    expect(connection.lost.reason).toMatchObject({ code: "phone-lost" });
    for (const call of [connection.run("echo"), connection.pull("/x", { limitBytes: 1 })])
      expect((await catchError(call)).code).toBe("phone-lost");

    const waits: string[] = [];
    const back = phones.waitFor(phone.serial, {
      patienceMs: 60_000,
      onWait: (problem) => waits.push(problem),
    });
    await pause(50);
    await phone.plug();
    const again = await back;
    expect((await again.run("echo back")).stdout).toBe("back\n");
    expect(waits.length).toBeGreaterThan(0);
    // The old connection stays lost: it belongs to what was before.
    expect((await catchError(connection.run("echo"))).code).toBe("phone-lost");
    await again.close();
  });

  test("unplugged at seeded moments of many calls: nothing hangs, each ends as done or lost", async () => {
    for (let round = 0; round < 6; round++) {
      const current = await phones.waitFor(phone.serial, { patienceMs: 60_000 });
      const path = join(folder, "m");
      writeFileSync(path, randomBytes(2_000_000));
      const calls = Array.from({ length: 12 }, (_, index) => {
        if (index % 3 === 0) return current.push({ path }, `/data/local/tmp/r${index}`, 0o644);
        if (index % 3 === 1) return current.pull("/data/local/tmp/m", { limitBytes: 5_000_000 });
        return current.run("head -c 200000 /dev/zero; sleep 0.05");
      });
      const settled = Promise.allSettled(calls);
      await pause(round * 15);
      await phone.unplug();
      for (const result of await settled)
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "phone-lost" });
      await until(() => current.lost.aborted);
      await phone.plug();
      await current.close();
    }
    connection = await phones.waitFor(phone.serial, { patienceMs: 60_000 });
  });

  test("closing gives pending calls up without calling the phone lost", async () => {
    const running = catchError(connection.run("exec sleep 300"));
    await until(() => phone.commands > 0);
    await connection.close();
    expect((await running).code).toBe("cancelled");
    expect(connection.lost.aborted).toBe(false);
    expect((await catchError(connection.run("echo"))).code).toBe("phone-lost");
    await until(() => phone.commands === 0);
    expect(existsSync(phone.root)).toBe(true);
  });
});

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** More than any phone takes within a test. */
function endless(): Uint8Array {
  return new Uint8Array(400_000_000);
}
