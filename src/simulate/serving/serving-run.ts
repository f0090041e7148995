import { TimeHeap } from "../../base/heap.ts";
import { type WakeHeap, wakeHeap } from "../../base/wake-heap.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { decisionLog } from "../../engine/serving/decision-log.ts";
import { type HolderIndex, holderIndex } from "../../engine/serving/holder-index.ts";
import { KV, type RequestFacts, type RequestTable, requestTable } from "../../engine/serving/request-table.ts";
import type { StepContext } from "../../engine/serving/schedule-step.ts";
import { type ServingReplica, servingReplica } from "../../engine/serving/serving-replica.ts";
import { servingRouting } from "../../policy/serving/routing-named.ts";
import { vllmRules } from "../../policy/serving/scheduling-rules.ts";
import type { RouteQuestion, ServingRouting } from "../../policy/serving/serving-routing.ts";
import { settleReplica } from "./advance-replica.ts";
import { type KvMoves, kvMoves } from "./move-kv.ts";
import { replicaKinds } from "./replica-kinds.ts";
import { requestKeys } from "./request-keys.ts";
import type { ServingInput } from "./serving-input.ts";

/** Everything a run in virtual time changes. */
export interface ServingRun {
  readonly input: ServingInput;
  readonly context: StepContext;
  readonly replicas: ServingReplica[];
  readonly holders: HolderIndex;
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
  readonly prompts: Int32Array;
  readonly decodes: Int32Array;
  readonly split: boolean;
  readonly moves: KvMoves | undefined;
  readonly routing: ServingRouting;
  readonly question: RouteQuestion;
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
  readonly cost: IterationCost;
  readonly factor: number;
  readonly overheadNs: number;
  /** Start of the iteration that runs. */
  startNs: number;
  busyNs: number;
  /** Ends of the iterations of a leap: `ends[at]` is the next one; those before `ends[last]` change no batch. */
  ends: Float64Array;
  at: number;
  last: number;
  /** Iterations the next leap may price ahead. */
  reach: number;
}

/** Iterations priced ahead at first; grows while leaps are used up. */
const REACH_FIRST = 16;
/** Output that routing expects before any request ended. */
const OUTPUT_FIRST = 256;

/** The state at the beginning of a run of checked input. */
export function servingRun(input: ServingInput): ServingRun {
  const { requests, replicas: settings } = input;
  const split = settings.some(({ role }) => role === "decode");
  const { keyStart, keys, keyCount, keyBlocks } = requestKeys(requests, settings[0]!.blockTokens);
  const table = split ? splitTable(requests, keyStart, keys) : requestTable(facts(requests, requests.outputTokens, keyStart, keys));
  const holders = holderIndex(keyStart, keys, keyCount);
  const replicas = settings.map((setting, index) =>
    servingReplica({
      index,
      rules: setting.rules ?? vllmRules(setting),
      blockTokens: setting.blockTokens,
      kvBlocks: setting.kvBlocks,
      keyBlocks,
      holders,
    }),
  );
  const kinds = replicaKinds(replicas, settings);
  const indicesOf = (part: "prompts" | "decodes"): Int32Array =>
    Int32Array.from(settings.keys()).filter(
      (i) => settings[i]!.role === "both" || (settings[i]!.role === "decode") === (part === "decodes"),
    );
  const [prompts, decodes] = [indicesOf("prompts"), indicesOf("decodes")];
  const column = (): Float64Array => new Float64Array(requests.count).fill(-1);
  const { firstAfter, nextAfter } = waitLists(input);
  const run: ServingRun = {
    input,
    context: { requests: table, log: decisionLog() },
    replicas,
    holders,
    lanes: settings.map((setting) => ({
      cost: setting.cost,
      factor: input.poolFactors?.[setting.pool] ?? 1,
      overheadNs: setting.overheadNs,
      startNs: 0,
      busyNs: 0,
      ends: new Float64Array(REACH_FIRST + 1),
      at: 0,
      last: 0,
      reach: REACH_FIRST,
    })),
    wakes: wakeHeap(replicas.length),
    spawned: new TimeHeap<number>(),
    firstAfter,
    nextAfter,
    ...kinds,
    wholeGroup: undefined,
    prompts,
    decodes,
    split,
    moves: split ? kvMoves(input.kvTransfer!, replicas.length) : undefined,
    canServeKind: new Int8Array(kinds.kindCount),
    routing: servingRouting(input.routing, input.seed),
    question: {
      promptTokens: 0,
      expectedTokens: OUTPUT_FIRST,
      candidates: new Int32Array(replicas.length),
      candidateCount: 0,
      cachedTokens: new Int32Array(replicas.length),
      replicas,
      kinds: kinds.kinds,
      loads: new Int32Array(replicas.length),
      costs: settings.map(({ cost }) => cost),
      turn: 0,
      refresh: (index) => settleReplica(run, index, run.nowNs, index < run.acted),
    },
    nowNs: 0,
    acted: 0,
    decodeTurn: 0,
    queuedNs: column(),
    firstTokenNs: column(),
    lastTokenNs: column(),
    endedNs: 0,
    ended: 0,
    rejected: 0,
    outputSum: 0,
  };
  return run;
}

function facts(
  { count, promptTokens }: ServingInput["requests"],
  output: Int32Array,
  keyStart: Int32Array,
  keys: Int32Array,
): RequestFacts {
  return { count, prompt: promptTokens, output, keyStart, keys };
}

/** Two rows a request: row i computes the prompt and the first token, row count + i all others, from KV that comes from row i. */
function splitTable(requests: ServingInput["requests"], keyStart: Int32Array, keys: Int32Array): RequestTable {
  const { count, promptTokens, outputTokens } = requests;
  const twice = (first: ArrayLike<number>, second: ArrayLike<number>): Int32Array => {
    const column = new Int32Array(2 * count);
    column.set(first);
    column.set(second, count);
    return column;
  };
  const starts = new Int32Array(2 * count + 1).fill(keys.length);
  starts.set(keyStart);
  const output = twice(new Int32Array(count).fill(1), outputTokens);
  const table = requestTable({ count: 2 * count, prompt: twice(promptTokens, promptTokens), output, keyStart: starts, keys });
  for (let i = 0; i < count; i++) {
    table.left[count + i]! -= 1;
    table.kv[count + i] = KV.wanted;
    table.keep[i] = outputTokens[i]! > 1 ? 1 : 0;
  }
  return table;
}

function waitLists({ requests }: ServingInput): Pick<ServingRun, "firstAfter" | "nextAfter"> {
  const { after, count } = requests;
  if (after === undefined) return { firstAfter: new Int32Array(0), nextAfter: new Int32Array(0) };
  const firstAfter = new Int32Array(count).fill(-1);
  const nextAfter = new Int32Array(count).fill(-1);
  for (let i = count - 1; i >= 0; i--) {
    const before = after[i]!;
    if (before < 0) continue;
    nextAfter[i] = firstAfter[before]!;
    firstAfter[before] = i;
  }
  return { firstAfter, nextAfter };
}
