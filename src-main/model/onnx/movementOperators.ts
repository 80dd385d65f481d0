import { broadcastShapes, concatenateShapes, describeShape } from "../shapeInference.ts";
import { Constant } from "./constant.ts";
import { unary, type Operator } from "./elementwiseOperators.ts";
import { isPlain, plainOrder, type Activation } from "./layout.ts";
import { convertType } from "./onnxTensor.ts";
import { Flattened, type OperatorView, type Value } from "./operatorView.ts";
import { flattenedShape, reshapedShape, squeezedShape, unsqueezedShape } from "./reshaping.ts";

/** The value under another shape; a flattening that moves elements waits for who uses it. */
function reshapeTo(view: OperatorView, shape: readonly number[]): Value {
  const value = view.required(0);
  if (value instanceof Constant) return value.reshape(shape);
  if (value instanceof Flattened) return view.layout.reshape(view.toActivation(value), shape);
  if (shape.some((size) => size < 1))
    view.fail(`its result would have the impossible shape ${describeShape(shape)}`);
  const batchFirst = value.order[0] === 0 || value.shape[0] === 1;
  const flattens = shape.length === 2 && value.shape.length > 2 && shape[0] === value.shape[0];
  if (flattens && batchFirst && !isPlain(value)) {
    const units = value.shape.slice(1).reduce((product, size) => product * size, 1);
    if (units === shape[1]) return new Flattened(value, shape);
  }
  return view.layout.reshape(value, shape);
}

function concatenate(view: OperatorView): Value {
  const values = Array.from({ length: view.inputCount }, (_, index) => view.required(index));
  const given = values.map((value) => (value instanceof Flattened ? view.toActivation(value) : value));
  const rank = given[0]!.shape.length;
  const axis = view.axis(view.integer("axis", 0), rank);
  let shape: number[];
  try {
    shape = concatenateShapes(
      given.map((value) => value.shape),
      axis,
    );
  } catch {
    return view.fail(
      `the shapes ${given.map((value) => describeShape(value.shape)).join(", ")} do not fit together`,
    );
  }
  if (given.length === 1) return given[0]!;
  const computed = given.filter((value): value is Activation => !(value instanceof Constant));
  const order = (computed.find((value) => !isPlain(value)) ?? computed[0])?.order ?? plainOrder(rank);
  const tensors = given.map((value) =>
    value instanceof Constant
      ? view.addConstant(value.transpose(order).reshape(order.map((place) => value.shape[place]!)), "operand")
      : view.layout.arrange(value, order).tensor,
  );
  const attributes = { axis: order.indexOf(axis), fusedActivationFunction: "NONE" };
  return view.append("CONCATENATION", tensors, { shape, order, dtype: given[0]!.dtype }, attributes);
}

function split(view: OperatorView): Value[] {
  const x = view.activation(0);
  const axis = view.axis(view.integer("axis", 0), x.shape.length);
  const length = x.shape[axis]!;
  const parts = view.node.outputs.length;
  const even = Math.ceil(length / parts);
  const sizes =
    view.integersFrom(1, "split") ??
    Array.from({ length: parts }, (_, index) => Math.min(even, length - index * even));
  const fits = sizes.length === parts && sizes.reduce((sum, size) => sum + size, 0) === length;
  if (!fits || sizes.some((size) => size < 1))
    view.fail(`${length} elements do not split into ${parts} parts of ${sizes.slice(0, 16).join(", ")}`);
  if (parts === 1) return [x];
  const place = view.addIntegers([x.order.indexOf(axis)], "axis", []);
  const forms = sizes.map((size) => ({ shape: x.shape.with(axis, size), order: x.order, dtype: x.dtype }));
  const attributes = { numSplits: parts };
  if (sizes.every((size) => size === sizes[0]))
    return view.appendMany("SPLIT", [place, x.tensor], forms, attributes);
  return view.appendMany("SPLIT_V", [x.tensor, view.addIntegers(sizes, "sizes"), place], forms, attributes);
}

interface Cut {
  begin: number[];
  end: number[];
  step: number[];
}

/** STRIDED_SLICE by logical axes; the axis `shrink` has one element left and disappears. */
function cut(view: OperatorView, x: Activation, { begin, end, step }: Cut, shrink = -1): Activation {
  const inputs = [
    x.tensor,
    ...(
      [
        [begin, "begin"],
        [end, "end"],
        [step, "strides"],
      ] as const
    ).map(([list, name]) =>
      view.addIntegers(
        x.order.map((axis) => list[axis]!),
        name,
      ),
    ),
  ];
  const kept = plainOrder(x.shape.length).filter((axis) => axis !== shrink);
  const sizes = x.shape.map((_, axis) => Math.ceil((end[axis]! - begin[axis]!) / step[axis]!));
  const form = {
    shape: kept.map((axis) => sizes[axis]!),
    order: x.order.filter((axis) => axis !== shrink).map((axis) => kept.indexOf(axis)),
    dtype: x.dtype,
  };
  return view.append(
    "STRIDED_SLICE",
    inputs,
    form,
    {
      beginMask: 0,
      endMask: 0,
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: shrink < 0 ? 0 : 1 << x.order.indexOf(shrink),
    },
    x.shape.length > 4 ? 4 : 1,
  );
}

