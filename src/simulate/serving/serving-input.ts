import type { Nanoseconds } from "../../base/units.ts";
import type { BatchShape, IterationCost } from "../../cost/iteration/iteration-cost.ts";
import type { AdapterCounts } from "../../engine/serving/adapter-slots.ts";
import type { ImageCounts } from "../../engine/serving/encoder-cache.ts";
import type { RoutingName, Speculation } from "../../plan/deployment/deployment.ts";
import type { ScalingRules } from "../../policy/serving/scaling.ts";
import type { SchedulingRules } from "../../policy/serving/scheduling-rules.ts";
import type { FlowLink } from "../flows/flow-types.ts";

/** Requests as columns: dense ids are row numbers, in order of arrival. */
export interface RequestColumns {
  readonly count: number;
  /** Units: ns, ascending. */
  readonly arrivalNs: Float64Array;
  readonly promptTokens: Int32Array;
  /** At least 1. */
  readonly outputTokens: Int32Array;
  /**
   * Ids of the prompt's leading blocks: those of request `i` are `blockIds[blockStart[i] .. blockStart[i + 1])`; equal ids stand for equal
   * tokens and everything before them, each of `blockTokens` tokens. Empty where nothing is known to be shared.
   */
  readonly blockStart: Int32Array;
  readonly blockIds: Int32Array;
  readonly blockTokens: number;
  /** Closed-loop clients: the request that must end, and the time after its end, before this one arrives; -1 where `arrivalNs` holds. */
  readonly after?: Int32Array;
  readonly thinkNs?: Float64Array;
  /** Adapter (LoRA) a request is served with, -1: none; absent where none has one. Prompts share no blocks across adapters. */
  readonly adapter?: Int32Array;
  /** Rank of each adapter; 0 where it is not known, and then the largest that a replica serves. */
  readonly adapterRanks?: Int32Array;
  /** Images behind the text of the prompts; absent where none has any. */
  readonly images?: ImageColumns;
}

/** Images as columns: those of request `i` are `start[i]` to `start[i + 1]`, in the order they stand in the prompt. */
export interface ImageColumns {
  readonly start: Int32Array;
  /** Units: pixels. */
  readonly width: Int32Array;
  readonly height: Int32Array;
  /** Equal for equal images; dense. */
  readonly content: Int32Array;
  /** What a model makes of each, once it is known which: then `promptTokens` holds their tokens. */
  readonly work?: { readonly tokens: Int32Array; readonly patches: Int32Array };
}

/** How a replica serves adapters. */
export interface AdapterSettings {
  /** Distinct adapters of an iteration at most; each has a slot on the devices. */
  readonly slots: number;
  /** Adapters the host's memory holds, those in slots included; Infinity: all, from the beginning. */
  readonly hostAdapters: number;
  readonly rankMax: number;
  /** Whether requests may go before one that finds no slot; absent: they may. */
  readonly passes?: boolean;
  /** Loads go on beside iterations, one after the other; absent: the iteration that needs one waits for it. */
  readonly overlap?: boolean;
  /** Rank at which one of `rank` is computed, and the time of its load from the host, and before that from disk. */
  readonly computedRank: (rank: number) => number;
  readonly hostNs: (rank: number) => Nanoseconds;
  readonly diskNs: (rank: number) => Nanoseconds;
}

/** A replica of an engine as the simulation runs it. Limits as in `EngineSettings`, over all its data-parallel ranks. */
export interface ReplicaSettings {
  readonly pool: number;
  readonly role: "both" | "prefill" | "decode" | "encode";
  readonly cost: IterationCost;
  readonly maxBatchedTokens: number;
  readonly maxSequences: number;
  readonly blockTokens: number;
  readonly kvBlocks: number;
  readonly prefixCaching: boolean;
  readonly chunkedPrefill: boolean;
  readonly overheadNs: Nanoseconds;
  readonly speculation?: Speculation;
  readonly startUpNs: Nanoseconds;
  /** Losses of the replica's host, drawn as the run goes. */
  readonly outages?: OutageRates & { readonly resubmitNs: Nanoseconds };
  /**
   * KV kept outside the devices: keys go there when they lose a block on the device, and come back one request after the other. Writing costs
   * nothing, and routing does not see what is there. It is lost, or given back, with its replica. Needs prefix caching. With decodes apart it serves
   * those that were preempted: what comes from prefill replicas comes whole.
   */
  readonly offload?: { readonly bytes: number; readonly bandwidthBytesPerSecond: number; readonly bytesPerToken: number };
  /** How iterations are formed; absent: vLLM's rules with the limits above. Its own limits count, not those above. */
  readonly rules?: SchedulingRules;
  /** Needed where requests have adapters. */
  readonly adapters?: AdapterSettings;
  /** How it encodes images; needed where requests have any and no replicas of role encode do it. */
  readonly encoder?: EncoderSettings;
}

/** Units: tokens that are handed on. */
export interface EncoderSettings {
  /** What one iteration encodes at most; Infinity: everything. */
  readonly batchTokens: number;
  /** What is kept of images, by content. */
  readonly cacheTokens: number;
  /** Replicas of role encode do it; what they made takes room here. */
  readonly apart?: boolean;
}

