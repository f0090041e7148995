import type { DeviceSheet } from "../device-sheet.ts";
import { dataSheet, derived, GIB, GIGA } from "../figure.ts";
import { linkFigures, pcie } from "../links.ts";

const RUBIN = derived("NVIDIA at CES 2026 and GTC 2025, Vera Rubin NVL72, preliminary: a rack over 72 GPUs");
const RUBIN_GPU = dataSheet("NVIDIA at CES 2026, Vera Rubin NVL72, preliminary");
const BLUEFIELD = dataSheet("NVIDIA BlueField-3 DPU data sheet, 2023");

export const RUBIN_AND_DPU: readonly DeviceSheet[] = [
  {
    id: "rubin-vr200",
    name: "NVIDIA Rubin (Vera Rubin NVL72), one GPU",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2026,
    // Figures for training. The 50 PFLOP/s of NVFP4 printed for inference count adaptive compression; no 16-bit figure was found.
    peaks: {
      f8e4m3: RUBIN(1.2e18 / 72, "1.2 exaflops of FP8 training"),
      f8e5m2: RUBIN(1.2e18 / 72, "1.2 exaflops of FP8 training"),
      f4e2m1: RUBIN(2.5e18 / 72, "2.5 exaflops of NVFP4 training"),
    },
    memory: { capacityBytes: RUBIN_GPU(288 * GIB, "288 GB HBM4"), bandwidthBytesPerSecond: RUBIN_GPU(22_000 * GIGA) },
    scaleUp: linkFigures("nvlink-6"),
    perNode: RUBIN_GPU(72, "GPUs in a NVLink domain"),
  },
  {
    id: "bluefield-3",
    name: "NVIDIA BlueField-3 DPU",
    vendor: "NVIDIA",
    kind: "ipu",
    year: 2023,
    // The data sheet prints no clock of its 16 Cortex-A78 cores, so no peak follows from it.
    peaks: {},
    memory: {
      capacityBytes: BLUEFIELD(32 * GIB, "32 GB DDR5"),
      bandwidthBytesPerSecond: derived("NVIDIA BlueField-3, Supported Interfaces: DDR5 at 5,200 MT/s on 128 bits")(83.2 * GIGA),
    },
    cores: { count: BLUEFIELD(16, "Arm Cortex-A78 cores") },
    host: pcie(5),
    network: { name: "400 Gb/s Ethernet (RoCE)", bandwidthBytesPerSecond: BLUEFIELD(50 * GIGA, "400 Gb/s") },
    powerWatts: BLUEFIELD(150, "maximum"),
  },
];
