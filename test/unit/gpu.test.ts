import { describe, expect, it } from "vitest";
import {
  describeGpu,
  findOpenCl,
  openClCommand,
  parseGles,
  parseKgsl,
  parseMali,
} from "../../src-main/device/gpu.ts";

describe("the GPU's name", () => {
  it.each([
    [
      "GLES: Qualcomm, Adreno (TM) 640, OpenGL ES 3.2 V@415.0 (GIT@6e5a7b3, Ia04d5e5e4a, 1) (Date:11/06/19)",
      "Adreno (TM) 640",
    ],
    [" GLES: ARM, Mali-G78, OpenGL ES 3.2 v1.r32p1", "Mali-G78"],
    ["GLES: ARM, Mali-G57 MC2, OpenGL ES 3.2 v1.r32p1", "Mali-G57 MC2"],
    ["GLES: ARM, Mali-G720-Immortalis MC12, OpenGL ES 3.2 v1.r44p1", "Mali-G720-Immortalis MC12"],
    ["GLES: ARM, Mali-T880, OpenGL ES 3.2", "Mali-T880"],
    ["GLES: ARM, Mali-450 MP, OpenGL ES 2.0", "Mali-450 MP"],
    [
      "GLES: Imagination Technologies, PowerVR Rogue GE8320, OpenGL ES 3.2 build 1.10@51",
      "PowerVR Rogue GE8320",
    ],
    [
      "GLES: Samsung Electronics Co., Ltd., ANGLE (Samsung Xclipse 920) on Vulkan 1.1.179, OpenGL ES 3.2.0",
      "Samsung Xclipse 920",
    ],
    [
      "GLES: Google Inc. (ARM), ANGLE (ARM, Vulkan 1.3 (Mali-G715 (0xB8310110)), x), OpenGL ES 3.2.0",
      "Mali-G715",
    ],
    ["GLES: HUAWEI, Maleoon 910, OpenGL ES 3.2", "Maleoon 910"],
    ["GLES: Some Vendor, Odd GPU 7, OpenGL ES 3.1", "Odd GPU 7"],
    ["prefix\nGLES: ARM, Mali-G52, OpenGL ES 3.2\nafter", "Mali-G52"],
    ["SingleSuppressCallback GLES: no", null],
    ["GLES: ", null],
    ["", null],
  ])("of %j", (text, name) => {
    expect(parseGles(text)).toBe(name);
  });

  it("is that of the driver's own file in the form GPU rules are written in", () => {
    expect(parseKgsl("Adreno640v2\n")).toBe("Adreno (TM) 640");
    expect(parseKgsl("Adreno750v2.1")).toBe("Adreno (TM) 750");
    expect(parseKgsl("Adreno (TM) 618")).toBe("Adreno (TM) 618");
    expect(parseKgsl("cat: Permission denied")).toBeNull();
    expect(parseMali("Mali-G78 20 cores r0p1 0x90910010")).toBe("Mali-G78");
    expect(parseMali("Immortalis-G715 11 cores")).toBe("Immortalis-G715");
    expect(parseMali("nothing")).toBeNull();
  });

  it("comes from the next best source where one is closed", () => {
    const none = { kgsl: null, mali: null, gles: null, egl: null };
    expect(describeGpu({ ...none, kgsl: "Adreno640v2", egl: "adreno" })).toBe("Adreno (TM) 640");
    expect(describeGpu({ ...none, kgsl: "", mali: "Mali-G52 2 cores r1p0", egl: "mali" })).toBe("Mali-G52");
    expect(describeGpu({ ...none, egl: "powervr" })).toBe("powervr");
    expect(describeGpu(none)).toBeNull();
  });
});

describe("the OpenCL library", () => {
  const both = "/vendor/lib/libOpenCL.so\n/vendor/lib64/libOpenCL-pixel.so\n/vendor/lib64/libOpenCL.so";

  it("is one that a program of the phone's ABI can load", () => {
    expect(findOpenCl(both, "arm64-v8a")).toBe("/vendor/lib64/libOpenCL-pixel.so");
    expect(findOpenCl(both, "armeabi-v7a")).toBe("/vendor/lib/libOpenCL.so");
    expect(findOpenCl("/vendor/lib/libOpenCL.so", "arm64-v8a")).toBeNull();
    expect(findOpenCl("/vendor/lib/libOpenCL.so", "x86_64")).toBeNull();
    expect(findOpenCl("/vendor/lib64/egl/libOpenCL.so", "x86_64")).toBe("/vendor/lib64/egl/libOpenCL.so");
  });

  it("is nothing else a phone may print", () => {
    for (const text of [
      "",
      "$(reboot)/lib64/libOpenCL.so",
      "/a/lib64/libOpenCL.so; reboot",
      "/vendor/lib64/libGL.so",
    ])
      expect(findOpenCl(text, "arm64-v8a")).toBeNull();
  });

  it("is looked for under all its names", () => {
    for (const name of ["libOpenCL.so", "libOpenCL-pixel.so", "libOpenCL-car.so"])
      for (const lib of ["lib64", "lib"]) {
        expect(openClCommand).toContain(` /vendor/${lib}/${name}`);
        expect(openClCommand).toContain(` /system/vendor/${lib}/${name}`);
      }
  });
});
