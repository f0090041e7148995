import { err, ok, type Result } from "../base/result.ts";
import type { DecoderSpec } from "../graph/decoder/spec.ts";
import type { ComputeFormat, Device, DeviceCalibration, GraphFormat } from "../rack/rack.ts";
import { attentionPricer, kernelAttentionPricer } from "./attention-cost.ts";
import { ALL_EIGHT_BITS, type EightBitShare } from "./block-weights.ts";
import { headProduct, layerProducts } from "./decoder-shape.ts";
import { kernelPromptRows } from "./kernel-prompt-rows.ts";
import { type Priced, scalePriced, sumPriced } from "./priced.ts";
import { blockPricer, type ProductPricer, productPricer } from "./product-cost.ts";
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
 * Prices a stage from its device's operator tables: launch + layers x (products + attention + small operators) + head. `eightBit` matters to
 * `block-int8` alone.
 *
 * Errors: `no-basis` names the table that is missing.
 * Source: the device's calibration.
 */
export function operatorPricer(
  spec: DecoderSpec,
  stage: CostedStage,
  { device, eightBit = ALL_EIGHT_BITS }: { readonly device: Device; readonly eightBit?: EightBitShare | undefined },
): Result<StagePricer, NoBasis> {
  const table = device.calibration;
  const missing = (what: string): Result<StagePricer, NoBasis> => err({ code: "no-basis", device: device.id, missing: what });
  if (table === undefined) return missing("calibration");
  const { decodeFormat, prefillFormat } = stage;
  if (decodeFormat === "file" || prefillFormat === "file") return missing("whole-model measurement");
  const attention = attentionPricer(table.attention, spec, table.noise);
  if (attention === undefined) return missing("attention table");
  const fixed = fixedPart(stage, table);
  const graphs = (format: GraphFormat): PhaseParts | undefined => {
    const product = productPricer(table.products, format, table.noise);
    // A run's rows belong to its sequences evenly.
    const attended: PhaseParts["attention"] = ({ rows, sequences, context }) =>
      scalePriced(attention(rows / sequences, context), sequences);
    return product && { product, head: product, attention: attended, fixed };
  };
  const decode = decodeFormat === "block-int8" ? kernelParts(spec, stage, table, eightBit) : graphs(decodeFormat);
  if (decode === undefined) return missing(`${decodeFormat} products`);
  const prefill =
    prefillFormat === "block-int8" ? decode && inPasses(decode, table, kernelPromptRows(stage.driver)) : graphs(prefillFormat);
  if (prefill === undefined) return missing(`${prefillFormat} products`);
  const parts = { spec, stage, decode, prefill: { ...prefill, head: decode.head } };
  return ok({ ...partsOf(parts), source: "operator tables", noise: table.noise });
}

/** What prices the runs of one phase. */
interface PhaseParts {
  readonly product: ProductPricer;
  readonly head: ProductPricer;
  /** Attention of one layer. */
  readonly attention: (run: Run) => Priced;
  /** All that neither products nor attention hold. */
  readonly fixed: Priced;
}

interface RunParts {
  readonly spec: DecoderSpec;
  readonly stage: CostedStage;
  readonly decode: PhaseParts;
  readonly prefill: PhaseParts;
}

/** Decode steps in heddle's own kernels; `undefined` where they were not measured. */
function kernelParts(spec: DecoderSpec, stage: CostedStage, table: DeviceCalibration, eightBit: EightBitShare): PhaseParts | undefined {
  const { kernels, noise, products } = table;
  if (kernels === undefined || "refused" in kernels) return undefined;
  const product = blockPricer(products, eightBit.layers, noise);
  const head = blockPricer(products, eightBit.head, noise);
  const attention = kernelAttentionPricer(kernels.attention, spec, noise);
  if (product === undefined || head === undefined || attention === undefined) return undefined;
  const fixed: Priced = { ns: kernels.stepNs + (stage.toLayer - stage.fromLayer) * kernels.layerNs, spread: noise, basis: "measured" };
  return { product, head, attention: ({ sequences, context }) => attention(sequences, context), fixed };
}

