import { err, ok, type Result } from "../base/result.ts";
import type { DecoderSpec } from "../graph/decoder/spec.ts";
import type { ComputeFormat, Device } from "../rack/rack.ts";
import { type AttentionPricer, attentionPricer } from "./attention-cost.ts";
import { headProduct, layerProducts } from "./decoder-shape.ts";
import { type Priced, scalePriced, sumPriced } from "./priced.ts";
import { type ProductPricer, productPricer } from "./product-cost.ts";
import { mixesPhases } from "./stage-format.ts";
import { type CostedStage, FREE, type StageParts, type StagePricer } from "./stage-pricer.ts";

/** Small operators of a layer (norms, the gate) and around the layers that neither products nor attention hold. Source: the lowered graph. */
const LAYER_OPERATORS = 6;
const STAGE_OPERATORS = 8;
/** What sums of separately timed operators leave out (caches between operators, allocation). Source: stage measurements of one machine. */
const SUM_SPREAD = 0.25;

/** Why a stage cannot be priced on a device. */
export type NoBasis = { readonly code: "no-basis"; readonly device: string; readonly missing: string };

/**
 * Prices a stage from its device's operator tables: launch + layers x (products + attention + small operators) + head.
 *
 * Errors: `no-basis` names the table that is missing.
 * Source: the device's calibration.
 */
export function operatorPricer(spec: DecoderSpec, stage: CostedStage, device: Device): Result<StagePricer, NoBasis> {
  const table = device.calibration;
  const missing = (what: string): Result<StagePricer, NoBasis> => err({ code: "no-basis", device: device.id, missing: what });
  if (table === undefined) return missing("calibration");
  const { decodeFormat, prefillFormat } = stage;
  if (decodeFormat === "file" || prefillFormat === "file") return missing("whole-model measurement");
  const attention = attentionPricer(table.attention, spec, table.noise);
  if (attention === undefined) return missing("attention table");
  const decode = productPricer(table.products, decodeFormat, table.noise);
  if (decode === undefined) return missing(`${decodeFormat} products`);
  const prefill = productPricer(table.products, prefillFormat, table.noise);
  if (prefill === undefined) return missing(`${prefillFormat} products`);
  const fixed = fixedPart(stage, table.launchNs, table.operatorNs, table.noise);
  const parts: RunParts = { spec, stage, attention, fixed, head: decode };
  return ok({ ...partsOf(parts, decode, prefill), source: "operator tables", noise: table.noise });
}

interface RunParts {
  readonly spec: DecoderSpec;
  readonly stage: CostedStage;
  readonly attention: AttentionPricer;
  readonly fixed: Priced;
  readonly head: ProductPricer;
}

function partsOf(parts: RunParts, decode: ProductPricer, prefill: ProductPricer): StageParts {
  return {
    decode: (shape) => {
      const rows = shape.decodeContexts.length;
      if (rows === 0) return FREE;
      const context = shape.decodeContexts.reduce((longest, length) => Math.max(longest, length), 0);
      return runCost(parts, decode, { rows, sequences: rows, context, sampled: rows });
    },
    prefill: (shape) => {
      let sampled = Math.max(0, shape.sampledRows - shape.decodeContexts.length);
      const chunks = shape.prefill.map(({ count, context }, index) => {
        const sampledHere = Math.min(1, sampled);
        sampled -= sampledHere;
        const alone = runCost(parts, prefill, { rows: count, sequences: 1, context, sampled: sampledHere });
        const saved = index === 0 ? savedTogether(parts, prefill, { rows: shape.decodeContexts.length, count }) : 0;
        return { ...alone, ns: Math.max(0, alone.ns - saved) };
      });
      return sumPriced(chunks);
    },
  };
}

/** What decoding rows and a chunk in one run take less than in two, where both phases have one format: a launch, and weights read once. Units: ns. */
function savedTogether({ spec, stage, fixed }: RunParts, product: ProductPricer, { rows, count }: { rows: number; count: number }): number {
  if (rows === 0 || !mixesPhases(stage)) return 0;
  const products = (of: number): number => layerProducts(spec).reduce((sum, { n, k }) => sum + product(of, n, k).ns, 0);
  return fixed.ns + (stage.toLayer - stage.fromLayer) * Math.max(0, products(rows) + products(count) - products(rows + count));
}

interface Run {
  readonly rows: number;
  /** Sequences the rows belong to, evenly. */
  readonly sequences: number;
  readonly context: number;
  readonly sampled: number;
}

function runCost(parts: RunParts, product: ProductPricer, run: Run): Priced {
  const { spec, stage } = parts;
  const attention = scalePriced(parts.attention(run.rows / run.sequences, run.context), run.sequences);
  const layer = sumPriced([...layerProducts(spec).map(({ n, k }) => product(run.rows, n, k)), attention]);
  const costs = [parts.fixed, scalePriced(layer, stage.toLayer - stage.fromLayer)];
  if (stage.toLayer === spec.layers && run.sampled > 0) {
    const { n, k } = headProduct(spec);
    costs.push(parts.head(run.sampled, n, k));
  }
  const sum = sumPriced(costs);
  const basis = sum.basis === "measured" ? "interpolated" : sum.basis;
  return { ns: sum.ns, spread: sum.spread + SUM_SPREAD, basis };
}

function fixedPart(stage: CostedStage, launchNs: number, operatorNs: number, noise: number): Priced {
  const operators = (stage.toLayer - stage.fromLayer) * LAYER_OPERATORS + STAGE_OPERATORS;
  return { ns: launchNs + operators * operatorNs, spread: noise, basis: "measured" };
}

/** Formats a device's tables hold products of. */
export function calibratedFormats(device: Device): readonly ComputeFormat[] {
  const held = new Set(device.calibration?.products.map((row) => row.format) ?? []);
  return (["f32", "bf16", "int4", "int8-row"] as const).filter((format) => held.has(format));
}
