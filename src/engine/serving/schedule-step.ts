import { assert } from "../../base/assert.ts";
import { type IntDeque, peekFront, popFront, pushBack, pushFront } from "../../base/int-deque.ts";
import { gainedTokens } from "../../policy/serving/token-gain.ts";
import { adapterFits, admitAdapter, beginAdapters, passOver, putBack, WANT } from "./adapter-slots.ts";
import { computeAdapter, holdRunning, loadAdapters, waitsForAdapter } from "./adapter-step.ts";
import { DECISION, type DecisionLog, recordDecision } from "./decision-log.ts";
import { beginImages, releaseImages, takeImages, tokensWithImages } from "./encoder-cache.ts";
import { blocksWanted, growBlocks, holdMatch, matchPrefix, prefixMatch, publishKeys, releaseBlocks } from "./hold-blocks.ts";
import { gateFormed, gatePasses, passedGate } from "./prompt-gate.ts";
import { KV, knownTokens, type RequestTable } from "./request-table.ts";
import { clearStep, type ServingReplica, type ServingStep } from "./serving-replica.ts";

/** What the functions of this file share while they form one iteration; module-level, so that forming it allocates nothing. */
const forming = { budget: 0, least: 0, gained: 1, preempted: false, admitted: false };
const room = { tokens: 0, blockTokens: 0 };
const span = { before: 0, count: 0 };

export interface StepContext {
  readonly requests: RequestTable;
  readonly log: DecisionLog;
}

/**
 * Forms the next iteration of a replica by its rules.
 *
 * Complexity: linear in the running requests and in the blocks that change hands; no allocation.
 */
export function scheduleStep(replica: ServingReplica, step: ServingStep, context: StepContext, nowNs: number): void {
  clearStep(step);
  const { rules, adapters } = replica;
  if (adapters !== undefined) beginAdapters(adapters);
  if (replica.encoder !== undefined) beginImages(replica.encoder, context.requests);
  forming.budget = rules.maxBatchedTokens;
  forming.least = 0x7fffffff;
  forming.gained = gainedTokens(replica.gain, replica.steps, 1);
  forming.preempted = false;
  forming.admitted = false;
  if (rules.mixing === "mixed") {
    scheduleRunning(replica, step, context, nowNs, "all");
    if (!forming.preempted) admitWaiting(replica, step, context, nowNs);
  } else {
    scheduleRunning(replica, step, context, nowNs, "prompts");
    if (!forming.preempted) admitWaiting(replica, step, context, nowNs);
    if (step.shape.prefills + step.shape.decodes === 0) scheduleRunning(replica, step, context, nowNs, "decodes");
  }
  const { shape } = step;
  step.active = shape.prefills + shape.decodes > 0;
  if (adapters !== undefined && step.active) loadAdapters(replica, step, context, nowNs);
  step.plain =
    shape.prefills === 0 &&
    shape.decodes === replica.runningCount &&
    step.active &&
    step.loadNs === 0 &&
    step.firsts.size === 0 &&
    step.endings.size === 0 &&
    !forming.preempted &&
    !forming.admitted;
  replica.leastLeft = forming.least;
  if (step.active) replica.steps += 1;
  gateFormed(replica, shape.prefills);
}

function scheduleRunning(replica: ServingReplica, step: ServingStep, context: StepContext, nowNs: number, which: Part): void {
  const { requests } = context;
  const { rules } = replica;
  for (let i = 0; i < replica.runningCount && forming.budget > 0; i++) {
    const request = replica.running[i]!;
    // Its last token is under way.
    if (requests.left[request] === 0) continue;
    const computed = requests.computed[request]!;
    const due = knownTokens(requests, request) - computed;
    if (which !== "all" && isDecode(requests, request) !== (which === "decodes")) continue;
    const free = due < forming.budget || !rules.chunkedPrefill ? due : forming.budget;
    const count = encodable(replica, requests, request, computed, free);
    // Its next image has no room yet: those behind it go on.
    if (count === 0) continue;
    room.tokens = isDecode(requests, request) ? withinText(requests, request, computed + 1 + replica.gain.draftTokens) : computed + count;
    room.blockTokens = replica.blockTokens;
    let fits = growBlocks(replica.pool, requests, request, room);
    while (!fits) {
      const victim = victimAfter(replica, requests, i);
      preempt(replica, context, victim, nowNs);
      if (replica.running[i] !== request || i >= replica.runningCount) break;
      fits = growBlocks(replica.pool, requests, request, room);
    }
    if (!fits) {
      // The request itself was taken back: the one that moved to its place is next.
      i -= 1;
      continue;
    }
    addToStep(replica, step, requests, request, count);
  }
}

