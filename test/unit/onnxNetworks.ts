/** Small networks in the shapes in which exporters write the zoo's blocks. */
import { OnnxNetwork } from "./onnxFiles.ts";

export interface TestNetwork {
  name: string;
  build: () => OnnxNetwork;
}

const float = (value: number) => ({ float: value });
const pads = (all: number) => ({ pads: [all, all, all, all] });

/** `x.view(x.size(0), …)` as PyTorch traces it: the batch is read from the shape and joined with the rest. */
function viewOf(net: OnnxNetwork, x: string, ...rest: readonly number[]): string {
  const batch = net.node("Gather", [net.node("Shape", [x]), net.constant([0], [])], { axis: 0 });
  const parts = [batch, ...rest.map((size) => net.constant([size], []))].map((part) =>
    net.opset >= 13
      ? net.node("Unsqueeze", [part, net.constant([0])])
      : net.node("Unsqueeze", [part], { axes: [0] }),
  );
  return net.node("Reshape", [x, net.node("Concat", parts, { axis: 0 })]);
}

function linear(net: OnnxNetwork, x: string, from: number, to: number, name: string): string {
  const product = net.node("MatMul", [x, net.weight([from, to], `${name}.weight`, Math.sqrt(3 / from))]);
  return net.node("Add", [net.weight([to], `${name}.bias`, 0.1), product]);
}

function residual(): OnnxNetwork {
  const net = new OnnxNetwork(17);
  let x = net.input(["batch_size", 3, 33, 35]);
  x = net.conv(x, [8, 3, 7, 7], { strides: [2, 2], ...pads(3) }, false);
  x = net.node("Relu", [net.batchNorm(x, 8)]);
  x = net.node("MaxPool", [x], { kernel_shape: [3, 3], strides: [2, 2], ...pads(1) });
  let y = net.node("Relu", [
    net.batchNorm(net.conv(x, [12, 8, 3, 3], { strides: [2, 2], ...pads(1) }, false), 12),
  ]);
  y = net.batchNorm(net.conv(y, [12, 12, 3, 3], pads(1), false), 12);
  const shortcut = net.batchNorm(net.conv(x, [12, 8, 1, 1], { strides: [2, 2] }, false), 12);
  x = net.node("Relu", [net.node("Add", [y, shortcut])]);
  x = net.node("Flatten", [net.node("GlobalAveragePool", [x])], { axis: 1 });
  x = net.node("Gemm", [x, net.weight([5, 12], "fc.weight"), net.weight([5], "fc.bias")], {
    alpha: float(1),
    beta: float(1),
    transB: 1,
  });
  return net.output(x);
}

function squeezeExcite(): OnnxNetwork {
  const net = new OnnxNetwork(13);
  // Before operator set 14 exporters spell hard-swish out.
  const hardSwish = (x: string) => {
    const shifted = net.node("Add", [x, net.floats([3], `three${net.nodes.length}`, [])]);
    const clipped = net.node("Clip", [
      shifted,
      net.floats([0], `low${net.nodes.length}`, []),
      net.floats([6], `high${net.nodes.length}`, []),
    ]);
    return net.node("Div", [net.node("Mul", [x, clipped]), net.floats([6], `six${net.nodes.length}`, [])]);
  };
  let x = net.input([1, 4, 9, 11]);
  x = hardSwish(net.batchNorm(net.conv(x, [8, 4, 1, 1], {}, false), 8));
  x = hardSwish(net.batchNorm(net.conv(x, [8, 1, 5, 5], { group: 8, ...pads(2) }, false), 8));
  let gate = net.node("GlobalAveragePool", [x]);
  gate = net.node("Relu", [net.conv(gate, [4, 8, 1, 1])]);
  gate = net.node("HardSigmoid", [net.conv(gate, [8, 4, 1, 1])], { alpha: float(1 / 6), beta: float(0.5) });
  x = net.node("Mul", [gate, x]);
  return net.output(net.conv(x, [6, 8, 1, 1]));
}

/** Squeeze-and-excitation with linear layers, as timm and SENet write it. */
function linearExcite(): OnnxNetwork {
  const net = new OnnxNetwork(11);
  let x = net.input([1, 3, 8, 9]);
  x = net.conv(x, [6, 3, 3, 3], pads(1));
  const pooled = viewOf(net, net.node("GlobalAveragePool", [x]), 6);
  let gate = net.node("Relu", [
    net.node("Gemm", [pooled, net.weight([2, 6], "reduce.weight"), net.weight([2], "reduce.bias")], {
      transB: 1,
    }),
  ]);
  gate = net.node("Sigmoid", [
    net.node("Gemm", [gate, net.weight([6, 2], "expand.weight"), net.weight([6], "expand.bias")], {
      transB: 1,
    }),
  ]);
  x = net.node("Mul", [x, viewOf(net, gate, 6, 1, 1)]);
  return net.output(x);
}

