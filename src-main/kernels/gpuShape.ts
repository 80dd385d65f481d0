/** A tensor as the GPU delegate sees it: batch, height, width, channels. */
export interface Bhwc {
  b: number;
  h: number;
  w: number;
  c: number;
}

/**
 * The delegate's four dimensions of a TFLite shape: [b], [b, c], [b, w, c] or [b, h, w, c], a scalar is one element; null for
 * more dimensions (ExtractTensorShape in tensorflow/lite/delegates/gpu/common/model_builder_helper.cc).
 */
export function readBhwc(shape: readonly number[]): Bhwc | null {
  const [first = 1, second = 1, third = 1, fourth = 1] = shape;
  switch (shape.length) {
    case 0:
      return { b: 1, h: 1, w: 1, c: 1 };
    case 1:
      return { b: first, h: 1, w: 1, c: 1 };
    case 2:
      return { b: first, h: 1, w: 1, c: second };
    case 3:
      return { b: first, h: 1, w: second, c: third };
    case 4:
      return { b: first, h: second, w: third, c: fourth };
    default:
      return null;
  }
}

/** How many four-channel vectors hold that many channels: the delegate's unit of depth. */
export function countSlices(channels: number): number {
  return Math.ceil(channels / 4);
}

/** Elements of a tensor. */
export function countBhwc({ b, h, w, c }: Bhwc): number {
  return b * h * w * c;
}

/** Whether two tensors have the same dimensions. */
export function isSameBhwc(first: Bhwc, second: Bhwc): boolean {
  return first.b === second.b && first.h === second.h && first.w === second.w && first.c === second.c;
}

/** A shape in words, `224×224×3`, with the batch in front when it is not 1. */
export function describeBhwc({ b, h, w, c }: Bhwc): string {
  return `${b === 1 ? "" : `${b}×`}${h}×${w}×${c}`;
}
