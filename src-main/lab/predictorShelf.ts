import { parseScenario } from "../device/scenario.ts";
import type { FittedPredictor } from "../predict/fittedPredictor.ts";
import { UnreadablePredictor, decodePredictor } from "../predict/predictorFile.ts";
import { getPredictor, listPredictors, newestPredictor, type StoredPredictor } from "../store/predictors.ts";
import type { LabContext } from "./context.ts";
import type { PredictorDetail, PredictorSummary } from "./contract.ts";
import { LabError, badRequest, predictorMissing, predictorUnreadable } from "./errors.ts";

/** Predictors of the lab, decoded once. */
export class PredictorShelf {
  private readonly context: LabContext;
  private readonly decoded = new Map<number, FittedPredictor | LabError>();

  constructor(context: LabContext) {
    this.context = context;
  }

  /** All predictors, newest first, each with the reason why it cannot be used by this version, if there is one. */
  list(): PredictorSummary[] {
    return listPredictors(this.context.store).map((summary) => ({
      ...summary,
      problem: this.findProblem(summary.id),
    }));
  }

  describe(id: number): PredictorDetail {
    const stored = this.read(id);
    const fitted = this.decode(stored);
    const unreadable = fitted instanceof LabError;
    return {
      ...dropParameters(stored),
      leftOut: unreadable ? [] : fitted.leftOut,
      problem: unreadable ? fitted.message : null,
      endToEndOnly: !unreadable && fitted.endToEnd !== undefined,
    };
  }

  summarize(id: number): PredictorSummary {
    return dropDetails(this.describe(id));
  }

  /** The predictor of an id, or the newest of the scenario; rejects with predictor-missing or predictor-unreadable. */
  find(scenario: string, id?: number): { id: number; fitted: FittedPredictor } {
    parseScenario(scenario);
    const stored = id === undefined ? newestPredictor(this.context.store, scenario) : this.read(id);
    if (!stored) throw predictorMissing(scenario);
    if (stored.scenario !== scenario)
      throw badRequest(
        `Predictor ${stored.id} is for ${stored.scenario}, not ${scenario}`,
        "Name the scenario it was fitted for, or leave the predictor out.",
      );
    const fitted = this.decode(stored);
    if (fitted instanceof LabError) throw fitted;
    return { id: stored.id, fitted };
  }

  forget(id: number): void {
    this.decoded.delete(id);
  }

  private read(id: number): StoredPredictor {
    const stored = getPredictor(this.context.store, id);
    if (!stored)
      throw new LabError(
        "predictor-missing",
        `There is no predictor ${id}`,
        "Fit one with `latlab fit`, or leave the number out to take the newest.",
      );
    return stored;
  }

  private findProblem(id: number): string | null {
    const known = this.decoded.get(id) ?? this.decode(this.read(id));
    return known instanceof LabError ? known.message : null;
  }

  private decode(stored: StoredPredictor): FittedPredictor | LabError {
    const known = this.decoded.get(stored.id);
    if (known) return known;
    let fitted: FittedPredictor | LabError;
    try {
      // Plain bytes: a slice of the Buffer that SQLite gives is a view, not a copy.
      fitted = decodePredictor(Uint8Array.from(stored.blob));
    } catch (error) {
      if (!(error instanceof UnreadablePredictor)) throw error;
      fitted = predictorUnreadable(stored.id, error.message);
    }
    this.decoded.set(stored.id, fitted);
    return fitted;
  }
}

function dropParameters({
  blob: _b,
  split: _s,
  trainingCells: _c,
  ...detail
}: StoredPredictor): Omit<PredictorDetail, "leftOut"> {
  return detail;
}

function dropDetails({
  classes: _c,
  points: _p,
  trainedOn: _t,
  leftOut: _l,
  overheadMs: _o,
  endToEndOnly: _e,
  ...summary
}: PredictorDetail): PredictorSummary {
  return summary;
}
