import type { PreflightCheck } from "../lab/contract.ts";
import { LabError } from "../lab/errors.ts";
import type { PhoneConnection } from "./phoneConnection.ts";
import { type Check, type PreflightOptions, preflightChecks } from "./preflightChecks.ts";
import { runSections } from "./shellSections.ts";

/**
 * Checks whether a phone is fit to be measured, changing nothing on it but what `checkBinary` does. Each check is given to
 * `onCheck` as soon as it is known. What the phone cannot be asked is `unknown`; rejects only when the phone is lost or on abort.
 */
export async function runPreflight(
  connection: PhoneConnection,
  options: PreflightOptions,
  onCheck: (check: PreflightCheck) => void = () => undefined,
): Promise<PreflightCheck[]> {
  const checks: PreflightCheck[] = [];
  const tell = (...found: PreflightCheck[]) => {
    checks.push(...found);
    found.forEach(onCheck);
  };
  tell(await checkBinary(options));
  // The load is looked at last and alone: asking the other things is itself work for the phone.
  tell(...(await runChecks(connection, preflightChecks.slice(0, -1), options)));
  tell(...(await runChecks(connection, preflightChecks.slice(-1), options)));
  return checks;
}

/** Does one check of a preflight; rejects with an ordinary error for an id that is none. */
export async function runCheck(
  connection: PhoneConnection,
  id: string,
  options: PreflightOptions,
): Promise<PreflightCheck> {
  if (id === "binary") return await checkBinary(options);
  const check = preflightChecks.find((candidate) => candidate.id === id);
  if (!check) throw new Error(`There is no check ${id}`);
  const [found] = await runChecks(connection, [check], options);
  return found!;
}

async function runChecks(
  connection: PhoneConnection,
  checks: readonly Check[],
  options: PreflightOptions,
): Promise<PreflightCheck[]> {
  const questions = Object.assign({}, ...checks.map((check) => check.ask(options))) as Record<string, string>;
  let answers: ReadonlyMap<string, string> = new Map();
  try {
    answers = await runSections(connection, questions, { timeoutMs: 30_000, signal: options.signal });
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  return checks.map(({ id, title, judge }) => ({
    id,
    title,
    ...judge((name) => answers.get(name) ?? "", options),
  }));
}

async function checkBinary(options: PreflightOptions): Promise<PreflightCheck> {
  try {
    return await options.checkBinary();
  } catch (error) {
    if (!(error instanceof LabError) || error.code === "phone-lost" || error.code === "cancelled")
      throw error;
    return {
      id: "binary",
      title: "Benchmark program",
      state: "failed",
      detail: error.message,
      remedy: error.hint,
      action: "install-binary",
    };
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof LabError && error.code === "phone-refused";
}
