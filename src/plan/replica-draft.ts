import { must } from "../base/assert.ts";
import { stageWeightBytes } from "../cost/decoder-shape.ts";
import { calibratedFormats } from "../cost/operator-cost.ts";
import type { CostedStage } from "../cost/stage-pricer.ts";
import { type PricedStepCost, stepCostFrom } from "../cost/step-cost-from.ts";
import { kvBytesPerToken } from "../graph/decoder/spec.ts";
import type { ComputeFormat, Device } from "../rack/rack.ts";
import { BLOCK_TOKENS, pagesFor } from "../state/block.ts";
import type { DraftContext } from "./draft-context.ts";
import { splitLayers } from "./layer-split.ts";
import { DECODE_CONTEXT, decodeShape, predictReplica, promptCost, type ReplicaPrediction, STREAMS } from "./predict.ts";

/** A replica under consideration. */
export interface ReplicaDraft {
  readonly devices: readonly Device[];
  readonly stages: readonly CostedStage[];
  readonly cost: PricedStepCost;
  readonly prediction: ReplicaPrediction;
  /** Bytes of weights in each memory. */
  readonly weightBytes: ReadonlyMap<string, number>;
}

interface FormatPair {
  readonly prefillFormat: ComputeFormat;
  readonly decodeFormat: ComputeFormat;
}

/** Output tokens that go with one 512-token prompt when stages are compared by one number. */
const OUTPUT_TOKENS = 64;

/** Makes replicas of device sequences; remembers what it priced, since a search asks for the same parts again and again. */
export interface Drafter {
  /**
   * The best replica on a sequence of devices with `freeBytes` left in each memory: formats by predicted time, then layers by splitting. `undefined`
   * where nothing fits, or nothing is known of these devices.
   */
  draft(devices: readonly Device[], freeBytes: ReadonlyMap<string, number>): ReplicaDraft | undefined;
}

/** What a drafter has priced so far, by device. */
interface Memory {
  readonly context: DraftContext;
  readonly formats: Map<Device, readonly FormatPair[]>;
  readonly parts: Map<string, number>;
}

export function makeDrafter(context: DraftContext): Drafter {
  const memory: Memory = { context, formats: new Map(), parts: new Map() };
  const roomy = new Map<string, ReplicaDraft | undefined>();
  const tight = new Map<string, ReplicaDraft | undefined>();
  const plenty: ReadonlyMap<string, number> = new Map(context.request.rack.memories.map(({ id }) => [id, Infinity]));
  return {
    draft: (devices, freeBytes) => {
      const key = devices.map((device) => device.id).join(" ");
      const ideal = remembered(roomy, key, () => draftReplica(memory, devices, plenty));
      if (ideal === undefined || fits(context, ideal, freeBytes)) return ideal;
      return remembered(tight, `${key}: ${[...freeBytes].join(" ")}`, () => draftReplica(memory, devices, freeBytes));
    },
  };
}

function remembered<K, V>(memo: Map<K, V>, key: K, make: () => V): V {
  if (!memo.has(key)) memo.set(key, make());
  return memo.get(key) as V;
}

/** Weights and KV of one sequence of full length find room. */
function fits(context: DraftContext, { stages, devices, weightBytes }: ReplicaDraft, freeBytes: ReadonlyMap<string, number>): boolean {
  const need = new Map(weightBytes);
  stages.forEach((stage, index) => {
    const { memory } = devices[index]!;
    need.set(memory, (need.get(memory) ?? 0) + (stage.toLayer - stage.fromLayer) * kvBytesPerLayer(context));
  });
  return [...need].every(([memory, bytes]) => bytes <= (freeBytes.get(memory) ?? 0));
}

function kvBytesPerLayer({ request, contextLimit }: DraftContext): number {
  return kvBytesPerToken(request.model.spec, 1) * BLOCK_TOKENS * pagesFor(contextLimit);
}

function draftReplica(memory: Memory, devices: readonly Device[], freeBytes: ReadonlyMap<string, number>): ReplicaDraft | undefined {
  const { context } = memory;
  const ranked = devices.map((device) => remembered(memory.formats, device, () => rankFormats(context, device)));
  if (ranked.some((pairs) => pairs.length === 0)) return undefined;
  const fastest = ranked.map((pairs) => pairs[0]!);
  const smallest = ranked.map((pairs) => [...pairs].sort((a, b) => pairBytes(context, a) - pairBytes(context, b))[0]!);
  for (const formats of [fastest, smallest]) {
    const counts = devices.length === 1 ? whole(context, devices[0]!, formats[0]!, freeBytes) : split(memory, devices, formats, freeBytes);
    if (counts !== undefined) return finish(context, devices, formats, counts);
  }
  return undefined;
}