/** How many of `count` tokens an iteration can compute besides the images that stand among them. */
function encodable({ encoder }: ServingReplica, requests: RequestTable, request: number, before: number, count: number): number {
  if (encoder === undefined || before >= requests.prompt[request]!) return count;
  span.before = before;
  span.count = count;
  return tokensWithImages(encoder, requests, request, span);
}

/** Whether the next token of a running request is all there is to compute. */
function isDecode(requests: RequestTable, request: number): boolean {
  const computed = requests.computed[request]!;
  return computed > 0 && requests.left[request]! < requests.output[request]! && knownTokens(requests, request) - computed === 1;
}

/** No more tokens than the text with all its output has KV for: drafts beyond its end need no room. */
export function withinText(requests: RequestTable, request: number, tokens: number): number {
  return Math.min(tokens, requests.prompt[request]! + requests.output[request]! - 1);
}

type Part = "all" | "prompts" | "decodes";

/** Admits requests first come, first served, as long as tokens, places and blocks last. */
function admitWaiting(replica: ServingReplica, step: ServingStep, context: StepContext, nowNs: number): void {
  const { requests, log } = context;
  const { rules, pool, waiting, blockTokens, adapters } = replica;
  if (adapters !== undefined && waiting.size + replica.arrived.size > 0) holdRunning(adapters, replica, requests);
  while (replica.arrived.size > 0 && forming.budget > 0 && replica.runningCount < rules.maxSequences) {
    if (!passedOver(replica, context, replica.arrived, nowNs)) admitArrived(replica, step, context, nowNs);
  }
  if (adapters !== undefined) putBack(adapters, replica.arrived);
  for (let free = gatePasses(replica, requests, forming.budget); free > 0; free--) {
    if (waiting.size === 0 || forming.budget <= 0 || replica.runningCount >= rules.maxSequences) break;
    const request = peekFront(waiting);
    if (adapters !== undefined) {
      if (!adapters.passes && !adapterFits(adapters, requests.adapter![request]!)) break;
      if (passedOver(replica, context, waiting, nowNs)) continue;
    }
    if (requests.kv[request] === KV.wanted) {
      if (!makeRoomForFetch(replica, requests)) break;
      continue;
    }
    const known = knownTokens(requests, request);
    if (rules.prefixCaching) matchPrefix(pool, requests, request, blockTokens);
    else noMatch();
    const hit = prefixMatch.blocks * blockTokens;
    const due = known - hit;
    // Without chunks a text longer than the limit (after a preemption) runs alone.
    if (!rules.chunkedPrefill && due > forming.budget && forming.budget < rules.maxBatchedTokens) break;
    const most = due < forming.budget || !rules.chunkedPrefill ? due : forming.budget;
    const count = encodable(replica, requests, request, hit, most);
    if (count === 0 || (!rules.chunkedPrefill && count < due)) break;
    const wanted = Math.ceil((rules.reserve === "chunk" ? hit + count : known) / blockTokens) - prefixMatch.blocks + prefixMatch.idle;
    const promised = rules.reserve === "output" ? promisedBlocks(replica, requests, request) : 0;
    if (wanted + promised > pool.free) break;
    if (prefixMatch.tierTokens > 0) {
      if (!fetchFromTier(replica, requests, request)) break;
      continue;
    }
    popFront(waiting);
    passedGate(replica);
    holdMatch(pool, requests, request);
    if (requests.cached[request]! < 0) {
      requests.cached[request] = hit;
      requests.admittedNs[request] = nowNs;
    }
    recordDecision(log, DECISION.admit, replica.index, request, nowNs, hit);
    requests.computed[request] = hit;
    replica.contextTokens += hit;
    replica.backlogTokens += due - requests.pending[request]!;
    requests.pending[request] = due;
    room.tokens = hit + count;
    room.blockTokens = blockTokens;
    growBlocks(pool, requests, request, room);
    if (adapters !== undefined) admitAdapter(adapters, requests, request);
    appendRunning(replica, request);
    forming.admitted = true;
    addPrompt(replica, step, requests, request, count);
  }
  if (adapters !== undefined) putBack(adapters, waiting);
}

