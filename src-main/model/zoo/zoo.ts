import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { bagnet } from "./bagnet.ts";
import { bninception } from "./bninception.ts";
import { densenet } from "./densenet.ts";
import { diracnet } from "./diracnet.ts";
import { dla } from "./dla.ts";
import { hrnet } from "./hrnet.ts";
import { preresnet } from "./preresnet.ts";
import { regnetx, regnety } from "./regnet.ts";
import { resnet } from "./resnet.ts";
import { resnext } from "./resnext.ts";
import { sepreresnet, seresnet } from "./seresnet.ts";
import { squeezenet, squeezeresnet } from "./squeezenet.ts";
import { vovnet } from "./vovnet.ts";
import { efficientnetEdge } from "./efficientnetEdge.ts";
import { fbnet } from "./fbnet.ts";
import { fdmobilenet } from "./fdmobilenet.ts";
import { ghostnet } from "./ghostnet.ts";
import { hardnet } from "./hardnet.ts";
import { mnasnet } from "./mnasnet.ts";
import { mobilenet } from "./mobilenet.ts";
import { mobilenetv2 } from "./mobilenetv2.ts";
import { mobilenetv3 } from "./mobilenetv3.ts";
import { peleenet } from "./peleenet.ts";
import { proxylessnas } from "./proxylessnas.ts";
import { spnasnet } from "./spnasnet.ts";
import { cvt } from "./cvt.ts";
import { deit } from "./deit.ts";
import { efficientformer } from "./efficientformer.ts";
import { mit } from "./mit.ts";
import { mobilevit } from "./mobilevit.ts";
import { swin } from "./swin.ts";
import { vit } from "./vit.ts";

/** All families, in the order lists show them. */
export const zooFamilies: readonly ZooFamily[] = [
  resnet,
  preresnet,
  seresnet,
  sepreresnet,
  resnext,
  regnetx,
  regnety,
  diracnet,
  bagnet,
  squeezenet,
  squeezeresnet,
  hrnet,
  dla,
  densenet,
  bninception,
  vovnet,
  mobilenet,
  fdmobilenet,
  mobilenetv2,
  mobilenetv3,
  mnasnet,
  efficientnetEdge,
  fbnet,
  ghostnet,
  proxylessnas,
  spnasnet,
  peleenet,
  hardnet,
  vit,
  deit,
  swin,
  mobilevit,
  efficientformer,
  mit,
  cvt,
];

/** A network's place in the zoo. */
export interface ZooEntry {
  name: string;
  family: string;
  paper: string;
  build: () => Graph;
}

const entries = new Map<string, ZooEntry>(
  zooFamilies.flatMap(({ family, paper, networks }) =>
    Object.entries(networks).map(([name, build]) => [name, { name, family, paper, build }] as const),
  ),
);

/** Every network of the zoo; nothing is built before `build` is called. */
export function listZoo(): ZooEntry[] {
  return [...entries.values()];
}

/** A network of the zoo by its name, or null. */
export function findZooNetwork(name: string): ZooEntry | null {
  return entries.get(name) ?? null;
}
