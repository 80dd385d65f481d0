/** Candidates of search spaces as text: what they mean, against published figures, and what is wrong with those that mean nothing. */
import { describe, expect, it, test } from "vitest";
import { LabError } from "../../src-main/lab/errors.ts";
import { costGraph } from "../../src-main/model/cost.ts";
import { findDefinedNetwork, findPaper } from "../../src-main/model/definedNetworks.ts";
import { countElements, mainSubgraph, type Graph } from "../../src-main/model/graph.ts";
import { createRandom, type Random } from "../../src-main/model/random.ts";
import { fbnetBlocks, formatFbnet, parseFbnet } from "../../src-main/model/spaces/fbnet.ts";
import {
  formatNasBench201,
  nasBench201Operations,
  parseNasBench201,
} from "../../src-main/model/spaces/nasBench201.ts";
import { formatOnceForAll, parseOnceForAll } from "../../src-main/model/spaces/onceForAll.ts";
import {
  formatProxyless,
  parseProxyless,
  proxylessOperations,
} from "../../src-main/model/spaces/proxylessnas.ts";
import { findCandidate, searchSpaces } from "../../src-main/model/spaces/spaces.ts";
import { findZooNetwork } from "../../src-main/model/zoo/zoo.ts";

function build(text: string): Graph {
  const candidate = findCandidate(text);
  if (!candidate) throw new Error(`${text} is of no search space`);
  return candidate.build();
}

