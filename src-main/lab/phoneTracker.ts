import type { Environment } from "../device/adbProgram.ts";
import type { PhoneConnection } from "../device/phoneConnection.ts";
import type { Phones } from "../device/phones.ts";
import type { ListedPhone } from "../device/phoneState.ts";
import { findBinaryFor } from "../store/binaries.ts";
import type { Store } from "../store/database.ts";
import { findSeenPhone, listSeenPhones, savePhone } from "../store/phones.ts";
import { readSettings } from "../store/settings.ts";
import type { AdbState, Device, LabEvent, LabSettings } from "./contract.ts";
import { LabError, describeError, deviceUnknown } from "./errors.ts";
import { adbMissing, phoneLost, phoneUnavailable } from "./phoneErrors.ts";
import { describeAbsent, describeStranger, dropReadings } from "./phoneDescription.ts";
import { isMeasured, putBack } from "./phoneRestoring.ts";
import { Publisher } from "./publisher.ts";

/** What a tracker of phones is made with. */
export interface PhoneTrackerOptions {
  store: Store;
  publish: (event: LabEvent) => void;
  /** The environment that tells where adb is; `LATENCY_LAB_ADB=none` means no phones. */
  env: Environment;
}

/** A phone that is listed now, with what it said of itself. */
interface Tracked {
  listed: ListedPhone;
  /** As probed since it was connected, or before while it is being measured; null until then. */
  device: Device | null;
  /** Why it could not be asked. */
  problem: string | null;
  /** Settles, never rejects, when it has been asked. */
  probing: Promise<void> | null;
  /** When it was asked, on the monotonic clock; the smallest number before. */
  probedAt: number;
}

/** Readings older than this are taken anew when somebody looks at the devices. */
const staleMs = 5000;
const switchedOff = "Phones are switched off by LATENCY_LAB_ADB=none in the environment.";

/** Knows the phones: which are there, what they are, which were there before. Starts nothing until somebody asks. */
export class PhoneTracker {
  private readonly options: PhoneTrackerOptions;
  private readonly tracked = new Map<string, Tracked>();
  private readonly changes: Publisher;
  private readonly adbChanges: Publisher;
  private readonly held = new Set<string>();
  private readonly told = new Map<string, string>();
  private readonly closing = new AbortController();
  private starting: Promise<Phones> | null = null;

  constructor(options: PhoneTrackerOptions) {
    this.options = options;
    this.changes = new Publisher(() => options.publish({ type: "devices" }));
    this.adbChanges = new Publisher(() => options.publish({ type: "adb" }));
  }

  /** Whether the environment says that there are no phones. */
  get switchedOff(): boolean {
    return this.options.env["LATENCY_LAB_ADB"] === "none";
  }

  /** Phones that are listed, then those that were here before; without the noise floor, which is the lab's. */
  async list(): Promise<Device[]> {
    const { store } = this.options;
    await this.look();
    const present = [...this.tracked.values()].map((entry) => {
      this.refresh(entry);
      return this.describe(entry);
    });
    const absent = listSeenPhones(store)
      .filter(({ device }) => !this.tracked.has(device.id))
      .map(describeAbsent);
    return [...present, ...absent].map((device) => this.complete(device));
  }

  /**
   * The phone of an id or a bare serial, asked what it is. Rejects with device-unknown, or with phone-unavailable when it
   * cannot be used now.
   */
  async find(idOrSerial: string): Promise<Device> {
    const id = await this.resolve(idOrSerial);
    let entry = this.tracked.get(id);
    if (!entry && !findSeenPhone(this.options.store, id)) throw deviceUnknown(idOrSerial);
    if (entry?.listed.state !== "ready") {
      // Says what to do about its state; or it has just become ready.
      await this.withConnection(id, async () => undefined);
      await this.look();
      entry = this.tracked.get(id);
      if (!entry) throw phoneLost(id, "it was looked for");
    }
    await entry.probing;
    if (entry.device) return this.complete(this.describe(entry));
    throw phoneUnavailable(
      id,
      entry.problem ?? "it does not say what it is",
      "Plug it in again; restart it if that does not help.",
    );
  }

