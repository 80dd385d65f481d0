import { composeCoreSet } from "../device/cores.ts";
import { formatScenario } from "../device/scenario.ts";
import { resolveHostTarget } from "../profile/hostBench.ts";
import type { PhoneBinary } from "../profile/phoneBench.ts";
import { resolvePhoneTarget } from "../profile/phoneTarget.ts";
import { findBinaryFor, listBinaries, locateBinary } from "../store/binaries.ts";
import { takeBreath, type LabContext } from "./context.ts";
import type { Device, ModelSummary, Precision } from "./contract.ts";
import { LabError, binaryMissing, runtimeMissing } from "./errors.ts";

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

/** Rejects with scenario-unsupported, naming the model, when one is not a network of the precision. For phones; this computer takes what comes. */
export async function checkModels(
  context: LabContext,
  models: readonly ModelSummary[],
  device: Device,
  precision: Precision,
): Promise<void> {
  if (device.kind !== "adb") return;
  for (const model of models) {
    const quantised = model.kind !== "sampled" && isQuantised(context, model);
    if (quantised !== (precision === "int8"))
      throw new LabError(
        "scenario-unsupported",
        quantised
          ? `${model.name} is a quantised network and cannot be measured at ${precision}`
          : `${model.name} is a float network and cannot be measured at int8`,
        quantised ? "Measure it at int8." : "Measure it at float32, or give its quantised .tflite file.",
      );
    await takeBreath();
  }
}

function isQuantised({ library }: LabContext, model: ModelSummary): boolean {
  return library
    .loadGraph(model)
    .subgraphs.some(({ tensors }) =>
      tensors.some(({ quantization, dtype }) => quantization !== null && !dtype.includes("float")),
    );
}
