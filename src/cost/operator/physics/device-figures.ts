import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { PeakType } from "../../../rack/peak-type.ts";

/** Figures of a sheet as plain numbers, for hot paths. Units: operations a ns, bytes a ns, bytes, W. */
export interface DeviceFigures {
  readonly flopsPerNs: Readonly<Partial<Record<PeakType, number>>>;
  readonly bytesPerNs: number;
  /** Cores that take tiles side by side; 0 where the sheet does not say, and where they are too many or too unlike to take tiles of their own. */
  readonly cores: number;
  /** Last-level cache; 0 where the sheet does not say. */
  readonly cacheBytes: number;
  readonly powerWatts: number | undefined;
}

const NS_PER_SECOND = 1e9;
/** Above this cores do not take whole tiles: a wafer's 900,000 work on one together. The largest GPU in the catalogue has 304. */
const TILE_CORES_MAX = 512;

export function deviceFigures(sheet: DeviceSheet): DeviceFigures {
  const flopsPerNs: Partial<Record<PeakType, number>> = {};
  for (const [type, figure] of Object.entries(sheet.peaks)) flopsPerNs[type as PeakType] = figure.value / NS_PER_SECOND;
  return {
    flopsPerNs,
    bytesPerNs: sheet.memory.bandwidthBytesPerSecond.value / NS_PER_SECOND,
    cores: takesTiles(sheet) ? (sheet.cores?.count.value ?? 0) : 0,
    cacheBytes: sheet.cache?.bytes.value ?? 0,
    powerWatts: sheet.powerWatts?.value,
  };
}

function takesTiles(sheet: DeviceSheet): boolean {
  return sheet.kind !== "dataflow" && (sheet.cores?.count.value ?? 0) <= TILE_CORES_MAX;
}
