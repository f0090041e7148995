import { err, ok, type Result } from "../../../base/result.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { PeakType } from "../../../rack/peak-type.ts";
import type { NoOperatorBasis } from "../operator-model.ts";

/** What the tile-level model knows of a device: counts, capacities and rates. Units: operations a ns, bytes a ns, bytes. */
export interface TileDevice {
  readonly name: string;
  readonly flopsPerNs: Readonly<Partial<Record<PeakType, number>>>;
  readonly cores: number;
  readonly clocksPerNs: number;
  /** On-chip memory of a core that operands are staged in, and the rate at which its multipliers read it. */
  readonly localBytes: number;
  readonly localBytesPerNs: number;
  /** Last-level cache that all cores share. */
  readonly cacheBytes: number;
  readonly cacheBytesPerNs: number;
  readonly memoryBytesPerNs: number;
}

const NS_PER_SECOND = 1e9;
/** Bytes a clock a core's multipliers read from its own memory. Source: 32 banks of 4 bytes, NVIDIA CUDA programming guide, shared memory. */
const LOCAL_BYTES_PER_CLOCK = 128;
/** Bytes a clock a core reads from the shared cache where the sheet gives no rate. Source: NVIDIA A100 whitepaper (64 bytes a clock and SM). */
const CACHE_BYTES_PER_CLOCK = 64;

/** Figures of a sheet that the tile-level model needs; names the first one that is missing. */
export function tileDevice(sheet: DeviceSheet): Result<TileDevice, NoOperatorBasis> {
  const { cores, cache } = sheet;
  if (cores === undefined) return missing(sheet, "cores.count");
  if (cores.clockHz === undefined) return missing(sheet, "cores.clockHz");
  if (cores.localBytes === undefined) return missing(sheet, "cores.localBytes");
  if (cache === undefined) return missing(sheet, "cache.bytes");
  const flopsPerNs: Partial<Record<PeakType, number>> = {};
  for (const [type, figure] of Object.entries(sheet.peaks)) flopsPerNs[type as PeakType] = figure.value / NS_PER_SECOND;
  const clocksPerNs = cores.clockHz.value / NS_PER_SECOND;
  const cacheBytesPerNs =
    cache.bandwidthBytesPerSecond === undefined
      ? CACHE_BYTES_PER_CLOCK * clocksPerNs * cores.count.value
      : cache.bandwidthBytesPerSecond.value / NS_PER_SECOND;
  return ok({
    name: sheet.name,
    flopsPerNs,
    cores: cores.count.value,
    clocksPerNs,
    localBytes: cores.localBytes.value,
    localBytesPerNs: LOCAL_BYTES_PER_CLOCK * clocksPerNs,
    cacheBytes: cache.bytes.value,
    cacheBytesPerNs,
    memoryBytesPerNs: sheet.memory.bandwidthBytesPerSecond.value / NS_PER_SECOND,
  });
}

function missing(sheet: DeviceSheet, field: string): Result<never, NoOperatorBasis> {
  return err({ code: "no-basis", missing: `${field} of ${sheet.name}: the tile-level model needs it` });
}
