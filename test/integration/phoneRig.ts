import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { probePhone } from "../../src-main/device/phoneProbe.ts";
import { Phones } from "../../src-main/device/phones.ts";
import type { Device, Measurement } from "../../src-main/lab/contract.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { PhoneBench, type PhoneBenchOptions } from "../../src-main/profile/phoneBench.ts";
import { executeRun } from "../../src-main/profile/runner.ts";
import { openStore, type Store } from "../../src-main/store/database.ts";
import { addModel } from "../../src-main/store/models.ts";
import { placeModelFile } from "../../src-main/store/recipes.ts";
import { createRun, getMeasurement, getRun } from "../../src-main/store/runs.ts";
import { type AdbServer, startAdbServer } from "../fake/adbServer.ts";
import { FakePhone, type FakePhoneOptions } from "../fake/phone.ts";

const program = fileURLToPath(new URL("../fake/benchmark_model", import.meta.url));

/** A fake phone behind a real adb server of our own, and a lab's store to measure it from. */
export class PhoneRig {
  readonly server: AdbServer;
  readonly phone: FakePhone;
  readonly store: Store;
  readonly phones: Phones;
  readonly folder: string;
  device: Device;

  private constructor(folder: string, server: AdbServer, phone: FakePhone, phones: Phones, device: Device) {
    this.folder = folder;
    this.server = server;
    this.phone = phone;
    this.phones = phones;
    this.device = device;
    this.store = openStore(join(folder, "lab"));
  }

  static async start(options: Partial<FakePhoneOptions> = {}): Promise<PhoneRig> {
    const folder = mkdtempSync(join(tmpdir(), "latlab-bench-"));
    const server = await startAdbServer();
    const phone = await FakePhone.start({ profile: "snapdragon855", ...options });
    await server.connect(phone.serial);
    const phones = new Phones({ env: server.environment() });
    await phones.list();
    const connection = await phones.connect(phone.serial);
    const device = await probePhone(connection, phones.resolve(phone.serial)!);
    await connection.close();
    return new PhoneRig(folder, server, phone, phones, device);
  }

  async stop(): Promise<void> {
    await this.phones.close();
    this.store.close();
    await this.phone.stop();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  scenario(rest: string): string {
    return `${this.device.id}/${rest}`;
  }

  /** Adds networks of a few operators, some larger than others; gives their names. */
  addNetworks(count: number, width = 8): string[] {
    return Array.from({ length: count }, (_, index) => {
      const name = `net-${width}-${index}`;
      const builder = new GraphBuilder(name, { seed: index + 1, description: "" });
      let x = builder.conv(builder.input([1, 32, 32, 3]), width + index, 3, {
        stride: 2,
        activation: "relu6",
        name: "stem",
      });
      x = builder.conv(x, 2 * width, 3, { activation: "relu6", name: "body" });
      const bytes = writeTflite(
        builder.build(builder.fullyConnected(builder.globalAveragePool(x), 10, { name: "classifier" })),
      );
      const described = { name, family: "tests", kind: "file" as const, ops: 4, flops: 1, params: 1 };
      // A lab places the int8 form before a run that measures it.
      placeModelFile(this.store, addModel(this.store, { ...described, bytes }).hash, "int8");
      return name;
    });
  }

  /** Options of a bench for a new run over the models, quick and without patience. */
  plan(
    scenarios: string[],
    models: string[],
    other: Partial<PhoneBenchOptions> = {},
    repetitions = 1,
  ): PhoneBenchOptions {
    const ids = scenarios.map((rest) => this.scenario(rest));
    const run = createRun(this.store, {
      device: this.device.id,
      deviceName: "fake",
      scenarios: ids,
      models,
      repetitions,
      seed: 1,
      thoroughness: "quick",
    });
    return {
      store: this.store,
      run,
      device: this.device,
      phones: this.phones,
      binary: {
        path: program,
        hash: createHash("sha256").update(readFileSync(program)).digest("hex"),
        name: "benchmark_model",
        abi: null,
      },
      settings: { phoneCacheBytes: 100e6, startTemperatureC: 38 },
      scenarios: ids,
      thoroughness: "quick",
      seed: 1,
      signal: new AbortController().signal,
      ...other,
    };
  }

  /** Runs it to its end and gives what its cells hold; notes of the run go to `onNote`. */
  async measure(
    options: PhoneBenchOptions,
    onNote: (note: string) => void = () => undefined,
  ): Promise<Measurement[]> {
    const bench = new PhoneBench(options);
    try {
      await executeRun({
        store: this.store,
        run: options.run,
        bench,
        retry: false,
        signal: options.signal,
        onCell: () => undefined,
        onProgress: (_done, _total, _eta, note) => onNote(note),
      });
    } finally {
      await bench.close();
    }
    return this.cells(options.run);
  }

  cells(run: number): Measurement[] {
    return getRun(this.store, run)!.cellList.map(({ id }) => getMeasurement(this.store, id)!);
  }
}