function mobileBlock(): OnnxNetwork {
  const net = new OnnxNetwork(18);
  const relu6 = (x: string) =>
    net.node("Clip", [x, net.constant([0], [], "float"), net.constant([6], [], "float")]);
  let x = net.input(["N", 3, 16, 18]);
  // Padding as TensorFlow's SAME does it, and one that is none.
  x = net.node("Pad", [x, net.integers([0, 0, 0, 0, 0, 0, 1, 1], "pads"), ""], { mode: "constant" });
  x = relu6(net.batchNorm(net.conv(x, [6, 3, 3, 3], { strides: [2, 2], ...pads(0) }, false), 6));
  const y = relu6(net.batchNorm(net.conv(x, [12, 6, 1, 1], {}, false), 12));
  const z = relu6(net.batchNorm(net.conv(y, [12, 1, 3, 3], { group: 12, ...pads(1) }, false), 12));
  x = net.node("Add", [x, net.batchNorm(net.conv(z, [6, 12, 1, 1], {}, false), 6)]);
  x = relu6(net.conv(x, [6, 1, 3, 3], { group: 6, strides: [2, 2], ...pads(1) }));
  x = net.node("ReduceMean", [x, net.integers([2, 3], "axes")], { keepdims: 0 });
  return net.output(net.node("Softmax", [linear(net, x, 6, 5, "fc")], { axis: 1 }));
}

function channelShuffle(): OnnxNetwork {
  const net = new OnnxNetwork(11);
  let x = net.input(["batch", 8, 6, 7]);
  const [left, right] = net.nodeOf("Split", [x], 2, { axis: 1, split: [4, 4] });
  const y = net.node("Relu", [net.conv(right!, [4, 4, 1, 1])]);
  x = net.node("Concat", [left!, y], { axis: 1 });
  const shape = net.node("Shape", [x]);
  const size = (axis: number) => net.node("Gather", [shape, net.constant([axis], [])], { axis: 0 });
  const wide = (part: string) => net.node("Unsqueeze", [part], { axes: [0] });
  const groups = net.constant([2], []);
  const depth = net.node("Div", [size(1), groups]);
  const apart = [size(0), groups, depth, size(2), size(3)].map(wide);
  x = net.node("Reshape", [x, net.node("Concat", apart, { axis: 0 })]);
  x = net.node("Transpose", [x], { perm: [0, 2, 1, 3, 4] });
  x = net.node("Reshape", [
    x,
    net.node("Concat", [wide(size(0)), net.constant([-1]), wide(size(2)), wide(size(3))], { axis: 0 }),
  ]);
  return net.output(net.conv(x, [5, 8, 1, 1]));
}

