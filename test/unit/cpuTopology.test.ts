import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  type PhoneCore,
  cpuFilesCommand,
  groupPhoneClusters,
  listOfflineCpus,
  parseCpuInfo,
  parseCpus,
  parsePhoneCores,
} from "../../src-main/device/cpuTopology.ts";

const noInfo = parseCpuInfo("");

type Told = Partial<Omit<PhoneCore, "cpu">>;

/** Cores of which each tells what the function says, all else unknown. */
function listCores(count: number, tell: (cpu: number) => Told): PhoneCore[] {
  return Array.from({ length: count }, (_, cpu) => ({
    cpu,
    online: true,
    maxKhz: null,
    policy: null,
    cluster: null,
    threads: null,
    capacity: null,
    part: null,
    ...tell(cpu),
  }));
}

function describeClusters(cores: readonly PhoneCore[]): string[] {
  return groupPhoneClusters(cores).map(
    ({ name, cpus, maxMhz }) => `${name} ${cpus.join(",")}${maxMhz === null ? "" : ` ${maxMhz}`}`,
  );
}

const little = [0, 1, 2, 3];
const big = [4, 5, 6, 7];
const half = (cpu: number) => (cpu < 4 ? little : big);

describe("clusters of a phone", () => {
  it("are its frequency policies, also when their speeds are close", () => {
    const khz = (cpu: number) =>
      cpu === 7 ? 3_302_400 : cpu >= 5 ? 2_956_800 : cpu >= 2 ? 3_148_800 : 2_265_600;
    const policies = [[0, 1], [2, 3, 4], [5, 6], [7]];
    const cores = listCores(8, (cpu) => ({
      maxKhz: khz(cpu),
      policy: policies.find((policy) => policy.includes(cpu))!,
      cluster: [...little, ...big],
    }));
    expect(describeClusters(cores)).toEqual([
      "large 7 3302.4",
      "med 2,3,4 3148.8",
      "small 5,6 2956.8",
      "tiny 0,1 2265.6",
    ]);
  });

  it("with policies alike in speed and capacity are one only where the topology says so", () => {
    const alike = (cluster: (cpu: number) => number[] | null, capacity: (cpu: number) => number | null) =>
      describeClusters(
        listCores(8, (cpu) => ({
          maxKhz: 1_800_000,
          policy: half(cpu),
          cluster: cluster(cpu),
          capacity: capacity(cpu),
        })),
      );
    const all = [...little, ...big];
    expect(
      alike(
        () => all,
        () => 1024,
      ),
    ).toEqual(["core 0,1,2,3,4,5,6,7 1800"]);
    expect(alike(half, () => 1024)).toEqual(["large 4,5,6,7 1800", "small 0,1,2,3 1800"]);
    expect(
      alike(
        () => null,
        () => null,
      ),
    ).toEqual(["large 4,5,6,7 1800", "small 0,1,2,3 1800"]);
    // Two A75 and six A55 at the same clock: the scheduler knows which are fast.
    expect(
      alike(
        () => all,
        (cpu) => (cpu < 4 ? 1024 : 420),
      ),
    ).toEqual(["large 0,1,2,3 1800", "small 4,5,6,7 1800"]);
  });

  it("whose cores have a policy each are one where they are one to the kernel", () => {
    const cores = listCores(4, (cpu) => ({ maxKhz: 2_265_600, policy: [cpu], cluster: little }));
    expect(describeClusters(cores)).toEqual(["core 0,1,2,3 2265.6"]);
  });

  it("go by capacity before frequency", () => {
    const cores = listCores(8, (cpu) => ({
      policy: half(cpu),
      maxKhz: cpu < 4 ? 2_000_000 : 1_800_000,
      capacity: cpu < 4 ? 500 : 1024,
    }));
    expect(describeClusters(cores)).toEqual(["large 4,5,6,7 1800", "small 0,1,2,3 2000"]);
  });

  it("go by frequency where capacity is told of some only", () => {
    const cores = listCores(8, (cpu) => ({
      policy: half(cpu),
      maxKhz: cpu < 4 ? 2_000_000 : 1_800_000,
      capacity: cpu < 4 ? null : 1024,
    }));
    expect(describeClusters(cores)).toEqual(["large 0,1,2,3 2000", "small 4,5,6,7 1800"]);
  });

  it("come from the topology without policies, split where it holds several kinds", () => {
    expect(describeClusters(listCores(8, (cpu) => ({ cluster: half(cpu) })))).toEqual([
      "large 4,5,6,7",
      "small 0,1,2,3",
    ]);
    const kinds = listCores(8, (cpu) => ({ cluster: [...little, ...big], capacity: cpu < 4 ? 300 : 1024 }));
    expect(describeClusters(kinds)).toEqual(["large 4,5,6,7", "small 0,1,2,3"]);
  });

  it("come from frequency, else capacity, else the core's type, else are one", () => {
    expect(describeClusters(listCores(6, (cpu) => ({ maxKhz: cpu < 2 ? 2_000_000 : 1_400_000 })))).toEqual([
      "large 0,1 2000",
      "small 2,3,4,5 1400",
    ]);
    expect(describeClusters(listCores(6, (cpu) => ({ capacity: cpu < 2 ? 1024 : 300 })))).toEqual([
      "large 0,1",
      "small 2,3,4,5",
    ]);
    expect(
      describeClusters(listCores(6, (cpu) => ({ part: cpu < 4 ? "0x41/0xd03" : "0x41/0xd08" }))),
    ).toEqual(["large 4,5", "small 0,1,2,3"]);
    expect(describeClusters(listCores(2, () => ({})))).toEqual(["core 0,1"]);
    expect(describeClusters([])).toEqual([]);
  });

  it("keep their names while cores are offline, and hold those that are online", () => {
    const off = (...cpus: number[]) =>
      listCores(8, (cpu) => ({
        online: !cpus.includes(cpu),
        maxKhz: cpu === 7 ? 2_841_600 : cpu >= 4 ? 2_419_200 : 1_785_600,
        policy: cpu === 7 ? [7] : cpu >= 4 ? [4, 5, 6] : little,
      }));
    expect(describeClusters(off(7))).toEqual(["med 4,5,6 2419.2", "small 0,1,2,3 1785.6"]);
    expect(describeClusters(off(0, 1, 4, 5))).toEqual(["large 7 2841.6", "med 6 2419.2", "small 2,3 1785.6"]);
    expect(listOfflineCpus(off(0, 7))).toEqual([0, 7]);
  });

  it("do not count what nothing is known of because it is offline", () => {
    const cores = listCores(4, (cpu) =>
      cpu < 2 ? { policy: [0, 1], maxKhz: 1_000_000 } : { online: false },
    );
    expect(describeClusters(cores)).toEqual(["core 0,1 1000"]);
    const speeds = listCores(4, (cpu) => (cpu < 2 ? { maxKhz: 1_000_000 } : { online: false }));
    expect(describeClusters(speeds)).toEqual(["core 0,1 1000"]);
  });

  it("have one hardware thread of each core first", () => {
    const cores = listCores(4, (cpu) => ({ threads: cpu % 2 ? [1, 3] : [0, 2] }));
    expect(describeClusters(cores)).toEqual(["core 0,1,2,3"]);
    const pairs = listCores(4, (cpu) => ({ threads: cpu < 2 ? [0, 1] : [2, 3] }));
    expect(describeClusters(pairs)).toEqual(["core 0,2,1,3"]);
  });
});

