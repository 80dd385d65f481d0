import { z } from "zod";
import { listFeatures } from "./features.ts";
import { coefficientKinds } from "./workRates.ts";

const numbers = z.instanceof(Float64Array);
const roofline = z.object({
  constantMs: z.number().nonnegative(),
  msPerFlop: z.number().nonnegative(),
  msPerByte: z.number().nonnegative(),
});
const spread = z.number().nonnegative();

const lasso = z.object({
  kind: z.literal("lasso"),
  design: z.object({
    log: z.instanceof(Uint8Array),
    mean: numbers,
    deviation: numbers,
    low: numbers,
    high: numbers,
  }),
  intercept: z.number(),
  first: z.instanceof(Int16Array),
  second: z.instanceof(Int16Array),
  coefficients: numbers,
});

const boosting = z.object({
  kind: z.literal("boosting"),
  trees: z.object({
    base: z.number(),
    roots: z.instanceof(Int32Array),
    feature: z.instanceof(Int16Array),
    threshold: numbers,
    left: z.instanceof(Int32Array),
    value: numbers,
  }),
});

const classModel = z.object({
  kernel: z.string(),
  learner: z.string(),
  features: z.array(z.string()),
  roofline,
  corrections: z.array(z.discriminatedUnion("kind", [lasso, boosting])),
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
});

const endToEnd = z.object({
  precision: z.enum(["float32", "float16", "int8"]),
  threads: z.number().int().positive(),
  rates: z.object({
    level: z.number(),
    columns: z.array(z.string()),
    coefficients: numbers,
    deviations: z.array(z.number().positive()).length(coefficientKinds.length),
    noise: z.number().positive(),
    shares: numbers,
    factor: numbers,
  }),
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
  endToEnd: endToEnd.optional(),
  spread,
  scenario: z.string(),
  learner: z.enum(["auto", "lasso", "boosting"]),
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
  if (ofNetworks && !isSoundEndToEnd(ofNetworks.rates))
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
  const known = listFeatures(model.kernel).map((feature) => feature.name);
  if (known.join("\n") !== model.features.join("\n"))
    return "was fitted with other features than this version computes";
  const columns = known.length;
  if (model.rangeLow.length !== columns || model.rangeHigh.length !== columns)
    return "has ranges for another number of features";
  for (const correction of model.corrections) {
    const sound =
      correction.kind === "lasso"
        ? isSoundLasso(correction, columns)
        : areSoundTrees(correction.trees, columns);
    if (!sound) return "refers to features or nodes that do not exist";
  }
  return null;
}

function isSoundEndToEnd({
  columns,
  coefficients,
  shares,
  factor,
}: z.infer<typeof endToEnd>["rates"]): boolean {
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
  const { log, mean, deviation, low, high } = design;
  return (
    [log, mean, deviation, low, high].every((column) => column.length === columns) &&
    first.length === coefficients.length &&
    second.length === coefficients.length &&
    first.every((column) => column >= 0 && column < columns && deviation[column]! > 0) &&
    second.every((column) => column === -1 || (column >= 0 && column < columns && deviation[column]! > 0))
  );
}

// Children stand behind their parent, so a walk always ends.
function areSoundTrees(trees: z.infer<typeof boosting>["trees"], columns: number): boolean {
  const nodes = trees.feature.length;
  const { feature, left } = trees;
  if ([trees.threshold, left, trees.value].some((array) => array.length !== nodes)) return false;
  if (!trees.roots.every((root) => root >= 0 && root < nodes)) return false;
  for (let node = 0; node < nodes; node++) {
    if (feature[node]! < -1 || feature[node]! >= columns) return false;
    if (feature[node]! >= 0 && (left[node]! <= node || left[node]! + 1 >= nodes)) return false;
  }
  return true;
}
