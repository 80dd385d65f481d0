import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type PhoneProfile, formatCpuList, parseCpuList } from "./phoneProfile.ts";

/** Writes a file of the phone with its folders. */
export function writePhoneFile(root: string, path: string, text: string): void {
  const place = join(root, path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, text);
}

/** Writes the profile's part of /sys: cores, clocks, topology and its further files. */
export function writeSysfs(root: string, profile: PhoneProfile): void {
  const base = "/sys/devices/system/cpu";
  const online = parseCpuList(profile.online);
  const possible = parseCpuList(profile.possible);
  writePhoneFile(root, `${base}/online`, `${profile.online}\n`);
  writePhoneFile(root, `${base}/possible`, `${profile.possible}\n`);
  writePhoneFile(root, `${base}/present`, `${profile.possible}\n`);
  const offline = possible.filter((cpu) => !online.includes(cpu));
  writePhoneFile(root, `${base}/offline`, `${formatCpuList(offline)}\n`);
  for (const cluster of profile.clusters) {
    const here = cluster.cpus.filter((cpu) => online.includes(cpu));
    const policy = `${base}/cpufreq/policy${cluster.cpus[0]}`;
    if (profile.cpufreq && here.length > 0) {
      const values: Record<string, string> = {
        cpuinfo_max_freq: String(cluster.maxKhz),
        cpuinfo_min_freq: String(cluster.minKhz),
        scaling_max_freq: String(cluster.maxKhz),
        scaling_min_freq: String(cluster.minKhz),
        scaling_cur_freq: String(cluster.curKhz),
        scaling_governor: "schedutil",
        related_cpus: cluster.cpus.join(" "),
        affected_cpus: here.join(" "),
      };
      for (const [name, value] of Object.entries(values))
        writePhoneFile(root, `${policy}/${name}`, `${value}\n`);
    }
    for (const cpu of cluster.cpus) {
      const folder = `${base}/cpu${cpu}`;
      const isOnline = online.includes(cpu);
      if (cpu !== 0) writePhoneFile(root, `${folder}/online`, isOnline ? "1\n" : "0\n");
      mkdirSync(join(root, folder), { recursive: true });
      if (profile.cpuCapacity) writePhoneFile(root, `${folder}/cpu_capacity`, `${cluster.capacity}\n`);
      // The kernel removes both while a core is offline.
      if (!isOnline) continue;
      if (profile.cpufreq) symlinkSync(`../cpufreq/policy${cluster.cpus[0]}`, join(root, folder, "cpufreq"));
      for (const [name, scope] of Object.entries(profile.topology))
        writePhoneFile(
          root,
          `${folder}/topology/${name}`,
          `${formatCpuList(scope === "all" ? online : here)}\n`,
        );
    }
  }
  for (const [path, text] of Object.entries(profile.files)) writePhoneFile(root, path, `${text}\n`);
}

/** Writes the profile's part of /proc. */
export function writeProc(root: string, profile: PhoneProfile, load: number): void {
  const online = parseCpuList(profile.online);
  const part = (cpu: number): string =>
    profile.clusters.find(({ cpus }) => cpus.includes(cpu))?.part ?? "0xd03";
  const cpuinfo = online.map((cpu) =>
    [
      `processor\t: ${cpu}`,
      "BogoMIPS\t: 38.40",
      "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
      "CPU implementer\t: 0x41",
      "CPU architecture: 8",
      "CPU variant\t: 0x1",
      `CPU part\t: ${part(cpu)}`,
      "CPU revision\t: 0",
      "",
    ].join("\n"),
  );
  const hardware = profile.properties["ro.hardware"] ?? "unknown";
  writePhoneFile(root, "/proc/cpuinfo", `${cpuinfo.join("\n")}\nHardware\t: ${hardware}\n`);
  const available = Math.round(profile.memoryKb * 0.55);
  writePhoneFile(
    root,
    "/proc/meminfo",
    [
      ["MemTotal", profile.memoryKb],
      ["MemFree", Math.round(profile.memoryKb * 0.05)],
      ["MemAvailable", available],
      ["Buffers", 4120],
      ["Cached", Math.round(profile.memoryKb * 0.4)],
    ]
      .map(([name, kb]) => `${`${name}:`.padEnd(15)} ${String(kb).padStart(9)} kB\n`)
      .join(""),
  );
  writePhoneFile(root, "/proc/version", `Linux version ${profile.kernel} (build@fake) #1 SMP PREEMPT\n`);
  writePhoneFile(root, "/proc/filesystems", "nodev\tproc\n\text4\n\tf2fs\n");
  const stat = online.map((cpu) => `cpu${cpu} 101000 2100 98000 3000000 4100 0 2100 0 0 0`);
  writePhoneFile(
    root,
    "/proc/stat",
    ["cpu  808000 16800 784000 24000000 32800 0 16800 0 0 0", ...stat, "intr 0", "btime 1760000000", ""].join(
      "\n",
    ),
  );
  writeLoad(root, load);
  const mask = online.reduce((sum, cpu) => sum + 2 ** cpu, 0);
  writePhoneFile(
    root,
    "/proc/self/status",
    [
      "Name:\tsh",
      "State:\tR (running)",
      "Threads:\t1",
      `Cpus_allowed:\t${mask.toString(16).padStart(8, "0").slice(-8)}`,
      `Cpus_allowed_list:\t${profile.online}`,
      "",
    ].join("\n"),
  );
}

/** Writes /proc/loadavg. */
export function writeLoad(root: string, load: number): void {
  writePhoneFile(
    root,
    "/proc/loadavg",
    `${load.toFixed(2)} ${load.toFixed(2)} ${load.toFixed(2)} 3/1523 12345\n`,
  );
}
