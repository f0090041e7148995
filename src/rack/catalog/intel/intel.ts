import type { DeviceSheet } from "../device-sheet.ts";
import { dataSheet, derived, eightBit, GIB, GIGA, MIB, measured, teraPeaks } from "../figure.ts";
import { pcie } from "../links.ts";

const GAUDI = dataSheet("Intel, Gaudi 3 AI Accelerator, Hot Chips 2024");
const GAUDI_2 = dataSheet("Intel Gaudi 2 AI accelerator whitepaper, 2023");
const XEON = dataSheet("Intel ARK, Xeon 6980P, 2024");
const B60 = dataSheet("ai-dynamo/aiconfigurator systems/b60.yaml, 2026, after Intel's Arc Pro B60 specification");
const B60_ARK = dataSheet("Intel ARK, Arc Pro B60, 2025");
const E2100 = dataSheet("Intel, Infrastructure Processing Unit E2100, Hot Chips 2025");

export const INTEL: readonly DeviceSheet[] = [
  {
    id: "gaudi-3",
    name: "Intel Gaudi 3 (HL-325L)",
    vendor: "Intel",
    kind: "npu",
    year: 2024,
    peaks: teraPeaks(GAUDI, { bf16: 1835, ...eightBit(1835) }),
    memory: { capacityBytes: GAUDI(128 * GIB, "128 GB HBM2e"), bandwidthBytesPerSecond: GAUDI(3670 * GIGA) },
    cores: { count: GAUDI(8, "matrix engines; 64 vector cores beside them") },
    cache: { bytes: GAUDI(96 * MIB, "SRAM"), bandwidthBytesPerSecond: GAUDI(12.8e12, "L2") },
    scaleUp: {
      name: "200 Gb/s Ethernet (RoCE), 21 of 24 ports",
      bandwidthBytesPerSecond: derived(
        "Intel Gaudi 3 whitepaper, 2024: of 24 ports 3 go to each of the 7 other devices of a node; 200 Gb/s each",
      )(525 * GIGA),
    },
    network: {
      name: "200 Gb/s Ethernet (RoCE), 3 of 24 ports",
      bandwidthBytesPerSecond: derived("Intel Gaudi 3 whitepaper, 2024: 3 of 24 ports leave the node")(75 * GIGA),
    },
    host: pcie(5),
    perNode: dataSheet("Intel HLB-325 universal baseboard, 2024")(8, "devices"),
    powerWatts: GAUDI(900, "air cooled"),
  },
  {
    id: "gaudi-2",
    name: "Intel Gaudi 2 (HL-225H)",
    vendor: "Intel",
    kind: "npu",
    year: 2022,
    peaks: teraPeaks(GAUDI_2, { bf16: 432, ...eightBit(865) }),
    memory: { capacityBytes: GAUDI(96 * GIB, "Gaudi 2: 96 GB HBM2e"), bandwidthBytesPerSecond: GAUDI(2460 * GIGA, "Gaudi 2") },
    cores: { count: GAUDI_2(2, "matrix engines; 24 vector cores beside them") },
    cache: { bytes: GAUDI_2(48 * MIB, "SRAM") },
    scaleUp: {
      name: "100 Gb/s Ethernet (RoCE), 21 of 24 ports",
      bandwidthBytesPerSecond: derived(
        "Intel Gaudi 2 whitepaper, 2022: of 24 ports 3 go to each of the 7 other devices of a node; 100 Gb/s each",
      )(262.5 * GIGA),
    },
    host: pcie(4),
    perNode: GAUDI_2(8, "devices of an HLS-Gaudi2 server"),
    powerWatts: GAUDI(600, "Gaudi 2"),
  },
  {
    id: "xeon-6980p",
    name: "Intel Xeon 6980P (AMX), MRDIMM-8800",
    vendor: "Intel",
    kind: "cpu",
    year: 2024,
    peaks: {
      f32: derived("Intel ARK, Xeon 6980P: 128 cores x 64 operations a clock (2 AVX-512 units) x 2.0 GHz base")(16.384e12),
      bf16: derived("Intel AMX: 1,024 BF16 operations a clock and core (512 multiply-adds), x 128 cores x 2.0 GHz base (Intel ARK)")(
        262.144e12,
      ),
      f16: derived("Intel AMX-FP16: 1,024 FP16 operations a clock and core (512 multiply-adds), x 128 cores x 2.0 GHz base (Intel ARK)")(
        262.144e12,
      ),
      i8: derived("Intel AMX: 2,048 INT8 operations a clock and core (1,024 multiply-adds), x 128 cores x 2.0 GHz base (Intel ARK)")(
        524.288e12,
      ),
    },
    memory: {
      capacityBytes: XEON(3 * 1024 * GIB, "3 TB at most"),
      bandwidthBytesPerSecond: derived("Intel ARK, Xeon 6980P: 12 channels of MRDIMM-8800 x 8 bytes")(844.8 * GIGA),
    },
    cores: {
      count: XEON(128, "cores"),
      clockHz: XEON(2.0e9, "base clock"),
      localBytes: dataSheet("Intel Xeon 6 P-core product brief, 2024")(2 * MIB, "L2 of a core"),
    },
    cache: { bytes: XEON(504 * MIB, "L3") },
    perNode: measured("public notes of machines with two Xeon 6980P, 2025")(2, "sockets"),
    powerWatts: XEON(500),
  },
  {
    id: "arc-pro-b60",
    name: "Intel Arc Pro B60 24 GB",
    vendor: "Intel",
    kind: "gpu",
    year: 2025,
    peaks: teraPeaks(B60, { f32: 12.28, bf16: 98.304, f16: 98.304, i8: 197 }),
    memory: { capacityBytes: B60_ARK(24 * GIB, "24 GB GDDR6"), bandwidthBytesPerSecond: B60_ARK(456 * GIGA) },
    cores: { count: B60_ARK(20, "Xe cores"), clockHz: B60_ARK(2.4e9, "graphics clock") },
    host: pcie(5, 8),
    perNode: dataSheet("storagereview.com/review/intel-arc-pro-b60-battlematrix-preview-192gb-of-vram-for-on-premise-ai, 2025")(
      8,
      "GPUs of a system, at most",
    ),
    powerWatts: B60(200, "total board power"),
  },
  {
    id: "ipu-e2100",
    name: "Intel IPU E2100",
    vendor: "Intel",
    kind: "ipu",
    year: 2024,
    peaks: {
      f32: derived(
        "Intel at Hot Chips 2025: 16 Neoverse N1 cores of up to 2.5 GHz; x 16 f32 operations a clock (Arm Neoverse N1 Software Optimization Guide)",
      )(0.64e12),
    },
    memory: {
      capacityBytes: E2100(48e9, "3 channels of LPDDR4, up to 48 GB"),
      bandwidthBytesPerSecond: derived("Intel at Hot Chips 2025: 3 channels of LPDDR4; assumed: 64 bits a channel at 4,267 MT/s")(
        102.4 * GIGA,
      ),
    },
    cores: { count: E2100(16, "Neoverse N1 cores"), clockHz: E2100(2.5e9, "up to") },
    host: pcie(4),
    network: { name: "200 Gb/s Ethernet (RoCE)", bandwidthBytesPerSecond: E2100(25 * GIGA, "200 Gb/s") },
  },
];
