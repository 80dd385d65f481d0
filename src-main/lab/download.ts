import { cancelled } from "./errors.ts";
import { downloadFailed } from "./phoneErrors.ts";

/** What is told of a download while it runs. */
export interface Download {
  /** What the server says it will send, or null. */
  totalBytes: number | null;
  /** The body; throws download-failed or cancelled. */
  chunks: AsyncIterable<Uint8Array>;
}

const mostRedirects = 10;
/** A server that sends nothing for so long has gone away. */
const silenceMs = 60_000;

/**
 * Asks for a file over http or https; follows redirects, but never from https to http. Rejects with download-failed, or with
 * cancelled on abort.
 */
export async function openDownload(url: string, signal: AbortSignal): Promise<Download> {
  const silence = new SilenceWatch(signal);
  try {
    const response = await follow(url, silence);
    const body = response.body;
    if (!body) throw downloadFailed(url, "the answer is empty");
    // A packed answer has another length than what comes out of it.
    const told = response.headers.get("content-encoding") ? null : response.headers.get("content-length");
    return { totalBytes: told === null ? null : Number(told) || null, chunks: readBody(url, body, silence) };
  } catch (error) {
    silence.stop();
    throw translate(error, url, signal);
  }
}

async function follow(url: string, silence: SilenceWatch): Promise<Response> {
  let address = url;
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const response = await fetch(address, { redirect: "manual", signal: silence.signal });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || !location) {
      if (response.status !== 200) {
        await response.body?.cancel();
        throw downloadFailed(url, `the server answers ${response.status} ${response.statusText}`.trim());
      }
      return response;
    }
    await response.body?.cancel();
    const next = URL.parse(location, address);
    const secure = address.startsWith("https:");
    if (!next || !(next.protocol === "https:" || (next.protocol === "http:" && !secure)))
      throw downloadFailed(url, "it is redirected to an address that is not safe");
    address = next.href;
  }
  throw downloadFailed(url, "it is redirected too often");
}

async function* readBody(
  url: string,
  body: ReadableStream<Uint8Array>,
  silence: SilenceWatch,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      silence.hear();
      yield chunk;
    }
  } catch (error) {
    throw translate(error, url, silence.outer);
  } finally {
    silence.stop();
  }
}

function translate(error: unknown, url: string, signal: AbortSignal): unknown {
  if (signal.aborted) return cancelled();
  if (!(error instanceof TypeError || error instanceof DOMException)) return error;
  // Node's fetch says only that it failed; the reason is inside.
  const cause = error.cause instanceof Error ? error.cause : error;
  return downloadFailed(url, cause.message || error.message);
}

// Aborts when nothing has come for a while, or when the caller aborts.
class SilenceWatch {
  readonly outer: AbortSignal;
  readonly signal: AbortSignal;
  private readonly silent = new AbortController();
  private timer: ReturnType<typeof setTimeout>;

  constructor(outer: AbortSignal) {
    this.outer = outer;
    this.signal = AbortSignal.any([outer, this.silent.signal]);
    this.timer = this.start();
  }

  hear(): void {
    clearTimeout(this.timer);
    this.timer = this.start();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private start(): ReturnType<typeof setTimeout> {
    return setTimeout(
      () => this.silent.abort(new DOMException("the server has fallen silent", "TimeoutError")),
      silenceMs,
    );
  }
}
