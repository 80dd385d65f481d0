/** Computes small ONNX networks by the operators' definitions, NCHW and without any of the converter's code. */
import type { AttributeContent, OnnxNetwork, TestNode } from "./onnxFiles.ts";

/** An array of numbers with a shape. */
export interface NdArray {
  shape: number[];
  data: number[];
}

type Operator = (
  inputs: (NdArray | undefined)[],
  attributes: Attributes,
  node: TestNode,
  opset: number,
) => NdArray | NdArray[];

class Attributes {
  private readonly values: Record<string, AttributeContent>;

  constructor(values: Record<string, AttributeContent>) {
    this.values = values;
  }

  int(name: string, fallback: number): number {
    return (this.values[name] as number | undefined) ?? fallback;
  }

  float(name: string, fallback: number): number {
    return (this.values[name] as { float: number } | undefined)?.float ?? fallback;
  }

  text(name: string, fallback: string): string {
    return (this.values[name] as string | undefined) ?? fallback;
  }

  ints(name: string): number[] | undefined {
    const list = this.values[name] as number[] | undefined;
    return list && [...list];
  }

  floats(name: string): number[] {
    return [...(this.values[name] as { floats: readonly number[] }).floats];
  }

  tensor(name: string): NdArray {
    const { tensor } = this.values[name] as {
      tensor: { shape: readonly number[]; values: readonly number[] };
    };
    return { shape: [...tensor.shape], data: [...tensor.values] };
  }
}

const size = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
const wrap = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

/** Calls `visit` with every place of a shape, in order. */
function everyPlace(shape: readonly number[], visit: (place: number[]) => void): void {
  for (let index = 0; index < size(shape); index++) {
    const place: number[] = [];
    let rest = index;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    visit(place);
  }
}

function at(array: NdArray, place: readonly number[]): number {
  let index = 0;
  array.shape.forEach((length, axis) => (index = index * length + place[axis]!));
  return array.data[index]!;
}

function build(shape: readonly number[], value: (place: number[]) => number): NdArray {
  const data: number[] = [];
  everyPlace(shape, (place) => data.push(Math.fround(value(place))));
  return { shape: [...shape], data };
}

function map(x: NdArray, change: (value: number) => number): NdArray {
  return { shape: x.shape, data: x.data.map((value) => Math.fround(change(value))) };
}

function broadcast(arrays: readonly NdArray[], change: (...values: number[]) => number): NdArray {
  const rank = Math.max(...arrays.map((array) => array.shape.length));
  const shape = Array.from({ length: rank }, (_, axis) =>
    Math.max(...arrays.map((array) => array.shape[axis - rank + array.shape.length] ?? 1)),
  );
  return build(shape, (place) =>
    change(
      ...arrays.map((array) =>
        at(
          array,
          array.shape.map((length, axis) => (length === 1 ? 0 : place[axis + rank - array.shape.length]!)),
        ),
      ),
    ),
  );
}

const binary =
  (change: (a: number, b: number) => number): Operator =>
  ([a, b]) =>
    broadcast([a!, b!], change);

const unary =
  (change: (value: number, attributes: Attributes) => number): Operator =>
  ([x], attributes) =>
    map(x!, (value) => change(value, attributes));

// Abramowitz and Stegun 7.1.26 is too coarse here; the series converges for the values tests use.
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

interface Window {
  kernel: number[];
  stride: number[];
  dilation: number[];
  before: number[];
  after: number[];
  output: number[];
}

