import type { ModelSummary } from "../../src-main/lab/contract.ts";
import { formatBytes, formatFlops, formatShortCount } from "../../src-main/lab/format.ts";
import type { Column } from "./tableRows.ts";

/** What tables of models show of each. */
export const modelColumns: Column<ModelSummary>[] = [
  { key: "name", title: "Name", value: (model) => model.name, least: 190 },
  { key: "family", title: "Family", value: (model) => model.family, width: "140px", minor: true },
  { key: "kind", title: "Kind", value: (model) => model.kind, width: "86px", minor: true },
  { key: "ops", title: "Ops", value: (model) => model.ops, numeric: true, width: "72px", minor: true },
  {
    key: "flops",
    title: "FLOPs",
    value: (model) => model.flops,
    show: (model) => formatFlops(model.flops),
    numeric: true,
    width: "122px",
    hint: "Floating point operations of one inference: two for each multiply-accumulate",
  },
  {
    key: "params",
    title: "Parameters",
    value: (model) => model.params,
    show: (model) => formatShortCount(model.params),
    numeric: true,
    width: "106px",
    minor: true,
  },
  {
    key: "bytes",
    title: "Size",
    unit: "bytes",
    value: (model) => model.bytes,
    show: (model) => formatBytes(model.bytes),
    numeric: true,
    width: "88px",
    minor: true,
  },
  {
    key: "measured",
    title: "Measured on",
    value: (model) => model.measuredOn.join(" ") || null,
    show: (model) => tellScenarios(model.measuredOn),
    width: "130px",
    minor: true,
  },
];

function tellScenarios(ids: readonly string[]): string {
  if (ids.length === 0) return "–";
  return ids.length === 1 ? ids[0]! : `${ids.length} scenarios`;
}
