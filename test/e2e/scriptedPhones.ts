/** Phones as a lab would tell of them, for states of the window that a real phone is hard to bring into. */
import type {
  AdbState,
  BenchmarkBinary,
  CellSummary,
  Device,
  LabSettings,
  Measurement,
  PhoneDetail,
  PreflightCheck,
  TelemetryPoint,
} from "../../src-main/lab/contract.ts";

const kb = 1000;

/** A phone of one fast, three middle and four slow cores; what differs is given. */
export function describePhone(
  serial: string,
  changes: Partial<Omit<Device, "phone">> & { phone?: Partial<PhoneDetail> } = {},
): Device {
  const clusters = [
    { name: "large", cpus: [7], maxMhz: 2841 },
    { name: "med", cpus: [4, 5, 6], maxMhz: 2419 },
    { name: "small", cpus: [0, 1, 2, 3], maxMhz: 1785 },
  ];
  const { phone, ...rest } = changes;
  return {
    id: serial,
    name: "Pixel 4",
    kind: "adb",
    state: "ready",
    problem: null,
    soc: "Qualcomm SM8150",
    gpu: "Adreno (TM) 640",
    abi: "arm64-v8a",
    os: "Android 13",
    memoryBytes: 5_730_000 * kb,
    clusters,
    coreSets: [
      "1large",
      "1med",
      "2med",
      "3med",
      "1small",
      "2small",
      "3small",
      "4small",
      "1large+1med",
      "1large+3med",
      "1large+4small",
    ].map((name) => ({ name, mask: "0x80", cpus: [7] })),
    runtimes: ["tflite", "xnnpack", "gpu-cl"],
    precisions: ["float32", "float16", "int8"],
    runtimeVersion: null,
    load: 0.4,
    temperatureC: 28.4,
    frequencyMhz: 1785,
    noiseFloor: {},
    speed: [],
    phone: {
      serial,
      server: "127.0.0.1:5037",
      manufacturer: "Google",
      model: "Pixel 4",
      androidVersion: "13",
      sdk: 33,
      fingerprint: "google/flame/flame:13/TP1A.221005.002/9012097:user/release-keys",
      abis: ["arm64-v8a", "armeabi-v7a"],
      offlineCpus: [],
      openClLibrary: "/vendor/lib64/libOpenCL.so",
      thermalStatus: "none",
      batteryPercent: 81,
      batteryTemperatureC: 27.1,
      charging: true,
      screenOn: true,
      lowPower: false,
      freeBytes: 41_300_000 * kb,
      binary: "a".repeat(64),
      ...phone,
    },
    ...rest,
  };
}

/** A phone of which nothing is known but that adb lists it. */
export function describeUnknownPhone(serial: string, state: Device["state"], problem: string): Device {
  const known = describePhone(serial);
  const nothing = {
    manufacturer: null,
    model: null,
    androidVersion: null,
    sdk: null,
    fingerprint: null,
    abis: [],
  };
  const unread = { thermalStatus: null, batteryPercent: null, batteryTemperatureC: null, charging: null };
  return {
    ...known,
    name: serial,
    state,
    problem,
    soc: "",
    gpu: null,
    abi: "",
    os: "",
    memoryBytes: 0,
    clusters: [],
    coreSets: [],
    runtimes: [],
    precisions: [],
    load: null,
    temperatureC: null,
    frequencyMhz: null,
    phone: {
      ...known.phone!,
      ...nothing,
      ...unread,
      openClLibrary: null,
      screenOn: null,
      lowPower: null,
      freeBytes: null,
      binary: null,
    },
  };
}

export const adbFound: AdbState = {
  path: "/usr/bin/adb",
  source: "PATH",
  version: "Android Debug Bridge version 1.0.41",
  problem: null,
  servers: [{ address: "127.0.0.1:5037", local: true, state: "connected", problem: null, phones: 1 }],
};

export const usualSettings: LabSettings = {
  adbPath: null,
  adbServers: [],
  wifiPhones: [],
  phoneCacheBytes: 2_000_000_000,
  startTemperatureC: 35,
};

export function describeBinary(changes: Partial<BenchmarkBinary> = {}): BenchmarkBinary {
  return {
    hash: "a".repeat(64),
    name: "benchmark_model",
    bytes: 6_412_000,
    abi: "arm64-v8a",
    source: "/home/me/benchmark_model",
    addedAt: "2026-03-01T10:00:00Z",
    approved: true,
    inUse: true,
    ...changes,
  };
}