function windowOf(x: NdArray, kernel: number[], attributes: Attributes): Window {
  const stride = attributes.ints("strides") ?? [1, 1];
  const dilation = attributes.ints("dilations") ?? [1, 1];
  const pads = attributes.ints("pads") ?? [0, 0, 0, 0];
  const mode = attributes.text("auto_pad", "NOTSET");
  const [before, after, output] = [
    [0, 0],
    [0, 0],
    [0, 0],
  ];
  for (const axis of [0, 1]) {
    const length = x.shape[axis + 2]!;
    const extent = (kernel[axis]! - 1) * dilation[axis]! + 1;
    if (mode.startsWith("SAME")) {
      const total = Math.max(0, (Math.ceil(length / stride[axis]!) - 1) * stride[axis]! + extent - length);
      before[axis] = mode === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
      after[axis] = total - before[axis]!;
    } else if (mode === "NOTSET") [before[axis], after[axis]] = [pads[axis]!, pads[axis + 2]!];
    const steps = (length + before[axis]! + after[axis]! - extent) / stride[axis]!;
    output[axis] = (attributes.int("ceil_mode", 0) ? Math.ceil(steps) : Math.floor(steps)) + 1;
    if (attributes.int("ceil_mode", 0) && (output[axis]! - 1) * stride[axis]! >= length + before[axis]!)
      output[axis]!--;
  }
  return { kernel, stride, dilation, before, after, output };
}

const conv: Operator = ([x, w, b], attributes) => {
  const groups = attributes.int("group", 1);
  const win = windowOf(x!, w!.shape.slice(2), attributes);
  const [, , height, width] = x!.shape as [number, number, number, number];
  const perGroup = w!.shape[0]! / groups;
  return build([x!.shape[0]!, w!.shape[0]!, ...win.output], ([n, o, oy, ox]) => {
    let sum = b?.data[o!] ?? 0;
    for (let c = 0; c < w!.shape[1]!; c++)
      for (let ky = 0; ky < win.kernel[0]!; ky++)
        for (let kx = 0; kx < win.kernel[1]!; kx++) {
          const y = oy! * win.stride[0]! - win.before[0]! + ky * win.dilation[0]!;
          const xx = ox! * win.stride[1]! - win.before[1]! + kx * win.dilation[1]!;
          if (y < 0 || xx < 0 || y >= height || xx >= width) continue;
          const channel = Math.floor(o! / perGroup) * w!.shape[1]! + c;
          sum += at(x!, [n!, channel, y, xx]) * at(w!, [o!, c, ky, kx]);
        }
    return sum;
  });
};

const convTranspose: Operator = ([x, w, b], attributes) => {
  const stride = attributes.ints("strides") ?? [1, 1];
  const pads = attributes.ints("pads") ?? [0, 0, 0, 0];
  const added = attributes.ints("output_padding") ?? [0, 0];
  const [batch, channels, height, width] = x!.shape as [number, number, number, number];
  const [, filters, kh, kw] = w!.shape as [number, number, number, number];
  const out = [0, 1].map(
    (axis) =>
      (x!.shape[axis + 2]! - 1) * stride[axis]! +
      w!.shape[axis + 2]! -
      pads[axis]! -
      pads[axis + 2]! +
      added[axis]!,
  );
  const result = build([batch, filters, ...out], ([, o]) => b?.data[o!] ?? 0);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < height; y++)
        for (let xx = 0; xx < width; xx++)
          for (let o = 0; o < filters; o++)
            for (let ky = 0; ky < kh; ky++)
              for (let kx = 0; kx < kw; kx++) {
                const [oy, ox] = [y * stride[0]! + ky - pads[0]!, xx * stride[1]! + kx - pads[1]!];
                if (oy < 0 || ox < 0 || oy >= out[0]! || ox >= out[1]!) continue;
                result.data[((n * filters + o) * out[0]! + oy) * out[1]! + ox]! +=
                  at(x!, [n, c, y, xx]) * at(w!, [c, o, ky, kx]);
              }
  return result;
};

function pool(average: boolean): Operator {
  return ([x], attributes) => {
    const win = windowOf(x!, attributes.ints("kernel_shape")!, attributes);
    const [, , height, width] = x!.shape as [number, number, number, number];
    const counted = attributes.int("count_include_pad", 0) === 1;
    return build([x!.shape[0]!, x!.shape[1]!, ...win.output], ([n, c, oy, ox]) => {
      let [sum, most, count] = [0, -Infinity, 0];
      for (let ky = 0; ky < win.kernel[0]!; ky++)
        for (let kx = 0; kx < win.kernel[1]!; kx++) {
          const y = oy! * win.stride[0]! - win.before[0]! + ky;
          const xx = ox! * win.stride[1]! - win.before[1]! + kx;
          const inside = y >= 0 && xx >= 0 && y < height && xx < width;
          const padded =
            y >= -win.before[0]! &&
            xx >= -win.before[1]! &&
            y < height + win.after[0]! &&
            xx < width + win.after[1]!;
          if (inside || (counted && padded)) count++;
          if (!inside) continue;
          sum += at(x!, [n!, c!, y, xx]);
          most = Math.max(most, at(x!, [n!, c!, y, xx]));
        }
      return average ? sum / count : most;
    });
  };
}

