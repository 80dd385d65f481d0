import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { type Address, isLoopback, readAddress } from "./serverAddress.ts";

/** The environment variables that are looked at, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The adb program of this computer, or in words why there is none. */
export interface AdbProgram {
  path: string | null;
  /** Where it was found: `the settings`, `$ANDROID_HOME`, `PATH` or a folder. */
  source: string | null;
  /** adb's own version, e.g. `1.0.41 (29.0.6-debian)`; null when it does not tell. */
  version: string | null;
  /** Why there is none and what to do, or null. */
  problem: string | null;
  /** $LATENCY_LAB_ADB is `none`: no server is started or asked, there are no phones. */
  switchedOff: boolean;
}

/** Where the local adb server listens. */
export interface LocalServer extends Address {
  /** It is on this computer, where the lab starts it when needed. */
  startable: boolean;
  /** What is wrong with the environment variable that names it, or null. */
  problem: string | null;
}

const defaultPort = 5037;
const versionTimeoutMs = 5000;
const longestVersion = 80;
const install =
  "Install Android's platform-tools (package adb on Debian and Ubuntu, android-platform-tools with Homebrew), or set the path of adb in the settings.";

interface Candidate {
  path: string;
  source: string;
}

/**
 * Finds adb and asks its version. In order: the setting, $LATENCY_LAB_ADB (`none` means no phones), $ADB, the SDK of
 * $ANDROID_HOME or $ANDROID_SDK_ROOT, PATH, the usual places. What the first three name is taken or reported, never passed over.
 */
export async function findAdb(setting: string | null, env: Environment): Promise<AdbProgram> {
  if (env["LATENCY_LAB_ADB"] === "none")
    return missing("Phones are switched off by LATENCY_LAB_ADB=none in the environment.", true);
  const named = findNamed(setting, env);
  if (named) return identifyNamed(named);
  let broken: string | null = null;
  for (const candidate of listCandidates(env)) {
    if (!isProgram(candidate.path)) continue;
    const answer = await askVersion(candidate.path);
    if (answer.problem === null) return found(candidate, answer.version);
    broken ??= `${candidate.path} cannot be run: ${answer.problem}`;
  }
  return missing(`${broken ?? "No adb program was found on this computer"}. ${install}`);
}

/** Where the local server listens: $ADB_SERVER_SOCKET, $ANDROID_ADB_SERVER_ADDRESS and $ANDROID_ADB_SERVER_PORT, as adb reads them. */
export function readLocalServer(env: Environment): LocalServer {
  const socket = env["ADB_SERVER_SOCKET"];
  if (socket) {
    const address = readSocket(socket);
    if (address) return { ...address, startable: isLoopback(address.host), problem: null };
    return {
      ...{ host: "127.0.0.1", port: defaultPort, startable: false },
      problem: `ADB_SERVER_SOCKET is ${JSON.stringify(socket.slice(0, 80))} in the environment; the lab reaches adb servers over tcp:HOST:PORT only.`,
    };
  }
  const host = env["ANDROID_ADB_SERVER_ADDRESS"] || "127.0.0.1";
  const port = env["ANDROID_ADB_SERVER_PORT"] || String(defaultPort);
  const address = /^\d+$/.test(port)
    ? readAddress(`${host.includes(":") ? `[${host}]` : host}:${port}`, defaultPort)
    : null;
  if (address) return { ...address, startable: isLoopback(address.host), problem: null };
  return {
    ...{ host: "127.0.0.1", port: defaultPort, startable: false },
    problem: `ANDROID_ADB_SERVER_ADDRESS or ANDROID_ADB_SERVER_PORT in the environment is not a host and a port (${JSON.stringify(`${host}:${port}`.slice(0, 80))}).`,
  };
}

function readSocket(text: string): Address | null {
  if (!text.startsWith("tcp:")) return null;
  const rest = text.slice("tcp:".length);
  return readAddress(/^\d+$/.test(rest) ? `127.0.0.1:${rest}` : rest, defaultPort);
}

