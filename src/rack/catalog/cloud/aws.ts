import type { DeviceSheet } from "../device-sheet.ts";
import { dataSheet, derived, eightBit, GIB, GIGA, MIB, sixteenBit, teraPeaks } from "../figure.ts";

const INF2 = dataSheet("AWS Neuron documentation, Inferentia2 architecture, 2025");
const TRN2 = dataSheet("AWS Neuron documentation, Trainium2 architecture, 2025, dense");
const TRN3 = dataSheet("AWS Neuron documentation, Trainium3 architecture, 2025, dense");
const TRN2_INSTANCE = dataSheet("AWS Neuron documentation, EC2 Trn2 architecture, 2025");

const AWS = { vendor: "AWS", kind: "npu" } as const;

/** Documents print the bandwidth of a device to all its neighbours, both directions together. */
function neuronLink(name: string, source: string, bothDirections: number): NonNullable<DeviceSheet["scaleUp"]> {
  const half = derived(`${source}: ${bothDirections / GIGA} GB/s a device, taken as both directions`);
  return { name, bandwidthBytesPerSecond: half(bothDirections / 2) };
}

export const AWS_NEURON: readonly DeviceSheet[] = [
  {
    ...AWS,
    id: "inferentia-2",
    name: "AWS Inferentia2",
    year: 2023,
    peaks: teraPeaks(INF2, { f32: 47.5, ...sixteenBit(190), f8e4m3: 190, i8: 380 }),
    memory: {
      capacityBytes: INF2(32 * GIB, "32 GiB"),
      bandwidthBytesPerSecond: derived("AWS Neuron documentation, Inferentia2 architecture, 2025: 820 GiB/s")(820 * GIB),
    },
    cores: { count: INF2(2, "NeuronCore-v2") },
    perNode: dataSheet(
      "AWS Neuron documentation, Model Architecture Fit Guidelines (awsdocs-neuron.readthedocs-hosted.com/en/v2.9.1), 2023",
    )(12, "devices of an inf2.48xlarge"),
    dollarsPerHour: dataSheet("AWS EC2 on-demand list price, us-east-1, as public price tables repeat it, 2026: inf2.xlarge, one device")(
      0.7582,
    ),
  },
  {
    ...AWS,
    id: "trainium-2",
    name: "AWS Trainium2",
    year: 2024,
    peaks: teraPeaks(TRN2, { f32: 181, ...sixteenBit(667), ...eightBit(1299) }),
    memory: { capacityBytes: TRN2(96 * GIB, "96 GiB"), bandwidthBytesPerSecond: TRN2(2900 * GIGA) },
    cores: { count: TRN2(8, "NeuronCore-v3"), localBytes: TRN2(28 * MIB, "SBUF of 224 MiB over 8 cores") },
    scaleUp: neuronLink("NeuronLink-v3", TRN2.source, 1280 * GIGA),
    perNode: TRN2_INSTANCE(16, "devices of a trn2.48xlarge"),
  },
  {
    ...AWS,
    id: "trainium-3",
    name: "AWS Trainium3",
    year: 2025,
    peaks: teraPeaks(TRN3, { f32: 183, ...sixteenBit(671), ...eightBit(2517), f4e2m1: 2517 }),
    memory: { capacityBytes: TRN3(144 * GIB, "144 GiB"), bandwidthBytesPerSecond: TRN3(4900 * GIGA) },
    cores: { count: TRN3(8, "NeuronCore-v4") },
    scaleUp: neuronLink("NeuronLink-v4", TRN3.source, 2560 * GIGA),
    perNode: dataSheet("aws.amazon.com/about-aws/whats-new/2025/12/amazon-ec2-trn3-ultraservers")(
      144,
      "devices of a Gen2 UltraServer, one scale-up domain",
    ),
  },
];