function reduce(finish: (values: number[]) => number): Operator {
  return ([x, given], attributes) => {
    const rank = x!.shape.length;
    const axes = (given?.data ?? attributes.ints("axes") ?? x!.shape.map((_, axis) => axis)).map((axis) =>
      wrap(axis, rank),
    );
    const kept = x!.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const inner = x!.shape.map((length, axis) => (axes.includes(axis) ? length : 1));
    const result = build(kept, (place) => {
      const values: number[] = [];
      everyPlace(inner, (other) =>
        values.push(
          at(
            x!,
            place.map((value, axis) => value + other[axis]!),
          ),
        ),
      );
      return finish(values);
    });
    if (attributes.int("keepdims", 1)) return result;
    return { shape: kept.filter((_, axis) => !axes.includes(axis)), data: result.data };
  };
}

const sumOf = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function globalPool(finish: (values: number[]) => number): Operator {
  return ([x]) => reduce(finish)([x], new Attributes({ axes: [2, 3] }), {} as TestNode, 0);
}

const softmax: Operator = ([x], attributes, _, opset) => {
  const rank = x!.shape.length;
  const axis = wrap(attributes.int("axis", opset >= 13 ? -1 : 1), rank);
  const axes = opset >= 13 ? [axis] : x!.shape.map((_, other) => other).filter((other) => other >= axis);
  const over = new Attributes({ axes, keepdims: 1 });
  const most = reduce((values) => Math.max(...values))([x], over, {} as TestNode, 0) as NdArray;
  const powers = broadcast([x!, most], (value, top) => Math.exp(value - top));
  const total = reduce(sumOf)([powers], over, {} as TestNode, 0) as NdArray;
  return broadcast([powers, total], (value, sum) => value / sum);
};

const transpose: Operator = ([x], attributes) => {
  const order = attributes.ints("perm") ?? x!.shape.map((_, axis) => x!.shape.length - 1 - axis);
  return build(
    order.map((axis) => x!.shape[axis]!),
    (place) =>
      at(
        x!,
        x!.shape.map((_, axis) => place[order.indexOf(axis)]!),
      ),
  );
};

const matMul: Operator = ([a, b]) => {
  const left = a!.shape.length === 1 ? { ...a!, shape: [1, ...a!.shape] } : a!;
  const right = b!.shape.length === 1 ? { ...b!, shape: [...b!.shape, 1] } : b!;
  const rank = Math.max(left.shape.length, right.shape.length);
  const lead = (x: NdArray) => [...Array<number>(rank - x.shape.length).fill(1), ...x.shape];
  const [l, r] = [
    { ...left, shape: lead(left) },
    { ...right, shape: lead(right) },
  ];
  const shape = l.shape.map((length, axis) =>
    axis === rank - 2 ? length : axis === rank - 1 ? r.shape[axis]! : Math.max(length, r.shape[axis]!),
  );
  const result = build(shape, (place) => {
    let sum = 0;
    for (let k = 0; k < l.shape[rank - 1]!; k++) {
      const x = place.map((value, axis) => (axis === rank - 1 ? k : l.shape[axis] === 1 ? 0 : value));
      const y = place.map((value, axis) => (axis === rank - 2 ? k : r.shape[axis] === 1 ? 0 : value));
      sum += at(l, x) * at(r, y);
    }
    return sum;
  });
  if (a!.shape.length === 1) result.shape.splice(-2, 1);
  if (b!.shape.length === 1) result.shape.pop();
  return result;
};

