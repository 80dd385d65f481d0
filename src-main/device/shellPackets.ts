/** What a packet of adb's shell protocol carries (system/core adb `shell_protocol.h`). */
export const shellPacketId = { stdin: 0, stdout: 1, stderr: 2, exit: 3, closeStdin: 4 } as const;

const headerBytes = 5;

/** Receives what a command sends, in the order it comes. */
export interface ShellSink {
  onStdout(bytes: Uint8Array): void;
  onStderr(bytes: Uint8Array): void;
  onExit(code: number): void;
}

/** A packet without content that tells the command that its standard input has ended. */
export function closeStdinPacket(): Uint8Array {
  return Uint8Array.of(shellPacketId.closeStdin, 0, 0, 0, 0);
}

/**
 * Takes the shell protocol's packets (id, 32-bit length, data) apart as their bytes come. Data is handed on in the pieces it came
 * in and never collected, so that a packet's length, which the phone decides, costs nothing.
 */
export class ShellPackets {
  readonly #sink: ShellSink;
  readonly #header = new Uint8Array(headerBytes);
  #headerFilled = 0;
  #left = 0;

  constructor(sink: ShellSink) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#headerFilled < headerBytes) {
        offset = this.#fillHeader(chunk, offset);
        continue;
      }
      const piece = chunk.subarray(offset, offset + this.#left);
      offset += piece.length;
      this.#left -= piece.length;
      this.#deliver(piece);
      if (this.#left === 0) this.#headerFilled = 0;
    }
  }

  #fillHeader(chunk: Uint8Array, offset: number): number {
    const part = chunk.subarray(offset, offset + headerBytes - this.#headerFilled);
    this.#header.set(part, this.#headerFilled);
    this.#headerFilled += part.length;
    if (this.#headerFilled === headerBytes) {
      this.#left = new DataView(this.#header.buffer).getUint32(1, true);
      if (this.#left === 0) this.#headerFilled = 0;
    }
    return offset + part.length;
  }

  #deliver(piece: Uint8Array): void {
    switch (this.#header[0]) {
      case shellPacketId.stdout:
        return this.#sink.onStdout(piece);
      case shellPacketId.stderr:
        return this.#sink.onStderr(piece);
      case shellPacketId.exit:
        return this.#sink.onExit(piece[0] ?? 0);
      // Others may come with later versions of Android; adb's own client passes over them too.
    }
  }
}
