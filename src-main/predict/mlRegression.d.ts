// The package carries no types; these are the parts in use.
declare module "ml-regression" {
  export class SimpleLinearRegression {
    constructor(x: number[], y: number[]);
    readonly slope: number;
    readonly intercept: number;
    predict(x: number): number;
  }
}
