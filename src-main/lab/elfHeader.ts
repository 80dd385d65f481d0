/** Bytes of a file's start that are enough to tell what it is. */
export const headBytes = 64;

const machines = new Map([
  [0x03, "x86"],
  [0x28, "armeabi-v7a"],
  [0x3e, "x86_64"],
  [0xb7, "arm64-v8a"],
]);
/** Bits of the processors above, as the header's class gives them. */
const wideMachines: ReadonlySet<string> = new Set(["x86_64", "arm64-v8a"]);

const [executable, shared] = [2, 3];
const [systemV, gnuLinux] = [0, 3];

/**
 * The Android ABI that a program was built for, null for a script, or in words why it is neither. Reads the ELF header alone
 * (System V ABI, "Object Files").
 */
export function identifyProgram(head: Uint8Array): { abi: string | null } | { problem: string } {
  if (head[0] === 0x23 && head[1] === 0x21) return { abi: null };
  if (!(head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46))
    return { problem: describeStranger(head) };
  const wide = head[4] === 2;
  if (head.length < (wide ? 64 : 52)) return { problem: "it ends within its header" };
  if (head[5] !== 1) return { problem: "it is built for a big-endian processor" };
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const machine = view.getUint16(18, true);
  const abi = machines.get(machine);
  if (abi === undefined || wideMachines.has(abi) !== wide)
    return { problem: `it is built for a processor no phone has (ELF machine ${machine})` };
  if (head[7] !== systemV && head[7] !== gnuLinux)
    return { problem: "it is built for another system than Linux or Android" };
  const type = view.getUint16(16, true);
  // A library has no entry point; a program that can be loaded anywhere has the type of a library and one.
  const entry = wide ? view.getBigUint64(24, true) : BigInt(view.getUint32(24, true));
  if (type !== executable && !(type === shared && entry !== 0n))
    return { problem: "it is a library or an object file, not a program" };
  return { abi };
}

function describeStranger(head: Uint8Array): string {
  const starts = (...bytes: number[]) => bytes.every((byte, index) => head[index] === byte);
  if (starts(0x50, 0x4b, 0x03, 0x04)) return "it is an app or an archive (.apk, .zip), not a program";
  if (starts(0x1f, 0x8b)) return "it is packed (.gz); unpack it first";
  if (starts(0x4d, 0x5a)) return "it is a program for Windows";
  if (starts(0xcf, 0xfa, 0xed, 0xfe) || starts(0xca, 0xfe, 0xba, 0xbe)) return "it is a program for macOS";
  return "it is neither a program for Linux or Android (ELF) nor a script";
}
