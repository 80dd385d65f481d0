import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import { ceilPool } from "./ceilPool.ts";
import type { ZooFamily } from "./family.ts";
import { classify } from "./resnet.ts";

/** One row of the paper's table (figure 5): channels of the four branches; `null` where a module of stride 2 has none. */
interface Module {
  name: string;
  single: number | null;
  /** 1×1, then 3×3. */
  double: readonly [number, number];
  /** 1×1, then two of 3×3. */
  triple: readonly [number, number];
  pool: "average" | "max";
  /** Channels of the 1×1 convolution after the pool. */
  projection: number | null;
}

const modules: readonly Module[] = [
  { name: "3a", single: 64, double: [64, 64], triple: [64, 96], pool: "average", projection: 32 },
  { name: "3b", single: 64, double: [64, 96], triple: [64, 96], pool: "average", projection: 64 },
  { name: "3c", single: null, double: [128, 160], triple: [64, 96], pool: "max", projection: null },
  { name: "4a", single: 224, double: [64, 96], triple: [96, 128], pool: "average", projection: 128 },
  { name: "4b", single: 192, double: [96, 128], triple: [96, 128], pool: "average", projection: 128 },
  { name: "4c", single: 160, double: [128, 160], triple: [128, 160], pool: "average", projection: 128 },
  { name: "4d", single: 96, double: [128, 192], triple: [160, 192], pool: "average", projection: 128 },
  { name: "4e", single: null, double: [128, 192], triple: [192, 256], pool: "max", projection: null },
  { name: "5a", single: 352, double: [192, 320], triple: [160, 224], pool: "average", projection: 128 },
  { name: "5b", single: 352, double: [192, 320], triple: [192, 224], pool: "max", projection: 128 },
];

const relu = { activation: "relu" } as const;

function buildModule(builder: GraphBuilder, x: Value, module: Module): Value {
  const { single, double, triple, pool, projection } = module;
  const stride = single === null ? 2 : 1;
  const pieces: Value[] = [];
  if (single !== null) pieces.push(builder.conv(x, single, 1, { ...relu, name: "single" }));
  let y = builder.conv(x, double[0], 1, { ...relu, name: "double1" });
  pieces.push(builder.conv(y, double[1], 3, { ...relu, stride, name: "double2" }));
  y = builder.conv(x, triple[0], 1, { ...relu, name: "triple1" });
  y = builder.conv(y, triple[1], 3, { ...relu, name: "triple2" });
  pieces.push(builder.conv(y, triple[1], 3, { ...relu, stride, name: "triple3" }));
  if (projection === null) pieces.push(ceilPool(builder, x));
  else {
    const options = { stride: 1, padding: "same", name: "pool" } as const;
    y = pool === "max" ? builder.maxPool(x, 3, options) : builder.averagePool(x, 3, options);
    pieces.push(builder.conv(y, projection, 1, { ...relu, name: "projection" }));
  }
  return builder.concat(pieces);
}

function buildBninception(): Graph {
  const builder = new GraphBuilder("bninception");
  let x = builder.conv(builder.input([1, 224, 224, 3]), 64, 7, { ...relu, stride: 2, name: "stem1" });
  x = builder.conv(ceilPool(builder, x, "stem_pool1"), 64, 1, { ...relu, name: "stem2" });
  x = builder.conv(x, 192, 3, { ...relu, name: "stem3" });
  x = ceilPool(builder, x, "stem_pool2");
  for (const module of modules)
    x = builder.within(`inception${module.name}`, () => buildModule(builder, x, module));
  return classify(builder, x);
}

/** Inception with batch norm. */
export const bninception: ZooFamily = {
  family: "bninception",
  paper:
    "Ioffe and Szegedy 2015, Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift, arXiv 1502.03167",
  networks: { bninception: buildBninception },
};
