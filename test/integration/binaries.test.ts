/** Benchmark programs: the user's own, and published ones from a server on loopback that does everything servers do. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BenchmarkBinary, LabEvent } from "../../src-main/lab/contract.ts";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { listPublishedBinaries } from "../../src-main/lab/publishedBinaries.ts";
import { findBinaryFor } from "../../src-main/store/binaries.ts";
import { openStore } from "../../src-main/store/database.ts";
import { runCommand } from "./commandLine.ts";
import { makeElf } from "./programs.ts";

let folder: string;
let lab: OpenedLab;
let server: Server;
let origin: string;
let routes: Record<string, RequestListener>;

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const phone = makeElf({ machine: 0xb7 });
const olderPhone = makeElf({ machine: 0x28 });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "latlab-binaries ünï-"));
  routes = {};
  server = createServer((request, response) => {
    const route = routes[request.url ?? ""];
    if (route) route(request, response);
    else response.writeHead(404).end("nothing here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  lab = await openList([{ path: "/program" }]);
});
afterEach(async () => {
  await lab.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** A lab whose list of published programs holds those paths of the server. */
async function openList(entries: { path: string; abi?: string; hash?: string | null }[]): Promise<OpenedLab> {
  const list = join(folder, "list.json");
  const binaries = entries.map(({ path, abi = "arm64-v8a", hash = null }) => ({
    abi,
    name: "published_benchmark",
    url: `${origin}${path}`,
    publisher: "tests",
    license: "none",
    hash,
    note: "",
  }));
  writeFileSync(list, JSON.stringify({ binaries }));
  return openLab({
    folder: join(folder, "lab"),
    adb: { env: { LATENCY_LAB_ADB: "none" } },
    publishedBinaries: list,
  });
}

async function download(path = "/program"): Promise<BenchmarkBinary> {
  const { job, kind } = await lab.startDownload({ url: `${origin}${path}` });
  return lab.jobResult({ job, kind });
}

