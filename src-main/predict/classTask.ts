import type { LearnerName } from "../lab/contract.ts";
import { fitBoostingCorrection } from "./boostingCorrection.ts";
import type { Correction, CorrectionTable } from "./correction.ts";
import { listColumns, listLineColumns } from "./featureColumns.ts";
import { fitForestCorrection } from "./forestCorrection.ts";
import { fitLassoCorrection } from "./lassoCorrection.ts";
import { fitLinearBoostingCorrection } from "./linearBoostingCorrection.ts";
import { fitPerceptronCorrection } from "./perceptronCorrection.ts";
import { evaluateRoofline, fitRoofline, type Roofline } from "./roofline.ts";

/** All that is needed to fit one kernel class on one set of networks; plain data that a worker can receive. */
export interface ClassTask {
  kernel: string;
  columns: number;
  /** Row-major features and times of the training networks only. */
  x: Float64Array;
  ms: Float64Array;
  /** Network of each row. */
  network: Int32Array;
  /** Fold of each row's network for choosing hyper-parameters. */
  fold: Int32Array;
  folds: number;
  learners: LearnerName[];
  seed: number;
}

/** A learner's fit of a class. */
export interface ClassCandidate {
  learner: LearnerName;
  correction: Correction;
  /** Logarithm of each row's predicted milliseconds by a model that did not see its network. */
  heldOut: Float64Array;
  note: string;
}

/** A class fitted by each learner asked for. */
export interface ClassFit {
  roofline: Roofline;
  candidates: ClassCandidate[];
}

/** Fits one class; depends on the task alone, so any worker gives the same bits. */
export function fitClass(task: ClassTask): ClassFit {
  const roofline = fitRoofline(task, listLineColumns(task.kernel));
  const rows = task.ms.length;
  const logs = new Float64Array(rows);
  const table: CorrectionTable = {
    columns: task.columns,
    x: task.x,
    y: new Float64Array(rows),
    network: task.network,
    fold: task.fold,
    folds: task.folds,
  };
  for (let row = 0; row < rows; row++) {
    logs[row] = Math.log(evaluateRoofline(roofline, task.x, row * task.columns));
    table.y[row] = Math.log(task.ms[row]!) - logs[row]!;
  }
  const candidates = task.learners.map((learner) => {
    const fit = fitLearner(learner, task, table);
    const heldOut = fit.heldOut.map((value, row) => value + logs[row]!);
    return { learner, correction: fit.model, heldOut, note: fit.note };
  });
  return { roofline, candidates };
}

function fitLearner(learner: LearnerName, task: ClassTask, table: CorrectionTable) {
  const columns = listColumns(task.kernel);
  switch (learner) {
    case "lasso":
      return fitLassoCorrection(table, columns, true);
    case "forest":
      return fitForestCorrection(table, task.seed);
    case "boosting":
      return fitBoostingCorrection(table, task.seed);
    case "perceptron":
      return fitPerceptronCorrection(table, columns, task.seed);
    case "linear-boosting":
      return fitLinearBoostingCorrection(table, columns, task.seed);
  }
}