describe("files of /sys", () => {
  it("tell cores; where one is missing another does", () => {
    const only = (text: string) => parsePhoneCores(text, noInfo).map(({ cpu, online }) => [cpu, online]);
    expect(only("present: 0-1\nonline: 0\npossible: 0-7")).toEqual([
      [0, true],
      [1, false],
    ]);
    expect(only("possible: 0-1")).toEqual([
      [0, true],
      [1, true],
    ]);
    expect(only("cpu0/cpu_capacity: 5\ncpu3/online: 0")).toEqual([
      [0, true],
      [3, false],
    ]);
    expect(only("online: 0,2")).toEqual([
      [0, true],
      [2, true],
    ]);
    expect(parsePhoneCores("", parseCpuInfo("processor : 0\nprocessor : 1")).map(({ cpu }) => cpu)).toEqual([
      0, 1,
    ]);
    expect(only("")).toEqual([]);
  });

  it("with a policy's folder tell of its offline cores too", () => {
    const cores = parsePhoneCores(
      "present: 0-1\nonline: 0\ncpu0/cpufreq/related_cpus: 0\ncpu0/cpufreq/cpuinfo_max_freq: 1000000\n" +
        "cpufreq/policy1/related_cpus: 1\ncpufreq/policy1/cpuinfo_max_freq: 2000000",
      noInfo,
    );
    expect(cores[1]).toMatchObject({ cpu: 1, online: false, maxKhz: 2_000_000, policy: [1] });
    expect(describeClusters(cores)).toEqual(["small 0 1000"]);
  });

  it("that name each core alone are passed over for ones that say more", () => {
    const text = [0, 1]
      .flatMap((cpu) => [
        `cpu${cpu}/topology/cluster_cpus_list: ${cpu}`,
        `cpu${cpu}/topology/package_cpus_list: 0-1`,
      ])
      .join("\n");
    expect(parsePhoneCores(text, noInfo).map(({ cluster }) => cluster)).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it("with numbers that cannot be are as if they were missing", () => {
    const [core] = parsePhoneCores(
      "present: 0\ncpu0/cpufreq/cpuinfo_max_freq: 99999999999\ncpu0/cpu_capacity: -1\ncpu0/cpufreq/related_cpus: 0-99999",
      noInfo,
    );
    expect(core).toMatchObject({ maxKhz: null, capacity: null, policy: null });
  });

  it("list CPUs in both of the kernel's forms", () => {
    expect(parseCpus("0-3,6")).toEqual([0, 1, 2, 3, 6]);
    expect(parseCpus(" 4 5 6 7 \n")).toEqual([4, 5, 6, 7]);
    for (const text of ["", "x", "3-1", "0-4096", "-1", "1-2-3"]) expect(parseCpus(text)).toBeNull();
  });
});

describe("/proc/cpuinfo", () => {
  it("tells parts and hardware of Arm, and processors of others", () => {
    const info = parseCpuInfo(
      "Processor\t: AArch64 Processor rev 4\nprocessor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n\n" +
        "processor\t: 4\nCPU implementer\t: 0x51\nCPU part\t: 0x800\n\nHardware\t: Qualcomm Technologies, Inc SDM845",
    );
    expect([...info.parts]).toEqual([
      [0, "0x41/0xd03"],
      [4, "0x51/0x800"],
    ]);
    expect(info.hardware).toBe("Qualcomm Technologies, Inc SDM845");
    expect([...parseCpuInfo("processor : 0\nmodel name : Intel(R) Atom(TM)\n").parts.keys()]).toEqual([0]);
  });
});

describe("the command that prints them", () => {
  const folder = mkdtempSync(join(tmpdir(), "latlab-cpus-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("runs in a plain shell and leaves out what is missing", () => {
    const files: Record<string, string> = {
      present: "0-1\n",
      online: "0\n",
      "cpu0/cpufreq/cpuinfo_max_freq": "1800000\n",
      "cpu0/cpufreq/related_cpus": "0 1 \n",
      // No line end, as some drivers write.
      "cpu0/cpu_capacity": "1024",
      "cpu1/online": "0\n",
      "cpufreq/policy0/related_cpus": "0 1\n",
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const command = cpuFilesCommand.replace("/sys/devices/system/cpu", folder);
    const printed = execFileSync("/bin/sh", ["-c", `{ ${command}; } 2>/dev/null; true`], {
      encoding: "utf8",
    });
    expect(printed.trim().split("\n").sort()).toEqual([
      "cpu0/cpu_capacity: 1024",
      "cpu0/cpufreq/cpuinfo_max_freq: 1800000",
      "cpu0/cpufreq/related_cpus: 0 1",
      "cpu1/online: 0",
      "cpufreq/policy0/related_cpus: 0 1",
      "online: 0",
      "present: 0-1",
    ]);
    expect(parsePhoneCores(printed, noInfo)).toMatchObject([
      { cpu: 0, online: true, maxKhz: 1_800_000, policy: [0, 1], capacity: 1024 },
      { cpu: 1, online: false, policy: [0, 1] },
    ]);
  });
});