function wholeCut(x: Activation): Cut {
  return { begin: x.shape.map(() => 0), end: [...x.shape], step: x.shape.map(() => 1) };
}

function slice(view: OperatorView): Value {
  const x = view.activation(0);
  const starts = view.integersFrom(1, "starts") ?? view.fail("it has no starts");
  const ends = view.integersFrom(2, "ends") ?? view.fail("it has no ends");
  const axes = view.integersFrom(3, "axes") ?? plainOrder(starts.length);
  const steps = view.integersOf(4, "steps") ?? starts.map(() => 1);
  if (new Set([starts.length, ends.length, axes.length, steps.length]).size !== 1)
    view.fail("its starts, ends, axes and steps differ in number");
  const part = wholeCut(x);
  axes.forEach((given, index) => {
    const axis = view.axis(given, x.shape.length);
    const length = x.shape[axis]!;
    const step = steps[index]!;
    if (step < 1)
      view.fail(
        `its step is ${step}`,
        "Only slices with positive steps can be converted; reverse the axis outside of the network.",
      );
    const clamp = (place: number) => Math.min(Math.max(place < 0 ? place + length : place, 0), length);
    part.begin[axis] = clamp(starts[index]!);
    part.end[axis] = clamp(ends[index]!);
    part.step[axis] = Math.min(step, length);
    if (part.end[axis]! <= part.begin[axis]!) view.fail(`nothing is left of axis ${axis}`);
  });
  const whole = x.shape.every(
    (size, axis) => part.begin[axis] === 0 && part.end[axis] === size && part.step[axis] === 1,
  );
  return whole ? x : cut(view, x, part);
}

function gather(view: OperatorView): Value {
  const data = view.required(0);
  const indices = view.required(1);
  const axis = view.axis(view.integer("axis", 0), data.shape.length);
  const length = data.shape[axis]!;
  if (indices instanceof Constant && !(data instanceof Constant)) {
    const x = view.toActivation(data);
    if (indices.count > 2 ** 20) view.fail(`it picks ${indices.count} elements`);
    const places = Array.from(indices.numbers(), (place) => view.axis(place, length));
    const part = wholeCut(x);
    part.begin[axis] = places[0] ?? 0;
    part.end[axis] = (places[0] ?? 0) + places.length;
    const run = places.length > 0 && places.every((place, index) => place === places[0]! + index);
    if (indices.shape.length === 0) return cut(view, x, part, axis);
    if (indices.shape.length === 1 && run) return places.length === length ? x : cut(view, x, part);
    if (indices.shape.length === 1) {
      const inputs = [x.tensor, view.addIntegers(places, "indices")];
      const form = { shape: x.shape.with(axis, places.length), order: x.order, dtype: x.dtype };
      return view.append("GATHER", inputs, form, { axis: x.order.indexOf(axis), batchDims: 0 });
    }
    return appendGather(view, x, view.addIntegers(places, "indices", indices.shape), indices.shape, axis);
  }
  const picked = view.toActivation(indices);
  return appendGather(view, view.toActivation(data), view.layout.plain(picked).tensor, picked.shape, axis);
}

function appendGather(
  view: OperatorView,
  data: Activation,
  indices: number,
  indicesShape: readonly number[],
  axis: number,
): Value {
  const x = view.layout.plain(data);
  const shape = [...x.shape.slice(0, axis), ...indicesShape, ...x.shape.slice(axis + 1)];
  return view.append("GATHER", [x.tensor, indices], { shape, dtype: x.dtype }, { axis, batchDims: 0 });
}

function pad(view: OperatorView): Value {
  const x = view.activation(0);
  const rank = x.shape.length;
  const pads = view.integersFrom(1, "pads") ?? view.fail("it has no pads");
  const axes = (view.integersOf(3, "axes") ?? plainOrder(rank)).map((axis) => view.axis(axis, rank));
  if (pads.length !== 2 * axes.length) view.fail(`it has ${pads.length} pads for ${axes.length} axes`);
  if (pads.some((margin) => margin < 0))
    view.fail("it cuts a margin off", "Use a slice in its place and export again.");
  const before = x.shape.map(() => 0);
  const after = x.shape.map(() => 0);
  axes.forEach((axis, index) => {
    before[axis] = pads[index]!;
    after[axis] = pads[index + axes.length]!;
  });
  if (pads.every((margin) => margin === 0)) return x;
  const mode = view.text("mode", "constant");
  const value = view.optionalConstant(2, "value")?.numbers()[0] ?? view.float("value", 0);
  const margins = x.order.flatMap((axis) => [before[axis]!, after[axis]!]);
  const inputs = [x.tensor, view.addIntegers(margins, "paddings", [rank, 2])];
  const shape = x.shape.map((size, axis) => size + before[axis]! + after[axis]!);
  const form = { shape, order: x.order, dtype: x.dtype };
  if (mode === "reflect") return view.append("MIRROR_PAD", inputs, form, { mode: "REFLECT" });
  if (mode !== "constant")
    view.fail(
      `TFLite has no padding of mode ${mode}`,
      "Pad with zeros or reflections instead and export again.",
    );
  if (value === 0) return view.append("PAD", inputs, form);
  return view.append(
    "PADV2",
    [...inputs, view.addConstant(Constant.of(x.dtype, [], [value]), "value")],
    form,
  );
}