const gemm: Operator = ([a, b, c], attributes) => {
  const turn = (x: NdArray, name: string) =>
    attributes.int(name, 0)
      ? (transpose([x], new Attributes({ perm: [1, 0] }), {} as TestNode, 0) as NdArray)
      : x;
  const product = matMul([turn(a!, "transA"), turn(b!, "transB")], attributes, {} as TestNode, 0) as NdArray;
  const scaled = map(product, (value) => value * attributes.float("alpha", 1));
  return c ? broadcast([scaled, c], (value, bias) => value + bias * attributes.float("beta", 1)) : scaled;
};

const slice: Operator = ([x, s, e, a, t], attributes) => {
  const starts = s?.data ?? attributes.ints("starts")!;
  const ends = e?.data ?? attributes.ints("ends")!;
  const axes = a?.data ?? attributes.ints("axes") ?? starts.map((_, index) => index);
  const steps = t?.data ?? starts.map(() => 1);
  const [shape, from, by] = [[...x!.shape], x!.shape.map(() => 0), x!.shape.map(() => 1)];
  axes.forEach((given, index) => {
    const axis = wrap(given, x!.shape.length);
    const length = x!.shape[axis]!;
    const step = steps[index]!;
    const clamp = (place: number) => {
      const wrapped = place < 0 ? place + length : place;
      return step > 0 ? Math.min(Math.max(wrapped, 0), length) : Math.min(Math.max(wrapped, -1), length - 1);
    };
    from[axis] = clamp(starts[index]!);
    by[axis] = step;
    shape[axis] = Math.max(0, Math.ceil((clamp(ends[index]!) - from[axis]!) / step));
  });
  return build(shape, (place) =>
    at(
      x!,
      place.map((value, axis) => from[axis]! + value * by[axis]!),
    ),
  );
};

const concat: Operator = (inputs, attributes) => {
  const axis = wrap(attributes.int("axis", 0), inputs[0]!.shape.length);
  const shape = [...inputs[0]!.shape];
  shape[axis] = sumOf(inputs.map((input) => input!.shape[axis]!));
  return build(shape, (place) => {
    let rest = place[axis]!;
    for (const input of inputs) {
      if (rest < input!.shape[axis]!) return at(input!, place.with(axis, rest));
      rest -= input!.shape[axis]!;
    }
    return NaN;
  });
};

const split: Operator = ([x, given], attributes, node) => {
  const axis = wrap(attributes.int("axis", 0), x!.shape.length);
  const parts = node.outputs.length;
  const length = x!.shape[axis]!;
  const largest = Math.ceil(length / parts);
  const sizes =
    given?.data ??
    attributes.ints("split") ??
    Array.from({ length: parts }, (_, part) => Math.min(largest, length - part * largest));
  let start = 0;
  return sizes.map((length) => {
    const from = start;
    start += length;
    return build(x!.shape.with(axis, length), (place) => at(x!, place.with(axis, place[axis]! + from)));
  });
};

const gather: Operator = ([x, indices], attributes) => {
  const axis = wrap(attributes.int("axis", 0), x!.shape.length);
  const rank = indices!.shape.length;
  const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
  return build(shape, (place) => {
    const index = wrap(at(indices!, place.slice(axis, axis + rank)), x!.shape[axis]!);
    return at(x!, [...place.slice(0, axis), index, ...place.slice(axis + rank)]);
  });
};

const reshape: Operator = ([x, wanted], attributes) => {
  const shape = wanted!.data.map((length, axis) =>
    length === 0 && !attributes.int("allowzero", 0) ? x!.shape[axis]! : length,
  );
  const rest = shape.indexOf(-1);
  if (rest >= 0) shape[rest] = x!.data.length / size(shape.with(rest, 1));
  return { shape, data: x!.data };
};