/**
 * Prompts in the kernels: rows of one sequence in passes of as many as steps have room for. A chunk's rows attend to it from its start to its end, on average
 * to half of it; what was measured is rows of several sequences, whose keys and values no cache held before, so a row of a prompt takes no longer.
 */
function inPasses(parts: PhaseParts, { kernels }: DeviceCalibration, rowsMax: number): PhaseParts {
  const { product, attention } = parts;
  const most = kernels === undefined || "refused" in kernels ? 1 : Math.max(...kernels.attention.map(({ sequences }) => sequences));
  const passes = (rows: number, priceOf: (rows: number) => Priced): Priced => {
    const whole = Math.floor(rows / rowsMax);
    const rest = rows % rowsMax;
    return sumPriced([...(whole > 0 ? [scalePriced(priceOf(rowsMax), whole)] : []), ...(rest > 0 ? [priceOf(rest)] : [])]);
  };
  return {
    ...parts,
    product: (m, n, k) => passes(m, (rows) => product(rows, n, k)),
    attention: (run) => {
      const context = run.context + (run.rows - 1) / 2;
      const measured = Math.min(run.rows, most);
      return scalePriced(attention({ ...run, rows: measured, sequences: measured, context }), run.rows / measured);
    },
  };
}

function partsOf(parts: RunParts): StageParts {
  return {
    decode: (shape) => {
      const rows = shape.decodeContexts.length;
      if (rows === 0) return FREE;
      const context = shape.decodeContexts.reduce((longest, length) => Math.max(longest, length), 0);
      return runCost(parts, parts.decode, { rows, sequences: rows, context, sampled: rows });
    },
    prefill: (shape) => {
      let sampled = Math.max(0, shape.sampledRows - shape.decodeContexts.length);
      const chunks = shape.prefill.map(({ count, context }, index) => {
        const sampledHere = Math.min(1, sampled);
        sampled -= sampledHere;
        const alone = runCost(parts, parts.prefill, { rows: count, sequences: 1, context, sampled: sampledHere });
        const saved = index === 0 ? savedTogether(parts, { rows: shape.decodeContexts.length, count }) : 0;
        return { ...alone, ns: Math.max(0, alone.ns - saved) };
      });
      return sumPriced(chunks);
    },
  };
}

/** What decoding rows and a chunk in one run take less than in two, where both phases have one format: a launch, and weights read once. Units: ns. */
function savedTogether({ spec, stage, prefill }: RunParts, { rows, count }: { rows: number; count: number }): number {
  if (rows === 0 || !mixesPhases(stage)) return 0;
  const { product, fixed } = prefill;
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

function runCost({ spec, stage }: RunParts, phase: PhaseParts, run: Run): Priced {
  const layer = sumPriced([...layerProducts(spec).map(({ n, k }) => phase.product(run.rows, n, k)), phase.attention(run)]);
  const costs = [phase.fixed, scalePriced(layer, stage.toLayer - stage.fromLayer)];
  if (stage.toLayer === spec.layers && run.sampled > 0) {
    const { n, k } = headProduct(spec);
    costs.push(phase.head(run.sampled, n, k));
  }
  const sum = sumPriced(costs);
  const basis = sum.basis === "measured" ? "interpolated" : sum.basis;
  return { ns: sum.ns, spread: sum.spread + SUM_SPREAD, basis };
}

function fixedPart(stage: CostedStage, { launchNs, operatorNs, noise }: DeviceCalibration): Priced {
  const operators = (stage.toLayer - stage.fromLayer) * LAYER_OPERATORS + STAGE_OPERATORS;
  return { ns: launchNs + operators * operatorNs, spread: noise, basis: "measured" };
}

/** Formats of graphs that a device's tables hold products of: those that both phases can have. */
export function graphFormats(device: Device): readonly GraphFormat[] {
  const held = heldFormats(device);
  return (["f32", "bf16", "int4", "int8-row"] as const).filter((format) => held.has(format));
}

/** Formats decode steps can have on a device. */
export function decodeFormats(device: Device): readonly ComputeFormat[] {
  return heldFormats(device).has("block-int8") ? [...graphFormats(device), "block-int8"] : graphFormats(device);
}

function heldFormats({ calibration }: Device): ReadonlySet<ComputeFormat> {
  return new Set(calibration?.products.map((row) => row.format));
}
