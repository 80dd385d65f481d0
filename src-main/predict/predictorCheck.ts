import { z } from "zod";
import { listColumns } from "./featureColumns.ts";
import { countWeights } from "./perceptron.ts";
import { coefficientKinds } from "./workRates.ts";

const numbers = z.instanceof(Float64Array);
const roofline = z.object({
  constantMs: z.number().nonnegative(),
  msPerFlop: z.number().nonnegative(),
  msPerByte: z.number().nonnegative(),
  further: z
    .array(z.object({ column: z.number().int().nonnegative(), msPerUnit: z.number().nonnegative() }))
    .optional(),
});
const spread = z.number().nonnegative();

const designShape = z.object({
  log: z.instanceof(Uint8Array),
  mean: numbers,
  deviation: numbers,
  low: numbers,
  high: numbers,
});
const lasso = z.object({
  kind: z.literal("lasso"),
  design: designShape,
  intercept: z.number(),
  first: z.instanceof(Int16Array),
  second: z.instanceof(Int16Array),
  coefficients: numbers,
});

const trees = z.object({
  base: z.number(),
  roots: z.instanceof(Int32Array),
  feature: z.instanceof(Int16Array),
  threshold: numbers,
  left: z.instanceof(Int32Array),
  value: numbers,
});
const boosting = z.object({ kind: z.literal("boosting"), trees });
const forest = z.object({ kind: z.literal("forest"), trees });
const linearBoosting = z.object({ kind: z.literal("linear-boosting"), linear: lasso, trees });
const perceptron = z.object({
  kind: z.literal("perceptron"),
  design: designShape,
  mean: z.number(),
  deviation: z.number(),
  networks: z.array(z.object({ sizes: z.instanceof(Int32Array), weights: numbers })),
});
const correction = z.discriminatedUnion("kind", [lasso, forest, boosting, perceptron, linearBoosting]);

const gpuModel = z.object({
  gpu: z.string(),
  rules: z.enum(["tflite-2.10", "litert-2026"]),
  precision: z.enum(["float16", "float32"]),
  untimed: z.array(z.string()),
  overhead: z.object({
    constantMs: z.number().nonnegative(),
    perKernelMs: z.number().nonnegative(),
    perUntimedMs: z.number().nonnegative(),
    msPerUntimedByte: z.number().nonnegative(),
    msPerByte: z.number().nonnegative(),
    share: z.number().nonnegative(),
    perBriefMs: z.number().nonnegative(),
    briefMs: z.number().nonnegative(),
  }),
});

const classModel = z.object({
  kernel: z.string(),
  learner: z.string(),
  features: z.array(z.string()),
  roofline,
  corrections: z.array(correction),
  low: z.number(),
  high: z.number(),
  rangeLow: numbers,
  rangeHigh: numbers,
  rows: z.number(),
  networks: z.number(),
  spread,
  fallback: z.string().nullable(),
});

const scores = z.object({
  models: z.number(),
  mape: z.number(),
  medianApe: z.number(),
  within5: z.number(),
  within10: z.number(),
  spearman: z.number().nullable(),
});

const point = z.object({
  model: z.string(),
  family: z.string(),
  flops: z.number(),
  measuredMs: z.number(),
  predictedMs: z.number(),
  lowMs: z.number(),
  highMs: z.number(),
});

const classScores = z.object({
  kernel: z.string(),
  rows: z.number(),
  learner: z.string(),
  medianApe: z.number().nullable(),
  timeShare: z.number(),
  fallback: z.string().nullable(),
  importance: z
    .array(z.object({ feature: z.string(), unit: z.string(), share: z.number(), words: z.string() }))
    .optional(),
});

const workRates = z.object({
  level: z.number(),
  columns: z.array(z.string()),
  coefficients: numbers,
  deviations: z.array(z.number().nonnegative()).length(coefficientKinds.length),
  noise: z.number().positive(),
  shares: numbers,
  factor: numbers,
});

const endToEnd = z.object({
  precision: z.enum(["float32", "float16", "int8"]),
  threads: z.number().int().positive(),
  rates: z.array(workRates).min(1),
  classes: z.array(z.string()),
  spread,
});

