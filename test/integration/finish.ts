import type { JobKind, Lab, Started } from "../../src-main/lab/contract.ts";

/** What a job that was just started comes to. */
export async function finish<K extends JobKind>(lab: Lab, start: Promise<Started<K>>) {
  const { job, kind } = await start;
  return lab.jobResult({ job, kind });
}
