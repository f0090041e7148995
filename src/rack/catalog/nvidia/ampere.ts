import type { DeviceSheet } from "../device-sheet.ts";
import { dataSheet, GIB, GIGA, KIB, MIB, sixteenBit, teraPeaks } from "../figure.ts";
import { linkFigures, pcie } from "../links.ts";

const A100 = dataSheet("NVIDIA A100 Tensor Core GPU data sheet, 2021");
const GA100 = dataSheet("NVIDIA A100 Tensor Core GPU Architecture whitepaper, 2020");
const DGX_A100 = dataSheet("NVIDIA DGX A100 data sheet, 2020");
const P4D = dataSheet("AWS EC2 on-demand list price, us-east-1, price list 2026-07-28: p4d.24xlarge 21.957642 $/h for 8 GPUs");
const P4DE = dataSheet("AWS EC2 on-demand list price, us-east-1, price list 2026-07-28: p4de.24xlarge 27.44705 $/h for 8 GPUs");

const A10 = dataSheet("NVIDIA A10 Tensor Core GPU data sheet, 2021");

const A100_CHIP = {
  vendor: "NVIDIA",
  kind: "gpu",
  peaks: teraPeaks(A100, { f64: 19.5, f32: 19.5, ...sixteenBit(312), i8: 624, i4: 1248 }),
  cores: {
    count: GA100(108, "streaming multiprocessors"),
    clockHz: GA100(1.41e9, "boost clock"),
    localBytes: GA100(192 * KIB, "L1 and shared memory of an SM"),
  },
  cache: { bytes: GA100(40 * MIB, "L2"), bandwidthBytesPerSecond: GA100(5120 * 1.41e9, "L2 reads 5,120 bytes a clock, at 1.41 GHz") },
  host: pcie(4),
} as const;

const SXM = {
  scaleUp: linkFigures("nvlink-3"),
  network: {
    name: "InfiniBand HDR",
    bandwidthBytesPerSecond: DGX_A100(25 * GIGA, "8 ports of 200 Gb/s for 8 GPUs"),
  },
  perNode: DGX_A100(8, "GPUs"),
  powerWatts: A100(400, "SXM"),
} as const;

/** Two PCIe boards with a bridge have NVLink to each other; a node is sold with more boards than that, so no scale-up link is given. */
const PCIE = { ...A100_CHIP, perNode: A100(8, "NVIDIA-Certified Systems with 1 to 8 GPUs") } as const;

export const AMPERE: readonly DeviceSheet[] = [
  {
    ...A100_CHIP,
    ...SXM,
    id: "a100-sxm",
    name: "NVIDIA A100 80 GB SXM",
    year: 2020,
    memory: { capacityBytes: A100(80 * GIB, "80 GB HBM2e"), bandwidthBytesPerSecond: A100(2039 * GIGA) },
    dollarsPerHour: P4DE(27.44705 / 8),
  },
  {
    ...A100_CHIP,
    ...SXM,
    id: "a100-sxm-40",
    name: "NVIDIA A100 40 GB SXM",
    year: 2020,
    memory: { capacityBytes: GA100(40 * GIB, "40 GB HBM2"), bandwidthBytesPerSecond: GA100(1555 * GIGA) },
    dollarsPerHour: P4D(21.957642 / 8),
  },
  {
    ...PCIE,
    id: "a100-pcie",
    name: "NVIDIA A100 80 GB PCIe",
    year: 2021,
    memory: { capacityBytes: A100(80 * GIB, "80 GB HBM2e"), bandwidthBytesPerSecond: A100(1935 * GIGA) },
    powerWatts: A100(300, "PCIe"),
    dollarsPerHour: dataSheet(
      "Azure pay-as-you-go list price, East US, as public price tables repeat it, 2026: Standard_NC24ads_A100_v4, 1 GPU",
    )(3.673),
  },
  {
    ...PCIE,
    id: "a100-pcie-40",
    name: "NVIDIA A100 40 GB PCIe",
    year: 2020,
    memory: { capacityBytes: GA100(40 * GIB, "40 GB HBM2"), bandwidthBytesPerSecond: GA100(1555 * GIGA) },
    powerWatts: dataSheet("NVIDIA A100 40GB PCIe product brief, 2020")(250),
  },
  {
    id: "a30",
    name: "NVIDIA A30",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2021,
    peaks: teraPeaks(dataSheet("NVIDIA A30 Tensor Core GPU data sheet, 2022"), {
      f64: 10.3,
      f32: 10.3,
      ...sixteenBit(165),
      i8: 330,
      i4: 661,
    }),
    memory: {
      capacityBytes: dataSheet("NVIDIA A30 Tensor Core GPU data sheet, 2022")(24 * GIB, "24 GB HBM2"),
      bandwidthBytesPerSecond: dataSheet("NVIDIA A30 Tensor Core GPU data sheet, 2022")(933 * GIGA),
    },
    host: pcie(4),
    powerWatts: dataSheet("NVIDIA A30 Tensor Core GPU data sheet, 2022")(165),
  },
  {
    id: "a10",
    name: "NVIDIA A10 24 GB",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2021,
    peaks: teraPeaks(A10, { f32: 31.2, ...sixteenBit(125), i8: 250, i4: 500 }),
    memory: { capacityBytes: A10(24 * GIB, "24 GB GDDR6"), bandwidthBytesPerSecond: A10(600 * GIGA) },
    host: pcie(4),
    powerWatts: A10(150),
  },
  {
    id: "a40",
    name: "NVIDIA A40",
    vendor: "NVIDIA",
    kind: "gpu",
    year: 2020,
    peaks: teraPeaks(dataSheet("NVIDIA A40 data sheet, 2021"), { f32: 37.4, ...sixteenBit(149.7), i8: 299.3, i4: 598.7 }),
    memory: {
      capacityBytes: dataSheet("NVIDIA A40 data sheet, 2021")(48 * GIB, "48 GB GDDR6"),
      bandwidthBytesPerSecond: dataSheet("NVIDIA A40 data sheet, 2021")(696 * GIGA),
    },
    host: pcie(4),
    powerWatts: dataSheet("NVIDIA A40 data sheet, 2021")(300),
  },
];
