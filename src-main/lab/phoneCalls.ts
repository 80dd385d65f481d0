import { phoneAddress } from "../device/pairing.ts";
import { claimDevice } from "../store/devices.ts";
import { readSettings, writeSettings } from "../store/settings.ts";
import { laneOf, type LabContext } from "./context.ts";
import type { Device, Lab } from "./contract.ts";
import { findPhone } from "./deviceCalls.ts";

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
      const wanted = {
        ...others,
        adbServers: adbServers && [...new Set(adbServers)],
        wifiPhones: wifiPhones && [...new Set(wifiPhones.map(phoneAddress))],
      };
      const settings = writeSettings(store, wanted);
      await phones.apply(wanted);
      publish({ type: "adb" });
      return settings;
    },

    pairPhone: async ({ address, code }) => ({ message: await (await phones.start()).pair(address, code) }),

    async connectPhone({ address }) {
      const device = await (await phones.start()).connectWifi(address);
      await changeWifiPhones((addresses) => addresses.add(phoneAddress(address)));
      return { device };
    },

    async disconnectPhone({ address }) {
      const wasKnown = readSettings(store).wifiPhones.includes(phoneAddress(address));
      // Forgotten first, or it would be connected again at once.
      await changeWifiPhones((addresses) => addresses.delete(phoneAddress(address)));
      const wasConnected = await (await phones.start()).disconnectWifi(address);
      return { removed: wasConnected || wasKnown ? 1 : 0 };
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
