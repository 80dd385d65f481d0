/** What is wrong with an ONNX file or cannot be mapped; the message says where, `advice` what to do when there is better than to export again. */
export class OnnxProblem extends Error {
  readonly advice: string | null;

  constructor(message: string, advice: string | null = null) {
    super(message);
    this.advice = advice;
  }
}
