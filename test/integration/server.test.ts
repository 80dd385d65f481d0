import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { serve, type LabServer } from "../../src-main/server.ts";
import { answerWindowRequest, isWindowUrl, windowUrl } from "../../src-main/windowProtocol.ts";

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    });
    sent.on("error", reject).end();
  });
}

/** `open`, or the status the server refused with. */
function knock(port: number, headers: Record<string, string>, path = "/wire"): Promise<number | "open"> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    socket.on("open", () => {
      socket.terminate();
      resolve("open");
    });
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode!));
    socket.on("error", reject);
  });
}

let folder: string;
let files: string;
let lab: OpenedLab;
let server: LabServer;
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "latlab-server-"));
  files = join(folder, "window");
  mkdirSync(join(files, "assets"), { recursive: true });
  writeFileSync(join(files, "index.html"), "<!doctype html><title>Latency Lab</title>");
  writeFileSync(join(files, "assets", "main.js"), "export {};");
  writeFileSync(join(files, ".hidden"), "hidden");
  writeFileSync(join(folder, "secret.txt"), "secret");
  writeFileSync(join(folder, "secret.js"), "secret");
  lab = await openLab({ folder: join(folder, "lab") });
  server = await serve({ lab, files });
  port = Number(new URL(server.url).port);
});
afterAll(async () => {
  await server.close();
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the server", () => {
  it("is on loopback and serves the window with a strict policy", async () => {
    expect(server.url).toBe(`http://127.0.0.1:${port}/`);
    const page = await ask(port, "/");
    expect(page.status).toBe(200);
    expect(page.text).toContain("Latency Lab");
    const policy = String(page.headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
    expect(page.headers["x-content-type-options"]).toBe("nosniff");
    const script = await ask(port, "/assets/main.js");
    expect(script.headers["content-type"]).toContain("text/javascript");
    expect(script.headers["cache-control"]).toContain("immutable");
    expect((await ask(port, "/", {}, "HEAD")).text).toBe("");
  });

  it.each([
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/..%5csecret.txt",
    "//etc/passwd",
    "/.hidden",
    "/%00",
    "/%",
    "/nothing.js",
    "/assets",
  ])("has nothing at %s", async (path) => {
    const answer = await ask(port, path);
    expect(answer.status).toBe(404);
    expect(answer.text).not.toMatch(/secret|hidden|root:/);
    expect(answer.headers["content-security-policy"]).toBeDefined();
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("does not answer %s", async (method) => {
    const answer = await ask(port, "/", {}, method);
    expect(answer.status).toBe(405);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it.each([
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "[::2]",
  ])("refuses the foreign host name %s everywhere", async (host) => {
    expect((await ask(port, "/", { Host: host })).status).toBe(403);
    expect(await knock(port, { Host: host })).toBe(403);
    expect(await knock(port, { Host: host, Origin: `http://${host}` })).toBe(403);
  });

  it.each(["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])("knows itself as %s", async (name) => {
    const host = `${name}:${port}`;
    expect((await ask(port, "/", { Host: host })).status).toBe(200);
    expect(await knock(port, { Host: host, Origin: `http://${host}` })).toBe("open");
  });

  it.each([
    "http://evil.example",
    "https://127.0.0.1",
    "null",
    "file://",
    "http://127.0.0.1:1",
    "http://localhost:1",
  ])("lets no page of %s at the wire", async (origin) => {
    expect(await knock(port, { Host: `127.0.0.1:${port}`, Origin: origin })).toBe(403);
  });

  it("opens the wire to what is not a browser, and only at its place", async () => {
    expect(await knock(port, {})).toBe("open");
    expect(await knock(port, {}, "/")).toBe(404);
    expect(await knock(port, {}, "/wire/x")).toBe(404);
  });

  it("survives broken frames, garbage and hasty goodbyes", async () => {
    for (const bytes of [
      Buffer.from([0xff, 0xff, 0xff]),
      Buffer.from("GET /wire"),
      Buffer.alloc(70_000, 65),
    ]) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.end(bytes);
      await new Promise((resolve) => socket.once("close", resolve).resume());
    }
    const client = new WebSocket(`ws://127.0.0.1:${port}/wire`);
    await new Promise((resolve) => client.once("open", resolve));
    client.send(Buffer.from([1, 2, 3]));
    const answer = await new Promise<string>((resolve) =>
      client.once("message", (data) => resolve(String(data))),
    );
    expect(JSON.parse(answer)).toMatchObject({ id: null, error: { code: "bad-request" } });
    client.terminate();
    expect((await ask(port, "/")).status).toBe(200);
  });

  it("says in one line that a port is taken, an address is not its own, or the window is not built", async () => {
    await expect(serve({ lab, files, port })).rejects.toMatchObject({
      code: "address-unavailable",
      message: `The lab cannot be served at 127.0.0.1:${port}: another program listens there`,
    });
    await expect(serve({ lab, files, host: "203.0.113.7" })).rejects.toMatchObject({
      code: "address-unavailable",
      message: expect.stringContaining("no such address") as string,
    });
    await expect(serve({ lab, files: folder })).rejects.toMatchObject({ code: "window-missing" });
  });

  it("on all addresses answers to numbers and loopback, and to no foreign name", async () => {
    const open = await serve({ lab, files, host: "0.0.0.0" });
    const at = Number(new URL(open.url).port);
    try {
      expect(open.url).toBe(`http://127.0.0.1:${at}/`);
      expect((await ask(at, "/", { Host: `192.168.1.5:${at}` })).status).toBe(200);
      expect((await ask(at, "/", { Host: "evil.example" })).status).toBe(403);
    } finally {
      await open.close();
    }
  });

  it("closes although clients hold on", async () => {
    const other = await serve({ lab, files });
    const at = Number(new URL(other.url).port);
    const client = new WebSocket(`ws://127.0.0.1:${at}/wire`);
    await new Promise((resolve) => client.once("open", resolve));
    const closed = new Promise((resolve) => client.once("close", resolve));
    await other.close();
    await closed;
    await expect(ask(at, "/")).rejects.toThrow();
  });
});

describe("the desktop window's scheme", () => {
  const answer = (url: string, method = "GET") => answerWindowRequest(files, url, method);

  it("serves the page with its policy", async () => {
    const page = await answer(windowUrl);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("Latency Lab");
    expect(page.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    expect((await answer(`${windowUrl}assets/main.js`)).headers.get("Content-Type")).toContain("javascript");
  });

  it.each([
    `${windowUrl}../secret.txt`,
    `${windowUrl}%2e%2e/secret.txt`,
    `${windowUrl}..%2fsecret.js`,
    `${windowUrl}..%5csecret.js`,
    `${windowUrl}assets/..%2f..%2fsecret.js`,
    `${windowUrl}%2e%2e%2fsecret.js`,
    `${windowUrl}%`,
    `${windowUrl}.hidden`,
    `${windowUrl}assets`,
    `${windowUrl}nothing.js`,
    "latency-lab://other/index.html",
    "file:///etc/passwd",
  ])("has nothing at %s", async (url) => {
    expect((await answer(url)).status).toBe(404);
  });

  it("only reads, and knows its own page", async () => {
    expect((await answer(windowUrl, "POST")).status).toBe(404);
    expect(isWindowUrl(windowUrl)).toBe(true);
    expect(isWindowUrl(`${windowUrl}#/runs/1`)).toBe(true);
    for (const url of [
      "latency-lab://window.evil/",
      "https://evil.example/",
      "latency-lab://other/",
      "about:blank",
      "",
    ])
      expect(isWindowUrl(url), url).toBe(false);
  });
});
