import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import { buildInvertedUnit, buildStages, channelsOf, roundChannels } from "../zoo/mobileBlocks.ts";
import { squeezeHard } from "../zoo/mobilenetv3.ts";
import { EncodingScanner } from "./encodingScanner.ts";
import { EncodingError, type SearchSpace } from "./space.ts";

/** A network of the space. */
export interface OnceForAllNetwork {
  /** Kernel of each of the 20 units, four a stage; 0 where the depth leaves the unit out. */
  kernels: number[];
  /** Expansion of each of the 20 units; 0 where the depth leaves the unit out. */
  expansions: number[];
  /** Units of each of the five stages. */
  depths: number[];
  /** Height and width of the input. */
  resolution: number;
  width: 1 | 1.2;
}

const stageCount = 5;
const unitsPerStage = 4;
const unitCount = stageCount * unitsPerStage;

const grammar =
  "ks=77…-e=66…-d=44444-r=224: 20 kernels (3, 5, 7), 20 expansions (3, 4, 6), 5 depths (2, 3, 4), one digit each or one for all; " +
  "an input of 128 to 256 in steps of 4; w=1.2 for the wide networks";

/** Where each setting is and what it chooses from; 0 stands for a unit that is left out. */
const lists = {
  ks: { count: unitCount, values: [0, 3, 5, 7], what: "kernel size" },
  e: { count: unitCount, values: [0, 3, 4, 6], what: "expansion" },
  d: { count: stageCount, values: [2, 3, 4], what: "depth" },
} as const;

type ListKey = keyof typeof lists;

/** What is read, with the place of each number. */
interface Settings {
  ks?: Entry[];
  e?: Entry[];
  d?: Entry[];
  r?: number;
  w?: 1 | 1.2;
}

interface Entry {
  value: number;
  position: number;
}

const keys = ["ks", "e", "d", "r", "w", "wid"] as const;
const defaultResolution = 224;

/**
 * Reads a network: settings as in the usual encoding, in any order, or the lists as Python or JSON prints them
 * (`{"ks": [7, …], "e": [6, …], "d": [4, …], "r": [224]}`). Throws an EncodingError.
 */
export function parseOnceForAll(text: string): OnceForAllNetwork {
  const scanner = new EncodingScanner(text);
  const settings: Settings = {};
  const braced = scanner.accept("{");
  scanner.skipSpaces();
  do {
    readSetting(scanner, settings);
    scanner.skipSpaces();
  } while (acceptSeparator(scanner));
  if (braced) scanner.expect("}", allowed());
  scanner.expectEnd(allowed());
  const take = (key: ListKey) =>
    settings[key] ??
    scanner.fail(
      `${key} (the ${lists[key].what} of each ${key === "d" ? "stage" : "unit"}) is missing`,
      allowed(),
    );
  const [ks, e, d] = [take("ks"), take("e"), take("d")];
  const depths = d.map(({ value }) => value);
  return {
    kernels: dropUnused(ks, depths, "ks"),
    expansions: dropUnused(e, depths, "e"),
    depths,
    resolution: settings.r ?? defaultResolution,
    width: settings.w ?? 1,
  };
}

function allowed(): string {
  return `An encoding reads ${grammar}.`;
}

function acceptSeparator(scanner: EncodingScanner): boolean {
  const found = ["-", ";", ","].some((mark) => scanner.accept(mark));
  scanner.skipSpaces();
  return found;
}

function readSetting(scanner: EncodingScanner, settings: Settings): void {
  const quote = ['"', "'"].find((mark) => scanner.accept(mark));
  const { position } = scanner;
  const word = scanner.expectWord(keys, "setting");
  const key = word === "wid" ? "w" : word;
  if (settings[key] !== undefined) scanner.fail(`${word} is given a second time`, allowed(), position);
  if (quote !== undefined) scanner.expect(quote, allowed());
  scanner.skipSpaces();
  if (!scanner.accept(":")) scanner.expect("=", allowed());
  scanner.skipSpaces();
  if (key === "r") settings.r = readResolution(scanner);
  else if (key === "w") settings.w = readWidth(scanner);
  else settings[key] = readList(scanner, key);
}

function readResolution(scanner: EncodingScanner): number {
  const listed = scanner.accept("[");
  const { position } = scanner;
  const word = scanner.peekWord();
  const value = /^\d{3}$/.test(word) ? Number(word) : NaN;
  if (!(value >= 128 && value <= 256 && value % 4 === 0))
    scanner.fail(`${scanner.describeNext()} is no resolution`, "Use 128 to 256 in steps of 4.", position);
  scanner.expect(word, allowed());
  if (listed) scanner.expect("]", allowed());
  return value;
}

// The authors' sampler writes None for the only width there is.
function readWidth(scanner: EncodingScanner): 1 | 1.2 {
  if (scanner.accept("1.2")) return 1.2;
  if (["1.0", "1", "None", "null"].some((word) => scanner.accept(word))) return 1;
  scanner.fail(`${scanner.describeNext()} is no width`, "Use 1 or 1.2.");
}

