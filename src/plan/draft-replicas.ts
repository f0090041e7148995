import { must } from "../base/assert.ts";
import { transferCost } from "../cost/link-cost.ts";
import type { Device } from "../rack/rack.ts";
import { type DeviceClass, leastUsed } from "./device-classes.ts";
import { type DraftContext, usableMemory } from "./draft-context.ts";
import { type ChainPiece, type ChainProblem, type ChainSplit, splitChain } from "./partition/chain.ts";
import { pinnedDevice } from "./pins.ts";
import { PROMPT_TOKENS } from "./predict.ts";
import { type ReplicaDraft, replicaDraft } from "./replica-draft.ts";
import { requestNs, type StagePrice, type StagePrices, stagePrices } from "./stage-prices.ts";

/** What a further replica may be made of. */
export interface ReplicaQuestion {
  readonly replica: number;
  /** Devices of the replicas before. */
  readonly taken: readonly Device[];
  /** Bytes they leave in each memory. */
  readonly freeBytes: ReadonlyMap<string, number>;
}

/** Replicas worth comparing: for every combination of devices the best split by a lone request's time, and by a pipeline's slowest stage. */
export type ReplicaDrafter = (question: ReplicaQuestion) => readonly ReplicaDraft[];

/** Stages tried where neither a pin nor memory asks for more. */
const STAGES_TRIED = 4;
/** Combinations priced whole for one replica: a bound on moves. */
const COMBINATIONS_MAX = 400;
/** Weight of the preference for equal stages: breaks ties where every split costs the same, and decides nothing else. */
const BALANCE = 1e-3;
/** Bytes of an element of the residual stream: f32. */
const RESIDUAL_BYTES = 4;

/** Remembers splits and prices, since a search asks for the same ones again and again. */
export function replicaDrafter(context: DraftContext, classes: readonly DeviceClass[]): ReplicaDrafter {
  const prices = stagePrices(context);
  const splits = new Map<string, readonly ChainSplit[]>();
  const drafts = new Map<string, ReplicaDraft | undefined>();
  return ({ replica, taken, freeBytes }) => {
    const counts = classes.map(({ devices }) => devices.filter((device) => !taken.includes(device)).length);
    const key = [replica, ...counts, ...freeBytes.values()].join(" ");
    const found = splits.get(key) ?? splitsOf({ context, classes, prices, replica, counts, freeBytes });
    splits.set(key, found);
    return found.flatMap((split) => {
      const stages = concreteStages(classes, split, taken).map((device, index) => {
        const { class: type, variant, to } = split.pieces[index]!;
        return { device, formats: must(prices.formats(classes[type]!.devices[0]!)[variant], "a format pair of the class"), toLayer: to };
      });
      const layout = stages
        .map(({ device, formats, toLayer }) => `${device.id} ${formats.prefillFormat} ${formats.decodeFormat} ${toLayer}`)
        .join();
      if (!drafts.has(layout)) drafts.set(layout, replicaDraft(context, stages));
      const draft = drafts.get(layout);
      return draft === undefined ? [] : [draft];
    });
  };
}

/** The least time a lone stream's token takes. */
export interface TokenBound {
  /** No contiguous split over these devices, in the formats worth trying and with at most so many stages, takes less. Units: ns. */
  readonly ns: number;
  readonly stages: number;
  /** False where memories that devices share left more ways than were followed; then it is the least found. */
  readonly proven: boolean;
}

/** What a token takes at least on an empty rack; `undefined` where nothing fits. */
export function tokenBound(context: DraftContext, classes: readonly DeviceClass[]): TokenBound | undefined {
  const counts = classes.map(({ devices }) => devices.length);
  const stages = Math.min(
    counts.reduce((sum, count) => sum + count, 0),
    context.request.model.spec.layers,
    STAGES_TRIED,
  );
  const question = { context, classes, prices: stagePrices(context), replica: 0, counts, freeBytes: usableMemory(context.request) };
  const { splits, complete } = splitChain({ ...chainOf(question, "token", { least: 1, most: stages }), pinned: () => undefined });
  const best = splits[0];
  return best === undefined ? undefined : { ns: best.cost, stages, proven: complete };
}

/** A device for each piece: the one of its class whose cores others use least. */
function concreteStages(classes: readonly DeviceClass[], { pieces }: ChainSplit, taken: readonly Device[]): readonly Device[] {
  const chosen: Device[] = [];
  for (const { class: type, again } of pieces) {
    const { devices } = classes[type]!;
    const next = again ? chosen.at(-1) : leastUsed(devices, [...taken, ...chosen]);
    // A pinned device may be used by another replica as well.
    chosen.push(next ?? devices[0]!);
  }
  return chosen;
}

interface SplitQuestion {
  readonly context: DraftContext;
  readonly classes: readonly DeviceClass[];
  readonly prices: StagePrices;
  readonly replica: number;
  readonly counts: readonly number[];
  readonly freeBytes: ReadonlyMap<string, number>;
}

