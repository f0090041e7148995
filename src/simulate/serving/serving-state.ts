import type { TimeHeap } from "../../base/heap.ts";
import type { WakeHeap } from "../../base/wake-heap.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import type { HolderIndex } from "../../engine/serving/holder-index.ts";
import type { StepContext } from "../../engine/serving/schedule-step.ts";
import type { ServingReplica } from "../../engine/serving/serving-replica.ts";
import type { RouteQuestion, ServingRouting } from "../../policy/serving/serving-routing.ts";
import type { FlowNetwork } from "../flows/flow-types.ts";
import type { AdapterRoutes } from "./adapter-view.ts";
import type { Availability } from "./availability-types.ts";
import type { ComingAdapter } from "./coming-adapter.ts";
import type { EncodeStage } from "./encode-stage-types.ts";
import type { KvWay, ServingInput } from "./serving-input.ts";

/** Everything a run in virtual time changes. */
export interface ServingRun {
  readonly input: ServingInput;
  readonly context: StepContext;
  readonly replicas: ServingReplica[];
  readonly holders: HolderIndex;
  readonly keyTokens: number;
  readonly lanes: ReplicaLane[];
  readonly wakes: WakeHeap;
  /** Requests that arrive because of what happened before: closed loops, hand-overs. */
  readonly spawned: TimeHeap<number>;
  /** Requests by the request they wait for: head of a list, linked by `nextAfter`; -1 ends it. */
  readonly firstAfter: Int32Array;
  readonly nextAfter: Int32Array;
  /** Replicas that take and refuse the same requests have the same number. */
  readonly kinds: Int32Array;
  readonly kindCount: number;
  /** A replica of each kind. */
  readonly ofKind: Int32Array;
  /** Group that the candidates of the last question were all of; undefined where it was not whole. */
  wholeGroup: Int32Array | undefined;
  /** Answers for the request at hand: 1 yes, 0 no, -1 not asked. */
  readonly canServeKind: Int8Array;
  /** Replicas that take requests as they arrive, and those that take them with their KV (split roles). */
  prompts: Int32Array;
  readonly allPrompts: Int32Array;
  readonly available: Availability;
  decodes: Int32Array;
  readonly allDecodes: Int32Array;
  readonly split: boolean;
  readonly moves: KvMoves | undefined;
  /** Rows whose KV comes from outside the devices, by the time it is there. */
  readonly loads: TimeHeap<number>;
  /** Adapters on their way into slots, by the time they are there. */
  readonly adapterLoads: TimeHeap<ComingAdapter>;
  /** Rows whose KV is on its way, with the time at which it is there; -1 while its bytes are on links. What a heap holds of others was broken off. */
  readonly coming: Map<number, number>;
  /** Requests whose KV stays where their prompt was computed, until it has moved. */
  readonly kept: Set<number>;
  /** Where replicas of role encode encode images. */
  readonly encoding: EncodeStage | undefined;
  readonly routing: ServingRouting;
  readonly question: RouteQuestion;
  /** Where requests have adapters. */
  readonly adapters: AdapterRoutes | undefined;
  /** The instant of the routing under way; replicas below `acted` have acted at it already. */
  nowNs: number;
  acted: number;
  /** Counted up by `round-robin` among decode replicas. */
  decodeTurn: number;
  readonly queuedNs: Float64Array;
  readonly firstTokenNs: Float64Array;
  readonly lastTokenNs: Float64Array;
  endedNs: number;
  ended: number;
  rejected: number;
  /** Sum and number of the outputs of ended requests: what routing expects of the next. */
  outputSum: number;
}

/** How a replica's iterations lie in time. */
export interface ReplicaLane {
  /** With the KV that is on its way beside its collectives. */
  cost: IterationCost;
  readonly factor: number;
  readonly overheadNs: number;
  /** Start of the iteration that runs. */
  startNs: number;
  /** When the way from the tier outside is free, and ns a token takes on it. */
  tierFreeNs: number;
  readonly tierTokenNs: number;
  busyNs: number;
  /** Ends of the iterations of a leap: `ends[at]` is the next one; those before `ends[last]` change no batch. */
  ends: Float64Array;
  at: number;
  last: number;
  /** Iterations the next leap may price ahead. */
  reach: number;
}

/** KV on its way from prefill to decode replicas: over links of the input, or each replica has one out and one in; transfers share them fairly. */
export interface KvMoves {
  readonly transfer: NonNullable<ServingInput["kvTransfer"]>;
  readonly network: FlowNetwork;
  /** Rows whose bytes are there, by the time the last of them is usable. */
  readonly arrivals: TimeHeap<number>;
  /** What it gives is only valid until the next call. */
  way(source: number, target: number): KvWay;
  readonly ended: (row: number, timeNs: number) => void;
  /** Where transfers slow collectives: those whose bytes are on links, by row, and whether that changed since iterations were priced. */
  readonly onWay: Map<number, readonly [source: number, target: number]>;
  changed: boolean;
}
