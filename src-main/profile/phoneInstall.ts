import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import type { PhoneConnection, ShellResult } from "../device/phoneConnection.ts";
import { phoneFolder } from "../device/phoneFolder.ts";
import { cleanText } from "../device/phoneText.ts";
import { quote } from "../device/quote.ts";
import type { Device, PreflightCheck } from "../lab/contract.ts";
import { LabError } from "../lab/errors.ts";
import { binaryUnfit, phoneRefused } from "../lab/phoneErrors.ts";
import { type ToolCapabilities, describeTool, parseHelp } from "./benchmarkTool.ts";
import type { PhoneBinary } from "./phoneBench.ts";
import { explainStart } from "./phoneFailure.ts";

/** A benchmark program that lies on a phone and runs there. */
export interface InstalledBinary {
  /** On the phone. */
  path: string;
  hash: string;
  abi: string | null;
  /** What it is, as closely as it tells. */
  version: string;
  capabilities: ToolCapabilities;
}

export interface InstallOptions {
  signal?: AbortSignal | undefined;
  report?: ((note: string) => void) | undefined;
}

const timeoutMs = 30_000;
const programName = "benchmark_model";

// What a program can do does not change, and asking it costs its start.
const knownTools = new Map<string, ToolCapabilities>();

/** Where the program of a hash lies on a phone. */
export function locateOnPhone(hash: string): string {
  return `${phoneFolder}/bin/${hash}/${programName}`;
}

/**
 * Puts the program on the phone when it is not there whole, makes it executable and asks it what it can do. Rejects with
 * binary-unfit when it is not the phone's or not a benchmark_model, with phone-refused when the phone does not take it.
 */
export async function installBinary(
  connection: PhoneConnection,
  binary: PhoneBinary,
  abis: readonly string[],
  options: InstallOptions = {},
): Promise<InstalledBinary> {
  if (binary.abi !== null && abis.length > 0 && !abis.includes(binary.abi))
    throw binaryUnfit(
      binary.name,
      `it is built for ${binary.abi}, and ${connection.id} runs ${abis.join(", ")}`,
    );
  const path = locateOnPhone(binary.hash);
  const bytes = statSync(binary.path).size;
  if (!(await isWhole(connection, path, binary.hash, bytes, options)))
    await pushBinary(connection, binary, path, bytes, options);
  const capabilities = await askTool(connection, binary, path, options);
  return { path, hash: binary.hash, abi: binary.abi, version: describeTool(capabilities), capabilities };
}

function isWhole(
  connection: PhoneConnection,
  path: string,
  hash: string,
  bytes: number,
  { signal }: InstallOptions,
): Promise<boolean> {
  const file = quote(path);
  const line = `if [ -f ${file} ] && [ -x ${file} ]; then echo "bytes $(wc -c <${file})"; sha256sum ${file}; fi 2>/dev/null`;
  return connection
    .run(line, { timeoutMs, signal })
    .then((answer) => judgeCopy(answer.stdout, hash, bytes) === null);
}

/** Why a copy on the phone is not the file, or null; a phone without sha256sum is judged by the size alone. */
export function judgeCopy(said: string, hash: string, bytes: number): string | null {
  const size = /^bytes\s+(\d+)\s*$/m.exec(said)?.[1];
  if (size === undefined) return "it is not there";
  if (Number(size) !== bytes) return `it has ${size} of ${bytes} bytes`;
  const found = /^([0-9a-f]{64})(?:\s|$)/im.exec(said)?.[1];
  return found === undefined || found.toLowerCase() === hash.toLowerCase() ? null : "its SHA-256 differs";
}

async function pushBinary(
  connection: PhoneConnection,
  binary: PhoneBinary,
  path: string,
  bytes: number,
  { signal, report }: InstallOptions,
): Promise<void> {
  report?.(`putting ${binary.name} on the phone`);
  const folder = quote(path.slice(0, -programName.length - 1));
  const made = await connection.run(`mkdir -p ${folder} && chmod 755 ${folder}`, { timeoutMs, signal });
  if (made.exitCode !== 0) throw refuse(connection, binary, made.stderr);
  // A torn copy never has the program's name.
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  const file = quote(draft);
  try {
    await connection.push({ path: binary.path }, draft, 0o755, { signal });
    const line = `chmod 755 ${file}; echo "bytes $(wc -c <${file})"; sha256sum ${file} 2>/dev/null`;
    const { stdout } = await connection.run(line, { timeoutMs, signal });
    const problem = judgeCopy(stdout, binary.hash, bytes);
    if (problem) throw refuse(connection, binary, `the copy on the phone is not the program, ${problem}`);
    const moved = await connection.run(`mv -f ${file} ${quote(path)}`, { timeoutMs, signal });
    if (moved.exitCode !== 0) throw refuse(connection, binary, moved.stderr);
  } catch (error) {
    await connection.run(`rm -f ${file}`, { timeoutMs }).catch(() => undefined);
    throw error;
  }
}

function refuse(connection: PhoneConnection, binary: PhoneBinary, words: string): LabError {
  return phoneRefused(connection.id, `take ${binary.name}`, cleanText(words, 200) || "it gave no reason");
}

async function askTool(
  connection: PhoneConnection,
  binary: PhoneBinary,
  path: string,
  { signal }: InstallOptions,
): Promise<ToolCapabilities> {
  const key = `${connection.id}\n${binary.hash}`;
  const known = knownTools.get(key);
  if (known) return known;
  const answer = await connection.run(`exec ${quote(path)} --help`, { timeoutMs, signal });
  const capabilities = parseHelp(`${answer.stdout}\n${answer.stderr}`);
  if (capabilities.kind === "unknown") throw explainTool(connection, binary, answer);
  knownTools.set(key, capabilities);
  return capabilities;
}

function explainTool(connection: PhoneConnection, binary: PhoneBinary, answer: ShellResult): LabError {
  const words = cleanText(answer.stderr || answer.stdout, 300);
  const problem = explainStart(words);
  if (problem?.startsWith("permission denied"))
    return phoneRefused(connection.id, `run ${binary.name}`, problem);
  if (problem) return binaryUnfit(binary.name, problem);
  if (answer.exitCode > 128)
    return binaryUnfit(
      binary.name,
      `signal ${answer.exitCode - 128} ended it at once on ${connection.id}; it may be built for newer cores`,
    );
  return binaryUnfit(
    binary.name,
    `its --help is not that of a benchmark_model: ${words || "it says nothing"}`,
  );
}

/** Tries the program on the phone, for the list of checks; rejects only when the phone is lost or on abort. */
export async function checkBinary(
  connection: PhoneConnection,
  binary: PhoneBinary,
  device: Device,
  options: InstallOptions = {},
): Promise<PreflightCheck> {
  const check = { id: "binary", title: "Benchmark program" };
  try {
    const installed = await installBinary(connection, binary, device.phone?.abis ?? [], options);
    const detail = `${binary.name}, ${installed.version}, SHA-256 ${binary.hash.slice(0, 12)}, runs`;
    return { ...check, state: "ok", detail, remedy: null, action: null };
  } catch (error) {
    if (!(error instanceof LabError) || error.code === "phone-lost" || error.code === "cancelled")
      throw error;
    return { ...check, state: "failed", detail: error.message, remedy: error.hint, action: null };
  }
}
