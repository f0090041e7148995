import type { DeviceSheet } from "../device-sheet.ts";
import { dataSheet, derived, eightBit, GIB, GIGA, KIB, MIB, measured, sixteenBit, teraPeaks } from "../figure.ts";
import { linkFigures, pcie } from "../links.ts";

const BLACKWELL = dataSheet("NVIDIA Blackwell data sheet, 2024, dense (half of the figure with sparsity)");
const ULTRA = dataSheet("NVIDIA Blackwell Ultra data sheet, 2025, dense");
const CHIPS = measured("Chips and Cheese, Nvidia's B200: Keeping the CUDA Juggernaut Rolling, 2025");
const SMI = measured("nvidia-smi, as ai-dynamo/aiconfigurator systems/*.yaml records it, 2026");
const ULTRA_BLOG = dataSheet("NVIDIA developer blog, Inside NVIDIA Blackwell Ultra, 2025");
const NODE_B200 = dataSheet("NVIDIA DGX B200 data sheet, 2024");
const RACK = dataSheet("NVIDIA GB200 NVL72 data sheet, 2024");
const RTX_PRO = dataSheet("NVIDIA RTX PRO 6000 Blackwell product page, 2025");
/** 512 products of FP16 with FP32 sums a clock and SM, 188 SMs, at the 2,430 MHz of the server edition. */
const RTX_PRO_PEAK = derived("ai-dynamo/aiconfigurator systems/rtx_pro_6000_server.yaml, 2026: dense figures scaled to 2,430 MHz");

const RTX_BLACKWELL = dataSheet("NVIDIA RTX Blackwell GPU architecture whitepaper, 2025");
const RTX_5090 = dataSheet("NVIDIA RTX Blackwell GPU architecture whitepaper, 2025, appendix A, RTX 5090, dense, FP32 sums");

const B200_CORES = {
  count: CHIPS(148, "streaming multiprocessors"),
  clockHz: derived("Blackwell data sheet, 2024: 2,250 TFLOPS BF16 over 148 SMs x 8,192 operations a clock")(1.856e9),
  localBytes: CHIPS(256 * KIB, "L1 and shared memory of an SM"),
} as const;
const B200_CACHE = { bytes: CHIPS(126 * MIB, "L2 of both dies") } as const;
const XDR = {
  name: "InfiniBand XDR",
  bandwidthBytesPerSecond: dataSheet("NVIDIA DGX B300 and GB300 NVL72 data sheets, 2025: a ConnectX-8 of 800 Gb/s a GPU")(100 * GIGA),
} as const;
const NDR_B200 = { name: "InfiniBand NDR", bandwidthBytesPerSecond: NODE_B200(50 * GIGA, "a ConnectX-7 of 400 Gb/s a GPU") } as const;

