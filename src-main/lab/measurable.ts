import { composeCoreSet } from "../device/cores.ts";
import { formatScenario } from "../device/scenario.ts";
import { isQuantized } from "../model/quantize.ts";
import { countGroupedConvolutions, explainGroups } from "../profile/groupSupport.ts";
import { resolveHostTarget } from "../profile/hostBench.ts";
import { findHostLibrary } from "../profile/hostProcess.ts";
import type { PhoneBinary } from "../profile/phoneBench.ts";
import { resolvePhoneTarget } from "../profile/phoneTarget.ts";
import { findBinaryFor, listBinaries, locateBinary } from "../store/binaries.ts";
import { takeBreath, type LabContext } from "./context.ts";
import type { Device, ModelSummary, Precision } from "./contract.ts";
import { LabError, runtimeMissing } from "./errors.ts";
import { binaryMissing } from "./phoneErrors.ts";

/**
 * The scenario's id as it is stored, a composed core set in its usual order. Rejects with core-set-unknown or
 * scenario-unsupported when the device cannot be measured on it, with runtime-missing when it cannot be measured at all.
 */
export function checkScenario(id: string, device: Device): string {
  if (device.kind === "adb") {
    const { scenario } = resolvePhoneTarget(id, device);
    const coreSet = composeCoreSet(device.clusters, scenario.cores);
    return coreSet ? formatScenario({ ...scenario, cores: coreSet.name }) : id;
  }
  resolveHostTarget(id, device.coreSets);
  if (device.problem) throw runtimeMissing(device.problem);
  return id;
}

/**
 * The benchmark program that runs on a phone. Rejects with binary-missing when the lab has none for its ABI, or only one that its
 * user has not approved.
 */
export function findBinary({ store }: LabContext, device: Device): PhoneBinary {
  const abis = device.phone?.abis ?? [device.abi];
  const binary = findBinaryFor(store, abis);
  if (binary) {
    const { hash, name, abi } = binary;
    return { path: locateBinary(store, hash), hash, name, abi };
  }
  const waiting = listBinaries(store).find(
    ({ abi, approved }) => !approved && abi !== null && abis.includes(abi),
  );
  if (!waiting) throw binaryMissing(device.id, device.abi);
  throw new LabError(
    "binary-missing",
    `The benchmark program ${waiting.name} for ${device.id} (${device.abi}) was downloaded but is not approved`,
    `Approve it with \`latlab binaries --use ${waiting.hash.slice(0, 12)}\`.`,
  );
}

/**
 * Rejects, naming the model, when one has no form of the precision: with model-unwritable when it cannot be quantised to int8, with
 * scenario-unsupported when a phone is to measure a quantised one in float (this computer takes quantised files at float32 too), or
 * when this computer's runtime can run none of the models. When it can run some, each of the others becomes a failed cell.
 */
export async function checkModels(
  context: LabContext,
  models: readonly ModelSummary[],
  device: Device,
  precision: Precision,
): Promise<void> {
  const { library } = context;
  if (device.kind === "host") await checkGroups(context, models);
  // Only a file somebody gave can be something else than a float network.
  for (const model of models.filter(({ kind }) => kind === "file")) {
    if (precision === "int8") library.loadGraph(model, precision);
    else if (device.kind === "adb" && isQuantized(library.loadGraph(model)))
      throw new LabError(
        "scenario-unsupported",
        `${model.name} is a quantised network and cannot be measured at ${precision}`,
        "Measure it at int8.",
      );
    await takeBreath();
  }
}

async function checkGroups({ library }: LabContext, models: readonly ModelSummary[]): Promise<void> {
  const { version } = findHostLibrary();
  let first: { name: string; reason: string } | null = null;
  for (const model of models) {
    const reason = explainGroups(countGroupedConvolutions(library.loadGraph(model)), version ?? "");
    if (reason === null) return;
    first ??= { name: model.name, reason };
    await takeBreath();
  }
  if (!first) return;
  throw new LabError(
    "scenario-unsupported",
    `${first.name} cannot be measured on this computer: ${first.reason}`,
    "Measure it on a phone, whose benchmark program is newer, or predict it.",
  );
}