/** A block of a vision transformer: patches, class token, layer norm, attention, GELU spelt with erf. */
function transformer(opset: number): OnnxNetwork {
  const net = new OnnxNetwork(opset);
  const [width, heads, tokens] = [12, 3, 13];
  let x = net.input(["batch", 3, 12, 16]);
  x = net.conv(x, [width, 3, 4, 4], { strides: [4, 4] });
  x = net.node("Transpose", [viewOf(net, x, width, 12)], { perm: [0, 2, 1] });
  const token = net.node("Expand", [
    net.weight([1, 1, width], "cls_token"),
    net.constant([1, -1 + 2, -1 + 2]),
  ]);
  x = net.node("Concat", [token, x], { axis: 1 });
  x = net.node("Add", [x, net.weight([1, tokens, width], "pos_embed")]);
  const norm = (value: string, name: string) => {
    const parameters = [net.weight([width], `${name}.weight`), net.weight([width], `${name}.bias`)] as const;
    if (opset >= 17)
      return net.node("LayerNormalization", [value, ...parameters], { axis: -1, epsilon: float(1e-6) });
    const mean = net.node("ReduceMean", [value], { axes: [-1] });
    const centred = net.node("Sub", [value, mean]);
    const squares = net.node("Pow", [centred, net.constant([2], [], "float")]);
    const variance = net.node("ReduceMean", [squares], { axes: [-1] });
    const deviation = net.node("Sqrt", [net.node("Add", [variance, net.constant([1e-6], [], "float")])]);
    const normal = net.node("Mul", [net.node("Div", [centred, deviation]), parameters[0]]);
    return net.node("Add", [normal, parameters[1]]);
  };
  let y = linear(net, norm(x, "norm1"), width, 3 * width, "qkv");
  y = net.node("Transpose", [viewOf(net, y, tokens, 3, heads, width / heads)], { perm: [2, 0, 3, 1, 4] });
  const [q, k, v] = [0, 1, 2].map((index) =>
    net.node("Gather", [y, net.constant([index], [])], { axis: 0 }),
  ) as [string, string, string];
  const scores = net.node("MatMul", [
    net.node("Mul", [q, net.constant([0.5], [], "float")]),
    net.node("Transpose", [k], { perm: [0, 1, 3, 2] }),
  ]);
  const mixed = net.node("MatMul", [net.node("Softmax", [scores], { axis: opset >= 13 ? -1 : 3 }), v]);
  y = viewOf(net, net.node("Transpose", [mixed], { perm: [0, 2, 1, 3] }), tokens, width);
  x = net.node("Add", [x, linear(net, y, width, width, "proj")]);
  y = linear(net, norm(x, "norm2"), width, 2 * width, "fc1");
  const error = net.node("Erf", [net.node("Div", [y, net.constant([Math.SQRT2], [], "float")])]);
  const gelu = net.node("Mul", [
    net.node("Mul", [y, net.node("Add", [error, net.constant([1], [], "float")])]),
    net.constant([0.5], [], "float"),
  ]);
  x = net.node("Add", [x, linear(net, gelu, 2 * width, width, "fc2")]);
  x = net.node("Gather", [x, net.constant([0], [])], { axis: 1 });
  return net.output(
    net.node("Gemm", [x, net.weight([4, width], "head.weight"), net.weight([4], "head.bias")], { transB: 1 }),
  );
}

