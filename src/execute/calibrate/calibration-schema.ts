import { z } from "zod";
import { computeFormat } from "../../rack/rack-schema.ts";

const amount = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const count = z
  .int()
  .min(0)
  .max(2 ** 31);
const name = z.string().min(1).max(400);
const stageFormat = z.enum([...computeFormat.options, "file"]);
const ROWS_MAX = 10_000;

/** Form of a cached stage calibration. */
export const stageCalibrationSchema = z.strictObject({
  rackFingerprint: name,
  modelFingerprint: name,
  fromLayer: count,
  toLayer: count,
  driver: name,
  threads: count,
  prefillFormat: stageFormat,
  decodeFormat: stageFormat,
  pageTokens: z.int().min(1).max(65_536),
  decode: z
    .array(z.strictObject({ batch: count, context: count, ns: amount }))
    .min(1)
    .max(ROWS_MAX),
  prefill: z
    .array(z.strictObject({ count, context: count, ns: amount }))
    .min(1)
    .max(ROWS_MAX),
  mixed: z.array(z.strictObject({ rows: count, count, ns: amount })).max(ROWS_MAX),
  sampleNs: amount,
  drawNs: amount,
  sealNs: amount,
  gatherNs: amount,
  moveNs: amount,
  noise: amount,
  drift: amount,
});

const observedStage = z.strictObject({
  predictedDecodeNs: amount,
  predictedPrefillNs: amount,
  measuredNs: amount,
  decodeRows: z.exactOptional(count),
  promptTokens: z.exactOptional(count),
  besideShare: z.exactOptional(z.number().min(0).max(1)),
});

/** Form of the cached observations of one live run. */
export const observedRunSchema = z.strictObject({
  stages: z.array(observedStage).max(ROWS_MAX),
  overheads: z.array(z.strictObject({ sampledRows: count, ns: amount })).max(ROWS_MAX),
  /** When it ended: Unix time, ms. */
  endedAtMs: z.exactOptional(amount),
  /** What a probe of the machine's speed just before it had shown. */
  probe: z.exactOptional(z.array(observedStage).max(ROWS_MAX)),
});