export const preflightChecks: PreflightCheck[] = [
  {
    id: "binary",
    title: "Benchmark program",
    state: "ok",
    detail: "benchmark_model, aaaaaaaaaaaa, runs",
    remedy: null,
    action: null,
  },
  {
    id: "core-mask",
    title: "Core masks",
    state: "ok",
    detail: "80, 70 and f read back the same",
    remedy: null,
    action: null,
  },
  {
    id: "screen",
    title: "Screen",
    state: "failed",
    detail: "off",
    remedy:
      "With the screen off Android moves every thread to the slow cores: wake it and let it stay awake.",
    action: "wake-screen",
  },
  {
    id: "battery",
    title: "Battery",
    state: "warning",
    detail: "24 %, on battery",
    remedy: "Below 20 % phones slow down by themselves: charge it.",
    action: null,
  },
  {
    id: "load",
    title: "Background load",
    state: "unknown",
    detail: "not readable",
    remedy: null,
    action: null,
  },
];

export function describeCell(id: number, changes: Partial<CellSummary> = {}): CellSummary {
  return {
    id,
    model: `net-${id}`,
    scenario: "8ABX0PHONE/1large/float32/tflite",
    repetition: 0,
    state: "done",
    attempts: 1,
    latencyMs: 20 + (id % 7) * 3.1,
    spreadMs: 0.2,
    kept: 30,
    total: 30,
    error: null,
    ...changes,
  };
}

/** Readings that warm up over the cells. */
export function describeTelemetry(cells: number): TelemetryPoint[] {
  const start = Date.parse("2026-03-01T10:00:00Z");
  return Array.from({ length: 2 * cells }, (_, index) => ({
    at: new Date(start + index * 4000).toISOString(),
    cell: 1 + Math.floor(index / 2),
    temperatureC: Math.round((28 + 9 * (1 - Math.exp(-index / 20))) * 10) / 10,
    frequencyMhz: index % 9 === 5 ? 2131 : 2841,
  }));
}

/** A measurement by a program that tells totals only, on the GPU with operators left behind. */
export function describeGpuMeasurement(cell: CellSummary, run: number): Measurement {
  return {
    cell,
    run,
    samples: [],
    opTimes: [],
    stderr: "INFO: Created TensorFlow Lite delegate for GPU.\n",
    attempts: [
      {
        number: 1,
        state: "failed",
        latencyMs: null,
        spreadMs: null,
        kept: 0,
        total: 0,
        error: "8ABX0PHONE was lost while measuring",
        startedAt: "2026-03-01T10:00:00Z",
        committedAt: "2026-03-01T10:00:04Z",
      },
      {
        number: 2,
        state: "done",
        latencyMs: 8.4,
        spreadMs: 0.1,
        kept: 0,
        total: 0,
        error: null,
        startedAt: "2026-03-01T10:02:00Z",
        committedAt: "2026-03-01T10:02:04Z",
      },
    ],
    provenance: {
      modelHash: "b".repeat(64),
      runtimeHash: "a".repeat(64),
      runtimeVersion: "LiteRT line, flags of 2026",
      flags: ["--graph=net.tflite", "--use_gpu=true", "--gpu_backend=cl"],
      coreMask: "0x80",
      readBackMask: "80",
      binaryAbi: "arm64-v8a",
      frequencyMhzBefore: 2841,
      frequencyMhzAfter: 2841,
      loadBefore: 0.4,
      loadAfter: 0.9,
      temperatureCBefore: 29,
      temperatureCAfter: 31,
      thermalStatusBefore: "none",
      thermalStatusAfter: "light",
      cooledMs: 84_000,
      fixedPerformance: true,
      startedAt: "2026-03-01T10:02:00Z",
      finishedAt: "2026-03-01T10:02:04Z",
      canaryReferenceMs: null,
      peakMemoryBytes: 48_000_000,
      initMs: 412,
      firstInferenceMs: 21.4,
      aggregate: {
        count: 57,
        averageMs: 8.51,
        minMs: 8.1,
        maxMs: 10.4,
        stdMs: 0.3,
        medianMs: 8.4,
        p5Ms: null,
        p95Ms: null,
      },
      delegate: {
        name: "GPU",
        backend: "OpenCL",
        coverage: "partial",
        partitions: 2,
        left: ["RESIZE_BILINEAR: half_pixel_centers is not supported", "CUSTOM Detection"],
      },
      kernels: [
        { type: "convolution_2d 3", name: "Delegate/convolution_2d 3:0", ms: 3.1 },
        { type: "depthwise 4 -> add 5", name: "Delegate/depthwise 4 -> add 5:1", ms: 1.7 },
      ],
    },
  };
}
