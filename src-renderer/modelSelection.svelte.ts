import { SvelteSet } from "svelte/reactivity";

/** Names of the models ticked in any table of models; shared, so that what is ticked here can be measured or predicted there. */
export const tickedModels = new SvelteSet<string>();