/** Names of the files the lab keeps of programs, also half ones. */
function listFiles(): string[] {
  const place = join(folder, "lab", "binaries");
  if (!existsSync(place)) return [];
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function chooseFor(...abis: string[]): string | null {
  const store = openStore(join(folder, "lab"));
  try {
    return findBinaryFor(store, abis)?.hash ?? null;
  } finally {
    store.close();
  }
}

describe("the user's own program", () => {
  it("is copied by its hash, is approved and in use for its ABI", async () => {
    const seen: LabEvent["type"][] = [];
    lab.subscribe(({ type }) => seen.push(type));
    const path = write("mein benchmark", phone);
    const added = await lab.addBinary({ path });
    expect(added).toMatchObject({
      hash: hashOf(phone),
      name: "mein benchmark",
      bytes: phone.length,
      abi: "arm64-v8a",
      source: path,
      approved: true,
      inUse: true,
    });
    expect(seen).toEqual(["binaries", "devices"]);
    rmSync(path);
    expect(listFiles()).toEqual([hashOf(phone)]);
    expect(readFileSync(join(folder, "lab", "binaries", hashOf(phone)))).toEqual(phone);
    expect(await lab.binaries()).toEqual([added]);
    expect(chooseFor("arm64-v8a", "armeabi-v7a")).toBe(added.hash);
    expect(chooseFor("x86_64")).toBeNull();
  });

  it("takes the place of the one in use for its ABI, which can be taken into use again", async () => {
    const first = await lab.addBinary({ path: write("first", phone) });
    const second = await lab.addBinary({ path: write("second", makeElf({ filling: "newer" })) });
    const old = await lab.addBinary({ path: write("old", olderPhone) });
    const use = async () =>
      Object.fromEntries((await lab.binaries()).map(({ name, inUse }) => [name, inUse]));
    expect(await use()).toEqual({ first: false, second: true, old: true });
    await lab.useBinary({ hash: first.hash });
    expect(await use()).toEqual({ first: true, second: false, old: true });
    expect(await lab.removeBinary({ hash: first.hash })).toEqual({ removed: 1 });
    expect(await use()).toEqual({ second: true, old: true });
    expect(listFiles().sort()).toEqual([second.hash, old.hash].sort());
    expect(chooseFor("arm64-v8a", "armeabi-v7a")).toBe(second.hash);
    expect(chooseFor("armeabi-v7a", "armeabi")).toBe(old.hash);
    await expect(lab.removeBinary({ hash: first.hash })).rejects.toMatchObject({ code: "bad-request" });
    await expect(lab.useBinary({ hash: first.hash })).rejects.toMatchObject({ code: "bad-request" });
  });

  it("added twice is one; a script serves phones of any ABI that have no better one", async () => {
    const path = write("same", phone);
    expect(await lab.addBinary({ path })).toMatchObject({ inUse: true });
    expect(await lab.addBinary({ path: write("same again", phone) })).toMatchObject({ name: "same" });
    expect(await lab.binaries()).toHaveLength(1);
    const script = await lab.addBinary({ path: write("script.sh", Buffer.from("#!/bin/sh\nexit 0\n")) });
    expect(script).toMatchObject({ abi: null, inUse: true });
    expect(chooseFor("arm64-v8a")).toBe(hashOf(phone));
    expect(chooseFor("x86_64", "x86")).toBe(script.hash);
  });

  it("whose file is gone from the lab is not chosen", async () => {
    const { hash } = await lab.addBinary({ path: write("lost", phone) });
    rmSync(join(folder, "lab", "binaries", hash));
    expect(chooseFor("arm64-v8a")).toBeNull();
  });

  it.each([
    ["is empty", Buffer.alloc(0), /empty/],
    ["is a library", makeElf({ type: 3, entry: 0 }), /library/],
    ["is a page of text", Buffer.from("<html>"), /neither/],
  ])("that %s is refused and leaves nothing", async (_what, bytes, reason) => {
    const path = write("wrong", bytes);
    await expect(lab.addBinary({ path })).rejects.toMatchObject({
      code: "binary-unfit",
      message: expect.stringMatching(reason) as string,
    });
    expect(await lab.binaries()).toEqual([]);
    expect(listFiles()).toEqual([]);
  });

  it("that is not there, is a folder or may not be read is refused", async () => {
    await expect(lab.addBinary({ path: join(folder, "nowhere") })).rejects.toMatchObject({
      code: "binary-unfit",
      message: expect.stringContaining("no such file") as string,
    });
    await expect(lab.addBinary({ path: folder })).rejects.toMatchObject({ code: "binary-unfit" });
    if (process.getuid?.() === 0) return;
    const path = write("secret", phone);
    chmodSync(path, 0);
    await expect(lab.addBinary({ path })).rejects.toMatchObject({
      message: expect.stringContaining("EACCES") as string,
    });
  });

  it("meets a lab that cannot be written", async () => {
    mkdirSync(join(folder, "lab"), { recursive: true });
    writeFileSync(join(folder, "lab", "binaries"), "a file where the folder should be");
    await expect(lab.addBinary({ path: write("own", phone) })).rejects.toMatchObject({
      code: "lab-unwritable",
    });
  });
});

describe("a published program", () => {
  it("comes with progress, waits for approval, and runs only after it", async () => {
    routes["/program"] = (_request, response) => {
      response.writeHead(200, { "content-length": phone.length });
      response.write(phone.subarray(0, 70));
      setImmediate(() => response.end(phone.subarray(70)));
    };
    const seen: LabEvent[] = [];
    lab.subscribe((event) => seen.push(event));
    const binary = await download();
    expect(binary).toMatchObject({
      hash: hashOf(phone),
      name: "published_benchmark",
      bytes: phone.length,
      abi: "arm64-v8a",
      source: `${origin}/program`,
      approved: false,
      inUse: false,
    });
    expect(chooseFor("arm64-v8a")).toBeNull();
    expect(seen.some(({ type }) => type === "binaries")).toBe(true);
    const running = seen.flatMap((event) =>
      event.type === "job" && event.job.progress.state === "running" ? [event.job.progress] : [],
    );
    expect(running.length).toBeGreaterThan(0);
    expect(await lab.useBinary({ hash: binary.hash })).toMatchObject({ approved: true, inUse: true });
    expect(chooseFor("arm64-v8a")).toBe(binary.hash);
    // The same file once more is what it was.
    expect(await download()).toMatchObject({ approved: true, inUse: true });
    expect(await lab.binaries()).toHaveLength(1);
  });

  it("is found where redirections lead, and when it comes packed", async () => {
    routes["/program"] = (_request, response) => response.writeHead(302, { location: "/there" }).end();
    routes["/there"] = (_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(phone));
    };
    expect(await download()).toMatchObject({ hash: hashOf(phone), source: `${origin}/program` });
  });

  const refusals: [string, RequestListener, RegExp][] = [
    ["is not there", (_request, response) => response.writeHead(404).end(), /answers 404/],
    [
      "is redirected in a circle",
      (_q, response) => response.writeHead(302, { location: "/program" }).end(),
      /too often/,
    ],
    [
      "leads to a file of this computer",
      (_q, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
      /not safe/,
    ],
    [
      "ends too early",
      (_request, response) => {
        response.writeHead(200, { "content-length": phone.length });
        response.write(phone.subarray(0, 100), () => response.destroy());
      },
      /terminated|closed|aborted|reset|bytes came/,
    ],
    [
      "is announced as too large",
      (_request, response) => {
        response.writeHead(200, { "content-length": 300_000_000 });
        response.write(phone);
      },
      /larger than 200 MB/,
    ],
    ["is a page instead", (_request, response) => response.end("<html>Sign in</html>"), /neither/],
    [
      "is for another processor than published",
      (_request, response) => response.end(olderPhone),
      /armeabi-v7a, not for arm64-v8a/,
    ],
  ];
  it.each(refusals)("that %s fails and leaves nothing", async (_what, route, reason) => {
    routes["/program"] = route;
    await expect(download()).rejects.toMatchObject({
      code: expect.stringMatching(/^(download-failed|binary-unfit)$/) as string,
      message: expect.stringMatching(reason) as string,
    });
    expect(await lab.binaries()).toEqual([]);
    expect(listFiles()).toEqual([]);
  });

  it("whose server is gone fails with its reason", async () => {
    await lab.close();
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    origin = `http://127.0.0.1:${port}`;
    lab = await openList([{ path: "/program" }]);
    await expect(download()).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("ECONNREFUSED") as string,
    });
  });

  it("must have the hash it is published with", async () => {
    routes["/program"] = routes["/right"] = (_request, response) => response.end(phone);
    await lab.close();
    lab = await openList([
      { path: "/program", hash: "0".repeat(64) },
      { path: "/right", hash: hashOf(phone) },
    ]);
    await expect(download()).rejects.toMatchObject({
      message: expect.stringContaining("its hash is") as string,
    });
    expect(listFiles()).toEqual([]);
    expect(await download("/right")).toMatchObject({ hash: hashOf(phone), approved: false });
  });

  it("is given up on cancel, with nothing left", async () => {
    routes["/program"] = (_request, response) => {
      response.writeHead(200, { "content-length": phone.length });
      response.write(phone.subarray(0, 80));
    };
    const { job, kind } = await lab.startDownload({ url: `${origin}/program` });
    const result = expect(lab.jobResult({ job, kind })).rejects.toMatchObject({ code: "cancelled" });
    await expect.poll(listFiles).toHaveLength(1);
    await lab.cancelJob({ job });
    await result;
    await expect.poll(listFiles).toEqual([]);
  });

  it("is downloaded from no address but those of the list", async () => {
    for (const url of [`${origin}/other`, "file:///etc/passwd", "http://127.0.0.1:1/"])
      await expect(lab.startDownload({ url })).rejects.toMatchObject({ code: "bad-request" });
  });

  it("is listed with the lab for the ABIs of Android, from its publisher alone", () => {
    const published = listPublishedBinaries();
    expect(published.map(({ abi }) => abi)).toEqual(["arm64-v8a", "armeabi-v7a"]);
    for (const { url, license, hash } of published) {
      expect(url).toMatch(
        /^https:\/\/storage\.googleapis\.com\/tensorflow-nightly-public\/.*_benchmark_model$/,
      );
      expect(license).toBe("Apache-2.0");
      expect(hash).toBeNull();
    }
  });
});

