import { cleanText, cleanTextOrNull } from "./phoneText.ts";

/** Where phones tell their GPU, as printed; absent ones are null. */
export interface GpuSources {
  /** /sys/class/kgsl/kgsl-3d0/gpu_model, e.g. `Adreno640v2`. */
  kgsl: string | null;
  /** /sys/class/misc/mali0/device/gpuinfo, e.g. `Mali-G78 20 cores r0p1 0x90910010`. */
  mali: string | null;
  /** The line of `dumpsys SurfaceFlinger` that begins with GLES. */
  gles: string | null;
  /** ro.hardware.egl, e.g. `adreno`. */
  egl: string | null;
}

// How GPUs name themselves, the form in which GPU rules are written ("Adreno (TM) 640").
const gpuName =
  /Adreno \(TM\) \w+|(?:Mali|Immortalis)-[A-Z]?\d+\w*(?:-Immortalis)?(?: MC\d+| MP\d*)?|(?:Samsung )?Xclipse \w+|PowerVR [A-Z][\w -]{0,39}|Maleoon \w+|NVIDIA Tegra\w*|VideoCore [IVX\d. ]+|VC4 V3D [\d.]+|V3D [\d.]+|llvmpipe|SwiftShader|virgl/;

/** The GPU's name in the form its driver gives it, e.g. `Adreno (TM) 640`, `Mali-G78`; null when nothing tells. */
export function describeGpu(sources: GpuSources): string | null {
  return (
    parseGles(sources.gles ?? "") ??
    parseKgsl(sources.kgsl ?? "") ??
    parseMali(sources.mali ?? "") ??
    cleanTextOrNull(sources.egl, 60)
  );
}

/** Reads `GLES: Qualcomm, Adreno (TM) 640, OpenGL ES 3.2 …`, also through ANGLE and with commas in the vendor's name. */
export function parseGles(text: string): string | null {
  const line = /^[ \t]*GLES:[ \t]*(\S.*)$/m.exec(text.slice(0, 65_536))?.[1]?.slice(0, 400);
  if (line === undefined) return null;
  const known = gpuName.exec(line)?.[0];
  if (known !== undefined) return cleanText(known, 60);
  const fields = line.split(/,\s*(?=OpenGL ES)/)[0]!.split(/,\s*/);
  return fields.length > 1 ? cleanTextOrNull(fields.at(-1), 60) : null;
}

/** Reads the model Qualcomm's driver tells: `Adreno640v2` is an Adreno (TM) 640. */
export function parseKgsl(text: string): string | null {
  const number = /^\s*Adreno\s*(?:\(TM\)\s*)?-?([A-Z]?\d{2,4})(?:v[\d.]+)?\s*$/im.exec(
    text.slice(0, 200),
  )?.[1];
  return number === undefined ? null : `Adreno (TM) ${number.toUpperCase()}`;
}

/** Reads the line Arm's driver tells. */
export function parseMali(text: string): string | null {
  return /\b(?:Mali|Immortalis)-[A-Z]?\d{2,4}\w{0,4}\b/.exec(text.slice(0, 200))?.[0] ?? null;
}

const openClNames = ["libOpenCL.so", "libOpenCL-pixel.so", "libOpenCL-car.so"];
const openClFolders = ["/vendor", "/system/vendor", "/odm", "/system", "/product", "/system_ext"];

/** Prints the path of each OpenCL library that is there, those for 64-bit programs first. */
export const openClCommand = `for f in ${["lib64", "lib64/egl", "lib", "lib/egl"]
  .flatMap((lib) => openClFolders.flatMap((folder) => openClNames.map((name) => `${folder}/${lib}/${name}`)))
  .join(" ")}; do test -e $f && echo $f; done; true`;

/** The OpenCL library a program of that ABI can load: a 64-bit one needs lib64; null when there is none. */
export function findOpenCl(text: string, abi: string): string | null {
  const folder = abi.includes("64") ? "lib64" : "lib";
  return (
    text
      .split("\n")
      .slice(0, 200)
      .map((line) => line.trim())
      .find((line) =>
        new RegExp(`^/[\\w/]{1,60}/${folder}/(?:egl/)?libOpenCL[\\w-]{0,8}\\.so$`).test(line),
      ) ?? null
  );
}