const pad: Operator = ([x, given, value, axes], attributes) => {
  const rank = x!.shape.length;
  const stated = given?.data ?? attributes.ints("pads")!;
  const pads = Array<number>(2 * rank).fill(0);
  (axes?.data ?? x!.shape.map((_, axis) => axis)).forEach((axis, index, list) => {
    pads[wrap(axis, rank)] = stated[index]!;
    pads[wrap(axis, rank) + rank] = stated[index + list.length]!;
  });
  const shape = x!.shape.map((length, axis) => length + pads[axis]! + pads[axis + rank]!);
  const reflects = attributes.text("mode", "constant") === "reflect";
  return build(shape, (place) => {
    const from = place.map((index, axis) => {
      const inner = index - pads[axis]!;
      const length = x!.shape[axis]!;
      return !reflects ? inner : inner < 0 ? -inner : inner >= length ? 2 * (length - 1) - inner : inner;
    });
    const inside = from.every((index, axis) => index >= 0 && index < x!.shape[axis]!);
    return inside ? at(x!, from) : (value?.data[0] ?? attributes.float("value", 0));
  });
};

const resize: Operator = ([x, , scales, sizes], attributes) => {
  const out = sizes?.data ?? x!.shape.map((length, axis) => Math.floor(length * scales!.data[axis]!));
  const factor = x!.shape.map((length, axis) => (sizes ? out[axis]! / length : scales!.data[axis]!));
  const transformation = attributes.text("coordinate_transformation_mode", "half_pixel");
  const place = (index: number, axis: number) => {
    const [before, after] = [x!.shape[axis]!, out[axis]!];
    if (transformation === "asymmetric") return index / factor[axis]!;
    if (transformation === "align_corners") return after > 1 ? (index * (before - 1)) / (after - 1) : 0;
    if (transformation === "pytorch_half_pixel" && after === 1) return 0;
    return (index + 0.5) / factor[axis]! - 0.5;
  };
  const inside = (index: number, axis: number) => Math.min(Math.max(index, 0), x!.shape[axis]! - 1);
  const rounding = attributes.text("nearest_mode", "round_prefer_floor");
  const nearest = attributes.text("mode", "nearest") === "nearest";
  return build(out, (index) => {
    const where = index.map((value, axis) => (axis < 2 ? value : place(value, axis)));
    if (nearest) {
      const round = (value: number) =>
        rounding === "floor"
          ? Math.floor(value)
          : rounding === "ceil"
            ? Math.ceil(value)
            : rounding === "round_prefer_ceil"
              ? Math.floor(value + 0.5)
              : Math.ceil(value - 0.5);
      return at(
        x!,
        where.map((value, axis) => (axis < 2 ? value : inside(round(value), axis))),
      );
    }
    const [n, c] = where as [number, number];
    const [y, xx] = [inside(where[2]!, 2), inside(where[3]!, 3)];
    const [top, left] = [Math.floor(y), Math.floor(xx)];
    const get = (row: number, column: number) => at(x!, [n, c, inside(row, 2), inside(column, 3)]);
    const mix = (a: number, b: number, part: number) => a * (1 - part) + b * part;
    return mix(
      mix(get(top, left), get(top, left + 1), xx - left),
      mix(get(top + 1, left), get(top + 1, left + 1), xx - left),
      y - top,
    );
  });
};

// Before operator set 11: scales alone, samples placed asymmetrically.
const upsample: Operator = ([x, scales], attributes, node, opset) => {
  const mode = { mode: attributes.text("mode", "nearest"), nearest_mode: "floor" };
  const older = new Attributes({ ...mode, coordinate_transformation_mode: "asymmetric" });
  const factors = scales ?? { shape: [4], data: attributes.floats("scales") };
  return resize([x, undefined, factors], older, node, opset);
};

const layerNorm: Operator = ([x, scale, bias], attributes) => {
  const first = wrap(attributes.int("axis", -1), x!.shape.length);
  const axes = x!.shape.map((_, axis) => axis).slice(first);
  const over = new Attributes({ axes, keepdims: 1 });
  const mean = reduce((values) => sumOf(values) / values.length)([x], over, {} as TestNode, 0) as NdArray;
  const centred = broadcast([x!, mean], (value, middle) => value - middle);
  const variance = reduce((values) => sumOf(values.map((value) => value * value)) / values.length)(
    [centred],
    over,
    {} as TestNode,
    0,
  ) as NdArray;
  const epsilon = attributes.float("epsilon", 1e-5);
  const normal = broadcast([centred, variance], (value, spread) => value / Math.sqrt(spread + epsilon));
  const scaled = broadcast([normal, scale!], (value, factor) => value * factor);
  return bias ? broadcast([scaled, bias], (value, offset) => value + offset) : scaled;
};

