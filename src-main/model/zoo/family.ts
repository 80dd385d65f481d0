import type { Graph } from "../graph.ts";

/** Networks of one architecture, all from one paper. */
export interface ZooFamily {
  /** Lower case, as tables group by it, e.g. `resnet`. */
  family: string;
  /** Authors, year, title and where to read it. */
  paper: string;
  /** Each network by its name; a graph holds seeds in the place of weights, input 1×224×224×3 unless the name says otherwise. */
  networks: Record<string, () => Graph>;
}
