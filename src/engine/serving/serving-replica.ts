import { emptyIntDeque, type IntDeque } from "../../base/int-deque.ts";
import { type BatchShape, emptyBatch, emptyLoraBatch, emptyVision } from "../../cost/iteration/iteration-cost.ts";
import type { SchedulingRules } from "../../policy/serving/scheduling-rules.ts";
import { NO_DRAFTS, type TokenGain } from "../../policy/serving/token-gain.ts";
import type { AdapterSlots } from "./adapter-slots.ts";
import { type BlockPool, blockPool } from "./block-pool.ts";
import type { EncoderCache } from "./encoder-cache.ts";
import type { GateState } from "./gate-state.ts";
import type { HolderIndex } from "./holder-index.ts";
import { keyTier } from "./key-tier.ts";

/** One iteration: what it computes and whose first and last tokens it brings. */
export interface ServingStep {
  readonly shape: BatchShape;
  readonly firsts: IntDeque;
  readonly endings: IntDeque;
  /** Something is in it. */
  active: boolean;
  /** One token of each running request, nobody's first or last, nobody admitted or preempted. */
  plain: boolean;
  /** Time for which it waits for adapters to be loaded. Units: ns. */
  loadNs: number;
}

/** The state of one replica of an engine: plain data, changed by `scheduleStep`, `completeStep`, `enqueue` and `passPlainSteps` alone. */
export interface ServingReplica {
  readonly index: number;
  readonly rules: SchedulingRules;
  readonly blockTokens: number;
  readonly gain: TokenGain;
  readonly pool: BlockPool;
  /** Requests in the order they were admitted. */
  running: Int32Array;
  runningCount: number;
  readonly waiting: IntDeque;
  /** Requests whose KV has come from elsewhere: they go before those that wait. */
  readonly arrived: IntDeque;
  /** Requests that were given blocks for KV from elsewhere, for the executor to fetch and take out. */
  readonly fetches: IntDeque;
  /** Requests that have blocks here and do not run: their KV is coming or going. */
  detached: number;
  /** What runs, and what is formed to run next (rules with `stepsAhead`). */
  executing: ServingStep;
  planned: ServingStep;
  /** Least output left over the running requests of the last plain step. */
  leastLeft: number;
  /** Prompt tokens still to be computed of all that is here. */
  backlogTokens: number;
  /** Tokens of text of the running requests that are computed. */
  contextTokens: number;
  steps: number;
  preemptions: number;
  readonly gate: GateState;
  /** Where it serves adapters, and requests have some. */
  readonly adapters: AdapterSlots | undefined;
  /** Where requests have images, and it reads any. */
  readonly encoder: EncoderCache | undefined;
}

export interface ReplicaOptions {
  readonly index: number;
  readonly rules: SchedulingRules;
  readonly blockTokens: number;
  readonly kvBlocks: number;
  /** Engine blocks a key of the requests covers. */
  readonly keyBlocks: number;
  readonly holders: HolderIndex;
  /** Whole keys that are kept outside the devices; 0 or absent: none. */
  readonly tierKeys?: number;
  readonly adapters?: AdapterSlots;
  readonly encoder?: EncoderCache;
}

const RUNNING_FIRST = 16;

export function servingReplica(options: ReplicaOptions): ServingReplica {
  const { index, rules, blockTokens, kvBlocks, keyBlocks, holders, tierKeys = 0, adapters, encoder } = options;
  return {
    index,
    rules,
    blockTokens,
    gain: rules.gain ?? NO_DRAFTS,
    pool: blockPool({
      capacity: Math.max(0, kvBlocks - rules.reservedBlocks),
      keyBlocks,
      holders,
      replica: index,
      tier: tierKeys > 0 ? keyTier(tierKeys) : undefined,
    }),
    running: new Int32Array(RUNNING_FIRST),
    runningCount: 0,
    waiting: emptyIntDeque(),
    arrived: emptyIntDeque(),
    fetches: emptyIntDeque(),
    detached: 0,
    executing: emptyStep(adapters !== undefined, encoder !== undefined),
    planned: emptyStep(adapters !== undefined, encoder !== undefined),
    leastLeft: 0,
    backlogTokens: 0,
    contextTokens: 0,
    steps: 0,
    preemptions: 0,
    gate: { since: rules.gate?.kind === "gather" ? -1 : 0, passed: 0, ready: -1 },
    adapters,
    encoder,
  };
}

function emptyStep(withAdapters: boolean, withImages: boolean): ServingStep {
  const plain = withAdapters ? emptyLoraBatch() : emptyBatch();
  const shape = withImages ? { ...plain, vision: emptyVision() } : plain;
  return { shape, firsts: emptyIntDeque(), endings: emptyIntDeque(), active: false, plain: false, loadNs: 0 };
}

export function clearStep(step: ServingStep): void {
  const { shape } = step;
  shape.prefills = 0;
  shape.prefillTokens = 0;
  shape.prefillContext = 0;
  shape.prefillSquares = 0;
  shape.decodes = 0;
  shape.decodeContext = 0;
  shape.decodeContextMax = 0;
  step.firsts.size = 0;
  step.endings.size = 0;
  step.active = false;
  step.plain = false;
  step.loadNs = 0;
  if (shape.vision !== undefined) {
    shape.vision.images = 0;
    shape.vision.patches = 0;
    shape.vision.patchSquares = 0;
    shape.vision.tokens = 0;
  }
  if (shape.lora === undefined) return;
  shape.lora.adapters = 0;
  shape.lora.ranks = 0;
  shape.lora.tokens = 0;
  shape.lora.rankTokens = 0;
}
