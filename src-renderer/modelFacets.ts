/** Narrowing a list of models by family, kind, FLOPs, file size and whether they were measured. */
import type { ModelSummary } from "../src-main/lab/contract.ts";
import { formatBytes, formatFlops } from "../src-main/lab/format.ts";

/** Both ends belong to it; null leaves an end open. */
export interface AmountRange {
  from: number | null;
  to: number | null;
}

/** What is asked of a model; an empty list or null asks nothing. */
export interface ModelFacets {
  families: readonly string[];
  kinds: readonly string[];
  measured: boolean | null;
  flops: AmountRange;
  bytes: AmountRange;
}

export type FacetName = keyof ModelFacets;
/** The facets that are ranges of a number. */
export type AmountFacet = "flops" | "bytes";

export const noFacets: ModelFacets = {
  families: [],
  kinds: [],
  measured: null,
  flops: { from: null, to: null },
  bytes: { from: null, to: null },
};

const amountKeys = { flops: "flops", bytes: "size" } as const;
const amountFormats = { flops: formatFlops, bytes: formatBytes } as const;
export const amountTitles = { flops: "FLOPs", bytes: "File size" } as const;

/** The facets an address asks for; what cannot be read asks nothing. */
export function readFacets(query: Record<string, string>): ModelFacets {
  const list = (text: string | undefined) => (text ?? "").split(",").filter((part) => part !== "");
  const { measured } = query;
  return {
    families: list(query["family"]),
    kinds: list(query["kind"]),
    measured: measured === "yes" ? true : measured === "no" ? false : null,
    flops: readRange(query[amountKeys.flops]),
    bytes: readRange(query[amountKeys.bytes]),
  };
}

/** Facets as an address keeps them: every key of theirs, undefined where nothing is asked. */
export function writeFacets(facets: ModelFacets): Record<string, string | undefined> {
  return {
    family: facets.families.join(",") || undefined,
    kind: facets.kinds.join(",") || undefined,
    measured: facets.measured === null ? undefined : facets.measured ? "yes" : "no",
    [amountKeys.flops]: writeRange(facets.flops),
    [amountKeys.bytes]: writeRange(facets.bytes),
  };
}

function readRange(text: string | undefined): AmountRange {
  const [from = "", to = ""] = (text ?? "").split("..");
  return { from: readAmount(from), to: readAmount(to) };
}

function writeRange({ from, to }: AmountRange): string | undefined {
  return from === null && to === null ? undefined : `${from ?? ""}..${to ?? ""}`;
}

const prefixes = ["", "k", "m", "g", "t", "p"];

/** A number as people write it, with a decimal prefix and a unit if they like: `300M`, `1.5 GFLOPs`, `20 MB`; null for anything else. */
export function readAmount(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmgtp]?)\s*(?:flops?|b|bytes?)?\s*$/i.exec(text);
  if (!match) return null;
  const amount = Number(match[1]) * 1000 ** prefixes.indexOf(match[2]!.toLowerCase());
  // 0.3 G is 300 million, not 299,999,999.99….
  return Number(amount.toPrecision(12));
}

function within(value: number, { from, to }: AmountRange): boolean {
  return (from === null || value >= from) && (to === null || value <= to);
}

/** Whether a model has what is asked; `except` names a facet that is not looked at. */
export function passesFacets(model: ModelSummary, facets: ModelFacets, except?: FacetName): boolean {
  const { families, kinds, measured } = facets;
  if (except !== "families" && families.length > 0 && !families.includes(model.family)) return false;
  if (except !== "kinds" && kinds.length > 0 && !kinds.includes(model.kind)) return false;
  if (except !== "measured" && measured !== null && model.measuredOn.length > 0 !== measured) return false;
  if (except !== "flops" && !within(model.flops, facets.flops)) return false;
  return except === "bytes" || within(model.bytes, facets.bytes);
}

/** A value of a facet with how many models would be left by choosing it. */
export interface FacetCount {
  value: string;
  count: number;
}

/**
 * The values that the models have, by name, counted among those that pass all other facets; values with none left are told
 * too, so that nothing vanishes from under the pointer.
 */
