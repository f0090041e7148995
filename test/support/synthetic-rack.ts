import type { DecoderSpec } from "../../src/graph/decoder/spec.ts";
import type { ComputeFormat, Device, DeviceCalibration, Rack } from "../../src/rack/rack.ts";

/** SmolLM2-135M's shape. */
export const smallSpec: DecoderSpec = {
  family: "llama",
  name: "small",
  layers: 30,
  width: 576,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  feedForward: 1536,
  vocabulary: 49_152,
  contextLength: 8192,
  normEpsilon: 1e-5,
  rope: { theta: 100_000, interleaved: true, frequencies: [], attentionFactor: 1 },
  qkvBias: false,
  qkNorm: false,
  tiedHead: true,
};

/** Rates of an imagined device, per format. */
export interface SyntheticSpeed {
  readonly flopsPerNs: Readonly<Record<ComputeFormat, number>>;
  readonly bytesPerNs: number;
}

/** Close to one core of the machine node-facts describes: int4 decodes fastest, int8-row prefills fastest. */
export const fastCore: SyntheticSpeed = {
  flopsPerNs: { f32: 160, bf16: 160, int4: 400, "int8-row": 700, "block-int8": 300 },
  bytesPerNs: 20,
};

const BYTES: Readonly<Record<ComputeFormat, number>> = { f32: 4, bf16: 2, int4: 0.75, "int8-row": 1, "block-int8": 0.625 };

/** Time of a product on the imagined device: a roofline with a fixed start-up. */
export function syntheticProductNs(speed: SyntheticSpeed, format: ComputeFormat, m: number, n: number, k: number): number {
  return 2_000 + Math.max((2 * m * n * k) / speed.flopsPerNs[format], (n * k * BYTES[format]) / speed.bytesPerNs);
}

export function syntheticCalibration(speed: SyntheticSpeed, slowdown = 1): DeviceCalibration {
  const shapes = [
    [960, 576],
    [576, 576],
    [3072, 576],
    [576, 1536],
    [2048, 2048],
    [49_152, 576],
  ] as const;
  const products = (["f32", "int4", "int8-row"] as const).flatMap((format) =>
    shapes.flatMap(([n, k]) =>
      [1, 4, 16, 64, 256, 512].map((m) => ({ format, m, n, k, ns: slowdown * syntheticProductNs(speed, format, m, n, k) })),
    ),
  );
  const attention = [1, 64, 512].flatMap((rows) =>
    [64, 512, 2048].map((context) => ({
      rows,
      context,
      heads: 9,
      kvHeads: 3,
      headDim: 64,
      ns: slowdown * (5_000 + (rows * (context + rows / 2) * 9 * 64 * 4) / 60),
    })),
  );
  return {
    products,
    attention,
    launchNs: 15_000 * slowdown,
    operatorNs: 1_500 * slowdown,
    streamBytesPerSecond: 2e10 / slowdown,
    noise: 0.05,
  };
}

/** The calibration with decode steps in heddle's own kernels, which compute at that many operations a ns: products of 8 bits take half as long again as those of 4. */
export function withKernels(calibration: DeviceCalibration, flopsPerNs: number): DeviceCalibration {
  const shapes = new Map(calibration.products.map(({ n, k }) => [`${n}x${k}`, { n, k }]));
  const products = [...shapes.values()].flatMap(({ n, k }) =>
    ([4, 8] as const).flatMap((bits) =>
      [1, 4, 16].map((m) => ({
        format: "block-int8" as const,
        bits,
        m,
        n,
        k,
        ns: (bits === 8 ? 1.5 : 1) * (500 + (2 * m * n * k) / flopsPerNs),
      })),
    ),
  );
  const attention = [1, 8].flatMap((sequences) =>
    [0, 512, 2048].map((context) => ({ sequences, context, heads: 9, kvHeads: 3, headDim: 64, ns: 1_000 + sequences * context * 20 })),
  );
  return { ...calibration, products: [...calibration.products, ...products], kernels: { attention, stepNs: 20_000, layerNs: 2_000 } };
}

export function syntheticDevice(id: string, overrides: Partial<Device> = {}): Device {
  return {
    id,
    kind: "cpu",
    driver: "ort",
    threads: 1,
    cores: [0],
    memory: "dram",
    calibration: syntheticCalibration(fastCore),
    ...overrides,
  };
}

/** A rack of the given devices on one memory, all linked by message ports. */
export function syntheticRack(devices: readonly Device[], capacityBytes = 16e9): Rack {
  const ids = devices.map((device) => device.id);
  return {
    version: 1,
    name: "synthetic",
    fingerprint: "synthetic",
    devices,
    memories: [...new Set(devices.map((device) => device.memory))].map((id) => ({
      id,
      tier: "dram",
      capacityBytes,
      bandwidthBytesPerSecond: 1e10,
      basis: "measured",
    })),
    links: ids.flatMap((from) =>
      ids.map((to) => ({
        from,
        to,
        via: from === to ? ("same-thread" as const) : ("message-port" as const),
        latencyNs: from === to ? 1_000 : 50_000,
        bandwidthBytesPerSecond: 1e11,
        basis: "measured" as const,
      })),
    ),
  };
}
