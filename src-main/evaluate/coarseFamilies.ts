/** Families of the literature that share their building blocks, so that one of them teaches a predictor about the others. */
export interface CoarseFamily {
  name: string;
  /** Families as the zoo names them. */
  families: readonly string[];
  /** Why they belong together. */
  reason: string;
}

/**
 * The coarse families of the published networks. Leaving one out is the harder question: no close relative of a test network
 * is trained on.
 */
export const coarseFamilies: readonly CoarseFamily[] = [
  {
    name: "MobileNet",
    families: ["mobilenet", "fdmobilenet", "mobilenetv2", "mobilenetv3", "ghostnet"],
    reason:
      "The line of MobileNet, from separable convolutions to inverted residuals with squeeze-and-excitation; GhostNet keeps the layout of MobileNetV3 and changes its bottleneck only.",
  },
  {
    name: "mobile search",
    families: ["mnasnet", "efficientnet_edge", "fbnet", "proxylessnas", "spnasnet"],
    reason:
      "Found by search in one space: inverted residuals of kernel 3, 5 or 7 with expansions of 3 or 6 (EfficientNet-Edge fuses the first two layers of some).",
  },
  {
    name: "ResNet",
    families: ["resnet", "preresnet", "seresnet", "sepreresnet", "resnext", "diracnet", "bagnet"],
    reason:
      "The stages and widths of ResNet with its basic or bottleneck block: activation before or after, with or without squeeze-and-excitation, in groups (ResNeXt), without sums (DiracNet) or with 1×1 kernels (BagNet).",
  },
  {
    name: "RegNet",
    families: ["regnetx", "regnety"],
    reason: "One design space of grouped bottlenecks; RegNetY is RegNetX with squeeze-and-excitation.",
  },
  {
    name: "DenseNet",
    families: ["densenet", "peleenet", "hardnet", "vovnet"],
    reason:
      "Layers read the concatenation of earlier ones: all (DenseNet, PeleeNet), every power of two (HarDNet) or once a block (VoVNet).",
  },
  {
    name: "SqueezeNet",
    families: ["squeezenet", "squeezeresnet"],
    reason: "Fire modules; SqueezeResNet adds sums around them.",
  },
  {
    name: "ViT",
    families: ["vit", "deit"],
    reason: "Plain transformers over patches; DeiT is ViT trained otherwise, with one token more.",
  },
];

const byFamily = new Map(
  coarseFamilies.flatMap(({ name, families }) => families.map((family) => [family, name] as const)),
);

/** The coarse family of a family as the zoo names it; a family that belongs to none is a group of its own, by its own name. */
export function findCoarseFamily(family: string): string {
  return byFamily.get(family) ?? family;
}
