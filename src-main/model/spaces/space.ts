import type { Graph } from "../graph.ts";

/** A search space of a paper whose candidates are handed over as text, `prefix:encoding`. */
export interface SearchSpace {
  /** What stands before the colon, lower case. */
  prefix: string;
  /** As tables group its networks by. */
  family: string;
  /** Authors, year, title and where to read it. */
  paper: string;
  /** How an encoding is written, in one line. */
  grammar: string;
  /** A whole encoding. */
  example: string;
  /** Reads an encoding (without the prefix); throws an EncodingError that says where it is wrong and what is allowed there. */
  read: (text: string) => Candidate;
}

/** One network of a search space. */
export interface Candidate {
  /** The encoding in its usual form: equal for all ways to write the same choices. */
  encoding: string;
  /** Builds it under a name; a graph holds seeds in the place of weights. */
  build: (name: string) => Graph;
}

/** A mistake in an encoding: at which character, counted from 0, and what is allowed there. */
export class EncodingError extends Error {
  readonly position: number;
  readonly allowed: string;

  constructor(position: number, problem: string, allowed: string) {
    super(problem);
    this.name = "EncodingError";
    this.position = position;
    this.allowed = allowed;
  }
}