function expand(view: OperatorView): Value {
  const x = view.activation(0);
  const wanted = view.integersOf(1, "shape") ?? view.fail("it has no shape");
  let shape: number[];
  try {
    shape = broadcastShapes(x.shape, wanted);
  } catch {
    return view.fail(`${describeShape(x.shape)} cannot be spread to ${describeShape(wanted)}`);
  }
  const lifted = view.layout.lift(x, shape.length);
  if (shape.every((size, axis) => size === lifted.shape[axis])) return lifted;
  const inputs = [
    lifted.tensor,
    view.addIntegers(
      lifted.order.map((axis) => shape[axis]!),
      "shape",
    ),
  ];
  return view.append("BROADCAST_TO", inputs, { shape, order: lifted.order, dtype: x.dtype }, {}, 2);
}

function tile(view: OperatorView): Value {
  const x = view.activation(0);
  const repeats = view.integersOf(1, "repeats") ?? view.fail("it has no repeats");
  if (repeats.length !== x.shape.length || repeats.some((times) => times < 1))
    view.fail(`its repeats ${describeShape(repeats)} do not fit ${describeShape(x.shape)}`);
  if (repeats.every((times) => times === 1)) return x;
  const inputs = [
    x.tensor,
    view.addIntegers(
      x.order.map((axis) => repeats[axis]!),
      "repeats",
    ),
  ];
  const shape = x.shape.map((size, axis) => size * repeats[axis]!);
  return view.append("TILE", inputs, { shape, order: x.order, dtype: x.dtype });
}

function depthToSpace(view: OperatorView): Value {
  const size = view.integer("blocksize", 0);
  const image = view.activation(0);
  const [batch, channels, height, width] = image.shape as [number, number, number, number];
  if (image.shape.length !== 4 || size < 1 || channels % size ** 2 !== 0)
    view.fail(`blocks of ${size} do not fit ${describeShape(image.shape)}`);
  const depth = channels / size ** 2;
  const shape = [batch, depth, height * size, width * size];
  if (view.text("mode", "DCR") === "CRD") {
    // PixelShuffle has the block inside of the channel, which TFLite's operator has not.
    const parts = view.layout.reshape(image, [batch, depth, size, size, height, width]);
    return view.layout.reshape(view.layout.transpose(parts, [0, 1, 4, 2, 5, 3]), shape);
  }
  const x = view.image(0);
  return view.append("DEPTH_TO_SPACE", [x.tensor], { shape, order: x.order }, { blockSize: size });
}

function spaceToDepth(view: OperatorView): Value {
  const size = view.integer("blocksize", 0);
  const x = view.image(0);
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  if (size < 1 || height % size !== 0 || width % size !== 0)
    view.fail(`blocks of ${size} do not fit ${describeShape(x.shape)}`);
  const shape = [batch, channels * size ** 2, height / size, width / size];
  return view.append("SPACE_TO_DEPTH", [x.tensor], { shape, order: x.order }, { blockSize: size });
}

function cast(view: OperatorView): Value {
  const value = view.required(0);
  const dtype = convertType(view.integer("to", 0), `node ${view.node.name} (Cast)`);
  if (value.dtype === dtype) return value;
  return unary(view, "CAST", value, { attributes: { inDataType: value.dtype, outDataType: dtype }, dtype });
}

function transpose(view: OperatorView): Value {
  const x = view.activation(0);
  const rank = x.shape.length;
  const axes = view.integers("perm") ?? plainOrder(rank).reverse();
  if (axes.length !== rank || plainOrder(rank).some((axis) => !axes.includes(axis)))
    view.fail(`[${axes.slice(0, 16).join()}] is no order of ${rank} axes`);
  return view.layout.transpose(x, axes);
}

function pass(view: OperatorView): Value {
  return view.required(0);
}

function dropout(view: OperatorView): Value {
  if (view.hasOutput(1)) view.fail("its mask is used as an output");
  return view.required(0);
}

/** Operators that move elements or leave them as they are. */
export const movementOperators: Record<string, Operator> = {
  Reshape: (view) => reshapeTo(view, reshapedShape(view, view.required(0).shape)),
  Flatten: (view) => reshapeTo(view, flattenedShape(view, view.required(0).shape)),
  Squeeze: (view) => reshapeTo(view, squeezedShape(view, view.required(0).shape)),
  Unsqueeze: (view) => reshapeTo(view, unsqueezedShape(view, view.required(0).shape)),
  Transpose: transpose,
  Concat: concatenate,
  Split: split,
  Slice: slice,
  Gather: gather,
  Pad: pad,
  Expand: expand,
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Cast: cast,
  Identity: pass,
  Dropout: dropout,
};
