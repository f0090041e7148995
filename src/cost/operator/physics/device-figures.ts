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
  /** 16-bit rate of multiply instructions that a warp issues for itself; absent where the peak is theirs, or nothing is known. */
  readonly warpFlopsPerNs?: number;
  readonly powerWatts: number | undefined;
}

const NS_PER_SECOND = 1e9;
/** Above this cores do not take whole tiles: a wafer's 900,000 work on one together. The largest GPU in the catalogue has 304. */
const TILE_CORES_MAX = 512;

/**
 * 16-bit operations a core and clock by multiply instructions of one warp (`mma.sync`), which NVIDIA's kernels that unpack integer weights use: 62.9 % of the
 * 4,096 that Hopper's asynchronous ones reach (arXiv 2402.13499); later cores are taken to be as quick, none was measured.
 */
const WARP_OPERATIONS = 0.629 * 4096;

export function deviceFigures(sheet: DeviceSheet): DeviceFigures {
  const flopsPerNs: Partial<Record<PeakType, number>> = {};
  for (const [type, figure] of Object.entries(sheet.peaks)) flopsPerNs[type as PeakType] = figure.value / NS_PER_SECOND;
  return {
    flopsPerNs,
    bytesPerNs: sheet.memory.bandwidthBytesPerSecond.value / NS_PER_SECOND,
    cores: takesTiles(sheet) ? (sheet.cores?.count.value ?? 0) : 0,
    cacheBytes: sheet.cache?.bytes.value ?? 0,
    ...warpRate(sheet),
    powerWatts: sheet.powerWatts?.value,
  };
}

function warpRate({ vendor, cores }: DeviceSheet): Pick<DeviceFigures, "warpFlopsPerNs"> {
  if (vendor !== "NVIDIA" || cores?.clockHz === undefined) return {};
  return { warpFlopsPerNs: (cores.count.value * cores.clockHz.value * WARP_OPERATIONS) / NS_PER_SECOND };
}

function takesTiles(sheet: DeviceSheet): boolean {
  return sheet.kind !== "dataflow" && (sheet.cores?.count.value ?? 0) <= TILE_CORES_MAX;
}