/** Whether the first of a queue finds no slot for its adapter, or waits for its load, and those behind it go before it. */
function passedOver(replica: ServingReplica, context: StepContext, queue: IntDeque, nowNs: number): boolean {
  const { adapters } = replica;
  if (adapters === undefined) return false;
  const { requests } = context;
  const request = peekFront(queue);
  const fits = adapterFits(adapters, requests.adapter![request]!);
  if (fits && !waitsForAdapter(replica, context, request, nowNs)) return false;
  passOver(adapters, requests, queue, fits ? WANT.load : WANT.slot);
  return true;
}

/** A request whose KV has come runs: it decodes, or computes what is left of its text. */
function admitArrived(replica: ServingReplica, step: ServingStep, { requests, log }: StepContext, nowNs: number): void {
  const request = popFront(replica.arrived);
  const tokens = requests.loaded[request]!;
  requests.kv[request] = KV.own;
  requests.computed[request] = tokens;
  if (requests.cached[request]! < 0) {
    requests.cached[request] = requests.left[request] === requests.output[request] ? tokens : 0;
    requests.admittedNs[request] = nowNs;
  }
  replica.contextTokens += tokens;
  replica.detached -= 1;
  recordDecision(log, DECISION.admit, replica.index, request, nowNs, tokens);
  if (replica.adapters !== undefined) admitAdapter(replica.adapters, requests, request);
  appendRunning(replica, request);
  forming.admitted = true;
  const due = knownTokens(requests, request) - tokens;
  if (!isDecode(requests, request)) addPrompt(replica, step, requests, request, Math.min(due, forming.budget));
  // Where decodes have iterations of their own, those come next.
  else if (replica.rules.mixing === "mixed") addToStep(replica, step, requests, request, 1);
}

/** Gives the first in the queue blocks for KV from elsewhere, and the next token's; false where they are short. What the cache has is not fetched. */
function makeRoomForFetch(replica: ServingReplica, requests: RequestTable): boolean {
  const request = peekFront(replica.waiting);
  const { pool, blockTokens, rules } = replica;
  if (rules.prefixCaching) matchPrefix(pool, requests, request, blockTokens);
  else noMatch();
  room.tokens = withinText(requests, request, knownTokens(requests, request) + replica.gain.draftTokens);
  room.blockTokens = blockTokens;
  const promised = rules.reserve === "output" ? promisedBlocks(replica, requests, request) : 0;
  const wanted = Math.ceil(room.tokens / blockTokens) - prefixMatch.blocks + prefixMatch.idle;
  if (wanted + promised > pool.free) return false;
  popFront(replica.waiting);
  passedGate(replica);
  const computed = knownTokens(requests, request) - 1;
  requests.loaded[request] = computed;
  requests.fetched[request] = computed - prefixMatch.blocks * blockTokens;
  holdMatch(pool, requests, request);
  growBlocks(pool, requests, request, room);
  detach(replica, requests, request);
  return true;
}

/** Gives the first in the queue blocks for all its text and has what the tier holds of it brought; false where they are short. */
function fetchFromTier(replica: ServingReplica, requests: RequestTable, request: number): boolean {
  const { pool, blockTokens } = replica;
  const known = knownTokens(requests, request);
  if (Math.ceil(known / blockTokens) - prefixMatch.blocks + prefixMatch.idle > pool.free) return false;
  popFront(replica.waiting);
  passedGate(replica);
  requests.loaded[request] = prefixMatch.tierTokens;
  requests.fetched[request] = prefixMatch.tierTokens - prefixMatch.blocks * blockTokens;
  holdMatch(pool, requests, request);
  room.tokens = known;
  room.blockTokens = blockTokens;
  growBlocks(pool, requests, request, room);
  const due = known - requests.loaded[request]!;
  replica.backlogTokens += due - requests.pending[request]!;
  requests.pending[request] = due;
  detach(replica, requests, request);
  return true;
}

