import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import type { PhoneConnection } from "../device/phoneConnection.ts";
import { phoneFolder } from "../device/phoneFolder.ts";
import { cleanText } from "../device/phoneText.ts";
import { quote } from "../device/quote.ts";
import { LabError } from "../lab/errors.ts";
import { phoneRefused } from "../lab/phoneErrors.ts";
import { formatBytes } from "../lab/format.ts";
import { isFull } from "./phoneFailure.ts";

const modelFolder = `${phoneFolder}/models`;
const timeoutMs = 30_000;

/** A model that lies on a phone. */
export interface CachedModel {
  /** SHA-256 of the file. */
  hash: string;
  bytes: number;
  /** When it was put there, seconds since 1970 by this computer's clock. */
  putAt: number;
}

/** Reads the lines `BYTES SECONDS PATH` of stat; what is no model of ours is passed over. */
export function parseModelList(text: string): CachedModel[] {
  return [...text.matchAll(/^(\d{1,15}) (\d{1,12}) \S*\/([0-9a-f]{64})\.tflite\r?$/gm)].map((match) => ({
    hash: match[3]!,
    bytes: Number(match[1]),
    putAt: Number(match[2]),
  }));
}

/** The models to remove so that `needed` more bytes fit under the limit: oldest first, never one of `kept`. */
export function chooseEvicted(
  models: Iterable<CachedModel>,
  needed: number,
  limitBytes: number,
  kept: ReadonlySet<string>,
): CachedModel[] {
  const oldestFirst = [...models].sort((a, b) => a.putAt - b.putAt || (a.hash < b.hash ? -1 : 1));
  let total = oldestFirst.reduce((sum, { bytes }) => sum + bytes, needed);
  const evicted: CachedModel[] = [];
  for (const model of oldestFirst) {
    if (total <= limitBytes) break;
    if (kept.has(model.hash)) continue;
    evicted.push(model);
    total -= model.bytes;
  }
  return evicted;
}

/** A time as `touch -t` takes it in UTC: `202603010930.15`. */
export function formatTouchTime(seconds: number): string {
  const digits = new Date(seconds * 1000).toISOString().replace(/\D/g, "");
  return `${digits.slice(0, 12)}.${digits.slice(12, 14)}`;
}

/** A model's file here and what it is. */
export interface ModelSource {
  path: string;
  hash: string;
}

/** Where the model of a hash lies on a phone. */
export function locateModel(hash: string): string {
  return `${modelFolder}/${hash}.tflite`;
}

/**
 * The models on one phone, pushed once each by the hash of their content and removed oldest first under a limit. Calls are done
 * one after another.
 */
export class PhoneModels {
  private readonly connection: PhoneConnection;
  private readonly limitBytes: number;
  private readonly now: () => number;
  private known: Map<string, CachedModel> | null = null;
  private last: Promise<unknown> = Promise.resolve();

  constructor(connection: PhoneConnection, limitBytes: number, now: () => number = () => Date.now()) {
    this.connection = connection;
    this.limitBytes = limitBytes;
    this.now = now;
  }

  /**
   * Sees to it that a model is on the phone and gives its path there; a known one costs nothing. Models of `kept` stay. Rejects
   * with phone-refused when the phone does not take it, in words when it is full.
   */
  ensure(source: ModelSource, kept: readonly string[], signal: AbortSignal): Promise<string> {
    const done = this.last.then(() => this.place(source, new Set([source.hash, ...kept]), signal));
    this.last = done.catch(() => undefined);
    return done;
  }

  /** Asks the phone anew whether it holds a model, whatever was known. */
  holds(source: ModelSource, signal: AbortSignal): Promise<boolean> {
    const asked = this.last.then(async () => {
      this.known = await this.list(signal);
      return this.known.get(source.hash)?.bytes === statSync(source.path).size;
    });
    this.last = asked.catch(() => undefined);
    return asked;
  }

  private async place(source: ModelSource, kept: ReadonlySet<string>, signal: AbortSignal): Promise<string> {
    const path = locateModel(source.hash);
    this.known ??= await this.list(signal);
    const { size: bytes } = statSync(source.path);
    if (this.known.get(source.hash)?.bytes === bytes) return path;
    await this.evict(chooseEvicted(this.known.values(), bytes, this.limitBytes, kept), signal);
    for (;;) {
      try {
        await this.push(source, bytes, signal);
        return path;
      } catch (error) {
        if (!(error instanceof LabError) || error.code !== "phone-refused" || !isFull(error.message))
          throw error;
        const [oldest] = chooseEvicted(this.known.values(), 0, 0, kept);
        if (!oldest)
          throw phoneRefused(
            this.connection.id,
            "take the model",
            `the phone is full: no space left for its ${formatBytes(bytes)}, and none of the lab's own models is left to remove`,
          );
        await this.evict([oldest], signal);
      }
    }
  }

  private async list(signal: AbortSignal): Promise<Map<string, CachedModel>> {
    const folder = quote(modelFolder);
    const { stdout } = await this.connection.run(
      `mkdir -p ${folder} && chmod 755 ${folder}; stat -c '%s %Y %n' ${folder}/*.tflite 2>/dev/null`,
      { timeoutMs, signal },
    );
    return new Map(parseModelList(stdout).map((model) => [model.hash, model]));
  }

  private async evict(models: readonly CachedModel[], signal: AbortSignal): Promise<void> {
    if (models.length === 0) return;
    const paths = models.map(({ hash }) => quote(locateModel(hash)));
    await this.connection.run(`rm -f ${paths.join(" ")}`, { timeoutMs, signal });
    for (const { hash } of models) this.known?.delete(hash);
  }

  // Under another name until it is whole, so that a torn push is never taken for a model. The time is this computer's: a
  // phone's clock may jump.
  private async push(source: ModelSource, bytes: number, signal: AbortSignal): Promise<void> {
    const draft = `${modelFolder}/.${source.hash}.${randomBytes(6).toString("hex")}`;
    const file = quote(draft);
    const putAt = Math.floor(this.now() / 1000);
    try {
      await this.connection.push({ path: source.path }, draft, 0o644, { signal });
      const { exitCode, stdout, stderr } = await this.connection.run(
        `n=$(wc -c <${file}); echo "bytes $n"; [ "$n" -eq ${bytes} ] && { TZ=UTC touch -t ${formatTouchTime(putAt)} ${file}; mv -f ${file} ${quote(locateModel(source.hash))}; }`,
        { timeoutMs, signal },
      );
      if (exitCode !== 0) {
        const arrived = /^bytes\s+(\d+)/m.exec(stdout)?.[1];
        throw phoneRefused(
          this.connection.id,
          "take the model",
          cleanText(stderr, 200) || `${arrived ?? 0} of ${bytes} bytes arrived (no space left?)`,
        );
      }
    } catch (error) {
      await this.connection.run(`rm -f ${file}`, { timeoutMs }).catch(() => undefined);
      throw error;
    }
    this.known?.set(source.hash, { hash: source.hash, bytes, putAt });
  }
}
