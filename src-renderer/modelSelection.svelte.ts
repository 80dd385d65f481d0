import { SvelteSet } from "svelte/reactivity";
import type { ModelSummary } from "../src-main/lab/contract.ts";
import { hasGraph } from "./modelKinds.ts";

/** Names of the models ticked in any table of models; shared, so that what is ticked here can be measured or predicted there. */
export const tickedModels = new SvelteSet<string>();

/** Names of the ticked models that have a graph. */
export function listTickedGraphs(models: readonly ModelSummary[]): string[] {
  return models.filter((model) => hasGraph(model) && tickedModels.has(model.name)).map(({ name }) => name);
}
