import { describePublishedPhone } from "../published/phones.ts";
import type { Store } from "../store/database.ts";
import { listPublishedDevices, type PublishedDevice } from "../store/publishedDevices.ts";
import type { Device, Precision, Runtime } from "./contract.ts";

/** Why a published phone cannot be measured. */
export const publishedProblem =
  "Known by published measurements only; it is not plugged in and cannot be measured.";

/** The phones of published measurements. */
export function describePublishedDevices(store: Store): Device[] {
  return listPublishedDevices(store).map(describeDevice);
}

function describeDevice({ id, name, scenarios }: PublishedDevice): Device {
  const { soc, gpu } = describePublishedPhone(id);
  const distinct = <T>(values: readonly T[]) => [...new Set(values)];
  const coreSets = distinct(scenarios.map(({ cores }) => cores)).filter((cores) => cores !== "gpu");
  return {
    id,
    name,
    kind: "published",
    state: "absent",
    problem: publishedProblem,
    soc,
    gpu,
    abi: "not told",
    os: "not told",
    memoryBytes: 0,
    clusters: [],
    // Which CPUs they are is not published.
    coreSets: coreSets.map((set) => ({ name: set, mask: "", cpus: [] })),
    runtimes: distinct(scenarios.map(({ runtime }) => runtime as Runtime)),
    precisions: distinct(scenarios.map(({ precision }) => precision as Precision)),
    runtimeVersion: null,
    load: null,
    temperatureC: null,
    frequencyMhz: null,
    noiseFloor: {},
    speed: [],
    phone: null,
  };
}
