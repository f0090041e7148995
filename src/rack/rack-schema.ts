import { z } from "zod";
import { emulation } from "./emulation-schema.ts";
import { finiteAmount, nameText, positive, SOURCE_LENGTH_MAX, sourceText } from "./schema-parts.ts";

/** Most rows one operator table of a device may hold. */
const TABLE_ROWS_MAX = 4096;
const DEVICES_MAX = 1024;
/** Largest core number, thread count or table dimension that is plausible. */
const COUNT_MAX = 1_048_576;
const THREADS_MAX = 4096;

const dimension = z.int().min(1).max(COUNT_MAX);

/** Formats of products in lowered graphs, as the rack file and the plan file spell them. */
export const graphFormat = z.enum(["f32", "bf16", "int4", "int8-row"]);

/** Formats a matrix product can be held in. */
export const computeFormat = z.enum([...graphFormat.options, "block-int8"]);

const productRow = z.strictObject({
  format: computeFormat,
  bits: z.exactOptional(z.union([z.literal(4), z.literal(8)])),
  m: dimension,
  n: dimension,
  k: dimension,
  ns: positive,
});

const attentionRow = z.strictObject({
  rows: dimension,
  context: z.int().min(0).max(COUNT_MAX),
  heads: dimension,
  kvHeads: dimension,
  headDim: dimension,
  ns: positive,
});

const kernelAttentionRow = z.strictObject({
  sequences: dimension,
  context: z.int().min(0).max(COUNT_MAX),
  heads: dimension,
  kvHeads: dimension,
  headDim: dimension,
  ns: positive,
});

const kernelCalibration = z.strictObject({
  attention: z.array(kernelAttentionRow).min(1).max(TABLE_ROWS_MAX),
  stepNs: finiteAmount,
  layerNs: finiteAmount,
});

/** Element types a device may have a peak for: those weights and activations are counted in. */
export const peakType = z.enum(["f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2", "f4e2m1", "i8", "i4"]);

const basis = z.enum(["measured", "data-sheet"]);

const peak = z.strictObject({ type: peakType, operationsPerSecond: positive, basis, source: sourceText });

const overheads = z.strictObject({ launchNs: finiteAmount, operatorNs: finiteAmount, basis, source: sourceText });

/** Where a worker listens. */
const address = z
  .string()
  .max(SOURCE_LENGTH_MAX)
  .regex(/^(?:tcp:\/\/[^\s/]+:\d{1,5}|unix:\/[^\p{Cc}]+)$/u, "must be tcp://host:port or unix:/path");

const deviceCalibration = z.strictObject({
  products: z.array(productRow).max(TABLE_ROWS_MAX),
  attention: z.array(attentionRow).max(TABLE_ROWS_MAX),
  launchNs: finiteAmount,
  operatorNs: finiteAmount,
  kernels: z.exactOptional(z.union([kernelCalibration, z.strictObject({ refused: sourceText })])),
  streamBytesPerSecond: positive,
  noise: z.number().min(0).max(10),
  concurrentSlowdown: z.exactOptional(z.number().min(1).max(1000)),
});

const device = z.strictObject({
  id: nameText,
  kind: z.enum(["cpu", "gpu", "npu", "ipu", "dataflow", "engine"]),
  driver: nameText,
  target: z.exactOptional(nameText),
  host: z.exactOptional(nameText),
  address: z.exactOptional(address),
  threads: z.int().min(1).max(THREADS_MAX),
  cores: z.array(z.int().min(0).max(COUNT_MAX)).min(1).max(THREADS_MAX),
  memory: nameText,
  calibration: z.exactOptional(deviceCalibration),
  peaks: z.exactOptional(z.array(peak).min(1).max(peakType.options.length)),
  overheads: z.exactOptional(overheads),
  emulation: z.exactOptional(emulation),
});

const memory = z.strictObject({
  id: nameText,
  tier: z.enum(["hbm", "dram", "cxl", "nvme", "remote"]),
  capacityBytes: positive,
  bandwidthBytesPerSecond: positive,
  basis,
  source: z.exactOptional(sourceText),
});

const link = z.strictObject({
  from: nameText,
  to: nameText,
  via: z.enum(["same-thread", "message-port", "process", "network"]),
  latencyNs: finiteAmount,
  bandwidthBytesPerSecond: positive,
  basis,
  source: z.exactOptional(sourceText),
});

/** Form of a rack file, version 1; relations between its parts are checked by `checkRack`. */
export const rackSchema = z.strictObject({
  version: z.literal(1),
  name: nameText,
  fingerprint: nameText,
  devices: z.array(device).min(1).max(DEVICES_MAX),
  memories: z.array(memory).min(1).max(DEVICES_MAX),
  links: z.array(link).max(DEVICES_MAX * 4),
});
