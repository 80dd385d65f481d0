import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { phoneFolder } from "../../src-main/device/phoneFolder.ts";
import type { Device } from "../../src-main/lab/contract.ts";
import { cleanPhone } from "../../src-main/profile/phoneClean.ts";
import { checkBinary, installBinary, judgeCopy, locateOnPhone } from "../../src-main/profile/phoneInstall.ts";
import {
  type ModelSource,
  PhoneModels,
  chooseEvicted,
  formatTouchTime,
  locateModel,
  parseModelList,
} from "../../src-main/profile/phoneModels.ts";
import { LocalPhone } from "./localPhone.ts";

const never = new AbortController().signal;
let phone: LocalPhone;
let folder: string;

beforeEach(() => {
  phone = new LocalPhone();
  folder = mkdtempSync(join(tmpdir(), "latlab-models-"));
});

afterEach(() => {
  phone.stop();
  rmSync(folder, { recursive: true, force: true });
});

function makeModel(name: string, bytes: number): ModelSource {
  const path = join(folder, name);
  const content = Buffer.alloc(bytes, name);
  writeFileSync(path, content);
  return { path, hash: createHash("sha256").update(content).digest("hex") };
}

function listModels(): string[] {
  const place = phone.locate(`${phoneFolder}/models`);
  return existsSync(place) ? readdirSync(place).sort() : [];
}

describe("which models go", () => {
  const models = [
    { hash: "c", bytes: 30, putAt: 3 },
    { hash: "a", bytes: 10, putAt: 1 },
    { hash: "b", bytes: 20, putAt: 2 },
  ];
  const evict = (needed: number, limit: number, kept: string[] = []) =>
    chooseEvicted(models, needed, limit, new Set(kept)).map(({ hash }) => hash);

  it("none while all fits", () => expect(evict(40, 100)).toEqual([]));
  it("the oldest first, and no more than needed", () => {
    expect(evict(41, 100)).toEqual(["a"]);
    expect(evict(51, 100)).toEqual(["a", "b"]);
  });
  it("never those that are wanted", () => {
    expect(evict(51, 100, ["a"])).toEqual(["b"]);
    expect(evict(1000, 100, ["a", "c"])).toEqual(["b"]);
  });
});

it("a phone's list is read past whatever else lies there", () => {
  const hash = "0".repeat(64);
  const list = `100 1700000000 ${phoneFolder}/models/${hash}.tflite\n7 8 /x/.${hash}.part\nrubbish\n-1 5 /x/${hash}.tflite\r\n`;
  expect(parseModelList(list)).toEqual([{ hash, bytes: 100, putAt: 1700000000 }]);
  expect(formatTouchTime(1700000000)).toBe("202311142213.20");
});

describe("models on a phone", () => {
  it("are pushed once, and a known one costs nothing", async () => {
    const model = makeModel("one", 1000);
    const models = new PhoneModels(phone, 1e6);
    const path = await models.ensure(model, [], never);
    expect(path).toBe(locateModel(model.hash));
    expect(statSync(phone.locate(path)).size).toBe(1000);
    const asked = phone.commands.length;
    await models.ensure(model, [], never);
    expect(phone.commands.length).toBe(asked);
    await new PhoneModels(phone, 1e6).ensure(model, [], never);
    expect(phone.pushed).toHaveLength(1);
  });

  it("go oldest first by this computer's clock, the current and the next one stay", async () => {
    let seconds = 1_700_000_000;
    const models = new PhoneModels(phone, 2500, () => (seconds += 60) * 1000);
    const [a, b, c] = ["a", "b", "c"].map((name) => makeModel(name, 1000)) as [
      ModelSource,
      ModelSource,
      ModelSource,
    ];
    await models.ensure(b, [], never);
    await models.ensure(a, [], never);
    await models.ensure(c, [], never);
    expect(listModels()).toEqual([a, c].map(({ hash }) => `${hash}.tflite`).sort());
    expect(statSync(phone.locate(locateModel(c.hash))).mtimeMs).toBe(seconds * 1000);
    // Another lab process sees the same ages.
    const later = new PhoneModels(phone, 2500, () => (seconds += 60) * 1000);
    await later.ensure(b, [a.hash], never);
    expect(listModels()).toEqual([a, b].map(({ hash }) => `${hash}.tflite`).sort());
  });

  it("are asked for at the same time one after another", async () => {
    const models = new PhoneModels(phone, 1e6);
    const model = makeModel("same", 500);
    await Promise.all([1, 2, 3].map(() => models.ensure(model, [], never)));
    expect(phone.pushed).toHaveLength(1);
  });

  it("that were torn are never taken for whole", async () => {
    const model = makeModel("torn", 1000);
    phone.capacityBytes = 400;
    await expect(new PhoneModels(phone, 1e6).ensure(model, [], never)).rejects.toMatchObject({
      code: "phone-refused",
      message: expect.stringMatching(/the phone is full: no space left for its 1\.00 kB/) as string,
    });
    expect(listModels()).toEqual([]);
    // One cut short by something else is pushed again.
    const path = phone.locate(locateModel(model.hash));
    writeFileSync(path, "short");
    phone.capacityBytes = Infinity;
    await new PhoneModels(phone, 1e6).ensure(model, [], never);
    expect(statSync(path).size).toBe(1000);
  });

  it("on a full phone make room of the lab's own first", async () => {
    const models = new PhoneModels(phone, 1e6);
    const [old, wanted] = [makeModel("old", 1000), makeModel("wanted", 800)];
    await models.ensure(old, [], never);
    phone.capacityBytes = 1500;
    await models.ensure(wanted, [], never);
    expect(listModels()).toEqual([`${wanted.hash}.tflite`]);
  });

  it("that vanished are told", async () => {
    const models = new PhoneModels(phone, 1e6);
    const model = makeModel("gone", 10);
    await models.ensure(model, [], never);
    expect(await models.holds(model, never)).toBe(true);
    rmSync(phone.locate(locateModel(model.hash)));
    expect(await models.holds(model, never)).toBe(false);
    await models.ensure(model, [], never);
    expect(phone.pushed).toHaveLength(2);
  });
});