function splitsOf(question: SplitQuestion): readonly ChainSplit[] {
  const { options = {}, model } = question.context.request;
  const { layers } = model.spec;
  const pinned = (options.pins ?? []).filter((pin) => pin.replica === undefined || pin.replica === question.replica);
  const least = pinned.reduce((most, pin) => Math.max(most, pin.stage + 1), options.stages ?? 1);
  const all = question.counts.reduce((sum, count) => sum + count, 0);
  const limit = options.stages ?? Math.max(least, Math.min(all, layers));
  // More stages than a few are looked at only where memory asks for them.
  for (let most = options.stages ?? Math.max(least, STAGES_TRIED); ; most *= 2) {
    const stages = { least: Math.min(least, layers), most: Math.min(most, limit) };
    const found = (["request", "step"] as const).flatMap((measure) =>
      splitChain(chainOf(question, measure, stages)).splits.slice(0, COMBINATIONS_MAX),
    );
    if (found.length > 0 || most >= limit) return found;
  }
}

/** What a split is judged by: a standard request passing through all stages, the slowest stage in a step of 8 streams, a lone stream's token. */
type Measure = "request" | "step" | "token";

function chainOf(question: SplitQuestion, measure: Measure, stages: ChainProblem["stages"]): ChainProblem {
  const { context, classes, prices, counts, freeBytes, replica } = question;
  const { options = {}, model, rack } = context.request;
  const memories = rack.memories.map(({ id }) => id);
  const { layers } = model.spec;
  const sample = (type: number): Device => classes[type]!.devices[0]!;
  const formatsOf = ({ class: type, variant }: ChainPiece) => prices.formats(sample(type))[variant];
  // Layers are alike but for the head: a range that does not end the model is priced as the first so many layers.
  const rangeOf = ({ from, to }: ChainPiece) => (to === layers ? { fromLayer: from, toLayer: to } : { fromLayer: 0, toLayer: to - from });
  const nsOf = (piece: ChainPiece): number => {
    const pair = formatsOf(piece);
    // A device may hold tables of no format that is allowed or pinned.
    const price = pair === undefined ? undefined : prices.price(sample(piece.class), pair, rangeOf(piece));
    return price === undefined ? Infinity : judged(price, measure);
  };
  const whole = classes.map((_class, type) => Math.max(1, nsOf({ class: type, variant: 0, from: 0, to: layers })));
  return {
    layers,
    classes: classes.map(({ devices, ownMemory }, type) => ({
      count: counts[type]!,
      memory: ownMemory ? { own: freeOf(question, type) } : { shared: memories.indexOf(devices[0]!.memory) },
      variants: prices.formats(devices[0]!).length,
    })),
    freeBytes: memories.map((id) => freeBytes.get(id) ?? 0),
    costOf: (piece) => {
      const ns = nsOf(piece);
      return measure === "token" ? ns : ns + (BALANCE * ns * ns) / whole[piece.class]!;
    },
    bytesOf: (piece) => prices.bytes(must(formatsOf(piece), "a format pair of the class"), rangeOf(piece)),
    handOver: handOvers(question, measure),
    objective: measure === "step" ? "largest" : "sum",
    stages,
    repeat: options.stages !== undefined,
    pinned: (stage) => {
      const device = pinnedDevice(options.pins ?? [], replica, stage);
      return device === undefined ? undefined : classes.findIndex(({ devices }) => devices.some(({ id }) => id === device));
    },
  };
}

function judged(price: StagePrice, measure: Measure): number {
  switch (measure) {
    case "request":
      return requestNs(price);
    case "step":
      return price.together;
    case "token":
      return price.alone;
  }
}

/** Bytes free on each device of a class that is left; memories of their own are alike. */
function freeOf({ classes, freeBytes }: SplitQuestion, type: number): number {
  return classes[type]!.devices.reduce((most, { memory }) => Math.max(most, freeBytes.get(memory) ?? 0), 0);
}

/** Handing on the residual stream from one class to another. Units: ns. */
function handOvers({ context, classes }: SplitQuestion, measure: Measure): ChainProblem["handOver"] {
  const { request, streams } = context;
  const { model, rack } = request;
  const move = (from: Device, to: Device, rows: number): number =>
    transferCost(rack, { from: from.id, to: to.id, bytes: rows * model.spec.width * RESIDUAL_BYTES })?.ns ?? Infinity;
  const table = classes.map(({ devices: [from] }) =>
    classes.map(({ devices }) => {
      const to = devices.find((device) => device !== from) ?? devices[0]!;
      const price = { prompt: move(from!, to, PROMPT_TOKENS), alone: move(from!, to, 1), together: move(from!, to, streams), streams };
      return judged(price, measure);
    }),
  );
  return (from, to) => table[from]![to]!;
}
