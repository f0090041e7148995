import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { PeakType } from "../../../rack/peak-type.ts";

/** Peak and memory rate of a device as plain numbers. Units: operations a ns, bytes a ns. */
export interface DeviceRates {
  readonly bytesPerNs: number;
  readonly opsPerNs: Readonly<Record<PeakType, number>>;
  /** 0 where the sheet does not say. */
  readonly cores: number;
}

const TYPES: readonly PeakType[] = ["f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2", "f4e2m1", "i8", "i4"];
const NS_PER_SECOND = 1e9;

/**
 * Rates that utilisation is counted against. A type without a peak takes that of 16-bit floats, to which engines unpack it; where the sheet has no such
 * peak either, it takes 1: only ratios to it matter, and they are measured.
 */
export function deviceRates(sheet: DeviceSheet): DeviceRates {
  const fallback = sheet.peaks.bf16 ?? sheet.peaks.f16 ?? sheet.peaks.f32;
  const opsPerNs = {} as Record<PeakType, number>;
  for (const type of TYPES) opsPerNs[type] = ((sheet.peaks[type] ?? fallback)?.value ?? NS_PER_SECOND) / NS_PER_SECOND;
  return { bytesPerNs: sheet.memory.bandwidthBytesPerSecond.value / NS_PER_SECOND, opsPerNs, cores: sheet.cores?.count.value ?? 0 };
}

/** Shares of peak and memory rate that long kernels reach, the part of the shorter of computing and reading that is not hidden, and the least time. */
export interface BaseShares {
  readonly compute: number;
  readonly memory: number;
  readonly exposed: number;
  readonly launchNs: number;
}

/** A rough time: the longer of computing and reading, part of the shorter, and a launch. Units: ns. */
export function roughNs(
  work: { readonly ops: number; readonly type: PeakType; readonly bytes: number },
  rates: DeviceRates,
  shares: BaseShares,
): number {
  const computeNs = work.ops / (rates.opsPerNs[work.type] * shares.compute);
  const memoryNs = work.bytes / (rates.bytesPerNs * shares.memory);
  const longer = computeNs > memoryNs ? computeNs : memoryNs;
  return shares.launchNs + longer + shares.exposed * (computeNs + memoryNs - longer);
}