const perChannel = (x: NdArray, parameter: NdArray) => ({
  shape: [parameter.shape[0]!, ...x.shape.slice(2).map(() => 1)],
  data: parameter.data,
});

const batchNorm: Operator = ([x, scale, bias, mean, variance], attributes) => {
  const parameters = [scale!, bias!, mean!, variance!].map((parameter) => perChannel(x!, parameter));
  const epsilon = attributes.float("epsilon", 1e-5);
  return broadcast(
    [x!, ...parameters],
    (value, s, b, m, v) => ((value - m!) / Math.sqrt(v! + epsilon)) * s! + b!,
  );
};

const instanceNorm: Operator = ([x, scale, bias], attributes, node) => {
  const ones = x!.shape.slice(2);
  const fill = (parameter: NdArray) => perChannel(x!, parameter);
  const unit = { shape: ones, data: Array<number>(size(ones)).fill(1) };
  const normal = layerNorm(
    [x, unit],
    new Attributes({ axis: 2, epsilon: { float: attributes.float("epsilon", 1e-5) } }),
    node,
    0,
  ) as NdArray;
  return broadcast([normal, fill(scale!), fill(bias!)], (value, s, b) => value * s + b);
};

const groupNorm: Operator = ([x, scale, bias], attributes, node, opset) => {
  const groups = attributes.int("num_groups", 1);
  const width = x!.shape[1]! / groups;
  const rows = { shape: [x!.shape[0]! * groups, x!.data.length / x!.shape[0]! / groups], data: x!.data };
  const unit = { shape: [rows.shape[1]!], data: Array<number>(rows.shape[1]!).fill(1) };
  const over = new Attributes({ epsilon: { float: attributes.float("epsilon", 1e-5) } });
  const normal = layerNorm([rows, unit], over, node, opset) as NdArray;
  const channel = (parameter: NdArray, c: number) => parameter.data[opset < 21 ? Math.floor(c / width) : c]!;
  return build(
    x!.shape,
    (place) =>
      at({ shape: x!.shape, data: normal.data }, place) * channel(scale!, place[1]!) +
      channel(bias!, place[1]!),
  );
};

function blocks(x: NdArray, block: number, toSpace: boolean, columnFirst: boolean): NdArray {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  if (!toSpace)
    return build([batch, channels * block ** 2, height / block, width / block], ([n, c, y, xx]) => {
      const part = Math.floor(c! / channels);
      return at(x, [n!, c! % channels, y! * block + Math.floor(part / block), xx! * block + (part % block)]);
    });
  const depth = channels / block ** 2;
  return build([batch, depth, height * block, width * block], ([n, c, y, xx]) => {
    const part = (y! % block) * block + (xx! % block);
    const channel = columnFirst ? c! * block ** 2 + part : part * depth + c!;
    return at(x, [n!, channel, Math.floor(y! / block), Math.floor(xx! / block)]);
  });
}

const einsum: Operator = ([a, b], attributes) => {
  const [, left, right, result] = /^(\w+),(\w+)->(\w+)$/.exec(
    attributes.text("equation", "").replaceAll(" ", ""),
  )!;
  const letters = [...new Set(left! + right!)];
  const length = (letter: string) =>
    left!.includes(letter) ? a!.shape[left!.indexOf(letter)]! : b!.shape[right!.indexOf(letter)]!;
  const summed = letters.filter((letter) => !result!.includes(letter));
  return build([...result!].map(length), (place) => {
    let sum = 0;
    everyPlace(summed.map(length), (other) => {
      const index = (letter: string) =>
        result!.includes(letter) ? place[result!.indexOf(letter)]! : other[summed.indexOf(letter)]!;
      sum += at(a!, [...left!].map(index)) * at(b!, [...right!].map(index));
    });
    return sum;
  });
};