  /** As `find`, but a phone that is not there is as it was when last seen. */
  async recall(idOrSerial: string): Promise<Device> {
    const id = await this.resolve(idOrSerial);
    const entry = this.tracked.get(id);
    await entry?.probing;
    const device = entry?.device ?? findSeenPhone(this.options.store, id)?.device;
    return device ? this.complete(device) : this.find(id);
  }

  /** Waits until the phone is there and was asked what it is; rejects with cancelled. */
  async awaitReady(id: string, signal: AbortSignal, report: (note: string) => void): Promise<Device> {
    const phones = await this.start();
    const onWait = (problem: string) => report(`waiting for ${id}: ${problem}`);
    const connection = await phones.waitFor(id, { signal, onWait });
    await connection.close();
    await this.look();
    return this.find(id);
  }

  /** The phones below all this, started when they were not. Rejects with adb-missing when they are switched off. */
  start(): Promise<Phones> {
    if (this.switchedOff) return Promise.reject(adbMissing(switchedOff));
    // Tried again the next time: what was in the way may have been a setting.
    this.starting ??= this.open().catch((error: unknown) => {
      this.starting = null;
      throw error;
    });
    return this.starting;
  }

  /** A connection to a ready phone, for as long as `act` takes. */
  async withConnection<T>(id: string, act: (connection: PhoneConnection) => Promise<T>): Promise<T> {
    const connection = await (await this.start()).connect(id);
    try {
      return await act(connection);
    } finally {
      await connection.close();
    }
  }

  /** How phones are reached; looks for adb again with `again`. */
  async adb(again: boolean): Promise<AdbState> {
    if (this.switchedOff)
      return { path: null, source: null, version: null, problem: switchedOff, servers: [] };
    return (await this.start()).adb({ again });
  }

  /** Puts changed settings into effect; where nobody has asked for phones yet there is nothing to do. */
  async apply(changes: Partial<LabSettings>): Promise<void> {
    if (!this.starting) return;
    const phones = await this.starting;
    if (changes.adbPath !== undefined) phones.setAdbPath(changes.adbPath);
    if (changes.adbServers !== undefined) await phones.setServers(changes.adbServers);
    if (changes.wifiPhones !== undefined) phones.setWifiPhones(changes.wifiPhones);
  }

  /** Keeps what the user changed on a phone until the lab is closed. */
  hold(id: string): void {
    this.held.add(id);
  }

  /** Whether the user changed something on the phone that is kept until the lab is closed. */
  isHeld(id: string): boolean {
    return this.held.has(id);
  }

  /** Asks a phone anew, for what was changed on it. */
  async reprobe(id: string): Promise<void> {
    const entry = this.tracked.get(id);
    if (!entry) return;
    await entry.probing;
    if (entry.listed.state === "ready") await this.probe(entry);
  }

  /** Lets go of the phones. */
  async close(): Promise<void> {
    this.closing.abort();
    this.changes.stop();
    this.adbChanges.stop();
    if (!this.starting) return;
    const phones = await this.starting.catch(() => null);
    await Promise.all([...this.tracked.values()].map(({ probing }) => probing));
    for (const id of this.held) await this.release(id);
    await phones?.close();
  }

  private async open(): Promise<Phones> {
    // Loaded when asked for: most commands need no phone.
    const { Phones: Opened } = await import("../device/phones.ts");
    const { adbPath, adbServers, wifiPhones } = readSettings(this.options.store);
    const phones = new Opened({ env: this.options.env, adbPath, servers: adbServers, wifiPhones });
    phones.onChange(() => this.take(phones));
    return phones;
  }

  private async look(): Promise<void> {
    if (this.switchedOff) return;
    const phones = await this.start();
    await phones.list();
    this.take(phones);
  }

