import packageJson from "../../package.json" with { type: "json" };
import { describeHost } from "../device/host.ts";
import { CanaryReference } from "../profile/canaryReference.ts";
import { findHostLibrary } from "../profile/hostProcess.ts";
import { claimDevice } from "../store/devices.ts";
import { listScenarios } from "../store/measurements.ts";
import type { LabContext } from "./context.ts";
import type { Device, Lab, SpeedState } from "./contract.ts";
import { deviceUnknown, runtimeMissing } from "./errors.ts";

type DeviceCalls = Pick<Lab, "info" | "devices" | "checkSpeed">;

/** How long the canary runs on each core set, in seconds. */
const checkSeconds = 1;

/** This computer as the profile room sees it, without what only a lab knows. */
export function findHost(): Device {
  const { version, problem } = findHostLibrary();
  return describeHost({ version, problem });
}

/** The device of an id; rejects with device-unknown. */
export function findDevice(id: string): Device {
  const host = findHost();
  if (id !== host.id) throw deviceUnknown(id);
  return host;
}

/** The calls about the lab itself and its devices. */
export function createDeviceCalls(context: LabContext): DeviceCalls {
  const { store, jobs, publish } = context;
  const speeds = new Map<string, SpeedState[]>();

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
      const measuring = jobs
        .list()
        .some(({ kind, progress }) => measuringKinds.has(kind) && progress.state === "running");
      const noise = listScenarios(store).filter(
        (scenario) => scenario.device === host.id && scenario.noisePercent !== null,
      );
      return [
        {
          ...host,
          state: host.state === "ready" && measuring ? "busy" : host.state,
          noiseFloor: Object.fromEntries(noise.map(({ id, noisePercent }) => [id, noisePercent!])),
          speed: speeds.get(host.id) ?? [],
        },
      ];
    },

    async checkSpeed({ device: id }) {
      const device = findDevice(id);
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