function findNamed(setting: string | null, env: Environment): Candidate | null {
  if (setting) return { path: setting, source: "the settings" };
  for (const name of ["LATENCY_LAB_ADB", "ADB"]) {
    const path = env[name];
    if (path) return { path, source: `$${name}` };
  }
  return null;
}

async function identifyNamed({ path: given, source }: Candidate): Promise<AdbProgram> {
  const path = locateWithin(given);
  if (path === null) return missing(`${source} names ${given}, where there is no adb program. ${install}`);
  const answer = await askVersion(path);
  if (answer.problem === null) return found({ path, source }, answer.version);
  return missing(`${path}, named by ${source}, cannot be run: ${answer.problem}. ${install}`);
}

// People name the program, its folder, or the SDK.
function locateWithin(given: string): string | null {
  const inside = [join(given, programName()), join(given, "platform-tools", programName())];
  return [given, ...inside].find(isProgram) ?? null;
}

function listCandidates(env: Environment): Candidate[] {
  const candidates: Candidate[] = [];
  for (const name of ["ANDROID_HOME", "ANDROID_SDK_ROOT"]) {
    const folder = env[name];
    if (folder) candidates.push({ path: join(folder, "platform-tools", programName()), source: `$${name}` });
  }
  for (const folder of (env["PATH"] ?? env["Path"] ?? "").split(delimiter))
    if (folder) candidates.push({ path: join(folder, programName()), source: "PATH" });
  for (const folder of listUsualPlaces(env))
    candidates.push({ path: join(folder, programName()), source: folder });
  return candidates;
}

function listUsualPlaces(env: Environment): string[] {
  const home = env["HOME"] ?? env["USERPROFILE"] ?? homedir();
  if (process.platform === "win32") {
    const data = env["LOCALAPPDATA"] ?? join(home, "AppData", "Local");
    return [join(data, "Android", "Sdk", "platform-tools")];
  }
  if (process.platform === "darwin")
    return [join(home, "Library", "Android", "sdk", "platform-tools"), "/opt/homebrew/bin", "/usr/local/bin"];
  return [join(home, "Android", "Sdk", "platform-tools"), "/usr/lib/android-sdk/platform-tools", "/usr/bin"];
}

function programName(): string {
  return process.platform === "win32" ? "adb.exe" : "adb";
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function found({ path, source }: Candidate, version: string | null): AdbProgram {
  return { path, source, version, problem: null, switchedOff: false };
}

function missing(problem: string, switchedOff = false): AdbProgram {
  return { path: null, source: null, version: null, problem, switchedOff };
}

function askVersion(path: string): Promise<{ version: string | null; problem: string | null }> {
  return new Promise((resolve) => {
    const child = spawn(path, ["version"], { stdio: ["ignore", "pipe", "pipe"], timeout: versionTimeoutMs });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(0, 4000)));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(0, 4000)));
    child.once("error", (error) => resolve({ version: null, problem: error.message }));
    child.once("close", (code) => {
      const version = readVersion(output);
      // A slow or odd adb is still worth a try; one that says nothing and fails is not.
      if (code === 0 || version !== null) return resolve({ version, problem: null });
      const said = shorten(errors.trim() || output.trim());
      const how = code === null ? "it did not end" : `it ended with exit code ${code}`;
      resolve({ version: null, problem: said ? `${how} (${said})` : how });
    });
  });
}

/** The version in the output of `adb version`: `1.0.41 (29.0.6-debian)`, the first line when it has another form, or null. */
export function readVersion(output: string): string | null {
  const protocol = /Android Debug Bridge version (\S+)/.exec(output)?.[1];
  const build = /^(?:Version|Revision) (\S+)/m.exec(output)?.[1];
  if (protocol) return shorten(build ? `${protocol} (${build})` : protocol);
  const first = output.trim().split(/\r?\n/)[0];
  return first ? shorten(first) : null;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > longestVersion ? `${line.slice(0, longestVersion)}…` : line;
}