function whole(
  context: DraftContext,
  device: Device,
  pair: FormatPair,
  freeBytes: ReadonlyMap<string, number>,
): readonly number[] | undefined {
  const { layers } = context.request.model.spec;
  const need = pairBytes(context, pair) + layers * kvBytesPerLayer(context);
  return need <= (freeBytes.get(device.memory) ?? 0) ? [layers] : undefined;
}

/** Pairs of formats a device can run, fastest first by the score's own measures. */
function rankFormats(context: DraftContext, device: Device): readonly FormatPair[] {
  const { options } = context.request;
  const held = calibratedFormats(device);
  const choose = (pinned: ComputeFormat | undefined): readonly ComputeFormat[] =>
    held.filter((format) => (pinned === undefined ? context.allowed.includes(format) : format === pinned));
  const pairs = choose(options?.prefillFormat).flatMap((prefillFormat) =>
    choose(options?.decodeFormat).map((decodeFormat) => ({ prefillFormat, decodeFormat })),
  );
  const layers = context.request.model.spec.layers;
  return pairs
    .map((pair) => ({ pair, cost: stageCost(context, { ...stageOn(device, pair), fromLayer: 0, toLayer: layers }) }))
    .filter(({ cost }) => cost !== undefined)
    .sort((a, b) => must(a.cost, "filtered") - must(b.cost, "filtered"))
    .map(({ pair }) => pair);
}

/** Time of a standard request on one stage: its prompt, a lone output and an output among 8 streams. Units: ns. */
function stageCost(context: DraftContext, stage: CostedStage): number | undefined {
  const cost = costOf(context, [stage]);
  if (cost === undefined) return undefined;
  const chunk = 128;
  const alone = cost.step(decodeShape(1, DECODE_CONTEXT)).ns;
  const together = cost.step(decodeShape(STREAMS, DECODE_CONTEXT)).ns / STREAMS;
  return promptCost(cost, chunk).ns + OUTPUT_TOKENS * (alone + together);
}

function split(
  { context, parts }: Memory,
  devices: readonly Device[],
  formats: readonly FormatPair[],
  freeBytes: ReadonlyMap<string, number>,
): readonly number[] | undefined {
  const { spec } = context.request.model;
  const stageOf = (stage: number, count: number, last: boolean): CostedStage => {
    const fromLayer = last ? spec.layers - count : 0;
    return { ...stageOn(devices[stage]!, formats[stage]!), fromLayer, toLayer: fromLayer + count };
  };
  const costOfPart = (stage: number, count: number, last: boolean): number => {
    const { prefillFormat, decodeFormat } = formats[stage]!;
    const key = [devices[stage]!.id, prefillFormat, decodeFormat, count, last].join(" ");
    return remembered(parts, key, () => stageCost(context, stageOf(stage, count, last)) ?? Infinity);
  };
  return splitLayers({
    layers: spec.layers,
    memories: devices.map((device) => device.memory),
    costOf: costOfPart,
    bytesOf: (stage, count, last) => stageWeightBytes(spec, stageOf(stage, count, last)) + count * kvBytesPerLayer(context),
    freeBytes,
  });
}

function finish(
  context: DraftContext,
  devices: readonly Device[],
  formats: readonly FormatPair[],
  counts: readonly number[],
): ReplicaDraft | undefined {
  let fromLayer = 0;
  const weightBytes = new Map<string, number>();
  const stages = counts.map((count, index) => {
    const stage = { ...stageOn(devices[index]!, formats[index]!), fromLayer, toLayer: fromLayer + count };
    fromLayer += count;
    const { memory } = devices[index]!;
    weightBytes.set(memory, (weightBytes.get(memory) ?? 0) + stageWeightBytes(context.request.model.spec, stage));
    return stage;
  });
  const cost = costOf(context, stages);
  return cost === undefined ? undefined : { devices, stages, cost, prediction: predictReplica(cost, devices), weightBytes };
}

function costOf(context: DraftContext, stages: readonly CostedStage[]): PricedStepCost | undefined {
  const { model, rack, stageCalibrations } = context.request;
  // Corrections are left out: only what ran live has one, and comparing corrected prices with others would favour what never ran.
  const cost = stepCostFrom({ spec: model.spec, modelFingerprint: model.fingerprint, rack, stages, stageCalibrations });
  return cost.ok ? cost.value : undefined;
}

function stageOn(device: Device, formats: FormatPair): CostedStage {
  return { ...formats, fromLayer: 0, toLayer: 0, device: device.id, driver: device.driver, threads: device.threads };
}

function pairBytes(context: DraftContext, pair: FormatPair): number {
  return stageWeightBytes(context.request.model.spec, { ...pair, fromLayer: 0, toLayer: context.request.model.spec.layers });
}
