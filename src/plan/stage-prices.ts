import { must } from "../base/assert.ts";
import { stageWeightBytes } from "../cost/decoder-shape.ts";
import { decodeFormats } from "../cost/operator-cost.ts";
import type { StageCostInput } from "../cost/stage-cost.ts";
import type { CostedStage } from "../cost/stage-pricer.ts";
import { type PricedStepCost, stepCostFrom } from "../cost/step-cost-from.ts";
import { kvBytesPerToken } from "../graph/decoder/spec.ts";
import type { ComputeFormat, Device } from "../rack/rack.ts";
import { BLOCK_TOKENS, pagesFor } from "../state/block.ts";
import { DEFAULT_MAX_SEQUENCES } from "./default-policy.ts";
import type { DraftContext } from "./draft-context.ts";
import { kernelPages, promptFormats, promptRefusal } from "./kernel-stages.ts";
import type { PlanModel } from "./plan-request.ts";
import { DECODE_CONTEXT, decodeShape, promptCost } from "./predict.ts";

/** Weight formats of the two phases of a stage. */
export interface FormatPair {
  readonly prefillFormat: ComputeFormat;
  readonly decodeFormat: ComputeFormat;
}

/** What a stage costs a standard request, without hand-overs, in ns. */
export interface StagePrice {
  /** Its prompt of 512 tokens. */
  readonly prompt: number;
  /** A token of a lone stream, and a step of `streams` streams: those plans are judged at. */
  readonly alone: number;
  readonly together: number;
  readonly streams: number;
}

/** Prices of stages on their own; remembers them, since a search asks for the same parts again and again. */
export interface StagePrices {
  /** Format pairs worth trying on a device: the fastest for the whole model, and the smallest where that is another. Empty where nothing is known of it. */
  formats(device: Device): readonly FormatPair[];
  /** Undefined where the device's tables do not hold what the stage needs, or its kernels' memory does not. */
  price(device: Device, pair: FormatPair, range: LayerRange): StagePrice | undefined;
  /** Weights, and KV of one sequence of full length. */
  bytes(pair: FormatPair, range: LayerRange): number;
}

export interface LayerRange {
  readonly fromLayer: number;
  readonly toLayer: number;
}

/** Output tokens that go with one 512-token prompt when stages are compared by one number. */
const OUTPUT_TOKENS = 64;
/** Chunk in which prompts are priced while stages are compared. */
const CHUNK = 128;

/** Time of a standard request: its prompt, a lone output and an output among so many streams. Units: ns. */
export function requestNs({ prompt, alone, together, streams }: StagePrice): number {
  return prompt + OUTPUT_TOKENS * (alone + together / streams);
}

/** Prices and bytes of ranges of layers on devices, and the formats worth trying there, each worked out once. Units: ns, bytes. */
export function stagePrices(context: DraftContext): StagePrices {
  const { spec, eightBit } = context.request.model;
  const prices = new Map<string, StagePrice | undefined>();
  const formats = new Map<string, readonly FormatPair[]>();
  const bytesOf = new Map<string, number>();
  const price: StagePrices["price"] = (device, pair, range) =>
    remembered(prices, [device.id, ...keyOf(pair, range)].join(" "), () => {
      const { contextLimit, request } = context;
      const maxSequences = request.options?.maxSequences ?? DEFAULT_MAX_SEQUENCES;
      const shape = { ...pair, ...range, driver: device.driver, threads: device.threads, contextLimit, maxSequences };
      const holds = kernelPages(spec, shape, eightBit) >= pagesFor(contextLimit);
      return holds ? priceOf(context, { ...stageOn(device, pair), ...range }) : undefined;
    });
  const bytes: StagePrices["bytes"] = (pair, range) =>
    remembered(bytesOf, keyOf(pair, range).join(" "), () => {
      return stageWeightBytes(spec, { ...pair, ...range }, eightBit) + (range.toLayer - range.fromLayer) * kvBytesPerLayer(context);
    });
  return {
    price,
    bytes,
    formats: (device) => remembered(formats, device.id, () => worthTrying(context, device, { price, bytes })),
  };
}

