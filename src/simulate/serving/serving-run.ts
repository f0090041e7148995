import { must } from "../../base/assert.ts";
import { TimeHeap } from "../../base/heap.ts";
import { wakeHeap } from "../../base/wake-heap.ts";
import { type AdapterSlots, adapterSlots } from "../../engine/serving/adapter-slots.ts";
import { decisionLog } from "../../engine/serving/decision-log.ts";
import { holderIndex } from "../../engine/serving/holder-index.ts";
import { KV, type RequestFacts, type RequestTable, requestTable } from "../../engine/serving/request-table.ts";
import { servingReplica } from "../../engine/serving/serving-replica.ts";
import { servingRouting } from "../../policy/serving/routing-named.ts";
import { type RuleLimits, type SchedulingRules, vllmRules } from "../../policy/serving/scheduling-rules.ts";
import { tokenGain } from "../../policy/serving/token-gain.ts";
import { adapterRoutes } from "./adapter-view.ts";
import { availability, STATE } from "./availability.ts";
import type { ComingAdapter } from "./coming-adapter.ts";
import { encodeStage } from "./encode-stage.ts";
import { kvMoves } from "./move-kv.ts";
import { replicaKinds } from "./replica-kinds.ts";
import { encoderOf, requestImages } from "./request-images.ts";
import { requestKeys } from "./request-keys.ts";
import type { ReplicaSettings, ServingInput } from "./serving-input.ts";
import type { ServingRun } from "./serving-state.ts";
import { settleReplica } from "./settle-replica.ts";

/** Iterations priced ahead at first; grows while leaps are used up. */
const REACH_FIRST = 16;
/** Output that routing expects before any request ended. */
const OUTPUT_FIRST = 256;

