/**
 * Products of one run of `length` numbers, from `at` on, with four others that lie `stride` apart from `first` on. Four sums at
 * once, as one alone would wait for each addition.
 */
export function multiplyByFour(
  numbers: Float64Array,
  at: number,
  first: number,
  stride: number,
  length: number,
  sums: Float64Array,
): void {
  const second = first + stride;
  const third = second + stride;
  const fourth = third + stride;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let place = 0; place < length; place++) {
    const number = numbers[at + place]!;
    a += number * numbers[first + place]!;
    b += number * numbers[second + place]!;
    c += number * numbers[third + place]!;
    d += number * numbers[fourth + place]!;
  }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}
