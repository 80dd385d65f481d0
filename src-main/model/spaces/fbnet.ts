import { buildFbnet, fbnet, fbnetStages, type FbnetBlock } from "../zoo/fbnet.ts";
import { describeChoices, formatChoices, readChoices } from "./choiceList.ts";
import type { SearchSpace } from "./space.ts";

/** The blocks in the order of the paper's table 2; a digit of an encoding counts from 0. */
export const fbnetBlocks = [
  "k3_e1",
  "k3_e1_g2",
  "k3_e3",
  "k3_e6",
  "k5_e1",
  "k5_e1_g2",
  "k5_e3",
  "k5_e6",
  "skip",
] as const satisfies readonly FbnetBlock[];

/** Channels of the last convolution. */
const features = 1504;
const units = fbnetStages.reduce((sum, stage) => sum + stage.units, 0);
const choiceSpace = { units, operations: fbnetBlocks };

/** The chosen blocks of all 22 units in order; throws an EncodingError. */
export function parseFbnet(text: string): FbnetBlock[] {
  return readChoices(text, choiceSpace).map(({ operation }) => operation);
}

/** The usual encoding of the blocks. */
export function formatFbnet(blocks: readonly FbnetBlock[]): string {
  return formatChoices<FbnetBlock>(blocks, choiceSpace);
}

/** FBNet's space (9²² candidates), `fbnet:`; a skip where the shape changes is a 1×1 convolution. */
export const fbnetSpace: SearchSpace = {
  prefix: "fbnet",
  family: fbnet.family,
  paper: fbnet.paper,
  grammar: describeChoices(choiceSpace),
  example: "0380076737677777677773",
  read: (text) => {
    const blocks = parseFbnet(text);
    return {
      encoding: formatFbnet(blocks),
      build: (name) => buildFbnet(name, groupStages(blocks), features),
    };
  },
};

function groupStages(blocks: readonly FbnetBlock[]): FbnetBlock[][] {
  let start = 0;
  return fbnetStages.map((stage) => blocks.slice(start, (start += stage.units)));
}