describe("a copy of the program", () => {
  const hash = "ab".repeat(32);
  it.each([
    [`bytes 10\n${hash}  /x\n`, null],
    [`bytes 10\n${hash.toUpperCase()} /x\r\n`, null],
    ["bytes 10\n", null],
    ["bytes 9\n", "it has 9 of 10 bytes"],
    [`bytes 10\n${"cd".repeat(32)}  /x\n`, "its SHA-256 differs"],
    ["", "it is not there"],
  ])("%j: %s", (said, problem) => expect(judgeCopy(said, hash, 10)).toBe(problem));
});

describe("the benchmark program", () => {
  const help = ["graph", "num_runs", "num_threads", "enable_op_profiling", "use_xnnpack", "dry_run"]
    .map((name) => `echo '\t--${name}=1\tstring\toptional\tx' >&2`)
    .join("\n");
  const makeBinary = (body: string, abi: string | null = null) => {
    const path = join(folder, "tool");
    const content = `#!/bin/sh\necho asked >>${folder}/asked\n${body}\n`;
    writeFileSync(path, content);
    return { path, hash: createHash("sha256").update(content).digest("hex"), name: "tool", abi };
  };

  it("is put there once, made executable, and asked once what it can do", async () => {
    const binary = makeBinary(`${help}\nexit 1`);
    const first = await installBinary(phone, binary, ["arm64-v8a"]);
    expect(first).toMatchObject({ hash: binary.hash, path: locateOnPhone(binary.hash) });
    expect(first.capabilities.kind).toBe("benchmark_model");
    expect(statSync(phone.locate(first.path)).mode & 0o777).toBe(0o755);
    await installBinary(phone, binary, []);
    expect(phone.pushed).toHaveLength(1);
    expect(statSync(join(folder, "asked")).size).toBe("asked\n".length);
    // One that was changed on the phone is replaced.
    writeFileSync(phone.locate(first.path), "x".repeat(statSync(binary.path).size));
    await installBinary(phone, binary, []);
    expect(phone.pushed).toHaveLength(2);
    expect(readdirSync(join(phone.locate(first.path), ".."))).toEqual(["benchmark_model"]);
  });

  it.each([
    [
      "built for another ABI, known before",
      "exit 0",
      "x86",
      /built for x86, and local runs arm64-v8a/,
      "binary-unfit",
    ],
    [
      "for another ABI",
      "echo 'sh: tool: not executable: 64-bit ELF file' >&2; exit 126",
      null,
      /another ABI/,
      "binary-unfit",
    ],
    [
      "not let run",
      'echo "sh: tool: can\'t execute: Permission denied" >&2; exit 126',
      null,
      /permission denied/,
      "phone-refused",
    ],
    [
      "without its linker",
      "echo 'sh: tool: No such file or directory' >&2; exit 127",
      null,
      /linker/,
      "binary-unfit",
    ],
    [
      "without a library",
      'echo \'CANNOT LINK EXECUTABLE "tool": library "libc++_shared.so" not found\' >&2; exit 1',
      null,
      /lacks a library/,
      "binary-unfit",
    ],
    ["for newer cores", "kill -ILL $$", null, /signal 4/, "binary-unfit"],
    ["something else altogether", "echo hello", null, /not that of a benchmark_model: hello/, "binary-unfit"],
  ])("%s is told in words", async (_name, body, abi, words, code) => {
    const binary = makeBinary(body, abi);
    await expect(installBinary(phone, binary, ["arm64-v8a"])).rejects.toMatchObject({
      code,
      message: expect.stringMatching(words) as string,
    });
    const device = { phone: { abis: ["arm64-v8a"] } } as Device;
    const check = await checkBinary(phone, binary, device);
    expect(check).toMatchObject({ id: "binary", state: "failed", action: null });
    expect(check.detail).toMatch(words);
  });
});

describe("cleaning", () => {
  it("removes the lab's folder and tells its bytes", async () => {
    await phone.push(Buffer.alloc(1000), `${phoneFolder}/models/x.tflite`, 0o644);
    await phone.push(Buffer.alloc(24), `${phoneFolder}/bin/a b/it's`, 0o644);
    expect(await cleanPhone(phone)).toBe(1024);
    expect(existsSync(phone.locate(phoneFolder))).toBe(false);
    expect(await cleanPhone(phone)).toBe(0);
  });

  it("never goes outside: a link in its place goes itself", async () => {
    const elsewhere = join(phone.root, "elsewhere");
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, "precious"), "x");
    symlinkSync(elsewhere, phone.locate(phoneFolder));
    expect(await cleanPhone(phone)).toBe(0);
    expect(existsSync(join(elsewhere, "precious"))).toBe(true);
    expect(existsSync(phone.locate(phoneFolder))).toBe(false);
  });
});