/** The state at the beginning of a run of checked input. */
export function servingRun(input: ServingInput): ServingRun {
  const { requests, replicas: settings } = input;
  const split = settings.some(({ role }) => role === "decode");
  const { blockTokens } = must(
    settings.find(({ role }) => role !== "encode"),
    "a replica computes prompts",
  );
  const { keyStart, keys, keyCount, keyBlocks } = requestKeys(requests, blockTokens);
  const table = split ? splitTable(requests, keyStart, keys) : requestTable(facts(requests, requests.outputTokens, keyStart, keys));
  const holders = holderIndex(keyCount);
  const replicas = settings.map((setting, index) =>
    servingReplica({
      index,
      rules: rulesFor(setting),
      blockTokens: setting.blockTokens,
      kvBlocks: setting.kvBlocks,
      keyBlocks,
      holders,
      tierKeys: tierKeys(setting, keyBlocks),
      ...adaptersOf(setting, requests),
      ...encoderOf(setting, requests),
    }),
  );
  const kinds = replicaKinds(replicas, settings);
  const indicesOf = (part: "prompts" | "decodes"): Int32Array =>
    Int32Array.from(settings.keys()).filter((i) => {
      const { role } = settings[i]!;
      return role === "both" || role === (part === "decodes" ? "decode" : "prefill");
    });
  const [prompts, decodes] = [indicesOf("prompts"), indicesOf("decodes")];
  const available = availability(input);
  const encoding = encodeStage(input);
  const serves = (index: number): boolean => available.state[index] === STATE.serving;
  const column = (): Float64Array => new Float64Array(requests.count).fill(-1);
  const { firstAfter, nextAfter } = waitLists(input);
  const coming = new Map<number, number>();
  const run: ServingRun = {
    input,
    context: { requests: table, log: decisionLog() },
    replicas,
    holders,
    keyTokens: keyBlocks * blockTokens,
    lanes: settings.map((setting) => ({
      cost: setting.cost,
      factor: input.poolFactors?.[setting.pool] ?? 1,
      overheadNs: setting.overheadNs,
      startNs: 0,
      tierFreeNs: 0,
      tierTokenNs: setting.offload === undefined ? 0 : (setting.offload.bytesPerToken * 1e9) / setting.offload.bandwidthBytesPerSecond,
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
    prompts: prompts.filter(serves),
    allPrompts: prompts,
    available,
    decodes: decodes.filter(serves),
    allDecodes: decodes,
    split,
    loads: new TimeHeap<number>(),
    adapterLoads: new TimeHeap<ComingAdapter>(),
    coming,
    kept: new Set(),
    moves: split || encoding !== undefined ? kvMoves(input.kvTransfer!, replicas.length, coming) : undefined,
    encoding,
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
      adapter: undefined,
      refresh: (index) => settleReplica(run, index, run.nowNs, index < run.acted),
    },
    adapters: requests.adapter === undefined ? undefined : adapterRoutes(replicas),
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

function tierKeys({ offload, blockTokens }: ReplicaSettings, keyBlocks: number): number {
  return offload === undefined ? 0 : Math.floor(offload.bytes / (offload.bytesPerToken * blockTokens * keyBlocks));
}

/** Slots of a replica for the adapters of the requests; nothing where they have none. */
function adaptersOf({ adapters }: ReplicaSettings, { adapter, adapterRanks }: ServingInput["requests"]): { adapters?: AdapterSlots } {
  if (adapter === undefined || adapters === undefined) return {};
  const { slots, hostAdapters, rankMax, passes, overlap, computedRank, hostNs, diskNs } = adapters;
  const ranks = Array.from(adapterRanks ?? [], (rank) => (rank === 0 ? rankMax : rank));
  const each = (ns: (rank: number) => number): Float64Array => Float64Array.from(ranks, (rank) => Math.round(ns(rank)));
  return {
    adapters: adapterSlots({
      slots,
      hostAdapters,
      hostNs: each(hostNs),
      diskNs: each(diskNs),
      ranks: Int32Array.from(ranks, (rank) => computedRank(rank)),
      ...(passes === undefined ? {} : { passes }),
      ...(overlap === undefined ? {} : { overlap }),
    }),
  };
}

function rulesFor(setting: ReplicaSettings): SchedulingRules {
  const rules = setting.rules ?? vllmRules(limitsOf(setting));
  return setting.speculation === undefined ? rules : { ...rules, gain: tokenGain(setting.speculation) };
}

function limitsOf({ maxBatchedTokens, maxSequences, chunkedPrefill, prefixCaching }: ReplicaSettings): RuleLimits {
  return { maxBatchedTokens, maxSequences, chunkedPrefill, prefixCaching };
}

function facts(requests: ServingInput["requests"], output: Int32Array, keyStart: Int32Array, keys: Int32Array): RequestFacts {
  const { count, promptTokens, adapter } = requests;
  const images = requestImages(requests, count);
  return { count, prompt: promptTokens, output, keyStart, keys, ...(adapter === undefined ? {} : { adapter }), ...images };
}

/** Two rows a request: row i computes the prompt and the first token, row count + i all others, from KV that comes from row i. */
function splitTable(requests: ServingInput["requests"], keyStart: Int32Array, keys: Int32Array): RequestTable {
  const { count, promptTokens, outputTokens, adapter } = requests;
  const twice = (first: ArrayLike<number>, second: ArrayLike<number>): Int32Array => {
    const column = new Int32Array(2 * count);
    column.set(first);
    column.set(second, count);
    return column;
  };
  const starts = new Int32Array(2 * count + 1);
  for (let i = 0; i <= count; i++) {
    starts[i] = keyStart[i]!;
    starts[count + i] = keys.length + keyStart[i]!;
  }
  const bothKeys = new Int32Array(2 * keys.length);
  bothKeys.set(keys);
  bothKeys.set(keys, keys.length);
  const output = twice(new Int32Array(count).fill(1), outputTokens);
  const both = adapter === undefined ? {} : { adapter: twice(adapter, adapter) };
  const table = requestTable({
    count: 2 * count,
    prompt: twice(promptTokens, promptTokens),
    output,
    keyStart: starts,
    keys: bothKeys,
    ...both,
    ...requestImages(requests, 2 * count),
  });
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
