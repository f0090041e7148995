import { err, ok, type Result } from "../../../base/result.ts";
import type { Nanoseconds } from "../../../base/units.ts";
import type { SequenceModel } from "../../../graph/architecture/architecture.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import { iterationWatts, iterationWork } from "../../energy/iteration-energy.ts";
import type { Basis } from "../../estimate.ts";
import { PER_NODE } from "../../network/sheet-network.ts";
import type { OperatorModel } from "../../operator/operator-model.ts";
import { isLinkQuery } from "../../operator/operator-query.ts";
import { type Cut, devicesOf } from "../cut.ts";
import { KERNEL_FLOOR, NO_OVERHEADS } from "../engine-overheads.ts";
import { type EngineName, engineOverheads } from "../engines/engine-of.ts";
import type { VisionShape } from "../iteration-cost.ts";
import type { IterationFault } from "../iteration-fault.ts";
import { priceTerm, sumTerms, termTables } from "../iteration-parts.ts";
import { emptyShare, type RankShare } from "../rank-share.ts";
import { kernelsOf, tableNs } from "../share-ns.ts";
import { type EncoderModel, encoderModel, encoderParameters } from "./encoder-model.ts";
import { encoderTerms } from "./encoder-terms.ts";

/** How tensor ranks share the encoder: its weights, or its images with the weights whole on each. */
export type EncoderParallel = "weights" | "data";

export interface EncoderInput {
  readonly architecture: SequenceModel;
  readonly sheet: DeviceSheet;
  readonly parallel: Cut;
  readonly operators: OperatorModel;
  /** Prices of collectives; absent: `operators` has them. */
  readonly network?: OperatorModel;
  /** Engine whose constants count; absent: operators alone. */
  readonly engine?: EngineName;
  readonly encoderParallel: EncoderParallel;
}

/** Prices encoding on a replica's devices. */
export interface EncoderCost {
  readonly model: EncoderModel;
  /** Time of encoding, beside all else of an iteration. Units: ns; 0 without images. */
  encodeNs(shape: Readonly<VisionShape>): Nanoseconds;
  /** Mean power of one board while it encodes for `ns`. Absent where the device has no power figure. Units: W. */
  encodeWatts?(shape: Readonly<VisionShape>, ns: Nanoseconds): number;
  readonly devices: number;
  /** On the fullest device. */
  readonly weightBytes: number;
  /** Activations of as many tokens at once. Units: bytes of a device. */
  activationBytes(tokens: number): number;
  /** Of one token that is handed on: its vectors in 16 bits. */
  readonly tokenBytes: number;
  readonly spread: number;
  readonly basis: Basis;
}

const ELEMENT_BYTES = 2;
/** Live activations of a layer, as multiples of the stream: stream, residual, and queries, keys and values. */
const STREAMS = 5;
/** What terms are tried at: one image of 1024 x 1024 in patches of 16. */
const TRIAL_PATCHES = 4096;

/**
 * The cost of encoding images on the devices of a replica.
 *
 * Model: as an iteration's: operators of all layers, an engine's factors and launches; layers that no captured graph holds take at least what hosts take to
 * launch them. Images are spread over data-parallel ranks, and with `data` over tensor ranks, which then gather what the others made. A pipeline encodes in
 * its first stage.
 * Errors: `no-basis` where the model reads no images or an operator has no price; `cut-invalid` where ranks do not divide the encoder.
 */