const squeeze: Operator = ([x, given], attributes) => {
  const axes = (given?.data ?? attributes.ints("axes"))?.map((axis) => wrap(axis, x!.shape.length));
  return {
    shape: x!.shape.filter((length, axis) => (axes ? !axes.includes(axis) : length !== 1)),
    data: x!.data,
  };
};

const unsqueeze: Operator = ([x, given], attributes) => {
  const axes = given?.data ?? attributes.ints("axes")!;
  const rank = x!.shape.length + axes.length;
  const wrapped = axes.map((axis) => wrap(axis, rank));
  const rest = [...x!.shape];
  return {
    shape: Array.from({ length: rank }, (_, axis) => (wrapped.includes(axis) ? 1 : rest.shift()!)),
    data: x!.data,
  };
};

const scatter: Operator = ([data, indices, updates], attributes) => {
  const depth = indices!.shape.at(-1)!;
  const result = [...data!.data];
  const length = size(data!.shape.slice(depth));
  for (let row = 0; row < indices!.data.length / depth; row++) {
    const place = indices!.data.slice(row * depth, (row + 1) * depth);
    const start = place.reduce(
      (sum, index, axis) => sum * data!.shape[axis]! + wrap(index, data!.shape[axis]!),
      0,
    );
    for (let offset = 0; offset < length; offset++) {
      const update = updates!.data[row * length + offset]!;
      const at = start * length + offset;
      result[at] = attributes.text("reduction", "none") === "add" ? result[at]! + update : update;
    }
  }
  return { shape: data!.shape, data: result };
};

