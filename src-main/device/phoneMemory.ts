/** Memory of /proc/meminfo, bytes; null when it does not say. */
export function parseMemTotal(text: string): number | null {
  const kb = Number(/^MemTotal:\s*(\d{1,12})\s*kB/m.exec(text)?.[1] ?? NaN);
  return Number.isFinite(kb) && kb > 0 ? kb * 1024 : null;
}

/** Prints the free space of the folder models go to; old toolboxes know no `-k` and print sizes with letters. */
export const freeSpaceCommand = "df -k /data/local/tmp || df /data/local/tmp || df /data";

const units: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };
const mostBytes = 2 ** 50;

/**
 * Free space that `df` tells, bytes, from the column named Available, Avail or Free: of toybox and busybox (in blocks named by
 * the header, long device names on a line of their own) and of old toolboxes (`6.9G`). Null when it is none of them.
 */
export function parseFreeSpace(text: string): number | null {
  const lines = text
    .slice(0, 65_536)
    .split("\n")
    .map((line) => line.trim());
  const header = lines.findIndex((line) => /^Filesystem\b/i.test(line));
  if (header < 0) return null;
  // "Mounted on" and "Use%" come after the numbers and do not shift them.
  const columns = lines[header]!.split(/\s+/);
  const column = columns.findIndex((name) => /^(?:Available|Avail|Free)$/i.test(name));
  if (column < 1) return null;
  const block = /^(\d*)([KMG]?)-?blocks?$/i.exec(columns[1]!);
  const unit = block ? Number(block[1] || 1) * units[block[2]!.toUpperCase()]! : 1;
  const words = lines
    .slice(header + 1)
    .join(" ")
    .split(/\s+/);
  // Only numbers follow the device's name, which may itself hold anything.
  const first = words.findIndex((word, index) => index > 0 && /^\d+(?:\.\d+)?[KMGT]?$/i.test(word));
  const cell = /^(\d{1,15}(?:\.\d{1,6})?)([KMGT]?)$/i.exec(
    first < 0 ? "" : (words[first + column - 1] ?? ""),
  );
  if (!cell) return null;
  const bytes = Math.round(Number(cell[1]) * (cell[2] ? units[cell[2].toUpperCase()]! : unit));
  return bytes <= mostBytes ? bytes : null;
}
