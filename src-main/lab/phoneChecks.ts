import { composeCoreSet } from "../device/cores.ts";
import type { PhoneConnection } from "../device/phoneConnection.ts";
import { runCheck, runPreflight } from "../device/preflight.ts";
import type { PreflightOptions } from "../device/preflightChecks.ts";
import { applyRemedy, isPhoneRemedy } from "../device/remedies.ts";
import { cleanPhone } from "../profile/phoneClean.ts";
import { checkBinary } from "../profile/phoneInstall.ts";
import { clearPhoneMark, setPhoneMark } from "../store/phoneMarks.ts";
import { readSettings } from "../store/settings.ts";
import type { LabContext } from "./context.ts";
import type { CoreSet, Device, PreflightCheck, RemedyName } from "./contract.ts";
import { coreSetUnknown } from "./errors.ts";
import type { JobContext } from "./jobs.ts";
import { findBinary } from "./measurable.ts";

/** Checks of a preflight, for its progress; a phone may be asked more or less. */
const usualChecks = 12;

/** Checks a phone before a run and tells of each check as it comes; rejects with core-set-unknown before the first. */
export async function checkPhone(
  context: LabContext,
  device: Device,
  coreSets: readonly string[] | undefined,
  { signal, onProgress }: JobContext,
): Promise<PreflightCheck[]> {
  const sets = chooseCoreSets(device, coreSets);
  let done = 0;
  const checks = await context.phones.withConnection(device.id, (connection) =>
    runPreflight(connection, createOptions(context, device, connection, sets, signal), (check) => {
      onProgress(++done, Math.max(usualChecks, done + 1), check.title, null);
      context.publish({ type: "preflight", device: device.id, check });
    }),
  );
  await context.phones.reprobe(device.id);
  return checks;
}

/** Does what the button beside a check says, checks that one again and tells of it. */
export async function remedyPhone(
  context: LabContext,
  device: Device,
  remedy: RemedyName,
): Promise<PreflightCheck> {
  const check = await context.phones.withConnection(device.id, async (connection) => {
    const options = createOptions(context, device, connection, chooseCoreSets(device, undefined));
    if (remedy === "fixed-performance") return fixPerformance(context, device, connection, options);
    if (isPhoneRemedy(remedy)) return applyRemedy(connection, remedy, options);
    if (remedy === "free-space") {
      await cleanPhone(connection);
      return runCheck(connection, "space", options);
    }
    // Trying the program is what puts it there; without one its own error says where to get it.
    return checkBinary(connection, findBinary(context, device), device);
  });
  context.publish({ type: "preflight", device: device.id, check });
  await context.phones.reprobe(device.id);
  return check;
}

// Noted before it is set: the mode outlives this program, and it must not stay.
async function fixPerformance(
  { store, phones }: LabContext,
  { id }: Device,
  connection: PhoneConnection,
  options: PreflightOptions,
): Promise<PreflightCheck> {
  setPhoneMark(store, id, "fixed-performance", "false");
  const check = await applyRemedy(connection, "fixed-performance", options);
  if (check.state === "ok") phones.hold(id);
  else clearPhoneMark(store, id, "fixed-performance");
  return check;
}

function createOptions(
  context: LabContext,
  device: Device,
  connection: PhoneConnection,
  coreSets: readonly CoreSet[],
  signal?: AbortSignal,
): PreflightOptions {
  return {
    coreSets,
    startTemperatureC: readSettings(context.store).startTemperatureC,
    fixedPerformance: context.phones.isHeld(device.id),
    checkBinary: async () => checkBinary(connection, findBinary(context, device), device, { signal }),
    signal,
  };
}

// Each cluster as a whole says most: a mask that is refused is refused for the cores in it.
function chooseCoreSets(device: Device, names: readonly string[] | undefined): CoreSet[] {
  const wanted = names ?? device.clusters.map(({ name, cpus }) => `${cpus.length}${name}`);
  return wanted.flatMap((name) => {
    if (name === "gpu") return [];
    const coreSet = composeCoreSet(device.clusters, name);
    if (!coreSet)
      throw coreSetUnknown(
        device.id,
        name,
        device.coreSets.map((known) => known.name),
      );
    return [coreSet];
  });
}
