import { resolve } from "node:path";
import envPaths from "env-paths";

/** The lab's data folder: the one given, else `$LATLAB_HOME`, else that of the user's application data. */
export function chooseLabFolder(given: string | undefined, environment: NodeJS.ProcessEnv): string {
  return resolve(given || environment["LATLAB_HOME"] || envPaths("latency-lab", { suffix: "" }).data);
}
