import packageJson from "../../package.json" with { type: "json" };
import { describeHost } from "../device/host.ts";
import { CanaryReference } from "../profile/canaryReference.ts";
import { findHostLibrary } from "../profile/hostProcess.ts";
import type { Store } from "../store/database.ts";
import { claimDevice } from "../store/devices.ts";
import { listScenarios } from "../store/measurements.ts";
import { listPublishedDevices } from "../store/publishedDevices.ts";
import { getRun } from "../store/runs.ts";
import type { LabContext } from "./context.ts";
import type { Device, Lab, SpeedState } from "./contract.ts";
import { badRequest, deviceNotHere, runtimeMissing } from "./errors.ts";
import { describePublishedDevices } from "./publishedDevices.ts";

type DeviceCalls = Pick<Lab, "info" | "devices" | "checkSpeed">;

/** How long the canary runs on each core set, in seconds. */
const checkSeconds = 1;

/** The id of this computer among the devices. */
export const hostId = "host";

/** This computer as the profile room sees it, without what only a lab knows. */
export function findHost(): Device {
  const { version, problem } = findHostLibrary();
  return describeHost({ version, problem });
}

/** The device of an id, or of a phone's bare serial; rejects with device-unknown or phone-unavailable. */
export async function findDevice({ phones, store }: LabContext, id: string): Promise<Device> {
  if (id === hostId) return findHost();
  refusePublished(store, id);
  return phones.find(id);
}

function refusePublished(store: Store, id: string): void {
  if (listPublishedDevices(store).some((device) => device.id === id)) throw deviceNotHere(id);
}

/** As `findDevice`, but a phone that is not there now is as it was when last seen. */
export async function recallDevice({ phones, store }: LabContext, id: string): Promise<Device> {
  if (id === hostId) return findHost();
  refusePublished(store, id);
  return phones.recall(id);
}

/** The phone of an id or bare serial; rejects with bad-request for this computer. */
export async function findPhone(context: LabContext, id: string, purpose: string): Promise<Device> {
  if (id === hostId)
    throw badRequest(`${purpose} is for phones, not for this computer`, "Name a phone of `latlab devices`.");
  refusePublished(context.store, id);
  return context.phones.find(id);
}

/** The calls about the lab itself and its devices. */
export function createDeviceCalls(context: LabContext): DeviceCalls {
  const { store, jobs, publish, phones } = context;
  const speeds = new Map<string, SpeedState[]>();

  function isHostMeasured(): boolean {
    return jobs
      .list()
      .some(
        ({ kind, progress, run }) =>
          measuringKinds.has(kind) &&
          progress.state === "running" &&
          (run === null || getRun(store, run)?.device === hostId),
      );
  }

  return {
    info: async () => ({
      version: packageJson.version,
      node: process.versions.node,
      folder: store.folder,
      hostProblem: findHostLibrary().problem,
      platform: `${process.platform}-${process.arch}`,
    }),

    async devices() {
      const host = findHost();
      const listed = await phones.list();
      const noise = listScenarios(store);
      if (host.state === "ready" && isHostMeasured()) host.state = "busy";
      return [host, ...listed, ...describePublishedDevices(store)].map((device) => ({
        ...device,
        noiseFloor: Object.fromEntries(
          noise.flatMap(({ id, device: on, noisePercent }) =>
            on === device.id && noisePercent !== null ? [[id, noisePercent]] : [],
          ),
        ),
        speed: speeds.get(device.id) ?? [],
      }));
    },

    async checkSpeed({ device: id }) {
      if (id !== hostId) {
        await phones.find(id);
        throw badRequest(
          "The quick check of speed is for this computer, not for phones",
          "Check a phone with `latlab preflight --device`.",
        );
      }
      const device = findHost();
      if (device.problem) throw runtimeMissing(device.problem);
      const release = claimDevice(store, device.id);
      try {
        const reference = new CanaryReference(store);
        const states: SpeedState[] = [];
        for (const coreSet of device.coreSets) states.push(await reference.check(coreSet, checkSeconds));
        speeds.set(device.id, states);
        publish({ type: "devices" });
        return states;
      } finally {
        release();
      }
    },
  };
}

const measuringKinds: ReadonlySet<string> = new Set(["profile", "validate"]);
