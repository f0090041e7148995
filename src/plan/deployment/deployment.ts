import type { PeakType } from "../../rack/peak-type.ts";
import type { LoraSettings } from "./lora.ts";

/**
 * A fleet of inference engines as it is run or thought of: which model, on which devices, cut how, with which settings. What `heddle simulate`,
 * `what-if`, `sweep` and `plan --slo` speak of; written as YAML or JSON.
 */
export interface Deployment {
  readonly version: 1;
  /** Name of a known model, or the path of a `config.json`. */
  readonly model: string;
  readonly pools: readonly Pool[];
  readonly routing: RoutingName;
  /** Path of a fabric file: the network over which replicas of several machines exchange; absent: cards reach one another at their own rate. */
  readonly fabric?: string;
  /**
   * How KV goes from prefill to decode pools, and what encode pools made of images to those that compute prompts; needed where any of them are there. With a fabric it goes over its links, and the bandwidth is what one transfer reaches
   * at most; without one it is that of each replica's link, and needed. Units: bytes/s, ns.
   */
  readonly kvTransfer?: { readonly bandwidthBytesPerSecond?: number; readonly latencyNs: number; readonly layerwise: boolean };
}

export type RoutingName = "round-robin" | "random" | "least-loaded" | "prefix-aware" | "adapter-affinity" | "priced";

/** Equal replicas. `both`: prefill and decode. */
export interface Pool {
  readonly name: string;
  readonly role: PoolRole;
  /** Catalogue id or id in the rack file. With `ffn`, of attention's devices, and so is `parallel`. */
  readonly device: string;
  readonly replicas: number;
  readonly parallel: Parallelism;
  readonly precision: Precision;
  readonly engine: EngineSettings;
  readonly speculation?: Speculation;
  readonly lora?: LoraSettings;
  /** KV kept outside the devices: bytes and the rate at which it comes back; lost with the replica. */
  readonly offload?: { readonly bytes: number; readonly bandwidthBytesPerSecond: number };
  /** From the order of a replica, or the repair of its host, until it serves. Refused above 0 without scaling and outages, in `heddle simulate` too. */
  readonly startUpNs?: number;
  /** The pool grows and shrinks with its load; `replicas` is the most there may be. Of the only pool of its role. */
  readonly scaling?: Scaling;
  readonly outages?: Outages;
  /** Its replicas encode the images of prompts; of a pool of role encode, they do nothing else. */
  readonly encoder?: EncoderSide;
  /** Each replica's feed-forwards and experts are on devices of their own. */
  readonly ffn?: FfnSide;
}

/** Attention/FFN disaggregation: devices on which a replica's feed-forwards are, tensor x expert of them, and how tokens go between. */
export interface FfnSide {
  readonly device: string;
  readonly parallel: { readonly tensor: number; readonly expert: number };
  /** Parts of a batch that take turns on both sides. */
  readonly microBatches: number;
  /** What one device of either side sends or receives; absent: the cards of the devices' sheets. Units: bytes/s, ns. */
  readonly link?: { readonly bandwidthBytesPerSecond: number; readonly latencyNs: number };
}

/** How replicas encode images. Units: tokens that are handed on to the decoder. */
export interface EncoderSide {
  /** Tensor ranks share the encoder's weights, or each has them whole and takes images in turn (vLLM `--mm-encoder-tp-mode`, SGLang `--mm-enable-dp-encoder`). */
  readonly parallel: "weights" | "data";
  /** What an iteration encodes at most (vLLM `max_num_batched_encoder_embeds`); absent: the engine's own. */
  readonly batchTokens?: number;
  /** What is kept by image (vLLM `encoder_cache_size`, SGLang `SGLANG_VLM_CACHE_SIZE_MB`); absent: the engine's own. */
  readonly cacheTokens?: number;
}

