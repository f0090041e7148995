import type { DeviceSheet } from "../device-sheet.ts";
import { dataSheet, derived, eightBit, GIB, GIGA, teraPeaks } from "../figure.ts";

const V4 = dataSheet("Google Cloud documentation, TPU v4, 2026");
const V5E = dataSheet("Google Cloud documentation, TPU v5e, 2026");
const V5P = dataSheet("Google Cloud documentation, TPU v5p, 2026");
const V6E = dataSheet("Google Cloud documentation, TPU v6e, 2026");
const V7 = dataSheet("Google Cloud documentation, TPU7x (Ironwood), 2026");

/** Prices as Google Cloud's own interface gave them to a public catalogue. */
const SKYPILOT = "Google Cloud on-demand list price, 2026 (skypilot-org/skypilot-catalog@006059e catalogs/v8/gcp/vms.csv)";

const GOOGLE = { vendor: "Google", kind: "npu" } as const;

/** Chip interconnects are given for both directions together; a chip sends at half of that. */
function torus(name: string, cite: typeof V5E, bothDirections: number): NonNullable<DeviceSheet["scaleUp"]> {
  const half = derived(`${cite.source}: ${bothDirections / GIGA} GB/s a chip, both directions`);
  return { name, bandwidthBytesPerSecond: half(bothDirections / 2) };
}

export const GOOGLE_TPU: readonly DeviceSheet[] = [
  {
    ...GOOGLE,
    id: "tpu-v4",
    name: "Google TPU v4",
    year: 2021,
    peaks: teraPeaks(V4, { bf16: 275, i8: 275 }),
    memory: { capacityBytes: V4(32 * GIB, "32 GiB HBM2"), bandwidthBytesPerSecond: V4(1200 * GIGA) },
    cores: { count: V4(8, "matrix units, 4 in each of 2 TensorCores") },
    scaleUp: {
      name: "ICI, 3D torus",
      bandwidthBytesPerSecond: derived("Jouppi et al., TPU v4, ISCA 2023: 6 links of 50 GB/s a direction")(300 * GIGA),
    },
    perNode: V4(4096, "chips in a pod"),
    powerWatts: V4(192, "measured maximum of a chip"),
    dollarsPerHour: dataSheet(`${SKYPILOT}, us-central2: tpu-v4-8 12.88 $/h for 4 chips`)(3.22),
  },
  {
    ...GOOGLE,
    id: "tpu-v5e",
    name: "Google TPU v5e",
    year: 2023,
    peaks: teraPeaks(V5E, { bf16: 197, i8: 393 }),
    memory: { capacityBytes: V5E(16 * GIB, "16 GB HBM2"), bandwidthBytesPerSecond: V5E(819 * GIGA) },
    cores: { count: V5E(4, "matrix units of 128 x 128") },
    scaleUp: torus("ICI, 2D torus", V5E, 400 * GIGA),
    perNode: V5E(256, "chips in a pod"),
    dollarsPerHour: dataSheet(`${SKYPILOT}, us-central1: tpu-v5litepod-1, a chip`)(1.2),
  },
  {
    ...GOOGLE,
    id: "tpu-v5p",
    name: "Google TPU v5p",
    year: 2023,
    peaks: teraPeaks(V5P, { bf16: 459, ...eightBit(459) }),
    memory: { capacityBytes: V5P(95 * GIB, "95 GiB HBM"), bandwidthBytesPerSecond: V5P(2765 * GIGA) },
    cores: { count: V5P(8, "matrix units, 4 in each of 2 TensorCores") },
    scaleUp: torus("ICI, 3D torus", V5P, 1200 * GIGA),
    network: { name: "data-centre network", bandwidthBytesPerSecond: V5P(6.25 * GIGA, "50 Gb/s a chip") },
    perNode: V5P(8960, "chips in a pod"),
    dollarsPerHour: dataSheet(`${SKYPILOT}, us-east5: tpu-v5p-12288 25,804.8 $/h for 6,144 chips`)(4.2),
  },
  {
    ...GOOGLE,
    id: "tpu-v6e",
    name: "Google TPU v6e (Trillium)",
    year: 2024,
    peaks: teraPeaks(V6E, { bf16: 918, i8: 1836 }),
    memory: { capacityBytes: V6E(32 * GIB, "32 GB HBM"), bandwidthBytesPerSecond: V6E(1638 * GIGA) },
    cores: { count: V6E(2, "matrix units of 256 x 256") },
    scaleUp: torus("ICI, 2D torus", V6E, 800 * GIGA),
    network: { name: "data-centre network", bandwidthBytesPerSecond: V6E(12.5 * GIGA, "100 Gb/s a chip") },
    perNode: V6E(256, "chips in a pod"),
    dollarsPerHour: dataSheet(`${SKYPILOT}, us-east5: tpu-v6e-1, a chip`)(2.7),
  },
  {
    ...GOOGLE,
    id: "tpu-v7",
    name: "Google TPU7x (Ironwood)",
    year: 2025,
    peaks: teraPeaks(V7, { bf16: 2307, ...eightBit(4614) }),
    memory: { capacityBytes: V7(192 * GIB, "192 GiB HBM3e"), bandwidthBytesPerSecond: V7(7380 * GIGA) },
    scaleUp: torus("ICI, 3D torus", V7, 1200 * GIGA),
    network: { name: "data-centre network", bandwidthBytesPerSecond: V7(12.5 * GIGA, "100 Gb/s a chip") },
    perNode: V7(9216, "chips in a pod"),
  },
];
