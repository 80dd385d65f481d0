import type { KernelTime, OpTime } from "../lab/contract.ts";
import type { OpProfile, ProfileRow } from "./profileTable.ts";

/** A profile's times by what they belong to. */
export interface ClassifiedRows {
  /** Rows that are one op of the graph each. */
  opTimes: OpTime[];
  /** Everything else that was run: a delegate's operators and kernels, or its whole share where it tells no more. */
  kernels: KernelTime[];
}

const delegateNode = /^TfLite\w{0,60}Delegate\w{0,20}$/;

/**
 * Joins the rows with the graph's ops by node index and operator type; `opTypes` are those of the entry subgraph in order.
 * Times are per inference. A delegate's own rows stand for its node where the report has both (2.10 to 2.11); rows of other
 * subgraphs are part of the op that calls them and are left out.
 */
export function classifyRows(
  profile: Pick<OpProfile, "rows" | "innerRows">,
  opTypes: readonly string[],
): ClassifiedRows {
  const opTimes: OpTime[] = [];
  const kernels: KernelTime[] = [];
  const inner = profile.innerRows.filter(({ section }) => section === "Delegate internal");
  for (const row of profile.rows) {
    const ms = row.averageMs * Math.max(1, row.timesCalled);
    const op = findOp(row, opTypes);
    if (op !== null) opTimes.push({ op, type: opTypes[op]!, ms });
    else if (inner.length === 0 || !delegateNode.test(row.type))
      kernels.push(describeKernel(row, row.type, ms));
  }
  for (const row of inner) {
    const label = row.name.replace(/^Delegate\//, "");
    kernels.push(describeKernel(row, label, row.averageMs * Math.max(1, row.timesCalled)));
  }
  return { opTimes, kernels };
}

// A type may carry the operator's own description behind a slash.
function findOp(row: ProfileRow, opTypes: readonly string[]): number | null {
  if (row.node === null || row.delegated) return null;
  const type = opTypes[row.node];
  return type !== undefined && (row.type === type || row.type.startsWith(`${type}/`)) ? row.node : null;
}

function describeKernel(row: ProfileRow, type: string, ms: number): KernelTime {
  return { type, name: row.node === null ? row.name : `${row.name}:${row.node}`, ms };
}
