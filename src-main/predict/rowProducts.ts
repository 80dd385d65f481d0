/**
 * Adds to four sums, from `place` on, the products of one run of `length` numbers with four others that lie `stride` apart from
 * `first` on. Four sums at once, as one alone would wait for each addition.
 */
export function addFourProducts(
  run: Float64Array,
  at: number,
  others: Float64Array,
  first: number,
  stride: number,
  length: number,
  sums: Float64Array,
  place: number,
): void {
  const second = first + stride;
  const third = second + stride;
  const fourth = third + stride;
  let a = sums[place]!;
  let b = sums[place + 1]!;
  let c = sums[place + 2]!;
  let d = sums[place + 3]!;
  for (let step = 0; step < length; step++) {
    const number = run[at + step]!;
    a += number * others[first + step]!;
    b += number * others[second + step]!;
    c += number * others[third + step]!;
    d += number * others[fourth + step]!;
  }
  sums[place] = a;
  sums[place + 1] = b;
  sums[place + 2] = c;
  sums[place + 3] = d;
}
