import { median, type Dataset } from "./dataset.ts";

/** Op times further than this from what their network's end-to-end time says were taken in another state of the device. */
const suspiciousRatio = 1.1;
/** Differences below this are overhead of small networks, not another state. */
const suspiciousMs = 0.3;

/**
 * End-to-end and op times come from two passes. On a machine with a slow and a fast state the second pass may have run in the
 * other one; its times still tell how the network's time is shared among its ops, so they are scaled to what the end-to-end
 * time says, not discarded. What is usual is learnt from the networks given, so give it training networks alone.
 */
export function alignOpTimes({ networks, tables }: Dataset): Dataset {
  const summed = networks.map((network) => network.kernelMs + network.uncoveredMs);
  const ratios = networks.flatMap((network, place) =>
    summed[place]! > 0 ? [network.latencyMs / summed[place]!] : [],
  );
  if (ratios.length < 3) return { networks, tables };
  const usual = median(ratios);
  const factors = networks.map((network, place) => {
    const factor = network.latencyMs / (summed[place]! * usual);
    const off = Math.abs(network.latencyMs - summed[place]! * usual);
    const suspicious = factor > suspiciousRatio || factor < 1 / suspiciousRatio;
    return summed[place]! > 0 && suspicious && off > suspiciousMs ? factor : 1;
  });
  return {
    networks: networks.map((network, place) => ({
      ...network,
      kernelMs: network.kernelMs * factors[place]!,
      uncoveredMs: network.uncoveredMs * factors[place]!,
    })),
    tables: tables.map((table) => ({
      ...table,
      ms: table.ms.map((ms, row) => ms * factors[table.network[row]!]!),
    })),
  };
}
