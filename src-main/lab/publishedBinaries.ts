import { readFileSync } from "node:fs";
import { z } from "zod";
import packaged from "../../resources/benchmarkBinaries.json" with { type: "json" };
import type { PublishedBinary } from "./contract.ts";
import { badRequest } from "./errors.ts";

const shape = z.object({
  binaries: z.array(
    z.object({
      abi: z.string().min(1),
      name: z.string().min(1),
      url: z.url({ protocol: /^https?$/ }),
      publisher: z.string(),
      license: z.string(),
      hash: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .nullable(),
      note: z.string(),
    }),
  ),
});

/** The benchmark programs that others publish: the list that comes with the lab, or that of a file. */
export function listPublishedBinaries(path?: string): PublishedBinary[] {
  const outcome = shape.safeParse(path === undefined ? packaged : JSON.parse(readFileSync(path, "utf8")));
  if (!outcome.success)
    throw badRequest(
      `${path ?? "resources/benchmarkBinaries.json"} is not a list of benchmark programs`,
      "Compare it with resources/benchmarkBinaries.json.",
    );
  return outcome.data.binaries;
}
