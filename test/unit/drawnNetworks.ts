/** Networks of the shapes that graphs are hard to draw for. */
import type { ModelDetail } from "../../src-main/lab/contract.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import type { Value } from "../../src-main/model/graphAssembler.ts";
import { inspectGraph } from "../../src-main/model/inspect.ts";

function inspect(builder: GraphBuilder, end: Value): ModelDetail {
  return inspectGraph(builder.build(end), "drawn", 0);
}

/** `blocks` units of two convolutions and the addition of what went in, after a stem; 2 + 3 × blocks ops. */
export function buildResidual(blocks: number): ModelDetail {
  const builder = new GraphBuilder("residual");
  let x = builder.conv(builder.input([1, 32, 32, 3]), 16, 3, { stride: 2, name: "stem" });
  for (let block = 0; block < blocks; block++)
    x = builder.within(`block${block}`, () => {
      const y = builder.conv(x, 16, 3, { activation: "relu", name: "first" });
      return builder.add(builder.conv(y, 16, 3, { name: "second" }), x);
    });
  return inspect(builder, builder.globalAveragePool(x));
}

/** `layers` layers of two convolutions, each reading all that came before. */
export function buildDense(layers: number): ModelDetail {
  const builder = new GraphBuilder("dense");
  let x = builder.conv(builder.input([1, 32, 32, 3]), 16, 3, { stride: 2, name: "stem" });
  for (let layer = 0; layer < layers; layer++)
    x = builder.within(`layer${layer}`, () => {
      const y = builder.conv(builder.relu(x), 32, 1, { activation: "relu", name: "narrow" });
      return builder.concat([x, builder.conv(y, 8, 3, { name: "grow" })]);
    });
  return inspect(builder, builder.globalAveragePool(x));
}

/** `modules` exchanges between three resolutions, each fed by all three: not made of chains and branches alone. */
export function buildExchanges(modules: number): ModelDetail {
  const builder = new GraphBuilder("exchanges");
  const stem = builder.conv(builder.input([1, 64, 64, 3]), 8, 3, { stride: 2, name: "stem" });
  const half = builder.conv(stem, 16, 3, { stride: 2, name: "half" });
  let lanes: Value[] = [stem, half, builder.conv(half, 32, 3, { stride: 2, name: "quarter" })];
  for (let module = 0; module < modules; module++)
    lanes = builder.within(`module${module}`, () => {
      const worked = lanes.map((lane, place) => {
        let x = lane;
        for (let block = 0; block < 2; block++)
          x = builder.within(`lane${place}block${block}`, () =>
            builder.add(builder.conv(builder.conv(x, 8 << place, 3), 8 << place, 3, { name: "second" }), x),
          );
        return x;
      });
      return worked.map((_, to) => {
        const parts = worked.map((lane, from) =>
          builder.within(`from${from}to${to}`, () => exchange(builder, lane, from, to)),
        );
        return builder.within(`to${to}`, () =>
          builder.add(builder.add(parts[0]!, parts[1]!), parts[2]!, { name: "all" }),
        );
      });
    });
  return inspect(builder, builder.globalAveragePool(lanes[0]!));
}

function exchange(builder: GraphBuilder, lane: Value, from: number, to: number): Value {
  if (from === to) return lane;
  if (from > to) return builder.resizeBilinear(builder.conv(lane, 8 << to, 1), [32 >> to, 32 >> to]);
  let x = lane;
  for (let step = from; step < to; step++)
    x = builder.conv(x, 8 << to, 3, { stride: 2, name: `down${step}` });
  return x;
}