  private async resolve(idOrSerial: string): Promise<string> {
    if (this.switchedOff) return idOrSerial;
    await this.look();
    const phones = await this.start();
    return phones.resolve(idOrSerial)?.id ?? idOrSerial;
  }

  // Only what changed is told: whoever is told looks again, and looking brings us here.
  private take(phones: Phones): void {
    if (this.closing.signal.aborted) return;
    const listed = phones.known();
    const ids = new Set(listed.map(({ id }) => id));
    for (const id of this.tracked.keys()) if (!ids.has(id)) this.tracked.delete(id);
    for (const phone of listed) this.update(phone);
    if (this.isNews("phones", listed)) this.changes.announce();
    if (this.isNews("servers", phones.servers())) this.adbChanges.announce();
  }

  private isNews(name: string, value: unknown): boolean {
    const text = JSON.stringify(value);
    if (this.told.get(name) === text) return false;
    this.told.set(name, text);
    return true;
  }

  private update(listed: ListedPhone): void {
    const known = this.tracked.get(listed.id);
    if (known?.listed.transportId === listed.transportId && known.listed.state === listed.state) {
      known.listed = listed;
      return;
    }
    const entry: Tracked = { listed, device: null, problem: null, probing: null, probedAt: -Infinity };
    this.tracked.set(listed.id, entry);
    if (listed.state !== "ready") return;
    // One that comes back in the middle of a run is the same phone: asking it would only disturb.
    const { store } = this.options;
    if (isMeasured(store, listed.id))
      entry.device = known?.device ?? findSeenPhone(store, listed.id)?.device ?? null;
    if (!entry.device) void this.probe(entry);
  }

  private refresh(entry: Tracked): void {
    if (entry.listed.state !== "ready" || entry.probing) return;
    if (performance.now() - entry.probedAt < staleMs) return;
    if (!isMeasured(this.options.store, entry.listed.id)) void this.probe(entry);
  }

  private probe(entry: Tracked): Promise<void> {
    entry.probing ??= this.ask(entry).finally(() => {
      entry.probing = null;
      entry.probedAt = performance.now();
      this.changes.announce();
    });
    return entry.probing;
  }

  private async ask(entry: Tracked): Promise<void> {
    try {
      const { probePhone } = await import("../device/phoneProbe.ts");
      await this.withConnection(entry.listed.id, async (connection) => {
        const device = await probePhone(connection, entry.listed, { signal: this.closing.signal });
        if (!this.held.has(device.id)) await putBack(this.options.store, connection, device);
        entry.device = device;
        entry.problem = null;
        savePhone(this.options.store, device);
      });
    } catch (error) {
      if (this.closing.signal.aborted) return;
      const { message, hint } = describeError(error);
      // What it was a moment ago still holds while only its readings could not be taken.
      if (!entry.device) entry.problem = `${message}. ${hint}`;
    }
  }

  // One that is gone is put right by the next lab that meets it.
  private async release(id: string): Promise<void> {
    const device = this.tracked.get(id)?.device;
    if (!device) return;
    try {
      await this.withConnection(id, (connection) => putBack(this.options.store, connection, device));
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
    }
  }

  private describe({ listed, device, problem, probing }: Tracked): Device {
    const { store } = this.options;
    if (listed.state === "ready" && device)
      return { ...device, state: isMeasured(store, listed.id) ? "busy" : "ready", problem: null };
    const known = device ?? findSeenPhone(store, listed.id)?.device ?? describeStranger(listed);
    const silent = dropReadings(known);
    if (listed.state !== "ready") return { ...silent, state: listed.state, problem: listed.problem };
    return probing || problem === null
      ? { ...silent, state: "probing", problem: null }
      : { ...silent, state: "unavailable", problem };
  }

  private complete(device: Device): Device {
    if (!device.phone) return device;
    const binary = findBinaryFor(this.options.store, device.phone.abis);
    return {
      ...device,
      runtimeVersion: binary ? `${binary.name} ${binary.hash.slice(0, 12)}` : null,
      phone: { ...device.phone, binary: binary?.hash ?? null },
    };
  }
}