function detach(replica: ServingReplica, requests: RequestTable, request: number): void {
  requests.kv[request] = KV.coming;
  replica.detached += 1;
  pushBack(replica.fetches, request);
}

/** A request's KV has come. */
export function kvArrived(replica: ServingReplica, requests: RequestTable, request: number): void {
  assert(requests.kv[request] === KV.coming, "KV arrives that was not on its way", request);
  requests.kv[request] = KV.here;
  if (replica.rules.prefixCaching) {
    room.tokens = requests.loaded[request]!;
    room.blockTokens = replica.blockTokens;
    publishKeys(replica.pool, requests, request, room);
  }
  pushBack(replica.arrived, request);
}

/** Frees the blocks of a request that has ended here and was kept for another replica to fetch. */
export function letGo(replica: ServingReplica, requests: RequestTable, request: number): void {
  assert(requests.keep[request] === 1, "blocks are let go that were not kept", request);
  requests.keep[request] = 0;
  replica.detached -= 1;
  releaseBlocks(replica.pool, requests, request, { park: false, blockTokens: replica.blockTokens });
}

/** Blocks that the outputs of the running requests and of `request` may come to need beyond those they have. Complexity: linear in the running ones. */
function promisedBlocks(replica: ServingReplica, requests: RequestTable, request: number): number {
  const { blockTokens } = replica;
  let promised = wholeBlocks(requests, request, blockTokens) - Math.ceil(knownTokens(requests, request) / blockTokens);
  for (let i = 0; i < replica.runningCount; i++) {
    const running = replica.running[i]!;
    promised += Math.max(0, wholeBlocks(requests, running, blockTokens) - requests.blocks[running]!);
  }
  return promised;
}

/** Blocks of a request's text with all its output; the last token's KV is never computed. */
export function wholeBlocks(requests: RequestTable, request: number, blockTokens: number): number {
  return Math.ceil((requests.prompt[request]! + requests.output[request]! - 1) / blockTokens);
}

function addToStep(replica: ServingReplica, step: ServingStep, requests: RequestTable, request: number, count: number): void {
  const { shape } = step;
  const before = requests.computed[request]!;
  if (count === 1 && isDecode(requests, request)) {
    const left = requests.left[request]!;
    const gained = forming.gained < left ? forming.gained : left;
    requests.computed[request] = before + gained;
    requests.left[request] = left - gained;
    replica.contextTokens += gained;
    forming.budget -= 1 + replica.gain.draftTokens;
    shape.decodes += 1;
    shape.decodeContext += before + 1;
    if (before >= shape.decodeContextMax) shape.decodeContextMax = before + 1;
    if (replica.adapters !== undefined) computeAdapter(replica.adapters, step, requests.adapter![request]!, 1 + replica.gain.draftTokens);
    settlePending(replica, requests, request, 1);
    if (left === gained) pushBack(step.endings, request);
    if (left - gained < forming.least) forming.least = left - gained;
    return;
  }
  addPrompt(replica, step, requests, request, count);
}

/** Tokens of a text that are known already; the last of them brings the next token. */
function addPrompt(replica: ServingReplica, step: ServingStep, requests: RequestTable, request: number, count: number): void {
  const { shape } = step;
  const before = requests.computed[request]!;
  const after = before + count;
  const left = requests.left[request]!;
  const complete = after === knownTokens(requests, request);
  requests.computed[request] = after;
  replica.contextTokens += count;
  forming.budget -= count;
  shape.prefills += 1;
  shape.prefillTokens += count;
  shape.prefillContext += count * before;
  shape.prefillSquares += count * count;
  if (replica.adapters !== undefined) computeAdapter(replica.adapters, step, requests.adapter![request]!, count);
  if (replica.encoder !== undefined) {
    span.before = before;
    span.count = count;
    takeImages(replica.encoder, requests, request, span, shape.vision);
  }
  settlePending(replica, requests, request, count);
  if (replica.rules.prefixCaching) {
    room.tokens = after;
    room.blockTokens = replica.blockTokens;
    publishKeys(replica.pool, requests, request, room);
  }
  if (!complete) return;
  if (left === requests.output[request]) pushBack(step.firsts, request);
  requests.left[request] = left - 1;
  if (left === 1) pushBack(step.endings, request);
  if (left - 1 < forming.least) forming.least = left - 1;
}

