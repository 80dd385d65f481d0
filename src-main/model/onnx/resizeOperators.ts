import { extentOf } from "./convolutionOperators.ts";
import type { Operator } from "./elementwiseOperators.ts";
import { imageOrder } from "./layout.ts";
import type { OperatorView, Value } from "./operatorView.ts";

/** How TFLite places the samples of a resized image. */
interface Placement {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

const placements: readonly Placement[] = [
  { alignCorners: false, halfPixelCenters: false },
  { alignCorners: false, halfPixelCenters: true },
  { alignCorners: true, halfPixelCenters: false },
];

/** Longest side for which the samples are compared one by one. */
const longestSide = 2 ** 16;

/** Where in the input an output place lies, by ONNX's coordinate transformations; `scale` is output ÷ input. */
function stated(mode: string, place: number, scale: number, input: number, output: number): number | null {
  switch (mode) {
    case "half_pixel":
      return (place + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return output > 1 ? (place + 0.5) / scale - 0.5 : 0;
    case "half_pixel_symmetric": {
      const adjustment = output / (scale * input);
      return (input / 2) * (1 - adjustment) + (place + 0.5) / scale - 0.5;
    }
    case "align_corners":
      return output > 1 ? (place * (input - 1)) / (output - 1) : 0;
    case "asymmetric":
      return place / scale;
    default:
      return null;
  }
}

/** The same by TFLite's kernels. */
function placed(
  { alignCorners, halfPixelCenters }: Placement,
  place: number,
  input: number,
  output: number,
): number {
  const step = alignCorners && output > 1 ? (input - 1) / (output - 1) : input / output;
  return halfPixelCenters ? (place + 0.5) * step - 0.5 : place * step;
}

function roundStated(mode: string, x: number): number | null {
  switch (mode) {
    case "round_prefer_floor":
      return Math.ceil(x - 0.5);
    case "round_prefer_ceil":
      return Math.floor(x + 0.5);
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    default:
      return null;
  }
}

// TFLite's nearest neighbour adds the half pixel before it rounds down, and rounds with aligned corners.
function roundPlaced(placement: Placement, x: number): number {
  if (placement.alignCorners) return Math.floor(x + 0.5);
  return Math.floor(placement.halfPixelCenters ? x + 0.5 : x);
}

function resize(view: OperatorView): Value {
  const image = view.image(0);
  const input = extentOf(image);
  const mode = view.text("mode", "nearest");
  const nearest = mode === "nearest";
  if (!nearest && mode !== "linear" && mode !== "bilinear")
    view.fail(
      `TFLite resizes by nearest neighbour or linearly, not by ${mode}`,
      "Export the network with bilinear resizing.",
    );
  if (view.integer("antialias", 0) !== 0) view.fail("TFLite has no antialiasing");
  const { output, scales } = readSize(view, image.shape);
  const older = view.node.type === "Upsample" || view.opset < 11;
  const transformation = older ? "asymmetric" : view.text("coordinate_transformation_mode", "half_pixel");
  const rounding = older ? "floor" : view.text("nearest_mode", "round_prefer_floor");
  if (output.every((size, axis) => size === input[axis])) return image;
  if (Math.max(...output, ...input) > longestSide) view.fail(`the image ${output.join("×")} is too large`);
  const agrees = (placement: Placement) =>
    ([0, 1] as const).every((axis) => {
      const [before, after] = [input[axis], output[axis]];
      const inside = (x: number) => Math.min(Math.max(x, 0), before - 1);
      for (let place = 0; place < after; place++) {
        const x = stated(transformation, place, scales[axis], before, after);
        if (x === null) return view.fail(`its coordinate transformation ${transformation} is not supported`);
        const y = placed(placement, place, before, after);
        if (nearest) {
          const rounded = roundStated(rounding, x);
          if (rounded === null) return view.fail(`its rounding ${rounding} is not known`);
          if (inside(rounded) !== inside(roundPlaced(placement, y))) return false;
        } else if (Math.abs(inside(x) - inside(y)) > 1e-3) return false;
      }
      return true;
    });
  const placement = placements.find(agrees);
  if (!placement)
    return view.fail(
      `TFLite does not place samples like ${transformation}${nearest ? ` with ${rounding}` : ""} from ${input.join("×")} to ${output.join("×")}`,
      "Export the network with sizes in a whole ratio, or another alignment.",
    );
  const type = nearest ? "RESIZE_NEAREST_NEIGHBOR" : "RESIZE_BILINEAR";
  const newer = placement.halfPixelCenters || (placement.alignCorners && nearest);
  const shape = [image.shape[0]!, image.shape[1]!, ...output];
  const inputs = [image.tensor, view.addIntegers(output, "size")];
  return view.append(type, inputs, { shape, order: imageOrder }, { ...placement }, newer ? 3 : 1);
}

interface ResizedExtent {
  output: [number, number];
  scales: [number, number];
}

function readSize(view: OperatorView, shape: readonly number[]): ResizedExtent {
  const older = view.node.type === "Upsample" || view.opset < 11;
  const axes = (view.integers("axes") ?? [0, 1, 2, 3]).map((axis) => view.axis(axis, 4));
  const spread = (list: readonly number[], rest: readonly number[]) => {
    if (list.length !== axes.length) view.fail(`it has ${list.length} sizes for ${axes.length} axes`);
    const all = [...rest];
    axes.forEach((axis, index) => (all[axis] = list[index]!));
    return all;
  };
  const given = older ? null : view.optionalConstant(3, "sizes");
  const factors = view.optionalConstant(older ? 1 : 2, "scales");
  if (given && given.count > 0) {
    if (view.text("keep_aspect_ratio_policy", "stretch") !== "stretch")
      view.fail("only sizes that stretch the image are supported");
    const sizes = spread([...given.numbers()].slice(0, 8), shape);
    if (sizes[0] !== shape[0] || sizes[1] !== shape[1]) view.fail("it resizes batch or channels");
    const output = [sizes[2]!, sizes[3]!] as [number, number];
    return { output, scales: [output[0] / shape[2]!, output[1] / shape[3]!] };
  }
  const attribute = view.node.attributes.get("scales")?.floats ?? [];
  const list = factors && factors.count > 0 ? [...factors.numbers()].slice(0, 8) : attribute;
  const scales = spread(list, [1, 1, 1, 1]);
  if (scales[0] !== 1 || scales[1] !== 1) view.fail("it resizes batch or channels");
  const output = [2, 3].map((axis) => Math.floor(shape[axis]! * scales[axis]!)) as [number, number];
  if (output.some((size) => !(size >= 1)))
    view.fail(`nothing is left at scales ${scales.slice(2).join(" and ")}`);
  return { output, scales: [scales[2]!, scales[3]!] };
}

/** Resizing of images. */
export const resizeOperators: Record<string, Operator> = { Resize: resize, Upsample: resize };
