import { formatAddress, requireAddress } from "../device/serverAddress.ts";
import { claimDevice } from "../store/devices.ts";
import { readSettings, writeSettings } from "../store/settings.ts";
import { laneOf, type LabContext } from "./context.ts";
import type { Device, Lab } from "./contract.ts";
import { findPhone } from "./deviceCalls.ts";
import { adbMissing } from "./errors.ts";

type PhoneCalls = Pick<
  Lab,
  | "adb"
  | "settings"
  | "changeSettings"
  | "pairPhone"
  | "connectPhone"
  | "disconnectPhone"
  | "startPreflight"
  | "applyRemedy"
  | "cleanPhone"
>;

/** The calls about phones, how they are reached and what is done on them outside of runs. */
export function createPhoneCalls(context: LabContext): PhoneCalls {
  const { store, jobs, publish, phones } = context;

  // A phone that is being measured is left alone, by whichever program.
  async function alone<T>(device: Device, act: () => Promise<T>): Promise<T> {
    const release = claimDevice(store, device.id);
    try {
      return await act();
    } finally {
      release();
    }
  }

  async function findAdbPath(): Promise<string> {
    const { path, problem } = await phones.adb(false);
    if (path === null) throw adbMissing(problem ?? "No adb program was found on this computer");
    return path;
  }

  async function changeWifiPhones(change: (addresses: Set<string>) => void): Promise<void> {
    const addresses = new Set(readSettings(store).wifiPhones);
    change(addresses);
    const wifiPhones = [...addresses];
    writeSettings(store, { wifiPhones });
    await phones.apply({ wifiPhones });
  }

  return {
    adb: async (request) => phones.adb(request?.again ?? false),
    settings: async () => readSettings(store),

    async changeSettings(changes) {
      const { adbServers, wifiPhones, ...others } = changes;
      const unique = (list: string[] | undefined) => list && [...new Set(list.map(normalizeAddress))];
      const wanted = { ...others, adbServers: unique(adbServers), wifiPhones: unique(wifiPhones) };
      const settings = writeSettings(store, wanted);
      await phones.apply(wanted);
      publish({ type: "adb" });
      return settings;
    },

    async pairPhone({ address, code }) {
      await findAdbPath();
      const { pairPhone } = await import("../device/pairing.ts");
      return { message: await pairPhone(await phones.start(), address, code) };
    },

    async connectPhone({ address }) {
      await findAdbPath();
      const { connectPhone } = await import("../device/pairing.ts");
      const device = await connectPhone(await phones.start(), address);
      await changeWifiPhones((addresses) => addresses.add(normalizeAddress(address)));
      return { device };
    },

    async disconnectPhone({ address }) {
      const known = readSettings(store).wifiPhones.includes(normalizeAddress(address));
      // Forgotten first, or it would be connected again at once.
      await changeWifiPhones((addresses) => addresses.delete(normalizeAddress(address)));
      const { disconnectPhone } = await import("../device/pairing.ts");
      const removed = await disconnectPhone(await phones.start(), address);
      return { removed: removed || known ? 1 : 0 };
    },

    async startPreflight({ device: id, coreSets }) {
      const device = await findPhone(context, id, "A preflight");
      const { checkPhone } = await import("./phoneChecks.ts");
      return jobs.start({
        kind: "preflight",
        title: `Check ${device.name}`,
        lane: laneOf(device),
        work: (job) => alone(device, () => checkPhone(context, device, coreSets, job)),
      });
    },

    async applyRemedy({ device: id, remedy }) {
      const device = await findPhone(context, id, "A remedy");
      const { remedyPhone } = await import("./phoneChecks.ts");
      return alone(device, () => remedyPhone(context, device, remedy));
    },

    async cleanPhone({ device: id }) {
      const device = await findPhone(context, id, "Cleaning");
      const { cleanPhone } = await import("../profile/phoneClean.ts");
      return alone(device, async () => {
        const removedBytes = await phones.withConnection(device.id, (connection) => cleanPhone(connection));
        await phones.reprobe(device.id);
        return { removedBytes };
      });
    },
  };
}

function normalizeAddress(address: string): string {
  return formatAddress(requireAddress(address, 5555, "a phone"));
}
