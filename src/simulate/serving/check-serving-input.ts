import { HeddleError } from "../../base/heddle-error.ts";
import type { ScalingRules } from "../../policy/serving/scaling.ts";
import type { ReplicaSettings, RequestColumns, ServingInput } from "./serving-input.ts";

/** Refuses what cannot be run: bad columns, and options that the simulation does not honour. Errors: `workload-invalid`, `input-invalid`. */
export function checkServingInput(input: ServingInput): void {
  checkRequests(input.requests);
  checkAdapters(input);
  checkImages(input);
  const { replicas } = input;
  const first = replicas.find(({ role }) => role !== "encode");
  if (first === undefined) throw invalid("replicas", "there must be at least one");
  for (const [index, replica] of replicas.entries()) {
    const where = `replicas[${index}]`;
    if (replica.role !== "encode" && replica.blockTokens !== first.blockTokens)
      throw invalid(`${where}.blockTokens`, "all replicas must have blocks of one size");
    for (const name of ["maxBatchedTokens", "maxSequences", "blockTokens"] as const) {
      if (!Number.isInteger(replica[name]) || replica[name] < 1) throw invalid(`${where}.${name}`, `${replica[name]} is no count from 1`);
    }
    if (!Number.isInteger(replica.kvBlocks) || replica.kvBlocks < 0) throw invalid(`${where}.kvBlocks`, `${replica.kvBlocks} is no count`);
    if (!(replica.overheadNs >= 0)) throw invalid(`${where}.overheadNs`, `${replica.overheadNs} is no time`);
    checkSpeculation(replica, `${where}.speculation`);
  }
  checkRoles(input);
  checkChanges(input);
  checkOffload(input);
  if (input.sampleNs !== undefined && !(input.sampleNs > 0)) throw invalid("sampleNs", "must be above 0");
}

/** Requests with adapters need replicas that serve them, at their rank. */
function checkAdapters({ requests, replicas }: ServingInput): void {
  const { count, adapter, adapterRanks } = requests;
  for (const [index, { adapters }] of replicas.entries()) {
    if (adapters === undefined) continue;
    const where = `replicas[${index}].adapters`;
    if (!Number.isInteger(adapters.slots) || adapters.slots < 1) throw invalid(where, `${adapters.slots} is no number of slots`);
    if (!(adapters.hostAdapters >= adapters.slots)) throw invalid(where, "the host holds at least what lies in slots");
  }
  if (adapter === undefined) return;
  if (adapter.length !== count || adapterRanks === undefined) throw wrong("adapter", "differs in length, or has no ranks");
  for (let i = 0; i < count; i++)
    if (!(adapter[i]! >= -1 && adapter[i]! < adapterRanks.length)) throw wrong(`adapter[${i}]`, `${adapter[i]} is no adapter`);
  const most = adapterRanks.reduce((rank, one) => Math.max(rank, one), 0);
  for (const { adapters } of replicas) {
    if (adapters === undefined) throw wrong("adapter", "requests have adapters (LoRA), and a pool serves none; say lora in it");
    if (most > adapters.rankMax) throw wrong("adapter", `one has rank ${most}, above lora.maxRank = ${adapters.rankMax} of a pool`);
  }
}

/** Requests with images need replicas that encode them, with room for the largest. */
function checkImages(input: ServingInput): void {
  const { requests, replicas } = input;
  const { images, count } = requests;
  if (images === undefined) return;
  if (images.start.length !== count + 1 || images.work === undefined)
    throw wrong("images", "differ in length, or have no tokens of a model");
  const largest = images.work.tokens.reduce((most, tokens) => Math.max(most, tokens), 0);
  for (const [index, { encoder, role, offload }] of replicas.entries()) {
    if (role === "decode") continue;
    const changes = replicas[index]!.outages !== undefined || input.scaling !== undefined || input.scalingOfPools !== undefined;
    if (role === "encode" && (changes || (input.outages ?? []).length > 0))
      throw invalid(`replicas[${index}]`, "replicas that come and go are not simulated beside those that encode");
    if (encoder === undefined) throw wrong("images", "requests have images, and a pool encodes none; say encoder in it");
    if (offload !== undefined) throw invalid(`replicas[${index}].offload`, "KV outside the devices is not simulated with images");
    const least = Math.min(encoder.batchTokens, encoder.cacheTokens);
    if (!(least >= largest)) throw wrong("images", `one has ${largest} tokens, a pool's encoder takes ${least}`);
  }
}

function checkChanges({ replicas, outages = [], resubmitNs, scaling, scalingOfPools }: ServingInput): void {
  const split = replicas.some(({ role }) => role !== "both");
  const drawn = replicas.findIndex((replica) => replica.outages !== undefined);
  if (split && scaling !== undefined) throw invalid("scaling", "replicas with split roles are scaled by pool");
  if (!split && scalingOfPools !== undefined) throw invalid("scalingOfPools", "replicas of role both are scaled as one fleet");
  if (drawn >= 0 && outages.length > 0) throw invalid("outages", "losses are given or drawn, not both");
  for (const [index, { outages: rates }] of replicas.entries()) {
    if (rates === undefined) continue;
    if (!(rates.meanUpNs >= 1 && rates.repairNs >= 0 && rates.resubmitNs >= 0))
      throw invalid(`replicas[${index}].outages`, "a mean time from 1 and times from 0 are meant");
  }
  for (const [index, { replica, atNs, untilNs }] of outages.entries()) {
    if (replicas[replica] === undefined) throw invalid(`outages[${index}].replica`, `${replica} is no replica`);
    if (!(atNs >= 0 && untilNs > atNs)) throw invalid(`outages[${index}]`, "ends before it begins");
  }
  if (resubmitNs !== undefined && !(resubmitNs >= 0)) throw invalid("resubmitNs", `${resubmitNs} is no time`);
  if (scaling !== undefined) checkScaling(scaling, "scaling", replicas.length);
  for (const [pool, rules] of (scalingOfPools ?? []).entries()) {
    if (rules !== undefined) checkScaling(rules, `scalingOfPools[${pool}]`, replicas.filter((replica) => replica.pool === pool).length);
  }
}

