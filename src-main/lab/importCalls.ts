import { resolve } from "node:path";
import type { LabContext } from "./context.ts";
import type { Lab } from "./contract.ts";

type ImportCalls = Pick<Lab, "startImportPublished">;

/** The calls that bring measurements of others into the lab. */
export function createImportCalls(context: LabContext): ImportCalls {
  return {
    async startImportPublished({ path }) {
      const folder = resolve(path);
      return context.jobs.start({
        kind: "import",
        title: `Import published measurements from ${folder}`,
        lane: "import",
        work: async (job) => {
          // Loaded when asked for: most commands import nothing.
          const { importPublished } = await import("./importPublished.ts");
          return importPublished(context, { path: folder }, job);
        },
      });
    },
  };
}