export interface ServingInput {
  readonly requests: RequestColumns;
  readonly replicas: readonly ReplicaSettings[];
  readonly routing: RoutingName;
  readonly seed: number;
  /** Factor on every iteration of a replica's pool: the systematic error, drawn once a run; 1 without. */
  readonly poolFactors?: readonly number[];
  /** Bytes of KV a token, and the links over which it goes from prefill to decode replicas; needed where roles are split, or images are encoded apart. */
  readonly kvTransfer?: {
    readonly bytesPerToken: number;
    /** Of what encode replicas made of an image, by its tokens. */
    readonly imageBytesPerToken?: number;
    /** Of each replica's own link, out and in; with `ways` what one transfer reaches at most, or absent. */
    readonly bandwidthBytesPerSecond?: number;
    readonly latencyNs: Nanoseconds;
    readonly layerwise: boolean;
    readonly layers: number;
    /** Links that all transfers share; absent: each replica has links of its own. */
    readonly ways?: KvWays;
  };
  /** Hosts that are lost with their replicas, and when they serve again (Infinity: never). Not beside drawn ones. */
  readonly outages?: readonly Outage[];
  /** From the loss of a host until its requests are sent again; 0 where absent. */
  readonly resubmitNs?: Nanoseconds;
  /** Of the losses that are drawn; absent: `seed`. */
  readonly outageSeed?: number;
  /** The fleet grows and shrinks: `replicas` is the most there may be. With split roles each pool does, by rules of its own. */
  readonly scaling?: ScalingRules;
  /** By pool, with split roles. */
  readonly scalingOfPools?: readonly (ScalingRules | undefined)[];
  /** `leap`: iterations whose batch does not change are priced in one go where that changes no decision; `unit`: one by one. Equal hashes. */
  readonly stepping: "leap" | "unit";
  /** Running and waiting requests and used blocks of every replica at each multiple of this time after the first arrival. */
  readonly sampleNs?: Nanoseconds;
  /** Told of every iteration once it has ended, replica by replica in the order of their ends; the shape is only valid during the call. */
  readonly onIteration?: IterationListener;
}

/** Links between replicas, and how KV goes over them. */
export interface KvWays {
  readonly name: string;
  readonly links: readonly FlowLink[];
  /** Of the fullest link, what others than KV take. Ratio. */
  readonly taken: number;
  way(source: number, target: number): KvWay;
  /**
   * What iterations of a replica cost while transfers are under way, given as pairs of source and target; the same object as long as nothing changes for it.
   * Absent: no replica's collectives go over these links.
   */
  beside?(replica: number, transfers: readonly (readonly [source: number, target: number])[]): IterationCost;
}

/** A way of KV in equal channels. */
export interface KvWay {
  /** Links of all channels, as often as channels pass them. */
  readonly path: Int32Array;
  readonly channels: number;
  /** Of all channels, with nothing else on the way. Units: bytes/s. */
  readonly aloneBytesPerSecond: number;
}

export interface Outage {
  readonly replica: number;
  readonly atNs: Nanoseconds;
  readonly untilNs: Nanoseconds;
}

/** Losses of a host at a constant rate. */
export interface OutageRates {
  /** Mean time a host serves before it is lost, and from then until a new one serves. */
  readonly meanUpNs: Nanoseconds;
  readonly repairNs: Nanoseconds;
}

/** `firsts` and `ended`: requests whose first token, and whose last, an iteration brings. */
export type IterationListener = (
  replica: number,
  startNs: Nanoseconds,
  endNs: Nanoseconds,
  shape: Readonly<BatchShape>,
  firsts: number,
  ended: number,
) => void;

/** What a run gives: columns by request, in ns; -1 where it did not happen. */
export interface ServingOutcome {
  readonly firstTokenNs: Float64Array;
  readonly lastTokenNs: Float64Array;
  readonly scheduledNs: Float64Array;
  /** As arrived: equals `arrivalNs` in open loops. */
  readonly queuedNs: Float64Array;
  readonly cachedTokens: Int32Array;
  readonly replica: Int32Array;
  /** Where roles are split: who decoded; -1 where the first token was the last. */
  readonly decodeReplica?: Int32Array;
  readonly preemptions: number;
  readonly iterations: number;
  readonly endedNs: Nanoseconds;
  /** Rolling hash of every decision: equal runs have equal hashes. */
  readonly hash: string;
  readonly busyNs: Float64Array;
  /** The decisions themselves, as `readDecisions` of engine/serving reads them. */
  readonly decisions: Uint8Array;
  /** Requests that no replica could ever serve: too long for its blocks, or for an iteration where prompts may not be cut. */
  readonly rejected: number;
  readonly samples?: ServingSamples;
  /** Time for which each replica was ordered, from the first arrival until the last request ended: what is paid for, repairs included. */
  readonly replicaNs: Float64Array;
  /** Requests that were sent again because their replica was lost, each time counted. */
  readonly resent: number;
  /** Of all replicas, where requests have adapters. */
  readonly adapters?: Readonly<AdapterCounts>;
  /** Of all replicas that encode, where requests have images. */
  readonly images?: Readonly<ImageCounts>;
}

/** Samples by time, then replica: `running[sample * replicas + replica]`. */
export interface ServingSamples {
  readonly replicas: number;
  /** Units: ns. */
  readonly atNs: readonly number[];
  readonly running: readonly number[];
  readonly waiting: readonly number[];
  /** Share of the blocks that requests hold. Ratio. */
  readonly kvUsed: readonly number[];
  /** By time alone: replicas that are paid for, and those of them that take or end requests. */
  readonly ordered: readonly number[];
  readonly serving: readonly number[];
}