function worthTrying(context: DraftContext, device: Device, { price, bytes }: Pick<StagePrices, "price" | "bytes">): readonly FormatPair[] {
  const { options, model } = context.request;
  const choose = (held: readonly ComputeFormat[], pinned: ComputeFormat | undefined): readonly ComputeFormat[] =>
    held.filter((format) => (pinned === undefined ? context.allowed.includes(format) : format === pinned));
  const decode = choose(decodeFormats(device), options?.decodeFormat);
  const whole = { fromLayer: 0, toLayer: model.spec.layers };
  // Prompts come in the kernels where that is asked for: they take longer there, and steps among which they come are smoother, which no price here knows.
  const asked = choose(promptFormats(device), options?.prefillFormat);
  const ranked = (options?.prefillFormat === undefined ? asked.filter((format) => format !== "block-int8") : asked)
    .flatMap((prefillFormat) => decode.map((decodeFormat) => ({ prefillFormat, decodeFormat })))
    .filter((pair) => promptRefusal({ ...pair, driver: device.driver }) === undefined)
    .flatMap((pair) => {
      const known = price(device, pair, whole);
      return known === undefined ? [] : [{ pair, ns: requestNs(known), bytes: bytes(pair, whole) }];
    })
    .sort((a, b) => a.ns - b.ns);
  if (ranked.length === 0) return [];
  const fastest = ranked[0]!;
  const smallest = ranked.reduce((least, one) => (one.bytes < least.bytes ? one : least));
  return smallest.bytes < fastest.bytes ? [fastest.pair, smallest.pair] : [fastest.pair];
}

function priceOf(context: DraftContext, stage: CostedStage): StagePrice | undefined {
  const cost = costOfStages(context, [stage]);
  if (cost === undefined) return undefined;
  return {
    prompt: promptCost({ step: (shape) => cost.stage(0, shape) }, CHUNK).ns,
    alone: cost.stage(0, decodeShape(1, DECODE_CONTEXT)).ns,
    together: cost.stage(0, decodeShape(context.streams, DECODE_CONTEXT)).ns,
    streams: context.streams,
  };
}

/** The cost model of a replica; undefined where something it needs was never measured. */
export function costOfStages(context: DraftContext, stages: readonly CostedStage[]): PricedStepCost | undefined {
  const { model, rack, stageCalibrations } = context.request;
  // Corrections are left out: only what ran live has one, and comparing corrected prices with others would favour what never ran.
  const cost = stepCostFrom({ ...costedModel(model), rack, stages, stageCalibrations });
  return cost.ok ? cost.value : undefined;
}

/** What the cost model knows of a model. */
export function costedModel({ spec, fingerprint, eightBit }: PlanModel): Pick<StageCostInput, "spec" | "modelFingerprint" | "eightBit"> {
  return { spec, modelFingerprint: fingerprint, ...(eightBit === undefined ? {} : { eightBit }) };
}

export function stageOn(device: Device, formats: FormatPair): CostedStage {
  return { ...formats, fromLayer: 0, toLayer: 0, device: device.id, driver: device.driver, threads: device.threads };
}

function kvBytesPerLayer({ request, contextLimit }: DraftContext): number {
  return kvBytesPerToken(request.model.spec, 1) * BLOCK_TOKENS * pagesFor(contextLimit);
}

function keyOf({ prefillFormat, decodeFormat }: FormatPair, { fromLayer, toLayer }: LayerRange): readonly (string | number)[] {
  return [prefillFormat, decodeFormat, fromLayer, toLayer];
}

function remembered<V>(memo: Map<string, V>, key: string, make: () => V): V {
  if (!memo.has(key)) memo.set(key, make());
  return must(memo.has(key) ? { value: memo.get(key) as V } : undefined, "just made").value;
}
