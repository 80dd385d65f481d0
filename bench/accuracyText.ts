import { renderTable } from "../src-main/cli/output.ts";
import type { AccuracyResult } from "../src-main/report/accuracyResult.ts";
import { listSheets } from "../src-main/report/accuracySheets.ts";

/** All tables of an accuracy report as plain text. */
export function renderAccuracyText(result: AccuracyResult): string {
  return listSheets(result)
    .map(({ title, notes, columns, rows }) => [title, ...notes, "", renderTable(columns, rows)].join("\n"))
    .join("\n\n");
}