export const BLACKWELL_GPUS: readonly DeviceSheet[] = [
  {
    id: "b200-sxm",
    name: "NVIDIA B200 180 GB SXM",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2024,
    peaks: teraPeaks(BLACKWELL, { f64: 37, f32: 75, ...sixteenBit(2250), ...eightBit(4500), f4e2m1: 9000, i8: 4500 }),
    memory: { capacityBytes: BLACKWELL(180 * GIB, "180 GB HBM3e"), bandwidthBytesPerSecond: BLACKWELL(7700 * GIGA, "HGX B200") },
    cores: B200_CORES,
    cache: B200_CACHE,
    scaleUp: linkFigures("nvlink-5"),
    host: pcie(5),
    network: NDR_B200,
    perNode: NODE_B200(8, "GPUs"),
    powerWatts: BLACKWELL(1000, "HGX B200"),
  },
  {
    id: "gb200",
    name: "NVIDIA GB200 NVL72, one GPU",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2024,
    peaks: teraPeaks(BLACKWELL, { f64: 40, f32: 80, ...sixteenBit(2500), ...eightBit(5000), f4e2m1: 10_000, i8: 5000 }),
    memory: { capacityBytes: SMI(198_674_743_296, "189,471 MiB"), bandwidthBytesPerSecond: BLACKWELL(8000 * GIGA, "GB200") },
    scaleUp: linkFigures("nvlink-5"),
    host: { name: "NVLink-C2C", bandwidthBytesPerSecond: RACK(225 * GIGA, "900 GB/s, both directions, for 2 GPUs and a Grace CPU") },
    perNode: RACK(72, "GPUs in a NVLink domain, 4 a tray"),
    powerWatts: BLACKWELL(1200, "GB200"),
  },
  {
    id: "b300-sxm",
    name: "NVIDIA B300 SXM",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2025,
    peaks: teraPeaks(ULTRA, { ...sixteenBit(2250), ...eightBit(4500), f4e2m1: 14_000, i8: 153.5 }),
    memory: { capacityBytes: SMI(288_400_343_040, "275,040 MiB"), bandwidthBytesPerSecond: ULTRA(7750 * GIGA, "62 TB/s over 8 GPUs") },
    scaleUp: linkFigures("nvlink-5"),
    host: pcie(6),
    network: XDR,
    perNode: ULTRA(8, "HGX B300"),
    powerWatts: ULTRA(1100, "up to"),
  },
  {
    id: "gb300",
    name: "NVIDIA GB300 NVL72, one GPU",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2025,
    peaks: teraPeaks(ULTRA, { ...sixteenBit(2500), ...eightBit(5000), f4e2m1: 15_000, i8: 165 }),
    memory: { capacityBytes: SMI(298_013_687_808, "284,208 MiB"), bandwidthBytesPerSecond: ULTRA(8000 * GIGA) },
    cores: {
      count: ULTRA_BLOG(160, "streaming multiprocessors of the full chip"),
      localBytes: ULTRA_BLOG(256 * KIB, "L1 and shared memory of an SM"),
    },
    scaleUp: linkFigures("nvlink-5"),
    host: { name: "NVLink-C2C", bandwidthBytesPerSecond: ULTRA_BLOG(225 * GIGA, "900 GB/s, both directions, for 2 GPUs and a Grace CPU") },
    network: XDR,
    perNode: ULTRA(72, "GPUs in a NVLink domain, 4 a tray"),
    powerWatts: ULTRA(1400),
  },
  {
    id: "rtx-5090",
    name: "NVIDIA GeForce RTX 5090 32 GB",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2025,
    peaks: teraPeaks(RTX_5090, { f32: 104.8, ...sixteenBit(209.5), ...eightBit(419), f4e2m1: 1676, i8: 838 }),
    memory: { capacityBytes: RTX_BLACKWELL(32 * GIB, "32 GB GDDR7"), bandwidthBytesPerSecond: RTX_BLACKWELL(1792 * GIGA) },
    cores: {
      count: RTX_BLACKWELL(170, "streaming multiprocessors"),
      clockHz: RTX_BLACKWELL(2.407e9, "boost clock"),
      localBytes: RTX_BLACKWELL(128 * KIB, "L1 and shared memory of an SM"),
    },
    cache: { bytes: RTX_BLACKWELL(96 * MIB, "L2") },
    host: pcie(5),
    powerWatts: RTX_BLACKWELL(575),
  },
  {
    id: "rtx-pro-6000",
    name: "NVIDIA RTX PRO 6000 Blackwell Server Edition",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2025,
    peaks: {
      ...teraPeaks(RTX_PRO_PEAK, { ...sixteenBit(467.8), ...eightBit(935.6), f4e2m1: 1871.2, i8: 935.6 }),
      f32: derived("NVIDIA RTX PRO 6000 Blackwell: 24,064 CUDA cores x 2 operations at 2,430 MHz")(116.95e12),
    },
    memory: {
      capacityBytes: SMI(102_641_958_912, "97,887 MiB of GDDR7"),
      bandwidthBytesPerSecond: RTX_PRO(1792 * GIGA, "28 Gb/s on 512 bits"),
    },
    cores: {
      count: RTX_PRO(188, "streaming multiprocessors (24,064 CUDA cores of 128 an SM)"),
      clockHz: measured("ai-dynamo/aiconfigurator systems/rtx_pro_6000_server.yaml, 2026")(2.43e9),
      localBytes: RTX_BLACKWELL(128 * KIB, "L1 and shared memory of an SM"),
    },
    cache: { bytes: RTX_PRO(128 * MIB, "L2") },
    host: pcie(5),
    perNode: dataSheet("AWS EC2 accelerated computing instances, 2026")(8, "GPUs of a g7e.48xlarge"),
    powerWatts: RTX_PRO(600),
  },
];