function readList(scanner: EncodingScanner, key: ListKey): Entry[] {
  const { count } = lists[key];
  const bracketed = scanner.accept("[");
  scanner.skipSpaces();
  const entries = [readEntry(scanner, key)];
  // One number stands for all; what follows it is another setting or the end.
  if (!bracketed && !scanner.follows(/^ *,? *\d/)) return Array.from({ length: count }, () => entries[0]!);
  const commas = scanner.follows(/^ *,/);
  while (entries.length < count) {
    scanner.skipSpaces();
    if (!scanner.follows(commas ? /^, *\d/ : /^\d/))
      scanner.fail(
        `${scanner.describeNext()} follows after ${entries.length} of ${count} numbers of ${key}`,
        allowed(),
      );
    if (commas) scanner.expect(",", allowed());
    scanner.skipSpaces();
    entries.push(readEntry(scanner, key));
  }
  scanner.skipSpaces();
  if (bracketed) scanner.expect("]", allowed());
  return entries;
}

function readEntry(scanner: EncodingScanner, key: ListKey): Entry {
  const { values, what } = lists[key];
  const { position } = scanner;
  const value = values.find((candidate) => scanner.accept(String(candidate)));
  if (value === undefined) {
    const chosen = values.filter((candidate) => candidate > 0).join(", ");
    const next = /^\d/.exec(scanner.peekWord())?.[0] ?? scanner.describeNext();
    scanner.fail(`${next} is no ${what}`, `Use one of ${chosen}.`);
  }
  return { value, position };
}

// What a candidate says of units it does not have makes no difference, so that it is not kept.
function dropUnused(entries: readonly Entry[], depths: readonly number[], key: "ks" | "e"): number[] {
  return entries.map(({ value, position }, unit) => {
    const stage = Math.floor(unit / unitsPerStage);
    if (unit % unitsPerStage >= depths[stage]!) return 0;
    if (value === 0)
      throw new EncodingError(
        position,
        `${key} is 0 for unit ${unit + 1}, which stage ${stage + 1} of depth ${depths[stage]} has`,
        "0 stands for units a stage leaves out by its depth.",
      );
    return value;
  });
}

/** The usual encoding of a network. */
export function formatOnceForAll({
  kernels,
  expansions,
  depths,
  resolution,
  width,
}: OnceForAllNetwork): string {
  const settings = [
    `ks=${kernels.join("")}`,
    `e=${expansions.join("")}`,
    `d=${depths.join("")}`,
    `r=${resolution}`,
  ];
  return [...settings, ...(width === 1 ? [] : [`w=${width}`])].join("-");
}

/** Once-for-all's space of MobileNets v3 (about 10¹⁹ candidates), `ofa-mbv3:`. */
export const onceForAllSpace: SearchSpace = {
  prefix: "ofa-mbv3",
  family: "once-for-all",
  paper:
    "Cai et al. 2020, Once for All: Train One Network and Specialize it for Efficient Deployment, arXiv 1908.09791",
  grammar,
  example: "ks=53005500335035703355-e=33004300444043406333-d=22334-r=152",
  read: (text) => {
    const network = parseOnceForAll(text);
    return { encoding: formatOnceForAll(network), build: (name) => buildOnceForAll(name, network) };
  },
};

/** Channels, stride of the first unit, activation and squeeze-excite of the searched stages, as in MobileNetV3-Large. */
const stages = [
  { channels: 24, stride: 2, activation: "relu", squeeze: false },
  { channels: 40, stride: 2, activation: "relu", squeeze: true },
  { channels: 80, stride: 2, activation: "hard-swish", squeeze: false },
  { channels: 112, stride: 1, activation: "hard-swish", squeeze: true },
  { channels: 160, stride: 2, activation: "hard-swish", squeeze: true },
] as const;

function buildOnceForAll(name: string, network: OnceForAllNetwork): Graph {
  const { kernels, expansions, depths, resolution, width } = network;
  const builder = new GraphBuilder(name, { description: "Once-for-all MobileNetV3" });
  const scale = (channels: number) => roundChannels(channels * width);
  const first = scale(16);
  let x = builder.conv(builder.input([1, resolution, resolution, 3]), first, 3, {
    stride: 2,
    padding: 1,
    activation: "hard-swish",
    name: "stem",
  });
  const fixed = {
    kernel: 3,
    expansion: 1,
    filters: first,
    stride: 1 as const,
    activation: "relu" as const,
    squeeze: false,
  };
  const searched = stages.map(({ channels, stride, ...rest }, stage) =>
    Array.from({ length: depths[stage]! }, (_, unit) => ({
      kernel: kernels[stage * unitsPerStage + unit]!,
      expansion: expansions[stage * unitsPerStage + unit]!,
      filters: scale(channels),
      stride: unit === 0 ? stride : (1 as const),
      ...rest,
    })),
  );
  x = buildStages(builder, x, [[fixed], ...searched], (input, { expansion, squeeze, ...unit }) =>
    buildInvertedUnit(builder, input, {
      ...unit,
      expanded: expansion === 1 ? null : expansion * channelsOf(input),
      // Half the kernel on all sides, which without a stride is SAME.
      ...(unit.stride === 1 ? { padding: "same" as const } : {}),
      ...(squeeze ? { squeeze: (y) => squeezeHard(builder, y) } : {}),
    }),
  );
  x = builder.conv(x, scale(960), 1, { activation: "hard-swish", name: "features" });
  x = builder.globalAveragePool(x, { keepDims: true });
  x = builder.conv(x, scale(1280), 1, { activation: "hard-swish", bias: false, name: "hidden" });
  return builder.build(
    builder.fullyConnected(builder.reshape(x, [1, channelsOf(x)]), 1000, { name: "classifier" }),
  );
}
