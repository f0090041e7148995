import type { DeviceSheet } from "../device-sheet.ts";
import { dataSheet, eightBit, GIB, GIGA, KIB, MIB, sixteenBit, teraPeaks } from "../figure.ts";
import { linkFigures, pcie } from "../links.ts";

const V100 = dataSheet("NVIDIA V100 Tensor Core GPU data sheet, 2020");
const GV100 = dataSheet("NVIDIA Tesla V100 GPU Architecture whitepaper, 2017");
const T4 = dataSheet("NVIDIA T4 Tensor Core GPU data sheet, 2019");
const TURING = dataSheet("NVIDIA Turing GPU Architecture whitepaper, 2018");
const ADA = dataSheet("NVIDIA Ada GPU Architecture whitepaper, 2023");
const RTX_4090 = dataSheet("NVIDIA Ada GPU Architecture whitepaper, 2023, appendix A, RTX 4090, dense, FP32 sums");
const L4 = dataSheet("NVIDIA L4 Tensor Core GPU data sheet, 2023, dense (half of the figure with sparsity)");
const L40S = dataSheet("NVIDIA L40S data sheet, 2023, dense");
const EC2 = dataSheet("AWS EC2 documentation, accelerated computing instances, 2026");
const ADA_LOCAL = ADA(128 * KIB, "L1 and shared memory of an SM");

const NVIDIA = { vendor: "NVIDIA", kind: "gpu" } as const;

export const TURING_AND_ADA: readonly DeviceSheet[] = [
  {
    ...NVIDIA,
    id: "v100-sxm",
    name: "NVIDIA V100 32 GB SXM2",
    year: 2018,
    peaks: teraPeaks(V100, { f64: 7.8, f32: 15.7, f16: 125 }),
    memory: { capacityBytes: V100(32 * GIB, "32 GB HBM2"), bandwidthBytesPerSecond: V100(900 * GIGA) },
    cores: {
      count: GV100(80, "streaming multiprocessors"),
      clockHz: GV100(1.53e9, "boost clock"),
      localBytes: GV100(128 * KIB, "L1 and shared memory of an SM"),
    },
    cache: { bytes: GV100(6 * MIB, "L2") },
    scaleUp: linkFigures("nvlink-2"),
    host: pcie(3),
    perNode: dataSheet("NVIDIA DGX-1 with V100 data sheet, 2018")(8, "GPUs"),
    powerWatts: V100(300),
    dollarsPerHour: dataSheet(
      "AWS EC2 on-demand list price, us-east-1, as public price tables repeat it, 2026: p3dn.24xlarge 31.212 $/h for 8 GPUs",
    )(31.212 / 8),
  },
  {
    ...NVIDIA,
    id: "t4",
    name: "NVIDIA T4 16 GB",
    year: 2018,
    peaks: teraPeaks(T4, { f32: 8.1, f16: 65, i8: 130, i4: 260 }),
    memory: { capacityBytes: T4(16 * GIB, "16 GB GDDR6"), bandwidthBytesPerSecond: T4(300 * GIGA) },
    cores: {
      count: TURING(40, "streaming multiprocessors (2,560 CUDA cores of 64 an SM)"),
      clockHz: TURING(1.59e9, "boost clock"),
      localBytes: TURING(96 * KIB, "L1 and shared memory of an SM"),
    },
    cache: { bytes: TURING(4 * MIB, "L2 of the TU104") },
    host: pcie(3),
    perNode: EC2(8, "GPUs of a g4dn.metal"),
    powerWatts: T4(70),
    dollarsPerHour: dataSheet(
      "Google Cloud on-demand list price, us-central1, 2026 (skypilot-org/skypilot-catalog@006059e catalogs/v8/gcp/vms.csv): one T4, without its machine",
    )(0.35),
  },
  {
    ...NVIDIA,
    id: "l4",
    name: "NVIDIA L4 24 GB",
    year: 2023,
    peaks: teraPeaks(L4, { f32: 30.3, ...sixteenBit(121), ...eightBit(242.5), i8: 242.5 }),
    memory: { capacityBytes: L4(24 * GIB, "24 GB GDDR6"), bandwidthBytesPerSecond: L4(300 * GIGA) },
    cores: {
      count: ADA(58, "streaming multiprocessors (7,424 CUDA cores of 128 an SM)"),
      clockHz: ADA(2.04e9, "boost clock"),
      localBytes: ADA_LOCAL,
    },
    cache: { bytes: ADA(48 * MIB, "L2 of the AD104") },
    host: pcie(4),
    perNode: EC2(8, "GPUs of a g6.48xlarge"),
    powerWatts: L4(72),
    dollarsPerHour: dataSheet(
      "Google Cloud on-demand list price, us-central1, 2026-09-24 (Cyclenerd/google-cloud-pricing-cost-calculator pricing.yml): g2-standard-4 with one L4",
    )(0.706832),
  },
  {
    ...NVIDIA,
    id: "l40s",
    name: "NVIDIA L40S 48 GB",
    year: 2023,
    peaks: teraPeaks(L40S, { f32: 91.6, ...sixteenBit(362.05), ...eightBit(733), i8: 733, i4: 733 }),
    memory: { capacityBytes: L40S(48 * GIB, "48 GB GDDR6"), bandwidthBytesPerSecond: L40S(864 * GIGA) },
    cores: {
      count: L40S(142, "streaming multiprocessors (18,176 CUDA cores of 128 an SM)"),
      clockHz: ADA(2.52e9, "boost clock"),
      localBytes: ADA_LOCAL,
    },
    cache: { bytes: ADA(96 * MIB, "L2 of the AD102") },
    host: pcie(4),
    perNode: EC2(8, "GPUs of a g6e.48xlarge"),
    powerWatts: L40S(350),
    dollarsPerHour: dataSheet(
      "AWS EC2 on-demand list price, us-east-1, as public price tables repeat it, 2026-08-17: g6e.xlarge with one L40S",
    )(1.861),
  },
  {
    ...NVIDIA,
    id: "rtx-4090",
    name: "NVIDIA GeForce RTX 4090 24 GB",
    year: 2022,
    peaks: teraPeaks(RTX_4090, { f32: 82.6, ...sixteenBit(165.2), ...eightBit(330.3), i8: 660.6, i4: 1321.2 }),
    memory: { capacityBytes: ADA(24 * GIB, "24 GB GDDR6X"), bandwidthBytesPerSecond: ADA(1008 * GIGA) },
    cores: { count: ADA(128, "streaming multiprocessors"), clockHz: ADA(2.52e9, "boost clock"), localBytes: ADA_LOCAL },
    cache: { bytes: ADA(72 * MIB, "L2") },
    host: pcie(4),
    powerWatts: ADA(450),
  },
];
