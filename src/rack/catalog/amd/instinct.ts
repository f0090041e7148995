import type { DeviceSheet } from "../device-sheet.ts";
import { dataSheet, derived, eightBit, fromMemory, GIB, GIGA, KIB, MIB, sixteenBit, teraPeaks } from "../figure.ts";
import { pcie } from "../links.ts";

const MI250X = dataSheet("AMD Instinct MI250X data sheet, 2021");
const MI300X = dataSheet("AMD Instinct MI300X data sheet, 2023, dense");
const MI325X = dataSheet("AMD Instinct MI325X data sheet, 2024, dense");
/** Held against rocm.docs.amd.com/en/7.13.0-preview/reference/gpu-specs.html (256 units, 160 KiB, 256 MiB), Tom's Hardware 2025 (memory, power) and units x clock. */
const MI355X = dataSheet("AMD Instinct MI355X data sheet, 2025, dense");
const ROCM = dataSheet("ROCm documentation, GPU specifications, 2026");
const CDNA3 = dataSheet("AMD CDNA 3 architecture whitepaper, 2023");

const AMD = { vendor: "AMD", kind: "gpu" } as const;
const CDNA3_CORES = {
  count: ROCM(304, "compute units"),
  clockHz: MI300X(2.1e9, "peak engine clock"),
  localBytes: ROCM(64 * KIB, "LDS of a compute unit"),
} as const;
const CDNA3_CACHE = {
  bytes: ROCM(256 * MIB, "Infinity Cache"),
  bandwidthBytesPerSecond: CDNA3(17.2e12, "peak of the Infinity Cache"),
} as const;
const SEVEN_LINKS = {
  name: "Infinity Fabric, 7 links",
  bandwidthBytesPerSecond: derived("AMD Instinct MI300X data sheet, 2023: 128 GB/s a link, both directions, to each of the 7 other GPUs")(
    448 * GIGA,
  ),
} as const;

export const INSTINCT: readonly DeviceSheet[] = [
  {
    ...AMD,
    id: "mi250x",
    name: "AMD Instinct MI250X",
    year: 2021,
    peaks: teraPeaks(MI250X, { f64: 95.7, f32: 95.7, ...sixteenBit(383), i8: 383, i4: 383 }),
    memory: { capacityBytes: MI250X(128 * GIB, "128 GB HBM2e"), bandwidthBytesPerSecond: MI250X(3276.8 * GIGA) },
    cores: {
      count: ROCM(220, "compute units of both dies"),
      clockHz: MI250X(1.7e9, "peak engine clock"),
      localBytes: ROCM(64 * KIB, "LDS"),
    },
    cache: { bytes: ROCM(16 * MIB, "L2 of both dies") },
    scaleUp: {
      name: "Infinity Fabric, 8 links",
      bandwidthBytesPerSecond: derived("AMD Instinct MI250X data sheet, 2021: 8 links of 100 GB/s, both directions")(400 * GIGA),
    },
    host: pcie(4),
    perNode: dataSheet("HPE Cray EX235a, Frontier node, 2022")(4, "GPUs of 2 dies each"),
    powerWatts: MI250X(560, "peak"),
  },
  {
    ...AMD,
    id: "mi300x",
    name: "AMD Instinct MI300X",
    year: 2023,
    peaks: teraPeaks(MI300X, { f64: 163.4, f32: 163.4, ...sixteenBit(1307.4), ...eightBit(2614.9), i8: 2614.9 }),
    memory: { capacityBytes: MI300X(192 * GIB, "192 GB HBM3"), bandwidthBytesPerSecond: MI300X(5325 * GIGA) },
    cores: CDNA3_CORES,
    cache: CDNA3_CACHE,
    scaleUp: SEVEN_LINKS,
    host: pcie(5),
    perNode: MI300X(8, "MI300X platform"),
    powerWatts: MI300X(750),
    dollarsPerHour: fromMemory("Azure pay-as-you-go list price, East US, 2024: Standard_ND96isr_MI300X_v5 48.00 $/h for 8 GPUs")(6),
  },
  {
    ...AMD,
    id: "mi325x",
    name: "AMD Instinct MI325X",
    year: 2024,
    peaks: teraPeaks(MI325X, { f64: 163.4, f32: 163.4, ...sixteenBit(1307.4), ...eightBit(2614.9), i8: 2614.9 }),
    memory: { capacityBytes: MI325X(256 * GIB, "256 GB HBM3e"), bandwidthBytesPerSecond: MI325X(6000 * GIGA) },
    cores: CDNA3_CORES,
    cache: CDNA3_CACHE,
    scaleUp: SEVEN_LINKS,
    host: pcie(5),
    perNode: MI325X(8, "MI325X platform"),
    powerWatts: MI325X(1000),
  },
  {
    ...AMD,
    id: "mi355x",
    name: "AMD Instinct MI355X",
    year: 2025,
    peaks: teraPeaks(MI355X, { f64: 78.6, f32: 157.3, ...sixteenBit(2516.6), ...eightBit(5033.2), f4e2m1: 10_066.3, i8: 5033.2 }),
    memory: { capacityBytes: MI355X(288 * GIB, "288 GB HBM3e"), bandwidthBytesPerSecond: MI355X(8000 * GIGA) },
    cores: {
      count: ROCM(256, "compute units"),
      clockHz: MI355X(2.4e9, "peak engine clock"),
      localBytes: ROCM(160 * KIB, "LDS of a compute unit"),
    },
    cache: { bytes: ROCM(256 * MIB, "Infinity Cache") },
    scaleUp: {
      name: "Infinity Fabric, 7 links",
      bandwidthBytesPerSecond: derived(
        "AMD CDNA 4 architecture whitepaper, 2025: 153.6 GB/s a link, both directions, to each of the 7 other GPUs",
      )(537.6 * GIGA),
    },
    host: pcie(5),
    perNode: dataSheet("mlcommons/inference_results_v6.0 closed/AMD, 2026")(8, "accelerators a node"),
    powerWatts: MI355X(1400),
  },
];
