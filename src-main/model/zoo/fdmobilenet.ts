import type { ZooFamily } from "./family.ts";
import { widthNames } from "./mobileBlocks.ts";
import { buildSeparableNetwork, separableWidths } from "./mobilenet.ts";

const stages = [[64], [128, 128], [256, 256], [512, 512, 512, 512, 512, 1024]];

/** MobileNets that have halved the image five times after a third of their layers. */
export const fdmobilenet: ZooFamily = {
  family: "fdmobilenet",
  paper:
    "Qin et al. 2018, FD-MobileNet: Improved MobileNet with a Fast Downsampling Strategy, arXiv 1802.03750",
  networks: Object.fromEntries(
    separableWidths.map((width) => [
      `fdmobilenet_${width}`,
      () =>
        buildSeparableNetwork(`fdmobilenet_${width}`, {
          stages,
          firstHalves: true,
          width: widthNames[width],
        }),
    ]),
  ),
};
