import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { PeakType } from "../../../rack/peak-type.ts";

/** Figures of a sheet as plain numbers, for hot paths. Units: operations a ns, bytes a ns, bytes, W. */
export interface DeviceFigures {
  readonly flopsPerNs: Readonly<Partial<Record<PeakType, number>>>;
  readonly bytesPerNs: number;
  /** Cores that take tiles side by side; 0 where the sheet does not say. */
  readonly cores: number;
  /** Last-level cache; 0 where the sheet does not say. */
  readonly cacheBytes: number;
  readonly powerWatts: number | undefined;
}

const NS_PER_SECOND = 1e9;

export function deviceFigures(sheet: DeviceSheet): DeviceFigures {
  const flopsPerNs: Partial<Record<PeakType, number>> = {};
  for (const [type, figure] of Object.entries(sheet.peaks)) flopsPerNs[type as PeakType] = figure.value / NS_PER_SECOND;
  return {
    flopsPerNs,
    bytesPerNs: sheet.memory.bandwidthBytesPerSecond.value / NS_PER_SECOND,
    cores: sheet.cores?.count.value ?? 0,
    cacheBytes: sheet.cache?.bytes.value ?? 0,
    powerWatts: sheet.powerWatts?.value,
  };
}
