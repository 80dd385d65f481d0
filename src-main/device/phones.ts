import { setMaxListeners } from "node:events";
import type { AdbServerState, AdbState } from "../lab/contract.ts";
import { LabError, cancelled } from "../lab/errors.ts";
import { adbMissing, adbUnreachable, phoneLost, phoneUnavailable } from "../lab/phoneErrors.ts";
import { AdbPhone } from "./adbPhone.ts";
import { type AdbProgram, type Environment, findAdb, readLocalServer } from "./adbProgram.ts";
import { AdbServer } from "./adbServer.ts";
import { startAdbServer } from "./adbServerStart.ts";
import { connectPhone, disconnectPhone, pairPhone, phoneAddress } from "./pairing.ts";
import type { PhoneConnection } from "./phoneConnection.ts";
import { type PhoneEntry, findEntry, listEntries, upperFirst } from "./phoneEntry.ts";
import type { ListedPhone } from "./phoneState.ts";
import { formatAddress, isLoopback, requireAddress } from "./serverAddress.ts";
import { WifiPhones } from "./wifiPhones.ts";

export interface PhonesOptions {
  /** Path of the adb program from the settings; null looks for one. */
  adbPath?: string | null;
  /** Further adb servers, `host:port`. */
  servers?: readonly string[];
  /** Phones on Wi-Fi to connect again by themselves, `host:port`. */
  wifiPhones?: readonly string[];
  /** Where adb's variables are read and what adb is started with; `process.env` when absent. */
  env?: Environment;
}

export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** Rejects with phone-lost after this time, and the second more that a phone may take to answer; no limit when absent. */
  patienceMs?: number | undefined;
  /** Told in words why the phone is not there yet, first at once and then after each change. */
  onWait?: ((problem: string) => void) | undefined;
}

const serverPort = 5037;
const firstListMs = 2000;
const bootPollMs = 500;
const probeTimeoutMs = 10_000;
const shortestProbeMs = 1000;
const longestTimerMs = 2 ** 31 - 1;

/**
 * The phones of this computer's adb server and of further ones. Neither adb nor a server is touched before the first call that
 * needs one, and never with LATENCY_LAB_ADB=none.
 */
export class Phones {
  readonly #env: Environment;
  #adbPath: string | null;
  #addresses: string[];
  #wifiAddresses: string[];
  #program: Promise<AdbProgram> | null = null;
  #local: AdbServer | null = null;
  #wifi: WifiPhones | null = null;
  #further: AdbServer[] = [];
  readonly #listeners = new Set<() => void>();
  #started = false;
  /** Until when the first answers are waited for. */
  #settledBy = 0;
  #closed = false;

  constructor(options: PhonesOptions = {}) {
    this.#env = options.env ?? process.env;
    this.#adbPath = options.adbPath ?? null;
    this.#addresses = normalizeServers(options.servers ?? []);
    this.#wifiAddresses = (options.wifiPhones ?? []).map(phoneAddress);
  }

  /** Calls `listener` after each change of phones or servers until the returned function is called; starts nothing. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** All phones the servers list; the first call waits up to 2 s for every server's first answer and for phones that are just coming. */
  async list(): Promise<ListedPhone[]> {
    this.#start();
    await this.#until(() => this.#isSettled(), this.#settledBy - performance.now());
    return this.known();
  }

  /** The phones as known at this moment, without waiting; starts nothing. */
  known(): ListedPhone[] {
    return this.#entries().map(({ phone }) => phone);
  }

  /** The servers as known at this moment, the local one first; none before the first use. */
  servers(): AdbServerState[] {
    return this.#servers().map((server) => server.state());
  }