const operators: Record<string, Operator> = {
  ScatterND: scatter,
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool(false),
  AveragePool: pool(true),
  GlobalAveragePool: globalPool((values) => sumOf(values) / values.length),
  GlobalMaxPool: globalPool((values) => Math.max(...values)),
  ReduceMean: reduce((values) => sumOf(values) / values.length),
  ReduceSum: reduce(sumOf),
  ReduceMax: reduce((values) => Math.max(...values)),
  ReduceL2: reduce((values) => Math.sqrt(sumOf(values.map((value) => value * value)))),
  BatchNormalization: batchNorm,
  InstanceNormalization: instanceNorm,
  GroupNormalization: groupNorm,
  LayerNormalization: layerNorm,
  LRN: ([x], attributes) => {
    const [reach, count] = [(attributes.int("size", 1) - 1) / 2, attributes.int("size", 1)];
    return build(x!.shape, (place) => {
      let sum = 0;
      for (let c = Math.max(0, place[1]! - reach); c <= Math.min(x!.shape[1]! - 1, place[1]! + reach); c++)
        sum += at(x!, place.with(1, c)) ** 2;
      return (
        at(x!, place) /
        (attributes.float("bias", 1) + (attributes.float("alpha", 1e-4) / count) * sum) **
          attributes.float("beta", 0.75)
      );
    });
  },
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b) => a / b),
  Pow: binary((a, b) => a ** b),
  Max: binary(Math.max),
  Min: binary(Math.min),
  Mean: (inputs) => broadcast(inputs as NdArray[], (...values) => sumOf(values) / values.length),
  Where: (inputs) => broadcast(inputs as NdArray[], (flag, yes, no) => (flag ? yes! : no!)),
  Equal: binary((a, b) => (a === b ? 1 : 0)),
  Relu: unary((x) => Math.max(0, x)),
  Clip: ([x, low, high], attributes) =>
    map(x!, (value) =>
      Math.min(
        Math.max(value, low?.data[0] ?? attributes.float("min", -Infinity)),
        high?.data[0] ?? attributes.float("max", Infinity),
      ),
    ),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Tanh: unary(Math.tanh),
  Sqrt: unary(Math.sqrt),
  Abs: unary(Math.abs),
  Exp: unary(Math.exp),
  Neg: unary((x) => -x),
  Ceil: unary(Math.ceil),
  Reciprocal: unary((x) => 1 / x),
  Erf: unary(erf),
  Gelu: unary((x, attributes) =>
    attributes.text("approximate", "none") === "tanh"
      ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
      : 0.5 * x * (1 + erf(x / Math.SQRT2)),
  ),
  HardSigmoid: unary((x, attributes) =>
    Math.min(1, Math.max(0, attributes.float("alpha", 0.2) * x + attributes.float("beta", 0.5))),
  ),
  HardSwish: unary((x) => x * Math.min(1, Math.max(0, x / 6 + 0.5))),
  LeakyRelu: unary((x, attributes) => (x < 0 ? attributes.float("alpha", 0.01) * x : x)),
  Elu: unary((x, attributes) => (x < 0 ? attributes.float("alpha", 1) * (Math.exp(x) - 1) : x)),
  Softplus: unary((x) => Math.log(Math.exp(x) + 1)),
  Mish: unary((x) => x * Math.tanh(Math.log(Math.exp(x) + 1))),
  PRelu: binary((x, slope) => (x < 0 ? slope * x : x)),
  Softmax: softmax,
  Transpose: transpose,
  MatMul: matMul,
  Gemm: gemm,
  Slice: slice,
  Concat: concat,
  Split: split,
  Gather: gather,
  Reshape: reshape,
  Flatten: ([x], attributes) => {
    const axis = wrap(attributes.int("axis", 1), x!.shape.length);
    return { shape: [size(x!.shape.slice(0, axis)), size(x!.shape.slice(axis))], data: x!.data };
  },
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Pad: pad,
  Resize: (inputs, attributes, node, opset) =>
    opset < 11 ? upsample(inputs, attributes, node, opset) : resize(inputs, attributes, node, opset),
  Upsample: (inputs, attributes, node, opset) => upsample(inputs, attributes, node, opset),
  Expand: ([x, wanted]) =>
    broadcast(
      [x!, { shape: wanted!.data, data: Array<number>(size(wanted!.data)).fill(0) }],
      (value) => value,
    ),
  Tile: ([x, repeats]) =>
    build(
      x!.shape.map((length, axis) => length * repeats!.data[axis]!),
      (place) =>
        at(
          x!,
          place.map((index, axis) => index % x!.shape[axis]!),
        ),
    ),
  DepthToSpace: ([x], attributes) =>
    blocks(x!, attributes.int("blocksize", 1), true, attributes.text("mode", "DCR") === "CRD"),
  SpaceToDepth: ([x], attributes) => blocks(x!, attributes.int("blocksize", 1), false, false),
  Einsum: einsum,
  Identity: ([x]) => x!,
  Dropout: ([x]) => x!,
  Cast: ([x], attributes) => (attributes.int("to", 1) === 1 ? x! : map(x!, Math.trunc)),
  Shape: ([x]) => ({ shape: [x!.shape.length], data: [...x!.shape] }),
  Constant: (_, attributes) => attributes.tensor("value"),
  ConstantOfShape: ([shape], attributes) => build(shape!.data, () => attributes.tensor("value").data[0]!),
  Range: ([start, limit, step]) => {
    const count = Math.max(0, Math.ceil((limit!.data[0]! - start!.data[0]!) / step!.data[0]!));
    return build([count], ([index]) => start!.data[0]! + index! * step!.data[0]!);
  },
};

/** The outputs of a network for the given inputs, in NCHW. */
export function computeReference(network: OnnxNetwork, inputs: ReadonlyMap<string, NdArray>): NdArray[] {
  const values = new Map<string, NdArray>(inputs);
  for (const [name, tensor] of network.tensors)
    values.set(name, { shape: [...tensor.shape], data: [...tensor.values] });
  for (const node of network.nodes) {
    const operator = operators[node.type];
    if (!operator) throw new Error(`the reference has no ${node.type}`);
    const results = operator(
      node.inputs.map((name) => (name ? values.get(name)! : undefined)),
      new Attributes(node.attributes),
      node,
      network.opset,
    );
    const list = Array.isArray(results) ? results : [results];
    node.outputs.forEach((output, index) => values.set(output, list[index]!));
  }
  return network.outputs.map((name) => values.get(name)!);
}
