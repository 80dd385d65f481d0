import type { Precision } from "../lab/contract.ts";
import type { WorkRates } from "./workRates.ts";

/** What end-to-end times alone taught: rates of work from which ops get their shares of a network's time. */
export interface EndToEndModel {
  precision: Precision;
  threads: number;
  /** Fits of the same networks; the mean of their logarithms predicts. */
  rates: WorkRates[];
  /** Kernel classes that training networks have. */
  classes: string[];
  /** Half-width of the 90 % interval of a network, in predicted standard deviations of its logarithm. */
  spread: number;
}