  /** How phones are reached. `again` looks for adb anew and makes servers that wait connect at once. */
  async adb(options: { again?: boolean } = {}): Promise<AdbState> {
    if (options.again) {
      this.#program = null;
      this.#hurry();
    }
    this.#start();
    const program = await this.#findProgram();
    await this.#until(
      () => this.#servers().every((server) => server.answered()),
      this.#settledBy - performance.now(),
    );
    const reachable = this.#local?.state().state === "connected";
    return {
      path: program.path,
      source: program.source,
      version: program.version,
      // A server that somebody else started needs no program here.
      problem: reachable ? null : program.problem,
      servers: this.servers(),
    };
  }

  /** The phone of that id, or the only one of that serial; null when none is listed. Rejects a serial that several have. */
  resolve(idOrSerial: string): ListedPhone | null {
    return this.#resolve(idOrSerial)?.phone ?? null;
  }

  /** Connects to a phone that is listed as ready; rejects with phone-unavailable and its remedy otherwise. */
  async connect(idOrSerial: string, signal?: AbortSignal): Promise<PhoneConnection> {
    await this.list();
    if (signal?.aborted) throw cancelled();
    const entry = this.#resolve(idOrSerial);
    if (!entry) throw await this.#explainAbsence(idOrSerial);
    return this.#connectEntry(entry, signal);
  }

  /**
   * Waits until a phone is listed as ready, answers a command and has booted, and connects to it. Rejects with phone-lost when
   * patience ends and with cancelled on abort.
   */
  async waitFor(idOrSerial: string, options: WaitOptions = {}): Promise<PhoneConnection> {
    const { signal, patienceMs = Number.POSITIVE_INFINITY } = options;
    if (signal) setMaxListeners(0, signal);
    this.#start();
    if (this.#isSwitchedOff()) throw await this.#explainAbsence(idOrSerial);
    this.#hurry();
    const deadline = performance.now() + patienceMs;
    let told: string | null = null;
    for (;;) {
      if (signal?.aborted) throw cancelled();
      if (this.#closed) throw phoneLost(idOrSerial, "the lab was closing");
      const entry = this.#resolve(idOrSerial);
      const answer = entry ? await this.#tryEntry(entry, deadline, signal) : "it is not connected";
      if (typeof answer !== "string") return answer;
      if (performance.now() >= deadline)
        throw phoneLost(idOrSerial, `the lab waited ${Math.round(patienceMs / 1000)} s for it (${answer})`);
      if (answer !== told) options.onWait?.(entry?.phone.problem ?? `${upperFirst(answer)}.`);
      told = answer;
      // What the list tells comes as a change; whether it has booted must be asked for.
      const pauseMs = entry?.phone.state === "ready" ? bootPollMs : deadline - performance.now();
      await this.#nextChange(Math.min(pauseMs, deadline - performance.now()), signal);
    }
  }

  /** Takes the place of the further servers, `host:port`; those that stay keep their connections. */
  async setServers(addresses: readonly string[]): Promise<void> {
    this.#addresses = normalizeServers(addresses);
    if (!this.#started || this.#closed || this.#isSwitchedOff()) return;
    this.#settledBy = performance.now() + firstListMs;
    const wanted = this.#furtherAddresses();
    const kept = this.#further.filter((server) => wanted.includes(server.address));
    const left = this.#further.filter((server) => !kept.includes(server));
    const added = wanted
      .filter((address) => !kept.some((server) => server.address === address))
      .map((address) => this.#makeFurther(address));
    this.#further = [...kept, ...added];
    for (const server of added) server.start();
    this.#tell();
    await Promise.all(left.map((server) => server.close()));
  }

  /** The path of adb from the settings; a server that could not be started is tried again at once. */
  setAdbPath(path: string | null): void {
    this.#adbPath = path;
    this.#program = null;
    this.#hurry();
  }

  /** Takes the place of the phones on Wi-Fi that are connected again by themselves. */
  setWifiPhones(addresses: readonly string[]): void {
    this.#wifiAddresses = addresses.map(phoneAddress);
    this.#wifi?.set(this.#wifiAddresses);
  }

  /** Why a phone on Wi-Fi could not be connected the last time, by address. */
  wifiProblems(): ReadonlyMap<string, string | null> {
    return this.#wifi?.problems() ?? new Map();
  }

  /** `adb pair` on this computer's server; gives adb's words. */
  async pair(address: string, code: string): Promise<string> {
    return pairPhone(await this.#requireLocal(), address, code);
  }

  /** `adb connect` on this computer's server; gives the phone's id. */
  async connectWifi(address: string): Promise<string> {
    return connectPhone(await this.#requireLocal(), address);
  }

  /** `adb disconnect` on this computer's server; tells whether it was connected. It is not connected again by itself. */
  async disconnectWifi(address: string): Promise<boolean> {
    const target = phoneAddress(address);
    this.setWifiPhones(this.#wifiAddresses.filter((known) => known !== target));
    return disconnectPhone(await this.#requireLocal(), target);
  }

  /** Lets go of all servers and phones; adb servers go on running. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#wifi?.close();
    await Promise.all(this.#servers().map((server) => server.close()));
    this.#tell();
    this.#listeners.clear();
  }

  #start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    this.#settledBy = performance.now() + firstListMs;
    if (this.#isSwitchedOff()) return;
    const where = readLocalServer(this.#env);
    const start = async () => startAdbServer(await this.#findProgram(), where, this.#env);
    this.#local = new AdbServer({
      address: where,
      local: true,
      start: where.startable ? start : null,
      problem: where.problem,
    });
    this.#local.onChange(() => this.#tell());
    this.#wifi = new WifiPhones(this.#local, () => this.#tell());
    this.#wifi.set(this.#wifiAddresses);
    this.#further = this.#furtherAddresses().map((address) => this.#makeFurther(address));
    for (const server of this.#servers()) server.start();
  }

  /** Without this computer's server under another of its names, whose phones would be listed twice. */
  #furtherAddresses(): string[] {
    const own = readLocalServer(this.#env);
    return this.#addresses.filter((text) => {
      const { host, port } = requireAddress(text, serverPort, "an adb server");
      return port !== own.port || (host !== own.host && !(isLoopback(host) && isLoopback(own.host)));
    });
  }

  #makeFurther(text: string): AdbServer {
    const address = requireAddress(text, serverPort, "an adb server");
    const server = new AdbServer({ address, local: false, start: null });
    server.onChange(() => this.#tell());
    return server;
  }

  #servers(): AdbServer[] {
    return this.#local ? [this.#local, ...this.#further] : this.#further;
  }

  #findProgram(): Promise<AdbProgram> {
    this.#program ??= findAdb(this.#adbPath, this.#env);
    return this.#program;
  }

  #isSwitchedOff(): boolean {
    return this.#env["LATENCY_LAB_ADB"] === "none";
  }

  #hurry(): void {
    for (const server of this.#servers()) server.hurry();
    this.#wifi?.hurry();
  }

  #isSettled(): boolean {
    return (
      this.#servers().every((server) => server.answered()) &&
      (this.#local?.state().state !== "connected" || (this.#wifi?.settled() ?? true)) &&
      !this.#entries().some(({ passing }) => passing)
    );
  }

  #entries(): PhoneEntry[] {
    return listEntries(this.#servers());
  }

  #resolve(idOrSerial: string): PhoneEntry | null {
    return findEntry(this.#entries(), idOrSerial);
  }

  async #connectEntry(entry: PhoneEntry, signal?: AbortSignal): Promise<AdbPhone> {
    const { phone, server, key } = entry;
    if (phone.state !== "ready") throw phoneUnavailable(phone.id, entry.why ?? phone.word, entry.remedy);
    return AdbPhone.connect(server, { key, id: phone.id, serial: phone.serial }, signal);
  }

  /** A connection when the phone is ready and has booted, else why not. */
  async #tryEntry(
    entry: PhoneEntry,
    deadline: number,
    signal?: AbortSignal,
  ): Promise<PhoneConnection | string> {
    if (entry.phone.state !== "ready") return entry.why ?? entry.phone.word;
    let connection: AdbPhone | null = null;
    try {
      connection = await this.#connectEntry(entry, signal);
      const leftMs = deadline - performance.now();
      const timeoutMs = Math.max(shortestProbeMs, Math.min(probeTimeoutMs, leftMs));
      const { stdout, exitCode } = await connection.run("getprop sys.boot_completed", { signal, timeoutMs });
      const booted = stdout.trim();
      // Boards without that property, or without getprop, are taken as they are.
      if (exitCode !== 0 || booted === "" || booted === "1") return connection;
      await connection.close();
      return "it has not finished booting";
    } catch (error) {
      await connection?.close();
      if (signal?.aborted) throw cancelled();
      if (!(error instanceof LabError) || error.code === "phone-unavailable") throw error;
      // adb lists a phone on Wi-Fi as ready for ten seconds after it went.
      if (entry.server.local) await this.#wifi?.renew(entry.phone.serial);
      return error.code === "phone-lost" ? "it went away again" : "it does not answer";
    }
  }

  async #explainAbsence(id: string): Promise<LabError> {
    const program = await this.#findProgram();
    if (program.switchedOff && program.problem) return adbMissing(program.problem);
    const servers = this.servers();
    const broken = servers.find(
      ({ address, local, state }) =>
        state !== "connected" && (id.endsWith(`@${address}`) || (local && !id.includes("@"))),
    );
    if (broken?.local && program.problem) return adbMissing(program.problem);
    if (broken) return adbUnreachable(broken.address, broken.problem ?? "it is being connected");
    return phoneUnavailable(
      id,
      "it is not connected",
      "Plug it in and switch on USB debugging in its developer options.",
    );
  }

  async #requireLocal(): Promise<AdbServer> {
    this.#start();
    const program = await this.#findProgram();
    if (!this.#local) throw adbMissing(program.problem ?? "Phones are switched off.");
    const local = this.#local;
    await this.#until(() => local.answered(), probeTimeoutMs);
    const { state, problem } = local.state();
    if (state === "connected") return local;
    if (program.problem) throw adbMissing(program.problem);
    throw adbUnreachable(local.address, problem ?? "it is being connected");
  }

  async #until(holds: () => boolean, limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (!this.#closed && !holds()) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return;
      await this.#nextChange(leftMs);
    }
  }

  #nextChange(limitMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#listeners.delete(end);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, Math.min(Math.max(0, limitMs), longestTimerMs));
      this.#listeners.add(end);
      signal?.addEventListener("abort", end);
      if (signal?.aborted) end();
    });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function normalizeServers(addresses: readonly string[]): string[] {
  return [
    ...new Set(addresses.map((text) => formatAddress(requireAddress(text, serverPort, "an adb server")))),
  ];
}