function flattenHead(): OnnxNetwork {
  const net = new OnnxNetwork(13);
  let x = net.input(["n", 3, 10, 8]);
  x = net.node("Relu", [net.conv(x, [4, 3, 3, 3])]);
  x = net.node("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
  x = net.node("Dropout", [net.node("Flatten", [x])]);
  x = net.node("Relu", [
    net.node("Gemm", [x, net.weight([7, 48], "fc1.weight", 0.2), net.weight([7], "fc1.bias")], { transB: 1 }),
  ]);
  return net.output(
    net.node("Gemm", [x, net.weight([7, 5], "fc2.weight"), net.weight([1, 5], "fc2.bias")], {
      alpha: float(0.5),
      beta: float(2),
    }),
  );
}

/** A flattened value that two kinds of ops use: the product reorders its weights, the other one reorders the elements. */
function flattenTwice(): OnnxNetwork {
  const net = new OnnxNetwork(13);
  const x = net.node("Flatten", [net.conv(net.input([1, 2, 4, 5]), [3, 2, 1, 1])]);
  const product = net.node("MatMul", [x, net.weight([60, 4], "weight", 0.2)]);
  return net.output(product, net.node("Tanh", [x]));
}

function denseBlock(): OnnxNetwork {
  const net = new OnnxNetwork(11);
  let x = net.input([1, 3, 12, 10]);
  x = net.conv(x, [6, 3, 3, 3], pads(1));
  const y = net.conv(net.node("Relu", [net.batchNorm(x, 6)]), [4, 6, 3, 3], pads(1), false);
  x = net.node("Concat", [x, y], { axis: 1 });
  x = net.conv(net.node("Relu", [net.batchNorm(x, 10)]), [5, 10, 1, 1], {}, false);
  x = net.node("AveragePool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
  return net.output(net.node("ReduceMean", [x], { axes: [2, 3], keepdims: 0 }));
}

function convolutionKinds(): OnnxNetwork {
  const net = new OnnxNetwork(13);
  const x = net.input([1, 4, 13, 10]);
  return net.output(
    net.conv(x, [3, 4, 3, 3], { dilations: [2, 2], ...pads(2) }),
    net.conv(x, [3, 4, 4, 3], { auto_pad: "SAME_UPPER", strides: [2, 3] }),
    net.conv(x, [3, 4, 4, 2], { auto_pad: "SAME_LOWER", strides: [2, 1] }),
    net.conv(x, [3, 4, 2, 3], { auto_pad: "VALID" }),
    net.conv(x, [3, 4, 3, 5], { pads: [0, 2, 1, 3], strides: [1, 2] }),
    net.conv(x, [8, 1, 3, 3], { group: 4, ...pads(1) }),
  );
}

function poolingKinds(): OnnxNetwork {
  const net = new OnnxNetwork(19);
  const x = net.input([1, 3, 11, 14]);
  const window = { kernel_shape: [3, 3], strides: [2, 2] };
  return net.output(
    net.node("MaxPool", [x], { ...window, ...pads(1) }),
    net.node("MaxPool", [x], { ...window, ceil_mode: 1 }),
    net.node("MaxPool", [net.node("Sigmoid", [x])], { ...window, ...pads(1) }),
    net.node("AveragePool", [x], { ...window, ...pads(1) }),
    net.node("AveragePool", [x], { ...window, ...pads(1), count_include_pad: 1 }),
    net.node("AveragePool", [x], { ...window, ...pads(1), count_include_pad: 1, ceil_mode: 1 }),
    net.node("AveragePool", [x], { kernel_shape: [3, 2], strides: [3, 3], ceil_mode: 1 }),
    net.node("AveragePool", [x], { kernel_shape: [3, 3], ...pads(1) }),
    net.node("GlobalMaxPool", [x]),
    net.node("LRN", [x], { size: 3, alpha: float(0.3), beta: float(0.75), bias: float(2) }),
  );
}

function decoder(): OnnxNetwork {
  const net = new OnnxNetwork(13);
  const x = net.input([1, 3, 5, 6]);
  const y = net.conv(x, [4, 3, 1, 1]);
  const scales = (height: number, width: number) => ["", net.constant([1, 1, height, width], [4], "float")];
  const sizes = (height: number, width: number) => ["", "", net.constant([1, 4, height, width])];
  const transposed = (filter: readonly number[], attributes: Parameters<OnnxNetwork["node"]>[2]) =>
    net.node(
      "ConvTranspose",
      [
        y,
        net.weight(filter, `up${net.nodes.length}.weight`),
        net.weight([filter[1]!], `up${net.nodes.length}.bias`),
      ],
      attributes,
    );
  return net.output(
    net.node("Resize", [y, ...scales(2, 2)], {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    }),
    net.node("Resize", [y, ...scales(3, 2)], { mode: "nearest" }),
    net.node("Resize", [y, ...scales(2, 2)], {
      mode: "linear",
      coordinate_transformation_mode: "pytorch_half_pixel",
    }),
    net.node("Resize", [y, ...sizes(9, 11)], {
      mode: "linear",
      coordinate_transformation_mode: "align_corners",
    }),
    net.node("Resize", [y, ...sizes(8, 7)], { mode: "linear", coordinate_transformation_mode: "half_pixel" }),
    transposed([4, 2, 4, 4], { strides: [2, 2], ...pads(1) }),
    transposed([4, 2, 2, 2], { strides: [2, 2] }),
    transposed([4, 2, 3, 3], { strides: [2, 2], ...pads(1), output_padding: [1, 1] }),
    net.node("Relu", [net.batchNorm(transposed([4, 3, 3, 2], { strides: [3, 2] }), 3)]),
  );
}

function functions(): OnnxNetwork {
  const net = new OnnxNetwork(18);
  const x = net.input([1, 3, 4, 5]);
  const scalar = (value: number) => net.constant([value], [], "float");
  const image = net.node("Mul", [net.conv(x, [3, 3, 1, 1]), scalar(3)]);
  const named = [
    "Relu",
    "Sigmoid",
    "Tanh",
    "HardSwish",
    "HardSigmoid",
    "Elu",
    "Softplus",
    "Mish",
    "Abs",
    "Exp",
    "Neg",
    "LeakyRelu",
  ];
  return net.output(
    ...named.map((type) => net.node(type, [image])),
    net.node("Clip", [image, scalar(-1), scalar(1)]),
    net.node("Clip", [image, scalar(-0.5), scalar(0.75)]),
    net.node("Clip", [image, scalar(0.1)]),
    net.node("PRelu", [image, net.weight([3, 1, 1], "slope")]),
    net.node("PRelu", [image, net.floats([0.3], "slope_scalar")]),
    net.node("LeakyRelu", [image], { alpha: float(0.2) }),
    net.node("Sqrt", [net.node("Abs", [image])]),
    net.node("Pow", [net.node("Sigmoid", [image]), scalar(1.7)]),
    net.node("Mul", [image, net.node("Sigmoid", [image])]),
    net.node("Sub", [scalar(2), image]),
    net.node("Div", [net.weight([1, 3, 1, 5], "dividend"), net.node("Exp", [image])]),
    net.node("Max", [image, net.weight([3, 4, 1], "floor")]),
    net.node("Mean", [image, x]),
    net.node("Softmax", [image], { axis: 1 }),
    net.node("Softmax", [image], { axis: -1 }),
    net.node("ReduceL2", [image, net.constant([1])]),
    net.node("ReduceMax", [image, net.constant([-1])], { keepdims: 0 }),
    net.node("InstanceNormalization", [image, net.weight([3], "in.weight"), net.weight([3], "in.bias")]),
  );
}

/** What tf2onnx makes of a Keras network: the input is NHWC and transposed once. */
function kerasStyle(): OnnxNetwork {
  const net = new OnnxNetwork(15);
  net.producer = "tf2onnx";
  let x = net.node("Transpose", [net.input(["unk__1", 8, 10, 3])], { perm: [0, 3, 1, 2] });
  x = net.node("Relu", [net.conv(x, [5, 3, 3, 3], { strides: [2, 2], auto_pad: "SAME_UPPER" })]);
  x = net.node("Transpose", [x], { perm: [0, 2, 3, 1] });
  x = net.node("Reshape", [x, net.constant([-1, 100])]);
  return net.output(linear(net, x, 100, 4, "dense"));
}

function channelsLast(): OnnxNetwork {
  const net = new OnnxNetwork(17);
  const input = net.input(["batch", 6, 7, 5]);
  let x = net.conv(input, [6, 1, 7, 7], { group: 6, ...pads(3) });
  x = net.node("Transpose", [x], { perm: [0, 2, 3, 1] });
  x = net.node("LayerNormalization", [x, net.weight([6], "norm.weight"), net.weight([6], "norm.bias")], {
    axis: -1,
  });
  x = linear(net, net.node("Tanh", [linear(net, x, 6, 24, "pwconv1")]), 24, 6, "pwconv2");
  x = net.node("Mul", [x, net.weight([6], "gamma")]);
  x = net.node("Transpose", [x], { perm: [0, 3, 1, 2] });
  return net.output(net.node("Add", [input, x]));
}

function blocksOfSpace(): OnnxNetwork {
  const net = new OnnxNetwork(13);
  const x = net.input([1, 4, 6, 8]);
  const y = net.conv(x, [8, 4, 1, 1]);
  return net.output(
    net.node("DepthToSpace", [y], { blocksize: 2, mode: "DCR" }),
    net.node("DepthToSpace", [y], { blocksize: 2, mode: "CRD" }),
    net.node("SpaceToDepth", [y], { blocksize: 2 }),
  );
}

function movements(): OnnxNetwork {
  const net = new OnnxNetwork(18);
  const x = net.input([1, 6, 7, 5]);
  const y = net.conv(x, [6, 6, 1, 1]);
  const tokens = net.node("Transpose", [net.node("Reshape", [y, net.constant([0, 6, -1])])], {
    perm: [0, 2, 1],
  });
  const max = 2 ** 53;
  const every = (start: number, axis: number) =>
    net.node("Slice", [
      y,
      net.constant([start]),
      net.constant([max]),
      net.constant([axis]),
      net.constant([2]),
    ]);
  const [first, second] = net.nodeOf("Split", [y, net.constant([2, 4])], 2, { axis: 1 });
  return net.output(
    every(0, 2),
    every(1, 3),
    net.node("Slice", [y, net.constant([1, -4]), net.constant([-1, max]), net.constant([1, 3])]),
    net.node("Gather", [y, net.constant([3, 0, 3])], { axis: 1 }),
    net.node("Gather", [y, net.constant([0, 2, 1, 1], [2, 2])], { axis: 3 }),
    net.node("Gather", [y, net.constant([-1], [])], { axis: 2 }),
    net.node("Pad", [y, net.constant([0, 1, 2, 0, 0, 0, 1, 3]), net.constant([0.5], [], "float")]),
    net.node("Pad", [y, net.constant([1, 2, 2, 1]), "", net.constant([2, 3])], { mode: "reflect" }),
    net.node("Tile", [tokens, net.constant([1, 2, 1])]),
    net.node("Squeeze", [net.node("ReduceMean", [y, net.constant([2])]), net.constant([2])]),
    net.node("Unsqueeze", [tokens, net.constant([1])]),
    net.node("Mul", [first!, net.node("ReduceMean", [second!, net.constant([1])])]),
    net.node("Expand", [net.node("ReduceMean", [y, net.constant([1])]), net.constant([1, 4, 7, 5])]),
    net.node("MatMul", [y, net.weight([5, 3], "columns")]),
    net.node("MatMul", [tokens, net.weight([6], "column")]),
    net.node("MatMul", [net.weight([4, 7], "rows"), y]),
  );
}

/** Operator set 11: softmax joins the axes from the given one on, and Clip's bounds may be missing. */
function olderSoftmax(): OnnxNetwork {
  const net = new OnnxNetwork(11);
  const x = net.conv(net.input([1, 3, 4, 5]), [3, 3, 1, 1]);
  return net.output(
    net.node("Softmax", [x], { axis: 1 }),
    net.node("Softmax", [net.node("Flatten", [x])]),
    net.node("Clip", [x, "", net.floats([0.2], "high", [])]),
  );
}

function equations(): OnnxNetwork {
  const net = new OnnxNetwork(13);
  const [q, k] = [net.input([2, 3, 5, 4], "q"), net.input([2, 3, 6, 4], "k")];
  const scores = net.node("Einsum", [q, k], { equation: "bhid,bhjd->bhij" });
  const mixed = net.node("Einsum", [net.node("Softmax", [scores]), k], {
    equation: "b h i j, b h j d -> b i h d",
  });
  return net.output(
    scores,
    mixed,
    net.node("Einsum", [q, net.weight([4, 7], "weight")], { equation: "bhid,de->behi" }),
  );
}

/** Windows of a Swin block: a roll as slices joined, and axes split, turned and joined. */
function windows(): OnnxNetwork {
  const net = new OnnxNetwork(17);
  let x = net.input([1, 3, 16, 24]);
  x = net.conv(x, [6, 3, 4, 4], { strides: [4, 4] });
  x = net.node("Transpose", [x], { perm: [0, 2, 3, 1] });
  const from = (start: number, end: number) =>
    net.node("Slice", [x, net.constant([start]), net.constant([end]), net.constant([1])]);
  x = net.node("Concat", [from(1, 2 ** 53), from(0, 1)], { axis: 1 });
  x = net.node("Reshape", [x, net.constant([1, 2, 2, 3, 2, 6])]);
  x = net.node("Transpose", [x], { perm: [0, 1, 3, 2, 4, 5] });
  x = net.node("Reshape", [x, net.constant([-1, 4, 6])]);
  x = linear(net, x, 6, 6, "proj");
  x = net.node("Reshape", [x, net.constant([1, 2, 3, 2, 2, 6])]);
  x = net.node("Transpose", [x], { perm: [0, 1, 3, 2, 4, 5] });
  x = net.node("Reshape", [x, net.constant([1, 4, 6, 6])]);
  return net.output(net.node("Transpose", [x], { perm: [0, 3, 1, 2] }));
}

/** One network in the forms each operator set has for it: what was an attribute became an input, what was spelt out an operator. */
export function operatorSet(opset: number): OnnxNetwork {
  const net = new OnnxNetwork(opset);
  const scalar = (value: number) => net.constant([value], [], "float");
  /** Whole numbers as an attribute before the given set, as an input from it on. */
  const listed = (
    type: string,
    x: string,
    since: number,
    name: string,
    values: readonly number[],
    attributes: Parameters<OnnxNetwork["node"]>[2] = {},
  ) =>
    opset < since
      ? net.node(type, [x], { [name]: values, ...attributes })
      : net.node(type, [x, net.constant(values)], attributes);
  const clip = (x: string, low: number, high: number) =>
    opset < 11
      ? net.node("Clip", [x], { min: float(low), max: float(high) })
      : net.node("Clip", [x, scalar(low), scalar(high)]);
  const hardSwish = (x: string) =>
    opset < 14
      ? net.node("Div", [net.node("Mul", [x, clip(net.node("Add", [x, scalar(3)]), 0, 6)]), scalar(6)])
      : net.node("HardSwish", [x]);
  const gelu = (x: string) => {
    if (opset >= 20) return net.node("Gelu", [x]);
    const error = net.node("Erf", [net.node("Div", [x, scalar(Math.SQRT2)])]);
    return net.node("Mul", [net.node("Mul", [x, net.node("Add", [error, scalar(1)])]), scalar(0.5)]);
  };

  let x = net.input(["batch", 3, 10, 12]);
  const margins = [0, 0, 0, 0, 0, 0, 1, 1];
  if (opset >= 18)
    x = net.node("Pad", [x, net.constant([0, 0, 1, 1]), scalar(0), net.constant([2, 3])], {
      mode: "constant",
    });
  else if (opset >= 11) x = net.node("Pad", [x, net.constant(margins), scalar(0)], { mode: "constant" });
  else x = net.node("Pad", [x], { pads: margins, mode: "constant", value: float(0) });
  x = net.batchNorm(net.conv(x, [8, 3, 3, 3], { strides: [2, 2], ...pads(0) }, false), 8);
  x = clip(x, 0, 6);
  const evenly = { axis: 1, ...(opset >= 18 ? { num_outputs: 2 } : {}) };
  const [left, right] =
    opset >= 13 && opset < 18
      ? net.nodeOf("Split", [x, net.constant([4, 4])], 2, { axis: 1 })
      : net.nodeOf("Split", [x], 2, opset < 13 ? { axis: 1, split: [4, 4] } : evenly);
  x = net.node("Concat", [hardSwish(net.conv(left!, [4, 4, 1, 1])), right!], { axis: 1 });
  const larger = { mode: "nearest" };
  const asymmetric = { ...larger, coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
  if (opset < 9) x = net.node("Upsample", [x], { ...larger, scales: { floats: [1, 1, 2, 2] } });
  else if (opset < 11)
    x = net.node(opset < 10 ? "Upsample" : "Resize", [x, net.floats([1, 1, 2, 2], "scales")], larger);
  else if (opset < 13)
    x = net.node("Resize", [x, net.floats([], "roi"), net.floats([1, 1, 2, 2], "scales")], asymmetric);
  else
    x = net.node("Resize", [x, "", net.floats([1, 1, 2, 2], "scales")], {
      ...asymmetric,
      ...(opset >= 18 ? { antialias: 0, keep_aspect_ratio_policy: "stretch" } : {}),
    });
  x =
    opset < 10
      ? net.node("Slice", [x], { axes: [2], starts: [1], ends: [9] })
      : net.node("Slice", [x, net.constant([1]), net.constant([9]), net.constant([2])]);
  const window = { kernel_shape: [2, 2], strides: [2, 2] };
  x = net.node("AveragePool", [x], opset < 10 ? window : { ...window, ceil_mode: 0 });
  x = listed("ReduceMean", x, 18, "axes", [3], { keepdims: 1 });
  x = listed("Squeeze", x, 13, "axes", [3]);
  x = listed("ReduceSum", x, 13, "axes", [2], { keepdims: 0 });
  x = listed("Unsqueeze", x, 13, "axes", [1]);
  x = gelu(linear(net, x, 8, 6, "hidden"));
  x = listed("Squeeze", x, 13, "axes", [1]);
  x =
    opset < 12
      ? net.node("Dropout", [x], { ratio: float(0.2) })
      : net.node("Dropout", [x, scalar(0.2), net.constant([0], [], "bool")]);
  const weights = [net.weight([5, 6], "head.weight"), net.weight([5], "head.bias")];
  return net.output(net.node("Softmax", [net.node("Gemm", [x, ...weights], { transB: 1 })], { axis: 1 }));
}

/** Groups of channels normalised as older and newer operator sets and PyTorch's exporter write it. */
function groupNorms(opset: number): OnnxNetwork {
  const net = new OnnxNetwork(opset);
  const x = net.conv(net.input([1, 3, 5, 7]), [6, 3, 1, 1]);
  const named = (count: number) => [net.weight([count], "gn.weight"), net.weight([count], "gn.bias")];
  const normal = net.node("GroupNormalization", [x, ...named(opset < 21 ? 3 : 6)], {
    num_groups: 3,
    epsilon: float(1e-3),
  });
  const rows = net.node("Reshape", [x, net.constant([0, 3, -1])]);
  const plain = net.node("InstanceNormalization", [
    rows,
    net.floats([1, 1, 1], "ones"),
    net.floats([0, 0, 0], "zeros"),
  ]);
  const spelt = net.node("Mul", [
    net.node("Reshape", [plain, net.node("Shape", [x])]),
    net.weight([6, 1, 1], "weight"),
  ]);
  return net.output(net.conv(normal, [4, 6, 1, 1]), spelt);
}

/** Attention in windows on a grid, whose products have five axes, as PyTorch traces MaxViT. */
function gridAttention(): OnnxNetwork {
  const net = new OnnxNetwork(17);
  const x = net.input([1, 3, 2, 4, 6], "windows");
  const keys = net.node("Transpose", [x], { perm: [0, 1, 2, 4, 3] });
  const scores = net.node("Softmax", [net.node("MatMul", [x, keys])], { axis: -1 });
  const mixed = net.node("MatMul", [scores, x]);
  const weights = net.weight([1, 3, 2, 6, 5], "weights");
  return net.output(mixed, net.node("MatMul", [x, weights]));
}

/** Padding as TensorFlow's SAME computed from the shape, as PyTorch traces ports of TensorFlow's networks. */
function tracedPadding(): OnnxNetwork {
  const net = new OnnxNetwork(13);
  const x = net.input([1, 3, 8, 11]);
  const [kernel, stride] = [3, 2];
  const whole = (value: number) => net.constant([value], [], "float");
  const margins = [3, 2].flatMap((axis) => {
    const size = net.node("Gather", [net.node("Shape", [x]), net.constant([axis], [])], { axis: 0 });
    const length = net.node("Cast", [size], { to: 1 });
    const steps = net.node("Sub", [net.node("Ceil", [net.node("Div", [length, whole(stride)])]), whole(1)]);
    const extent = net.node("Add", [net.node("Mul", [steps, whole(stride)]), whole(kernel)]);
    const total = net.node("Clip", [net.node("Sub", [extent, length]), whole(0)]);
    const before = net.node("Cast", [net.node("Div", [total, whole(2)])], { to: 7 });
    const after = net.node("Sub", [net.node("Cast", [total], { to: 7 }), before]);
    return [before, after].map((margin) => net.node("Unsqueeze", [margin, net.constant([0])]));
  });
  // Pairs from the last axis on, turned into all beginnings and all ends from the first axis on.
  const listed = net.node("Concat", [...margins, net.constant([0, 0, 0, 0])], { axis: 0 });
  const pairs = net.node("Reshape", [listed, net.constant([-1, 2])]);
  const reversed = net.node("Slice", [
    pairs,
    net.constant([-1]),
    net.constant([-(2 ** 53)]),
    net.constant([0]),
    net.constant([-1]),
  ]);
  const turned = net.node("Reshape", [
    net.node("Transpose", [reversed], { perm: [1, 0] }),
    net.constant([-1]),
  ]);
  const padded = net.node("Pad", [x, turned, whole(0)], { mode: "constant" });
  return net.output(net.conv(padded, [4, 3, 3, 3], { strides: [stride, stride], ...pads(0) }));
}

/** A mask written region by region, as PyTorch traces Swin's, and a dropout whose mask has a name that nobody reads. */
function scatteredMask(): OnnxNetwork {
  const net = new OnnxNetwork(17);
  const x = net.input([1, 4, 5], "tokens");
  const zeros = net.node("ConstantOfShape", [net.constant([4, 5])], {
    value: { tensor: { shape: [1], type: "float", values: [0] } },
  });
  const elements = net.node("ScatterND", [
    zeros,
    net.constant([0, 1, -1, 2, 3, -5], [3, 2]),
    net.floats([1, 2, 3], "updates"),
  ]);
  const rows = net.node("ScatterND", [elements, net.constant([2, 2], [2, 1]), net.weight([2, 5], "rows")], {
    reduction: "add",
  });
  const [kept] = net.nodeOf("Dropout", [net.node("Tanh", [x])], 2);
  return net.output(net.node("Add", [kept!, rows]));
}

export const testNetworks: readonly TestNetwork[] = [
  { name: "a residual block", build: residual },
  { name: "squeeze-and-excitation with hard-swish", build: squeezeExcite },
  { name: "squeeze-and-excitation with linear layers", build: linearExcite },
  { name: "a MobileNet block", build: mobileBlock },
  { name: "a channel shuffle", build: channelShuffle },
  { name: "a transformer block of operator set 12", build: () => transformer(12) },
  { name: "a transformer block of operator set 17", build: () => transformer(17) },
  { name: "a flattened head", build: flattenHead },
  { name: "a value flattened for two", build: flattenTwice },
  { name: "a dense block", build: denseBlock },
  { name: "kinds of convolutions", build: convolutionKinds },
  { name: "kinds of pooling", build: poolingKinds },
  { name: "a decoder", build: decoder },
  { name: "functions of elements", build: functions },
  { name: "a network from Keras", build: kerasStyle },
  { name: "a ConvNeXt block", build: channelsLast },
  { name: "blocks of space", build: blocksOfSpace },
  { name: "movements", build: movements },
  { name: "softmax of operator set 11", build: olderSoftmax },
  { name: "equations", build: equations },
  { name: "windows of attention", build: windows },
  ...[7, 9, 10, 11, 12, 13, 14, 17, 18, 20, 21].map((opset) => ({
    name: `forms of operator set ${opset}`,
    build: () => operatorSet(opset),
  })),
  { name: "attention on a grid", build: gridAttention },
  { name: "padding computed from the shape", build: tracedPadding },
  { name: "a mask written region by region", build: scatteredMask },
  { name: "normalised groups of operator set 18", build: () => groupNorms(18) },
  { name: "normalised groups of operator set 21", build: () => groupNorms(21) },
];