function checkScaling({ initial, least, everyNs, orderAbove, drainBelow }: ScalingRules, where: string, replicas: number): void {
  if (!(initial >= 1 && initial <= replicas)) throw invalid(`${where}.initial`, `${initial} of ${replicas} replicas`);
  if (!(least >= 1 && least <= replicas)) throw invalid(`${where}.least`, `${least} of ${replicas} replicas`);
  if (!(everyNs >= 1)) throw invalid(`${where}.everyNs`, "must be at least 1");
  if (!(orderAbove > 0 && drainBelow >= 0 && drainBelow < orderAbove)) throw invalid(where, "drainBelow must lie below orderAbove");
}

function checkOffload({ replicas }: ServingInput): void {
  for (const [index, { offload, rules, prefixCaching }] of replicas.entries()) {
    if (offload === undefined) continue;
    const where = `replicas[${index}].offload`;
    if (!(rules?.prefixCaching ?? prefixCaching)) throw invalid(where, "KV outside the devices needs prefix caching");
    const { bytes, bandwidthBytesPerSecond, bytesPerToken } = offload;
    if (!(bytes >= 0)) throw invalid(`${where}.bytes`, `${bytes} is no size`);
    if (!(bandwidthBytesPerSecond > 0 && bytesPerToken > 0)) throw invalid(where, "rate and bytes of a token must be above 0");
  }
}

function checkSpeculation({ speculation, maxBatchedTokens }: ReplicaSettings, where: string): void {
  if (speculation === undefined) return;
  const { draftTokens, acceptance } = speculation;
  if (!Number.isInteger(draftTokens) || draftTokens < 0 || draftTokens >= maxBatchedTokens) {
    throw invalid(`${where}.draftTokens`, `${draftTokens} is no count below the tokens of an iteration`);
  }
  if (!(acceptance >= 0 && acceptance <= 1)) throw invalid(`${where}.acceptance`, `${acceptance} is no chance`);
}

function checkRoles({ replicas, kvTransfer }: ServingInput): void {
  const roles = new Set<string>(replicas.map(({ role }) => role));
  for (const role of roles)
    if (!["both", "prefill", "decode", "encode"].includes(role)) throw invalid("replicas", `role ${role} is not simulated`);
  if (roles.has("prefill") !== roles.has("decode")) throw invalid("replicas", "prefill and decode replicas need one another");
  const apart = roles.delete("encode");
  if (roles.has("both") && roles.size > 1) throw invalid("replicas", "replicas of one role beside replicas of both are not simulated");
  if (!roles.has("prefill") && !apart) return;
  if (kvTransfer === undefined) throw invalid("kvTransfer", "needed where prefill and decode are split, or images are encoded apart");
  if (apart && !((kvTransfer.imageBytesPerToken ?? 0) > 0)) throw invalid("kvTransfer.imageBytesPerToken", "must be above 0");
  const { bandwidthBytesPerSecond, bytesPerToken, latencyNs, layers, ways } = kvTransfer;
  const most = ways === undefined ? (bandwidthBytesPerSecond ?? Number.NaN) : (bandwidthBytesPerSecond ?? 1);
  if (!(most > 0)) throw invalid("kvTransfer.bandwidthBytesPerSecond", "must be above 0");
  if (!(bytesPerToken > 0)) throw invalid("kvTransfer.bytesPerToken", "must be above 0");
  if (!(latencyNs >= 0)) throw invalid("kvTransfer.latencyNs", "must not be below 0");
  if (!(layers >= 1)) throw invalid("kvTransfer.layers", "must be at least 1");
}

function checkRequests({ count, arrivalNs, promptTokens, outputTokens, blockStart, blockIds, after, thinkNs }: RequestColumns): void {
  const lengths = [arrivalNs.length, promptTokens.length, outputTokens.length, after?.length ?? count, thinkNs?.length ?? count];
  if (lengths.some((length) => length !== count) || blockStart.length !== count + 1) throw wrong("columns", "differ in length");
  if (blockStart[0] !== 0 || blockStart[count] !== blockIds.length) throw wrong("blockStart", "does not cover blockIds");
  let before = -Infinity;
  for (let i = 0; i < count; i++) {
    if (!(promptTokens[i]! >= 1)) throw wrong(`promptTokens[${i}]`, `${promptTokens[i]} is below 1`);
    if (!(outputTokens[i]! >= 1)) throw wrong(`outputTokens[${i}]`, `${outputTokens[i]} is below 1`);
    if (blockStart[i]! > blockStart[i + 1]!) throw wrong(`blockStart[${i + 1}]`, "goes backwards");
    const behind = after?.[i] ?? -1;
    if (behind >= count || behind === i) throw wrong(`after[${i}]`, `${behind} is no other request`);
    if (behind >= 0) continue;
    if (!(arrivalNs[i]! >= before) || arrivalNs[i] === Infinity) throw wrong(`arrivalNs[${i}]`, "arrivals must ascend");
    before = arrivalNs[i]!;
  }
}

function wrong(where: string, detail: string): HeddleError {
  return new HeddleError("workload-invalid", { where, detail });
}

function invalid(where: string, detail: string): HeddleError {
  return new HeddleError("input-invalid", { where, detail });
}
