import type { AdbServer } from "./adbServer.ts";
import { connectPhone, disconnectPhone } from "./pairing.ts";

const firstDelayMs = 1000;
const longestDelayMs = 30_000;

interface WifiPhone {
  delayMs: number;
  timer: NodeJS.Timeout | null;
  connecting: Promise<void> | null;
  tried: boolean;
  problem: string | null;
}

/**
 * Connects phones on Wi-Fi again whenever their server is up and does not list them or lists them as offline, with back-off from
 * 1 to 30 s. adb tries by itself every ten seconds, and gives a phone up after a minute.
 */
export class WifiPhones {
  readonly #server: AdbServer;
  readonly #phones = new Map<string, WifiPhone>();
  readonly #closing = new AbortController();
  readonly #onChange: () => void;
  readonly #stopListening: () => void;

  constructor(server: AdbServer, onChange: () => void) {
    this.#server = server;
    this.#onChange = onChange;
    this.#stopListening = server.onChange(() => this.#look());
  }

  /** Takes the place of the addresses before, `host:port`; those left out are not disconnected. */
  set(addresses: readonly string[]): void {
    for (const [address, phone] of this.#phones) {
      if (addresses.includes(address)) continue;
      if (phone.timer) clearTimeout(phone.timer);
      this.#phones.delete(address);
    }
    for (const address of addresses)
      if (!this.#phones.has(address))
        this.#phones.set(address, { delayMs: 0, timer: null, connecting: null, tried: false, problem: null });
    this.#look();
  }

  /** Why a phone could not be connected the last time, by address; null for one that is listed or not tried yet. */
  problems(): ReadonlyMap<string, string | null> {
    return new Map(
      [...this.#phones].map(([address, phone]) => [address, this.#isThere(address) ? null : phone.problem]),
    );
  }

  /** Every phone is listed or was tried at least once. */
  settled(): boolean {
    return [...this.#phones].every(([address, phone]) => phone.tried || this.#isListed(address));
  }

  /** Tries those that are not listed at once. */
  hurry(): void {
    for (const phone of this.#phones.values()) {
      phone.delayMs = 0;
      if (phone.timer) clearTimeout(phone.timer);
      phone.timer = null;
    }
    this.#look();
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#closing.abort(new Error("the lab is closing"));
    const phones = [...this.#phones.values()];
    for (const phone of phones) if (phone.timer) clearTimeout(phone.timer);
    await Promise.all(phones.map((phone) => phone.connecting));
  }

  /** Connects a phone anew that is listed but does not answer; true when the address is one of these. */
  async renew(address: string): Promise<boolean> {
    const phone = this.#phones.get(address);
    if (!phone || this.#closing.signal.aborted) return false;
    phone.connecting ??= this.#connect(address, phone);
    await phone.connecting;
    return true;
  }

  #isListed(address: string): boolean {
    return this.#server.lines().some((line) => line.serial === address);
  }

  #isThere(address: string): boolean {
    return this.#server.lines().some((line) => line.serial === address && line.word !== "offline");
  }

  #look(): void {
    if (this.#closing.signal.aborted || this.#server.state().state !== "connected") return;
    for (const [address, phone] of this.#phones) {
      if (!this.#isThere(address)) {
        // One that comes back by itself is offline for a moment.
        if (this.#isListed(address)) phone.delayMs = Math.max(phone.delayMs, firstDelayMs);
        if (!phone.timer && !phone.connecting) this.#schedule(address, phone);
      } else phone.delayMs = 0;
    }
  }

  #schedule(address: string, phone: WifiPhone): void {
    phone.timer = setTimeout(() => {
      phone.timer = null;
      if (this.#server.state().state !== "connected") return;
      if (this.#isThere(address)) return;
      phone.connecting ??= this.#connect(address, phone);
    }, phone.delayMs);
    phone.timer.unref();
    phone.delayMs = Math.min(Math.max(phone.delayMs * 2, firstDelayMs), longestDelayMs);
  }

  async #connect(address: string, phone: WifiPhone): Promise<void> {
    try {
      // adb says "already connected" of one that is listed, whether it answers or not.
      if (this.#isListed(address)) await disconnectPhone(this.#server, address);
      await connectPhone(this.#server, address, this.#closing.signal);
      phone.problem = null;
    } catch (error) {
      phone.problem = error instanceof Error ? error.message : String(error);
    }
    phone.tried = true;
    phone.connecting = null;
    if (this.#closing.signal.aborted || this.#phones.get(address) !== phone) return;
    this.#onChange();
    this.#look();
  }
}
