/** Stand-ins for benchmark programs: the header of a real one and filling. */

/** An ELF file of 200 bytes and more that no system would run; what is not given is that of an Android program. */
export function makeElf({
  machine = 0xb7,
  type = 2,
  entry = 0x1000,
  system = 0,
  order = 1,
  wide = machine === 0xb7 || machine === 0x3e || machine === 0xf3,
  filling = "a benchmark",
}: {
  machine?: number;
  type?: number;
  entry?: number;
  system?: number;
  order?: number;
  wide?: boolean;
  filling?: string;
}): Buffer {
  const head = Buffer.alloc(64);
  head.write("\x7fELF", "latin1");
  head[4] = wide ? 2 : 1;
  head[5] = order;
  head[6] = 1;
  head[7] = system;
  head.writeUInt16LE(type, 16);
  head.writeUInt16LE(machine, 18);
  if (wide) head.writeBigUInt64LE(BigInt(entry), 24);
  else head.writeUInt32LE(entry, 24);
  return Buffer.concat([head, Buffer.from(filling.padEnd(136, "."))]);
}
