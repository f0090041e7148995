import type { DeviceSheet } from "../device-sheet.ts";
import { dataSheet, derived, eightBit, fromMemory, GIB, GIGA, KIB, MIB, measured, sixteenBit, teraPeaks } from "../figure.ts";
import { linkFigures, pcie } from "../links.ts";

const GH100 = dataSheet("NVIDIA H100 Tensor Core GPU Architecture whitepaper, 2023, table 1, dense");
const H100 = dataSheet("NVIDIA H100 Tensor Core GPU data sheet, 2023");
const H100_HALVED = derived("NVIDIA H100 Tensor Core GPU data sheet, 2023, PCIe: half of the figure with sparsity");
const H200 = dataSheet("NVIDIA H200 Tensor Core GPU data sheet, 2024");
const NVL_HALVED = derived("nvidia.com/en-us/data-center/h100, specifications, H100 NVL, 2026: half of the figure with sparsity");
const NVL = dataSheet("nvidia.com/en-us/data-center/h100, specifications, H100 NVL, 2026");
const H200_NVL_HALVED = derived("nvidia.com/en-us/data-center/h200, specifications, H200 NVL, 2026: half of the figure with sparsity");
const H200_NVL = dataSheet("nvidia.com/en-us/data-center/h200, specifications, H200 NVL, 2026");
const H20 = dataSheet(
  "NVIDIA H20 as resellers and the press print its data sheet, 2024 (NVIDIA publishes none): 96 GB HBM3, 4.0 TB/s, 148 TFLOPS FP16, 296 FP8 and INT8, 44 FP32, 1 FP64, 900 GB/s NVLink, 400 W",
);
const DGX_H100 = dataSheet("NVIDIA DGX H100 data sheet, 2023");

const SXM_PEAKS = teraPeaks(GH100, { f64: 66.9, f32: 66.9, ...sixteenBit(989.4), ...eightBit(1978.9), i8: 1978.9 });
const LOCAL = GH100(256 * KIB, "L1 and shared memory of an SM");

const SXM_CORES = {
  count: GH100(132, "streaming multiprocessors"),
  clockHz: derived("NVIDIA H100 whitepaper, 2023: 989.4 TFLOPS over 132 SMs x 4,096 operations a clock")(1.83e9),
  localBytes: LOCAL,
} as const;

const SXM = {
  vendor: "NVIDIA",
  kind: "gpu",
  cores: SXM_CORES,
  cache: { bytes: GH100(50 * MIB, "L2") },
  host: pcie(5),
  network: {
    name: "InfiniBand NDR",
    bandwidthBytesPerSecond: DGX_H100(50 * GIGA, "8 ConnectX-7 of 400 Gb/s for 8 GPUs"),
  },
  perNode: DGX_H100(8, "GPUs"),
  powerWatts: H100(700, "SXM"),
} as const;

