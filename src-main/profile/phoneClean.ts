import type { PhoneConnection } from "../device/phoneConnection.ts";
import { phoneFolder } from "../device/phoneFolder.ts";
import { cleanText } from "../device/phoneText.ts";
import { quote } from "../device/quote.ts";
import { phoneRefused } from "../lab/phoneErrors.ts";

/**
 * Removes the lab's folder from a phone with everything in it and nothing else; gives the bytes of the files that went. Rejects
 * with phone-refused when something stays.
 */
export async function cleanPhone(
  connection: PhoneConnection,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<number> {
  const folder = quote(phoneFolder);
  const { stdout, stderr } = await connection.run(
    // A link of that name goes itself, not what it leads to.
    `[ -e ${folder} ] || [ -L ${folder} ] || exit 0; [ -L ${folder} ] || find ${folder} -type f -exec stat -c %s {} +; rm -rf ${folder}; [ ! -e ${folder} ] && [ ! -L ${folder} ] || echo stays`,
    { timeoutMs: 120_000, ...options },
  );
  if (/^stays\r?$/m.test(stdout))
    throw phoneRefused(connection.id, `remove ${phoneFolder}`, cleanText(stderr, 200) || "something stays");
  return [...stdout.matchAll(/^(\d{1,15})\r?$/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
}
