import { Socket } from "node:net";
import type { AdbServerClient } from "@yume-chan/adb";
import { MaybeConsumable, ReadableStream } from "@yume-chan/stream-extra";
import type { Address } from "./serverAddress.ts";

const connectTimeoutMs = 10_000;
const keepAliveMs = 5000;
const readAheadBytes = 256 * 1024;

/**
 * Opens connections to one adb server for the library. Unlike the library's own connector for Node, a connection that is reset
 * ends its reader with an error instead of never, closing it ends it at once whatever is still under way, and so does its signal.
 */
export class AdbConnector implements AdbServerClient.ServerConnector {
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
  }

  async connect(
    options: AdbServerClient.ServerConnectionOptions = {},
  ): Promise<AdbServerClient.ServerConnection> {
    const signal = options.signal as AbortSignal | undefined;
    signal?.throwIfAborted();
    const socket = new Socket();
    const abort = () => socket.destroy(signal?.reason instanceof Error ? signal.reason : undefined);
    signal?.addEventListener("abort", abort, { once: true });
    socket.once("close", () => signal?.removeEventListener("abort", abort));
    if (options.unref) socket.unref();
    await openSocket(socket, this.#address);
    // A server on another computer may vanish without a word.
    socket.setKeepAlive(true, keepAliveMs);
    socket.setNoDelay(true);
    return wrapSocket(socket);
  }

  addReverseTunnel(): never {
    throw new Error("The lab opens no tunnels");
  }

  removeReverseTunnel(): void {
    // None was opened.
  }

  clearReverseTunnels(): void {
    // None was opened.
  }
}

function openSocket(socket: Socket, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => socket.destroy(new Error(`no answer within ${connectTimeoutMs / 1000} s`)),
      connectTimeoutMs,
    );
    // Stays for the socket's whole life: an error without a listener would end the program.
    socket.on("error", reject);
    socket.once("close", () => {
      clearTimeout(timer);
      reject(new Error("the connection was closed"));
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.connect(address.port, address.host);
  });
}

function wrapSocket(socket: Socket): AdbServerClient.ServerConnection {
  const closed = new Promise<undefined>((resolve) => {
    socket.once("close", () => resolve(undefined));
  });
  const readable = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let done = false;
        let failure: Error | null = null;
        socket.on("data", (chunk: Buffer) => {
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) socket.pause();
        });
        socket.once("end", () => {
          if (!done) controller.close();
          done = true;
        });
        socket.on("error", (error) => (failure ??= error));
        socket.once("close", () => {
          if (!done) controller.error(failure ?? new Error("the connection was closed"));
          done = true;
        });
      },
      pull() {
        socket.resume();
      },
      cancel() {
        socket.removeAllListeners("data");
        socket.destroy();
      },
    },
    { highWaterMark: readAheadBytes, size: (chunk) => chunk.length },
  );
  const writable = new MaybeConsumable.WritableStream<Uint8Array>({
    // The reading side tells when the connection is gone. If writing told too, the library would drop some of the rejections.
    write: (chunk) => new Promise<void>((resolve) => socket.write(chunk, () => resolve())),
  });
  return {
    readable,
    writable,
    get closed() {
      return closed;
    },
    close() {
      socket.destroy();
    },
  };
}