export function countFacet(
  models: readonly ModelSummary[],
  facets: ModelFacets,
  facet: "families" | "kinds" | "measured",
): FacetCount[] {
  const valueOf = (model: ModelSummary) =>
    facet === "families"
      ? model.family
      : facet === "kinds"
        ? model.kind
        : model.measuredOn.length > 0
          ? "yes"
          : "no";
  const counts = new Map<string, number>(
    facet === "measured" ? ["yes", "no"].map((value) => [value, 0]) : [],
  );
  for (const model of models) {
    const value = valueOf(model);
    const passes = passesFacets(model, facets, facet);
    counts.set(value, (counts.get(value) ?? 0) + Number(passes));
  }
  const found = [...counts].map(([value, count]) => ({ value, count }));
  return facet === "measured" ? found : found.sort((a, b) => a.value.localeCompare(b.value));
}

/** A part of a histogram over a logarithmic scale: the lower end belongs to it, the upper one only to the last. */
export interface AmountBin {
  from: number;
  to: number;
  count: number;
}

/** How the models that pass all other facets spread over an amount; bins are those of all models, so that bars stay in place. */
export function binAmounts(
  models: readonly ModelSummary[],
  facets: ModelFacets,
  facet: AmountFacet,
  bins: number,
): AmountBin[] {
  const amounts = models.map((model) => model[facet]).filter((amount) => amount > 0);
  if (amounts.length === 0) return [];
  const lowest = amounts.reduce((a, b) => Math.min(a, b));
  const highest = amounts.reduce((a, b) => Math.max(a, b));
  const ratio = highest > lowest ? Math.log(highest / lowest) / bins : 1;
  const edge = (place: number) =>
    place === 0 ? lowest : place === bins ? highest : lowest * Math.exp(ratio * place);
  const found = Array.from({ length: highest > lowest ? bins : 1 }, (_, place) => ({
    from: edge(place),
    to: highest > lowest ? edge(place + 1) : highest,
    count: 0,
  }));
  for (const model of models) {
    if (model[facet] <= 0 || !passesFacets(model, facets, facet)) continue;
    const place = Math.floor(Math.log(model[facet] / lowest) / ratio);
    found[Math.min(found.length - 1, Math.max(0, place))]!.count++;
  }
  return found;
}

/** One thing that is asked, as it reads, and what is asked without it. */
export interface FacetTag {
  text: string;
  without: ModelFacets;
}

/** All that is asked, one by one. */
export function listTags(facets: ModelFacets): FacetTag[] {
  const tags: FacetTag[] = [];
  for (const family of facets.families)
    tags.push({ text: `Family ${family}`, without: toggleValue(facets, "families", family) });
  for (const kind of facets.kinds)
    tags.push({ text: `Kind ${kind}`, without: toggleValue(facets, "kinds", kind) });
  if (facets.measured !== null)
    tags.push({
      text: facets.measured ? "Measured" : "Not measured",
      without: { ...facets, measured: null },
    });
  for (const facet of ["flops", "bytes"] as const) {
    const { from, to } = facets[facet];
    if (from === null && to === null) continue;
    const format = amountFormats[facet];
    const text =
      from === null
        ? `up to ${format(to)}`
        : to === null
          ? `from ${format(from)}`
          : `${format(from)} to ${format(to)}`;
    tags.push({
      text: `${amountTitles[facet]} ${text}`,
      without: { ...facets, [facet]: { from: null, to: null } },
    });
  }
  return tags;
}

/** The facets with a value chosen, or no longer. */
export function toggleValue(facets: ModelFacets, facet: "families" | "kinds", value: string): ModelFacets {
  const chosen = facets[facet];
  return {
    ...facets,
    [facet]: chosen.includes(value) ? chosen.filter((other) => other !== value) : [...chosen, value],
  };
}

/** An amount as a field shows it, readable by {@link readAmount} as the same number: `300M`; empty for an open end. */
export function writeAmount(amount: number | null): string {
  if (amount === null) return "";
  let place = 0;
  let scaled = amount;
  while (scaled >= 1000 && place < prefixes.length - 1) {
    scaled = Number((scaled / 1000).toPrecision(12));
    place++;
  }
  return `${scaled}${["", "k", "M", "G", "T", "P"][place]}`;
}