describe("latlab binaries", () => {
  const latlab = (...args: string[]) => runCommand([...args, "--lab", join(folder, "lab")], { cwd: folder });

  it("adds, lists, takes into use by the hash's start, and removes", async () => {
    await lab.close();
    write("own", phone);
    const added = await latlab("binaries", "--add", "own", "--json");
    expect(JSON.parse(added.stdout)).toMatchObject({ hash: hashOf(phone), inUse: true });
    const listed = await latlab("binaries", "--json");
    expect(JSON.parse(listed.stdout)).toMatchObject({
      binaries: [{ hash: hashOf(phone) }],
      published: [{ abi: "arm64-v8a" }, { abi: "armeabi-v7a" }],
    });
    expect((await latlab("binaries")).stdout).toContain(hashOf(phone));
    const used = await latlab("binaries", "--use", hashOf(phone).slice(0, 8), "--json");
    expect(JSON.parse(used.stdout)).toMatchObject({ hash: hashOf(phone), approved: true });
    const unknown = await latlab("binaries", "--use", "0000");
    expect(unknown).toMatchObject({ code: 2, stdout: "" });
    const removed = await latlab("binaries", "--remove", hashOf(phone));
    expect(removed).toMatchObject({ code: 0, stderr: "" });
    expect(listFiles()).toEqual([]);
    expect((await latlab("binaries", "--add", "nowhere")).code).toBe(1);
    expect((await latlab("binaries", "--download", "mips")).code).toBe(2);
    expect((await latlab("binaries", "--yes")).code).toBe(2);
    expect((await latlab("binaries", "--add", "own", "--use", "abcd")).code).toBe(2);
    lab = await openList([]);
  });
});
