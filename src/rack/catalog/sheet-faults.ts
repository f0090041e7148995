import type { PeakType } from "../peak-type.ts";
import type { DeviceSheet, Figure, LinkFigures } from "./device-sheet.ts";

/** Ranges that hold every device known in 2026 with room to spare; outside them a unit is wrong rather than a device new. */
const RANGES = {
  peak: [1e10, 1e18],
  capacityBytes: [1e8, 1e14],
  bandwidth: [1e10, 1e17],
  link: [1e8, 1e14],
  latencyNs: [1, 1e7],
  cores: [1, 1e7],
  clockHz: [1e8, 1e10],
  onChipBytes: [1024, 1e12],
  powerWatts: [5, 100_000],
  dollarsPerHour: [0.01, 1000],
  perNode: [1, 100_000],
} as const;

/** Widths of types in bits; a narrower type that is multiplied more slowly by far, or faster by far, is a misread row. */
const WIDTHS: Readonly<Partial<Record<PeakType, number>>> = { f16: 16, bf16: 16, f8e4m3: 8, f8e5m2: 8, i8: 8, f4e2m1: 4, i4: 4 };
/**
 * Dense rates of 8-bit floating-point types over 16-bit ones are 1 to 2 (3.8 on Trainium3, 3.6 on Wormhole); a sparse figure beside a dense
 * one makes 4. Four-bit types add up to 3.4 times the 8-bit rate (Blackwell Ultra: 3.1).
 */
const NARROWER_MIN = 0.9;
const FLOAT_MAX = 3.8;
const FOUR_BIT_MAX = 3.4;
const FOUR_OVER_EIGHT_MAX = 2.1;
/** Integer paths may be far faster (Turing, Groq, GeForce) or almost absent (Blackwell Ultra). */
const INTEGER_MAX = 4.2;
const INTEGER_MIN = 0.05;

/** What cannot be right about a sheet, field by field; empty where nothing was found. */
export function sheetFaults(sheet: DeviceSheet): readonly string[] {
  const faults: string[] = [];
  const check = (field: string, figure: Figure | undefined, [low, high]: readonly [number, number]): void => {
    if (figure === undefined) return;
    if (figure.source.trim() === "") faults.push(`${field} has no source`);
    if (!(figure.value >= low && figure.value <= high)) faults.push(`${field} is ${figure.value}, expected ${low} to ${high}`);
  };
  const checkLink = (field: string, link: LinkFigures | undefined): void => {
    check(`${field}.bandwidth`, link?.bandwidthBytesPerSecond, RANGES.link);
    check(`${field}.latencyNs`, link?.latencyNs, RANGES.latencyNs);
  };
  for (const [type, figure] of Object.entries(sheet.peaks)) check(`peaks.${type}`, figure, RANGES.peak);
  check("memory.capacityBytes", sheet.memory.capacityBytes, RANGES.capacityBytes);
  check("memory.bandwidthBytesPerSecond", sheet.memory.bandwidthBytesPerSecond, RANGES.bandwidth);
  check("cores.count", sheet.cores?.count, RANGES.cores);
  check("cores.clockHz", sheet.cores?.clockHz, RANGES.clockHz);
  check("cores.localBytes", sheet.cores?.localBytes, RANGES.onChipBytes);
  check("cache.bytes", sheet.cache?.bytes, RANGES.onChipBytes);
  check("cache.bandwidthBytesPerSecond", sheet.cache?.bandwidthBytesPerSecond, RANGES.bandwidth);
  checkLink("scaleUp", sheet.scaleUp);
  checkLink("host", sheet.host);
  checkLink("network", sheet.network);
  check("perNode", sheet.perNode, RANGES.perNode);
  check("powerWatts", sheet.powerWatts, RANGES.powerWatts);
  check("dollarsPerHour", sheet.dollarsPerHour, RANGES.dollarsPerHour);
  return [...faults, ...peakFaults(sheet), ...cacheFaults(sheet)];
}

/** Rates of narrower types over the 16-bit rate. */
function peakFaults({ peaks }: DeviceSheet): readonly string[] {
  const sixteen = peaks.bf16 ?? peaks.f16;
  if (sixteen === undefined) return [];
  const faults: string[] = [];
  for (const type of ["f8e4m3", "f8e5m2", "i8", "f4e2m1", "i4"] as const) {
    const figure = peaks[type];
    if (figure === undefined) continue;
    const ratio = figure.value / sixteen.value;
    const halvings = 16 / WIDTHS[type]! / 2;
    const integer = type === "i8" || type === "i4";
    const fast = (integer ? INTEGER_MAX : type === "f4e2m1" ? FOUR_BIT_MAX : FLOAT_MAX) * halvings;
    const slow = integer ? INTEGER_MIN : NARROWER_MIN;
    // GeForce multiplies 16- and 8-bit floats at half rate where sums are of 32 bits; its integers tell what the multipliers do.
    if (type === "f4e2m1" && peaks.i8 !== undefined && figure.value <= FOUR_OVER_EIGHT_MAX * peaks.i8.value) continue;
    if (ratio < slow || ratio > fast)
      faults.push(`peaks.${type} is ${ratio.toFixed(2)} times the 16-bit rate, expected ${slow} to ${fast}`);
  }
  return faults;
}

function cacheFaults({ cache, memory }: DeviceSheet): readonly string[] {
  const rate = cache?.bandwidthBytesPerSecond?.value;
  if (rate === undefined || rate >= memory.bandwidthBytesPerSecond.value) return [];
  return [`cache.bandwidthBytesPerSecond is ${rate}, below that of the memory`];
}