const predictor = z.object({
  runtime: z.enum(["tflite", "xnnpack", "gpu-cl"]),
  classes: z.array(classModel),
  standIns: z.array(z.object({ group: z.string(), roofline, rows: z.number(), spread })),
  overhead: z.object({
    constantMs: z.number().nonnegative(),
    perKernelMs: z.number().nonnegative(),
    share: z.number().nonnegative(),
  }),
  gpu: gpuModel.nullable(),
  endToEnd: endToEnd.optional(),
  spread,
  scenario: z.string(),
  learner: z.enum(["auto", "lasso", "forest", "boosting", "perceptron", "linear-boosting"]),
  seed: z.number(),
  fitMs: z.number(),
  rows: z.number(),
  trainedOn: z.array(z.string()),
  leftOut: z.array(z.object({ model: z.string(), reason: z.string() })),
  cells: z.array(z.number()),
  scores: z.object({
    classes: z.array(classScores),
    points: z.array(point),
    crossValidated: scores,
    baseline: scores,
    overheadMs: z.number(),
  }),
});

type StoredClass = z.infer<typeof classModel>;

/** Why a decoded value cannot serve as a predictor here, or null: wrong structure, broken trees, features of another version. */
export function checkPredictor(value: unknown): string | null {
  const checked = predictor.safeParse(value);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    return `its structure is not as expected at ${issue?.path.join(".") || "the top"}`;
  }
  const { endToEnd: ofNetworks, standIns } = checked.data;
  if (ofNetworks && !ofNetworks.rates.every(isSoundWork))
    return "its structure is not as expected at endToEnd: rates and networks do not fit together";
  if (!ofNetworks && standIns.length === 0)
    return "its structure is not as expected at standIns: nothing stands in for kernels nobody measured";
  for (const model of checked.data.classes) {
    const problem = checkClass(model);
    if (problem !== null) return `its regressor of ${model.kernel} ${problem}`;
  }
  return null;
}

function checkClass(model: StoredClass): string | null {
  const known = listColumns(model.kernel).map((feature) => feature.name);
  if (known.join("\n") !== model.features.join("\n"))
    return "was fitted with other features than this version computes";
  const columns = known.length;
  if (model.rangeLow.length !== columns || model.rangeHigh.length !== columns)
    return "has ranges for another number of features";
  if (model.roofline.further?.some(({ column }) => column >= columns))
    return "refers to features that do not exist";
  for (const stored of model.corrections)
    if (!isSound(stored, columns)) return "refers to features or nodes that do not exist";
  return null;
}

function isSound(stored: z.infer<typeof correction>, columns: number): boolean {
  switch (stored.kind) {
    case "lasso":
      return isSoundLasso(stored, columns);
    case "forest":
    case "boosting":
      return areSoundTrees(stored.trees, columns);
    case "linear-boosting":
      return isSoundLasso(stored.linear, columns) && areSoundTrees(stored.trees, columns);
    case "perceptron":
      return (
        isSoundDesign(stored.design, columns) &&
        stored.networks.every(
          ({ sizes, weights }) =>
            sizes[0] === columns && sizes.every((size) => size > 0) && weights.length === countWeights(sizes),
        )
      );
  }
}

function isSoundDesign(
  { log, mean, deviation, low, high }: z.infer<typeof designShape>,
  columns: number,
): boolean {
  return [log, mean, deviation, low, high].every((column) => column.length === columns);
}

function isSoundWork({ columns, coefficients, shares, factor }: z.infer<typeof workRates>): boolean {
  const networks = Math.round(Math.sqrt(factor.length));
  return (
    coefficients.length === columns.length &&
    networks > 0 &&
    factor.length === networks ** 2 &&
    shares.length === networks * columns.length &&
    Array.from({ length: networks }, (_, place) => factor[place * networks + place]!).every(
      (value) => value > 0,
    )
  );
}

function isSoundLasso(
  { design, first, second, coefficients }: z.infer<typeof lasso>,
  columns: number,
): boolean {
  const { deviation } = design;
  return (
    isSoundDesign(design, columns) &&
    first.length === coefficients.length &&
    second.length === coefficients.length &&
    first.every((column) => column >= 0 && column < columns && deviation[column]! > 0) &&
    second.every((column) => column === -1 || (column >= 0 && column < columns && deviation[column]! > 0))
  );
}

// Children stand behind their parent, so a walk always ends.
function areSoundTrees(stored: z.infer<typeof trees>, columns: number): boolean {
  const nodes = stored.feature.length;
  const { feature, left } = stored;
  if ([stored.threshold, left, stored.value].some((array) => array.length !== nodes)) return false;
  if (!stored.roots.every((root) => root >= 0 && root < nodes)) return false;
  for (let node = 0; node < nodes; node++) {
    if (feature[node]! < -1 || feature[node]! >= columns) return false;
    if (feature[node]! >= 0 && (left[node]! <= node || left[node]! + 1 >= nodes)) return false;
  }
  return true;
}