/** When replicas are ordered and given back, as `replicasWanted` of policy/serving decides. */
export interface Scaling {
  /** Replicas that are kept, whatever the load. */
  readonly least: number;
  /** Replicas that serve at the beginning; absent: `least`. */
  readonly initial?: number;
  /** Time between two looks at the load. Units: ns. */
  readonly everyNs: number;
  /** Requests taken and not ended, a replica: above the first replicas are ordered, below the other one is drained and given back. */
  readonly orderAbove: number;
  readonly drainBelow: number;
}

/** Replicas fail with their hosts at a constant rate, each on its own. Units: ns. */
export interface Outages {
  /** Mean time from the beginning, or from when it serves again, to the loss of a replica. */
  readonly meanUpNs: number;
  /** From the loss until the host is there again; the replica serves `startUpNs` later. */
  readonly repairNs: number;
  /** From the loss until its requests are sent again. */
  readonly resubmitNs: number;
}

export type PoolRole = "both" | "prefill" | "decode" | "encode" | "attention" | "ffn";

/** Devices of a replica = tensor x pipeline x context x data. `data`: attention data parallelism inside the replica; `expert` divides tensor x data. */
export interface Parallelism {
  readonly tensor: number;
  readonly pipeline: number;
  readonly data: number;
  readonly expert: number;
  readonly context: number;
}

export interface Precision {
  readonly weights: PeakType;
  /** Of a mixture's experts, where they differ from the other weights. */
  readonly experts?: PeakType;
  readonly kv: PeakType;
}

export interface EngineSettings {
  readonly name: "vllm" | "sglang" | "trtllm" | "heddle";
  /** Tokens of one iteration at most (`max_num_batched_tokens`), per data-parallel rank. */
  readonly maxBatchedTokens: number;
  /** Sequences that run at once at most (`max_num_seqs`), per data-parallel rank. */
  readonly maxSequences: number;
  readonly blockTokens: number;
  /** KV blocks, per data-parallel rank; absent: what `memoryFraction` of the memory leaves. */
  readonly kvBlocks?: number;
  readonly memoryFraction: number;
  readonly maxModelTokens?: number;
  readonly prefixCaching: boolean;
  readonly chunkedPrefill: boolean;
  /** Host time between two iterations that devices do not hide; 0 where measured tables hold it. Units: ns. */
  readonly overheadNs: number;
  /** Of SGLang: while sequences decode, the queue of prompts is looked at every so many iterations (`--scheduler-recv-interval`); absent: every one. */
  readonly schedulerRecvInterval?: number;
  /** Of TensorRT-LLM, both or none: prompts wait beside decodes for at most so many iterations (`batch_wait_timeout_iters`) ... */
  readonly batchWaitTimeoutIters?: number;
  /** ... or until prompts and decodes have this share of `maxBatchedTokens` (`batch_wait_max_tokens_ratio`). */
  readonly batchWaitMaxTokensRatio?: number;
  readonly attentionDpBalance?: AttentionDpBalance;
}

/** Settings that hold prompts back from decodes; those of one engine. */
export type PromptHolds = Pick<
  EngineSettings,
  "schedulerRecvInterval" | "batchWaitTimeoutIters" | "batchWaitMaxTokensRatio" | "attentionDpBalance"
>;

/** Of TensorRT-LLM with data-parallel attention: prompts wait until each rank has one (`attention_dp_config` with `enable_balance: true`). */
export interface AttentionDpBalance {
  /** Iterations for which they wait for that at most (`timeout_iters`). */
  readonly timeoutIters: number;
  /** Iterations for which they then wait for more (`batching_wait_iters`). */
  readonly batchingWaitIters: number;
}

/** Draft tokens a step (speculative decoding, multi-token prediction) and the chance that each is taken after the ones before it were. */
export interface Speculation {
  readonly draftTokens: number;
  readonly acceptance: number;
  /** Time of drafting over the time of one decode step of the model. */
  readonly draftCost: number;
}