export function encoderCostOf(input: EncoderInput): Result<EncoderCost, IterationFault> {
  const { sheet, parallel, encoderParallel } = input;
  const read = encoderModel(input.architecture);
  if (!read.ok) return read;
  const model = read.value;
  const tensor = encoderParallel === "weights" ? parallel.tensor : 1;
  if (model.heads % tensor !== 0 || model.blocks.some(({ block }) => block.kind === "feed-forward" && block.inner % tensor !== 0))
    return err({
      code: "cut-invalid",
      detail: `${tensor} tensor ranks do not divide the encoder's ${model.heads} heads and feed-forwards; encoder.parallel: data shares images instead`,
    });
  const perNode = sheet.perNode?.value ?? (devicesOf(parallel) === 1 ? 1 : undefined);
  if (perNode === undefined) return err({ code: "no-basis", missing: `${PER_NODE} of ${sheet.name}` });
  const { operators, network } = input;
  const prices: OperatorModel =
    network === undefined
      ? operators
      : { source: operators.source, price: (query) => (isLinkQuery(query) ? network : operators).price(query) };
  const terms = encoderTerms(model, { tensor, perNode });
  const tried = [];
  for (const term of terms) {
    const priced = priceTerm(prices, term, term.over === "prefill" ? [1, TRIAL_PATCHES, 0] : [TRIAL_PATCHES, 0, 0]);
    if (!priced.ok) return priced;
    tried.push(priced.value);
  }
  const trial = sumTerms(tried);
  const ways = { replicas: parallel.data, ranks: encoderParallel === "data" ? parallel.tensor : 1 };
  const bytesEach = model.tokenElements * ELEMENT_BYTES;
  const gatherNs = (tokens: number): number => {
    if (encoderParallel === "weights" || parallel.tensor === 1) return 0;
    const ranks = parallel.tensor;
    const priced = prices.price({
      op: "collective",
      kind: "all-gather",
      bytes: tokens * bytesEach,
      ranks,
      ranksPerNode: Math.min(ranks, perNode),
    });
    return priced.ok ? priced.value.ns : Number.NaN;
  };
  if (Number.isNaN(gatherNs(TRIAL_PATCHES))) return err({ code: "no-basis", missing: "images: collectives between tensor ranks" });
  const overheads = input.engine === undefined ? NO_OVERHEADS : engineOverheads(input.engine, sheet, { weights: "bf16", kv: "bf16" });
  const compute = termTables(prices, terms, "compute");
  const attention = termTables(prices, terms, "attention");
  const exchange = termTables(prices, terms, "exchange");
  const share = emptyShare();
  const work = iterationWork(sheet, terms);
  const watts = sheet.powerWatts?.value;
  return ok({
    model,
    encodeNs(shape) {
      if (shape.images === 0) return 0;
      fullest(model, shape, ways, share);
      const plain = tableNs(compute, share) * overheads.computeFactor + tableNs(attention, share) * overheads.attentionFactor;
      const kernels = kernelsOf(compute, share) + kernelsOf(attention, share);
      const launched = Math.max(plain * KERNEL_FLOOR, plain + kernels * overheads.kernelNs) + overheads.layerNs * model.layers;
      const links = (tableNs(exchange, share) + gatherNs(shape.tokens / parallel.data)) * overheads.exchangeFactor;
      return Math.round(Math.max(launched + links, overheads.eagerLayerNs * model.layers));
    },
    ...(watts !== undefined && {
      encodeWatts: (shape: Readonly<VisionShape>, ns: number) => {
        fullest(model, shape, ways, share);
        return iterationWatts(sheet, watts, { ns, memoryNs: tableNs(work.memory, share), computeNs: tableNs(work.compute, share) });
      },
    }),
    devices: devicesOf(parallel),
    weightBytes: (encoderParameters(model) * ELEMENT_BYTES) / tensor,
    activationBytes: (tokens) => {
      const patches = tokens * patchesAToken(model);
      const inner = Math.max(...model.blocks.map(({ block }) => (block.kind === "feed-forward" ? (block.gated ? 2 : 1) * block.inner : 0)));
      return (patches * (STREAMS * model.width + inner / tensor) * ELEMENT_BYTES) / (encoderParallel === "data" ? parallel.tensor : 1);
    },
    tokenBytes: bytesEach,
    spread: trial.spread,
    basis: trial.basis,
  });
}

/** Patches behind a token that is handed on, of the images that have most. */
export function patchesAToken({ images }: EncoderModel): number {
  return images.kind === "native" ? images.merge * images.merge : images.patches / images.tokens;
}

/** Data-parallel ranks, which have whole requests, and those of each that images or their tiles are dealt to. */
interface Ways {
  readonly replicas: number;
  readonly ranks: number;
}

/**
 * What the fullest of the ranks that images are dealt to encodes: whole images, or tiles. Images of unlike size stand for as many of their patch-weighted mean.
 *
 * Source: `run_dp_sharded_vision_model` deals tiles, `run_dp_sharded_mrope_vision_model` images, vllm/model_executor/models/vision.py of vLLM 0.33.0.
 */
function fullest({ images: rule }: EncoderModel, shape: Readonly<VisionShape>, ways: Ways, into: RankShare): void {
  const { images, patches, patchSquares, tokens } = shape;
  const dealt = rule.kind === "tiles" ? patches / rule.patches : images;
  const ranks = ways.ranks * (rule.kind === "tiles" ? Math.min(ways.replicas, images) : ways.replicas);
  const spread = Math.max(1, Math.min(ranks, dealt));
  const part = Math.ceil(dealt / spread) / dealt;
  into.batches = 1;
  into.tokens = patches * part;
  into.sequences = tokens * part;
  into.promptTokens = patches === 0 ? 0 : patchSquares / patches;
  into.prompts = into.promptTokens === 0 ? 0 : into.tokens / into.promptTokens;
}