export const HOPPER: readonly DeviceSheet[] = [
  {
    ...SXM,
    id: "h100-sxm",
    name: "NVIDIA H100 80 GB SXM",
    year: 2022,
    peaks: SXM_PEAKS,
    memory: { capacityBytes: H100(80 * GIB, "80 GB HBM3"), bandwidthBytesPerSecond: H100(3350 * GIGA) },
    scaleUp: linkFigures("nvlink-4"),
    dollarsPerHour: dataSheet("AWS EC2 on-demand list price, us-east-1, price list 2026-07-28: p5.48xlarge 55.04 $/h for 8 GPUs")(
      55.04 / 8,
    ),
  },
  {
    id: "h100-pcie",
    name: "NVIDIA H100 80 GB PCIe",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2022,
    peaks: teraPeaks(H100_HALVED, { f64: 51, f32: 51, ...sixteenBit(756.5), ...eightBit(1513), i8: 1513 }),
    memory: { capacityBytes: H100(80 * GIB, "80 GB HBM2e"), bandwidthBytesPerSecond: H100(2000 * GIGA, "PCIe") },
    cores: {
      count: GH100(114, "streaming multiprocessors"),
      clockHz: derived("NVIDIA H100 data sheet, 2023: 756.5 TFLOPS over 114 SMs x 4,096 operations a clock")(1.62e9),
      localBytes: LOCAL,
    },
    cache: { bytes: GH100(50 * MIB, "L2") },
    host: pcie(5),
    perNode: fromMemory(H100.source)(8, "certified systems of 1 to 8 GPUs"),
    powerWatts: H100(350, "PCIe"),
  },
  {
    id: "h100-nvl",
    name: "NVIDIA H100 NVL 94 GB",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2023,
    peaks: { ...teraPeaks(NVL_HALVED, { ...sixteenBit(835.5), ...eightBit(1670.5), i8: 1670.5 }), ...teraPeaks(NVL, { f64: 60, f32: 60 }) },
    memory: { capacityBytes: NVL(94 * GIB, "94 GB HBM3"), bandwidthBytesPerSecond: NVL(3900 * GIGA) },
    cores: { count: GH100(132, "streaming multiprocessors, as the SXM form"), localBytes: LOCAL },
    cache: { bytes: GH100(50 * MIB, "L2") },
    host: pcie(5),
    perNode: NVL(8, "certified systems of 1 to 8 GPUs"),
    powerWatts: NVL(400, "350 to 400 W"),
  },
  {
    id: "h200-nvl",
    name: "NVIDIA H200 NVL 141 GB",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2024,
    peaks: {
      ...teraPeaks(H200_NVL_HALVED, { ...sixteenBit(835.5), ...eightBit(1670.5), i8: 1670.5 }),
      ...teraPeaks(H200_NVL, { f64: 60, f32: 60 }),
    },
    memory: { capacityBytes: H200_NVL(141 * GIB, "141 GB HBM3e"), bandwidthBytesPerSecond: H200_NVL(4800 * GIGA) },
    host: pcie(5),
    perNode: H200_NVL(8, "certified systems of up to 8 GPUs"),
    powerWatts: H200_NVL(600, "up to"),
  },
  {
    ...SXM,
    id: "h200-sxm",
    name: "NVIDIA H200 141 GB SXM",
    year: 2024,
    peaks: SXM_PEAKS,
    memory: { capacityBytes: H200(141 * GIB, "141 GB HBM3e"), bandwidthBytesPerSecond: H200(4800 * GIGA) },
    scaleUp: linkFigures("nvlink-4"),
  },
  {
    ...SXM,
    id: "h800-sxm",
    name: "NVIDIA H800 80 GB SXM",
    year: 2023,
    peaks: {
      ...teraPeaks(GH100, { f32: 66.9, ...sixteenBit(989.4), ...eightBit(1978.9), i8: 1978.9 }),
      f64: dataSheet("Lenovo Press LP1814, ThinkSystem NVIDIA H800 PCIe Gen5 GPU, 2023")(1e12),
    },
    memory: { capacityBytes: H100(80 * GIB, "80 GB HBM3, as the H100"), bandwidthBytesPerSecond: H100(3350 * GIGA, "as the H100") },
    scaleUp: linkFigures("nvlink-4-h800"),
  },
  {
    id: "h20",
    name: "NVIDIA H20 96 GB",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2024,
    peaks: teraPeaks(H20, { f64: 1, f32: 44, ...sixteenBit(148), ...eightBit(296), i8: 296 }),
    memory: { capacityBytes: H20(96 * GIB), bandwidthBytesPerSecond: H20(4000 * GIGA) },
    cores: {
      count: measured("Geekbench entry of the H20, reported by Wccftech, 2024")(78, "streaming multiprocessors"),
      localBytes: LOCAL,
    },
    cache: { bytes: H20(60 * MIB, "L2") },
    scaleUp: linkFigures("nvlink-4"),
    host: pcie(5),
    perNode: H20(8, "HGX H20"),
    powerWatts: H20(400),
  },
];