const weighted = new Set(["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]);

/** Multiply-accumulates of convolutions and fully connected layers, which is what papers call FLOPs. */
function countMacs(graph: Graph): number {
  const { ops } = costGraph(graph);
  return mainSubgraph(graph).ops.reduce(
    (sum, { type }, index) => sum + (weighted.has(type) ? ops[index]!.flops! / 2 : 0),
    0,
  );
}

/** Trained parameters: a folded batch norm has two numbers a channel; a convolution whose bias is zeros had neither norm nor bias. */
function countTrained(graph: Graph, isPlain: (op: string) => boolean = () => false): number {
  const { ops, tensors } = mainSubgraph(graph);
  return ops.reduce((sum, { type, inputs, outputs }) => {
    const constants = inputs
      .map((index) => tensors[index]!)
      .filter(({ data, dtype }) => data && dtype === "float32");
    const [weights, bias] = constants;
    // The zeros of a cell without a way through come from a scalar.
    if (!weights || weights.shape.length === 0) return sum;
    const count = sum + countElements(weights.shape);
    if (!bias || (bias.data?.kind === "random" && bias.data.limit === 0)) return count;
    const plain = type === "FULLY_CONNECTED" || isPlain(tensors[outputs[0]!]!.name);
    return count + bias.shape[0]! * (plain ? 1 : 2);
  }, 0);
}

/** What runs, without names: operators with the shapes they read and write and their attributes. */
function listOps(graph: Graph): string[] {
  const { ops, tensors } = mainSubgraph(graph);
  const shapes = (indices: number[]) => indices.map((index) => tensors[index]?.shape.join("x")).join(" ");
  return ops.map(
    (op) => `${op.type} ${shapes(op.inputs)} > ${shapes(op.outputs)} ${JSON.stringify(op.attributes)}`,
  );
}

const everyEdge = (operation: string) =>
  `|${operation}~0|+|${operation}~0|${operation}~1|+|${operation}~0|${operation}~1|${operation}~2|`;

describe("NAS-Bench-201", () => {
  // FLOPs in millions (multiply-accumulates and the classifier's bias) and parameters in millions of the smallest and largest
  // networks, as the benchmark's own records state them for CIFAR-10 and CIFAR-100 (Dong and Yang 2020).
  test.each([
    ["nb201:", "none", 10, 7.78305, 0.073306],
    ["nb201:", "nor_conv_3x3", 10, 220.11969, 1.531546],
    ["nb201-cifar100:", "none", 100, 7.7889, 0.079156],
    ["nb201-cifar100:", "nor_conv_3x3", 100, 220.12554, 1.537396],
  ])(
    "%s with %s everywhere has the published FLOPs and parameters",
    (prefix, operation, classes, flops, params) => {
      const graph = build(prefix + everyEdge(operation));
      expect((countMacs(graph) + classes) / 1e6).toBeCloseTo(flops, 5);
      expect(countTrained(graph) / 1e6).toBeCloseTo(params, 6);
    },
  );

  it("leaves out what does not lead from the cell's input to its output", () => {
    const count = (cell: string) =>
      mainSubgraph(build(`nb201:${cell}`)).ops.filter(({ type }) => type === "CONV_2D").length;
    const outside = count(everyEdge("none"));
    // Node 1 has an input that nobody reads, node 2 none at all.
    expect(count("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")).toBe(outside);
    expect(count("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|nor_conv_1x1~1|none~2|")).toBe(
      outside + 15 * 2,
    );
  });

  it("reads images of 16×16 and gives 120 classes for ImageNet16-120", () => {
    const { tensors, inputs, outputs } = mainSubgraph(build(`nb201-imagenet16:${everyEdge("skip_connect")}`));
    expect([tensors[inputs[0]!]!.shape, tensors[outputs[0]!]!.shape]).toEqual([
      [1, 16, 16, 3],
      [1, 120],
    ]);
  });
});

describe("Once-for-all", () => {
  // note8_lat@31ms_top1@72.8_finetune@25, a network the authors published: 105.4 MFLOPs and 4.6 M parameters as counted by
  // MMRazor (configs/nas/mmcls/onceforall), which counts batch norms twice an element, and ReLU and pooling once.
  it("a published network has the published FLOPs and parameters", () => {
    const graph = build("ofa-mbv3:ks=53335533335335733355-e=33334333444443436333-d=22334-r=152");
    const { ops, tensors } = mainSubgraph(graph);
    const elements = (index: number) => countElements(tensors[index]!.shape);
    const counted = ops.reduce((sum, { type, inputs, outputs, attributes }) => {
      if (type === "MEAN" && !tensors[outputs[0]!]!.name.includes("squeeze"))
        return sum + elements(inputs[0]!);
      const normed = type.endsWith("CONV_2D") && tensors[outputs[0]!]!.shape[1]! > 1;
      if (!normed) return sum;
      return sum + elements(outputs[0]!) * (attributes["fusedActivationFunction"] === "RELU" ? 3 : 2);
    }, countMacs(graph));
    expect(counted / 1e6).toBeGreaterThan(104.9);
    expect(counted / 1e6).toBeLessThan(105.9);
    expect((countTrained(graph, (name) => name.includes("squeeze_excite")) / 1e6).toFixed(1)).toBe("4.6");
  });

  it("the whole network has the published 7.6 M parameters, or 7.7 M with batch norms unfolded", () => {
    const graph = build("ofa-mbv3:ks=7-e=6-d=4");
    expect((costGraph(graph).params / 1e6).toFixed(1)).toBe("7.6");
    expect((countTrained(graph, (name) => name.includes("squeeze_excite")) / 1e6).toFixed(1)).toBe("7.7");
  });

  it("reads lists as the authors' sampler prints them, one number for all, and drops what the depths leave out", () => {
    const named = (text: string) => findCandidate(`ofa-mbv3:${text}`)!.name;
    const lists = (ks: number, e: number, d: number) => ({
      ks: new Array<number>(20).fill(ks),
      e: new Array<number>(20).fill(e),
      d: new Array<number>(5).fill(d),
    });
    const usual = `ofa-mbv3:ks=${"5550".repeat(5)}-e=${"4440".repeat(5)}-d=33333-r=160`;
    expect(named("ks=5-e=4-d=3-r=160")).toBe(usual);
    expect(named(`d=33333-r=160-ks=${"5".repeat(20)}-e=${"4".repeat(20)}`)).toBe(usual);
    expect(named(JSON.stringify({ wid: null, ...lists(5, 4, 3), r: [160] }))).toBe(usual);
    expect(named(JSON.stringify({ ...lists(5, 4, 3), r: 160 }, null, 1).replace(/\s+/g, " "))).toBe(usual);
    expect(named("{'wid': None, 'ks': 5, 'e': 4, 'd': [3, 3, 3, 3, 3], 'r': [160]}")).toBe(usual);
    expect(
      named(`ks=${new Array(20).fill(5).join(",")};e=${new Array(20).fill(4).join(", ")};d=3,3,3,3,3;r=160`),
    ).toBe(usual);
    expect(named("ks=7-e=6-d=4-w=1.0")).toBe(named("ks=7-e=6-d=4-r=224"));
    expect(named("ks=7-e=6-d=4-w=1.2")).toMatch(/-w=1\.2$/);
  });

  it("the wide network has channels 1.2 times as many, in multiples of 8", () => {
    const { tensors, ops } = mainSubgraph(build("ofa-mbv3:ks=3-e=3-d=2-w=1.2"));
    const filters = ops
      .filter(({ type }) => type === "CONV_2D")
      .map(({ inputs }) => tensors[inputs[1]!]!.shape[0]!);
    expect(filters[0]).toBe(24);
    expect(filters.slice(-2)).toEqual([1152, 1536]);
    expect(filters.every((count) => count % 8 === 0)).toBe(true);
  });
});

describe("FBNet and ProxylessNAS", () => {
  // Table 3 of the paper: 249, 295 and 375 MFLOPs. The structure of the three as the authors published it (mobile-vision).
  test.each([
    ["FBNet-A", "8208872427657356177677", 249],
    ["FBNet-B", "0340076377786704674773", 295],
    ["FBNet-C", "0380076737677777677773", 375],
  ])("%s has the published FLOPs", (_, encoding, flops) => {
    expect(Math.abs(countMacs(build(`fbnet:${encoding}`)) / 1e6 / flops - 1)).toBeLessThan(0.01);
  });

  it("the zoo's FBNet-C is that of the space with a wider end", () => {
    const ours = listOps(build("fbnet:0380076737677777677773"));
    const zoo = listOps(findZooNetwork("fbnet_cb")!.build());
    expect(ours.length).toBe(zoo.length);
    // The last convolution, the mean and the classifier.
    expect(ours.slice(0, -3)).toEqual(zoo.slice(0, -3));
    expect(ours.slice(-3)).toEqual(zoo.slice(-3).map((op) => op.replaceAll("1984", "1504")));
  });

  it("the zoo's ProxylessNAS network for phones is one of the space, of 320 M multiply-accumulates", () => {
    const graph = build("proxyless:206640225222322255445");
    expect(listOps(graph)).toEqual(listOps(findZooNetwork("proxylessnas_mobile")!.build()));
    // As stated for it by Cai et al. 2020 (Once for All), table 2.
    expect(Math.round(countMacs(graph) / 1e6)).toBe(320);
  });

  it("a grouped block of FBNet shuffles between its two grouped convolutions", () => {
    const plain = listOps(build(`fbnet:${"0".repeat(22)}`));
    const grouped = mainSubgraph(build(`fbnet:1${"0".repeat(21)}`)).ops.map(({ type }) => type);
    expect(grouped.length).toBe(plain.length + 3);
    expect(grouped.slice(1, 9)).toEqual([
      "CONV_2D",
      "RESHAPE",
      "TRANSPOSE",
      "RESHAPE",
      "PAD",
      "DEPTHWISE_CONV_2D",
      "CONV_2D",
      "ADD",
    ]);
    const macs = (text: string) => countMacs(build(text));
    expect(macs(`fbnet:0${"0".repeat(21)}`) - macs(`fbnet:1${"0".repeat(21)}`)).toBe(112 * 112 * 16 * 16);
  });

  it("reads names and numbers with commas, in brackets and quotes", () => {
    const names = [
      ...fbnetBlocks,
      ...fbnetBlocks,
      "k3_e1",
      "k3_e3",
      "k5_e1",
      "k5_e6",
    ] as (typeof fbnetBlocks)[number][];
    const usual = "0123456780123456780247";
    expect(formatFbnet(names)).toBe(usual);
    for (const text of [
      usual,
      names.join(","),
      usual.split("").join(", "),
      JSON.stringify(names),
      JSON.stringify(names.map((name) => fbnetBlocks.indexOf(name))),
      `[${names.map((name) => `'${name}'`).join(", ")}]`,
    ])
      expect(findCandidate(`fbnet:${text}`)!.name).toBe(`fbnet:${usual}`);
    const operations = parseProxyless("206640225222322255445");
    expect(findCandidate(`proxyless:${operations.join(",")}`)!.name).toBe("proxyless:206640225222322255445");
  });
});

/** Draws from a space, and its encoding in the space's usual form. */
const draws: Record<
  string,
  (random: Random) => { value: unknown; text: string; parse: (text: string) => unknown }
> = {
  nb201: (random) => {
    const value = [1, 2, 3].map((node) =>
      Array.from({ length: node }, () => random.pick(nasBench201Operations)),
    );
    return { value, text: formatNasBench201(value), parse: parseNasBench201 };
  },
  "ofa-mbv3": (random) => {
    const depths = Array.from({ length: 5 }, () => random.pick([2, 3, 4]));
    const unused = (unit: number) => unit % 4 >= depths[Math.floor(unit / 4)]!;
    const choose = (values: number[]) =>
      Array.from({ length: 20 }, (_, unit) => (unused(unit) ? 0 : random.pick(values)));
    const value = {
      kernels: choose([3, 5, 7]),
      expansions: choose([3, 4, 6]),
      depths,
      resolution: 4 * random.int(32, 64),
      width: random.pick([1, 1.2] as const),
    };
    return { value, text: formatOnceForAll(value), parse: parseOnceForAll };
  },
  proxyless: (random) => {
    const value = Array.from({ length: 21 }, (_, unit) =>
      random.pick(unit % 4 === 0 ? proxylessOperations.slice(0, 6) : proxylessOperations),
    );
    return { value, text: formatProxyless(value), parse: parseProxyless };
  },
  fbnet: (random) => {
    const value = Array.from({ length: 22 }, () => random.pick(fbnetBlocks));
    return { value, text: formatFbnet(value), parse: parseFbnet };
  },
};

describe.each(searchSpaces.map((space) => [space.prefix, space] as const))("%s", (prefix, space) => {
  const draw = draws[prefix] ?? draws["nb201"]!;

  it("gives back what was encoded, over 500 random candidates", () => {
    const random = createRandom(20);
    for (let round = 0; round < 500; round++) {
      const { value, text, parse } = draw(random);
      expect(parse(text)).toEqual(value);
      expect(findDefinedNetwork(`${prefix}:${text}`)!.name).toBe(`${prefix}:${text}`);
    }
  });

  it("builds random candidates under their names, different ones differently", () => {
    const random = createRandom(21);
    const flops = new Set<number>();
    for (let round = 0; round < 10; round++) {
      const name = `${prefix}:${draw(random).text}`;
      const graph = build(name);
      expect(graph.name).toBe(name);
      flops.add(costGraph(graph).flops);
    }
    expect(flops.size).toBeGreaterThan(8);
  });

  it("has an example, its paper and a family", () => {
    const network = findDefinedNetwork(`${prefix}:${space.example}`)!;
    expect(network).toMatchObject({
      name: `${prefix}:${space.example}`,
      kind: "sampled",
      family: space.family,
    });
    expect(findPaper(space.family)).toBe(space.paper);
  });

  it("a damaged encoding is another candidate or one clear line, never anything else", () => {
    const random = createRandom(22);
    const pieces = [
      ..."|~+-=,;[]{}'\"0123456789 ",
      "ks",
      "none",
      "é",
      "😀",
      "\n",
      "\t",
      "skip",
      "nor_conv_3x3",
      "１",
    ];
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const { text } = draw(random);
      const place = random.int(0, text.length);
      const damaged = random.pick([
        () => text.slice(0, place),
        () => text.slice(place),
        () => text.slice(0, place) + random.pick(pieces) + text.slice(place),
        () => text.slice(0, place) + random.pick(pieces) + text.slice(place + 1),
        () => text + text,
      ])();
      const problem = findProblem(`${prefix}:${damaged}`);
      if (problem === null) continue;
      refused++;
      expectClear(problem);
    }
    expect(refused).toBeGreaterThan(800);
  });
});

/** Why a text is no network, or null when it is one; names it gives mean the same network again. */
function findProblem(text: string): LabError | null {
  try {
    const { name } = findDefinedNetwork(text)!;
    expect(findDefinedNetwork(name)!.name).toBe(name);
    return null;
  } catch (error) {
    if (error instanceof LabError) return error;
    throw error;
  }
}

function expectClear({ code, message, hint }: LabError): void {
  expect(code).toBe("bad-request");
  expect(message).toMatch(/^[^\n]{1,200} is no network: at character \d+ [^\n]{5,120}$/u);
  expect(hint).toMatch(/^[^\n]{10,250}\.$/u);
}

const goodCell = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
const goodLists = `ks=${"3".repeat(20)}-e=${"3".repeat(20)}`;

// What is wrong, at which character of the whole text counted from 1, and in which words.
test.each([
  ["nb201:", 7, "\\| is expected, not the end"],
  [`nb201:${goodCell.slice(0, -1)}`, 53, "\\| is expected, not the end"],
  ["nb201:|none~0|+|none~0|none~1|", 31, "\\+ is expected, not the end"],
  ["nb201:|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|", 8, "nor_conv_5x5 is no operation"],
  ["nb201:|none~0|none~1|+|none~0|none~1|+|none~0|none~1|none~2|", 15, "\\+ is expected, not none"],
  ["nb201:|none~0|+|none~1|none~0|+|none~0|none~1|none~2|", 21, "~0 is expected"],
  [`nb201:${goodCell}+|none~0|`, 54, '"\\+" follows where nothing is expected'],
  ["nb201:|nöne~0|", 8, "n is no operation"],
  ["nb201:|😀~0|", 8, '"😀" is no operation'],
  ["ofa-mbv3:", 10, "the end is no setting"],
  [`ofa-mbv3:${goodLists}`, 56, "d \\(the depth of each stage\\) is missing"],
  [`ofa-mbv3:ks=${"3".repeat(19)}-e=3-d=2`, 32, '"-" follows after 19 of 20 numbers of ks'],
  [`ofa-mbv3:ks=${"3".repeat(21)}-e=3-d=2`, 33, "3 follows where nothing is expected"],
  ["ofa-mbv3:ks=9-e=3-d=2", 13, "9 is no kernel size"],
  ["ofa-mbv3:ks=3-e=5-d=2", 17, "5 is no expansion"],
  ["ofa-mbv3:ks=3-e=3-d=1", 21, "1 is no depth"],
  ["ofa-mbv3:ks=3-e=3-d=2-r=100", 25, "100 is no resolution"],
  ["ofa-mbv3:ks=3-e=3-d=2-r=226", 25, "226 is no resolution"],
  ["ofa-mbv3:ks=3-e=3-d=2-w=2", 25, "2 is no width"],
  ["ofa-mbv3:ks=3-ks=3", 15, "ks is given a second time"],
  ["ofa-mbv3:ks=0-e=3-d=2", 13, "ks is 0 for unit 1, which stage 1 of depth 2 has"],
  ["ofa-mbv3:kernel=3", 10, "kernel is no setting"],
  ["ofa-mbv3:{ks: 3, e: 3, d: 2", 28, "\\} is expected, not the end"],
  ["proxyless:01", 13, "the list ends after 2 of 21 choices"],
  [`proxyless:${"0".repeat(22)}`, 32, "0 follows where nothing is expected"],
  [`proxyless:7${"0".repeat(20)}`, 11, "7 is no choice"],
  [`proxyless:6${"0".repeat(20)}`, 11, "unit 1 begins a stage and cannot be Zero"],
  [`proxyless:${"0".repeat(20)}6`, 31, "unit 21 begins a stage and cannot be Zero"],
  ["proxyless:3x3_MBConv4", 11, "3x3_MBConv4 is no choice"],
  [`fbnet:${"0".repeat(21)}9`, 28, "9 is no choice"],
  ["fbnet:[0, 12, 3]", 12, "a comma is missing after 2 of 22 choices"],
  ["fbnet:[0, 1]", 12, "the list ends after 2 of 22 choices"],
  ["fbnet:k3_e1, k3_e2", 14, "k3_e2 is no choice"],
  ["fbnet:−1", 7, '"−" is no choice'],
])("%s is told at character %i", (text, character, problem) => {
  const error = findProblem(text);
  expect(error).not.toBeNull();
  expectClear(error!);
  expect(error!.message).toMatch(new RegExp(`at character ${character} (${problem})`, "u"));
});

test("a megabyte of text is told as shortly", () => {
  for (const { prefix, example } of searchSpaces)
    for (const filling of ["a", "0", "|", " ", "😀", example]) {
      const text = `${prefix}:${filling.repeat(Math.ceil(1_000_000 / filling.length))}`;
      const error = findProblem(text);
      expect(error).not.toBeNull();
      expectClear(error!);
    }
});

test("what has another form is no candidate at all", () => {
  for (const text of ["", "nb201", "nb301:|none~0|", "NB201:x", "resnet18", ":", "nb201:*", "fbnet:*0"])
    expect(findCandidate(text)).toBeNull();
});