function settlePending(replica: ServingReplica, requests: RequestTable, request: number, count: number): void {
  const pending = requests.pending[request]!;
  const settled = count < pending ? count : pending;
  requests.pending[request] = pending - settled;
  replica.backlogTokens -= settled;
}

/** Place of the request to preempt: among those from place `from` on, which the iteration does not hold yet. */
function victimAfter(replica: ServingReplica, requests: RequestTable, from: number): number {
  let chosen = from;
  for (let at = replica.runningCount - 1; at >= from; at--) {
    const request = replica.running[at]!;
    // Its last token is under way: it ends by itself.
    if (requests.left[request] === 0) continue;
    if (replica.rules.victim === "newest") return at;
    const best = replica.running[chosen]!;
    if (outputsOf(requests, request) < outputsOf(requests, best) || requests.left[best] === 0) chosen = at;
  }
  return chosen;
}

function outputsOf(requests: RequestTable, request: number): number {
  return requests.output[request]! - requests.left[request]!;
}

/** Takes a running request's blocks away and puts it at the head of the queue: its text is computed anew, but for what the cache keeps. */
function preempt(replica: ServingReplica, { requests, log }: StepContext, place: number, nowNs: number): void {
  const request = replica.running[place]!;
  replica.running.copyWithin(place, place + 1, replica.runningCount);
  replica.runningCount -= 1;
  recordDecision(log, DECISION.preempt, replica.index, request, nowNs, requests.computed[request]!);
  releaseBlocks(replica.pool, requests, request, { park: replica.rules.prefixCaching, blockTokens: replica.blockTokens });
  if (replica.encoder !== undefined) releaseImages(replica.encoder, requests, request, Number.POSITIVE_INFINITY);
  replica.contextTokens -= requests.computed[request]!;
  requests.computed[request] = 0;
  const known = knownTokens(requests, request);
  replica.backlogTokens += known - requests.pending[request]!;
  requests.pending[request] = known;
  pushFront(replica.waiting, request);
  replica.gate.passed += 1;
  replica.preemptions += 1;
  forming.preempted = true;
}

function appendRunning(replica: ServingReplica, request: number): void {
  if (replica.runningCount === replica.running.length) {
    const longer = new Int32Array(replica.running.length * 2);
    longer.set(replica.running);
    replica.running = longer;
  }
  replica.running[replica.runningCount++] = request;
}

function noMatch(): void {
  prefixMatch.blocks = 0;
  prefixMatch.extents = 0;
  prefixMatch.idle = 0;
  prefixMatch.own = false;
  prefixMatch.tierTokens = 0;
}

/** A request joins the queue; `cachedTokens` is what its replica is believed to have of its prompt. */
export function enqueue(replica: ServingReplica, requests: RequestTable, request: number, cachedTokens: number): void {
  const pending = requests.kv[request] === KV.wanted ? 0 : knownTokens(requests, request) - cachedTokens;
  requests.at[request] = replica.index;
  requests.pending[request] = pending;
  replica.backlogTokens += pending;
  pushBack(replica.waiting, request);
}

/** Additional blocks that running requests need for `count` more plain steps. */
export function blocksForPlainSteps(replica: ServingReplica, requests: RequestTable, count: number): number {
  let wanted = 0;
  const tokens = tokensWithRoom(replica, count);
  for (let i = 0; i < replica.runningCount; i++) {
    const request = replica.running[i]!;
    const end = withinText(requests, request, requests.computed[request]! + tokens);
    wanted += Math.max(0, blocksWanted(requests, request, end, replica.blockTokens));
  }
  return wanted;
}

/** Tokens beyond the present ones for which a sequence has room after `count` more plain steps: what it gains, and the drafts of the last. */
export function tokensWithRoom({ gain, steps }: ServingReplica, count: number): number {
  return gainedTokens(gain, steps, count - 1) + 1 + gain.draftTokens;
}
