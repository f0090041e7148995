import { assert } from "../../base/assert.ts";
import { emptyIntDeque, type IntDeque, itemAt, pushBack } from "../../base/int-deque.ts";
import type { VisionShape } from "../../cost/iteration/iteration-cost.ts";
import type { RequestTable } from "./request-table.ts";

/**
 * What an encoder made of images, on one replica: those that requests still have to read, and the ones that were read last, by content.
 *
 * Source: vllm-project/vllm@003ad86 `v1/core/encoder_cache_manager.py` (room and budget of an iteration in tokens that are handed on; what nobody reads goes
 * when room is wanted, oldest first), `v1/core/sched/scheduler.py` (`_try_schedule_encoder_inputs`: prompts are cut before the image that has no room).
 */
export interface EncoderCache {
  /** Room, and what one iteration encodes at most. Units: tokens. */
  readonly capacity: number;
  readonly batchTokens: number;
  /** Images are encoded elsewhere and come before their request: they take room alone. */
  readonly apart: boolean;
  /** By content: tokens of those that are there, else 0; requests that have yet to read them. */
  readonly there: Int32Array;
  readonly readers: Int32Array;
  /** Of those without readers, in the order they lost the last one; -1 ends it. */
  readonly older: Int32Array;
  readonly newer: Int32Array;
  oldest: number;
  newest: number;
  /** Tokens of all that is there, and of what has readers. */
  used: number;
  read: number;
  /** What the iteration that is formed may still encode. */
  left: number;
  /** Requests that have read images since the last iteration was formed. */
  readonly passed: IntDeque;
  readonly counts: ImageCounts;
}

/** What happened to images on a replica. */
export interface ImageCounts {
  /** Images that were encoded, their tokens, and those that were found encoded already. */
  encoded: number;
  tokens: number;
  found: number;
}

export interface EncoderCacheOptions {
  readonly capacity: number;
  readonly batchTokens: number;
  readonly apart: boolean;
  /** Different images there are. */
  readonly contents: number;
}

export function encoderCache({ capacity, batchTokens, apart, contents }: EncoderCacheOptions): EncoderCache {
  return {
    capacity,
    batchTokens,
    apart,
    there: new Int32Array(contents),
    readers: new Int32Array(contents),
    older: new Int32Array(contents).fill(-1),
    newer: new Int32Array(contents).fill(-1),
    oldest: -1,
    newest: -1,
    used: 0,
    read: 0,
    left: batchTokens,
    passed: emptyIntDeque(),
    counts: { encoded: 0, tokens: 0, found: 0 },
  };
}

/** The next iteration begins to be formed: what was read is let go. */
export function beginImages(cache: EncoderCache, requests: RequestTable): void {
  cache.left = cache.batchTokens;
  const { passed } = cache;
  for (let i = 0; i < passed.size; i++) releaseImages(cache, requests, itemAt(passed, i), requests.computed[itemAt(passed, i)]!);
  passed.size = 0;
}

/**
 * How many of `count` tokens after the first `before` of a request's text can be computed: up to the first image that has no room, or that the iteration
 * cannot encode besides. Changes nothing.
 */
export function tokensWithImages(cache: EncoderCache, requests: RequestTable, request: number, span: Span): number {
  const { before, count } = span;
  const images = requests.images!;
  let wanted = 0;
  let found = 0;
  const last = images.start[request + 1]!;
  let first = images.start[request]!;
  for (let k = first; k < last; k++) {
    const begin = images.at[k]!;
    if (begin >= before + count) break;
    if (begin + images.tokens[k]! <= before) {
      first = k + 1;
      continue;
    }
    if (images.held[k] === 1) continue;
    const content = images.content[k]!;
    const tokens = images.tokens[k]!;
    if (sameBefore(images.content, first, k) || cache.readers[content]! > 0) continue;
    const there = cache.there[content]! > 0;
    const room = cache.read + found + wanted + tokens <= cache.capacity;
    if (!room || (!there && !cache.apart && wanted + tokens > cache.left)) return Math.max(0, begin - before);
    if (there) found += tokens;
    else wanted += tokens;
  }
  return count;
}

export interface Span {
  readonly before: number;
  readonly count: number;
}

/** Whether an image is equal to an earlier one that the request has yet to read. Complexity: of a request's images. */
function sameBefore(content: Int32Array, first: number, k: number): boolean {
  for (let i = first; i < k; i++) if (content[i] === content[k]) return true;
  return false;
}

/** A request's images within a span that `tokensWithImages` allowed are read from now on; what is not there is encoded with the iteration. */
export function takeImages(cache: EncoderCache, requests: RequestTable, request: number, span: Span, shape: VisionShape | undefined): void {
  const { before, count } = span;
  const images = requests.images!;
  const last = images.start[request + 1]!;
  // What is there is read first, so that it does not make room for the others.
  for (let k = images.start[request]!; k < last && images.at[k]! < before + count; k++) {
    if (images.held[k] === 1 || images.at[k]! + images.tokens[k]! <= before || cache.there[images.content[k]!] === 0) continue;
    readImage(cache, images.content[k]!, images.tokens[k]!);
    images.held[k] = 1;
  }
  let ends = false;
  for (let k = images.start[request]!; k < last && images.at[k]! < before + count; k++) {
    const tokens = images.tokens[k]!;
    const end = images.at[k]! + tokens;
    if (end <= before) continue;
    if (end <= before + count) ends = true;
    if (images.held[k] === 1) continue;
    if (!readImage(cache, images.content[k]!, tokens) && !cache.apart) {
      cache.left -= tokens;
      addImage(shape!, tokens, images.patches[k]!);
    }
    images.held[k] = 1;
  }
  if (ends) pushBack(cache.passed, request);
}

/** An image has one reader more; false where it was not there and takes room from now on. */
export function readImage(cache: EncoderCache, content: number, tokens: number): boolean {
  const found = cache.there[content]! > 0;
  if (found) {
    if (cache.readers[content] === 0) {
      unlink(cache, content);
      cache.read += tokens;
    }
    cache.counts.found += 1;
  } else {
    while (cache.used + tokens > cache.capacity) drop(cache);
    cache.there[content] = tokens;
    cache.used += tokens;
    cache.read += tokens;
    cache.counts.encoded += 1;
    cache.counts.tokens += tokens;
  }
  cache.readers[content]! += 1;
  return found;
}

/** An image has one reader less; without any it stays until room is wanted. */
export function unreadImage(cache: EncoderCache, content: number): void {
  assert(cache.readers[content]! > 0, "an image is let go that nobody reads", content);
  cache.readers[content]! -= 1;
  if (cache.readers[content]! > 0) return;
  cache.read -= cache.there[content]!;
  cache.older[content] = cache.newest;
  cache.newer[content] = -1;
  if (cache.newest >= 0) cache.newer[cache.newest] = content;
  else cache.oldest = content;
  cache.newest = content;
}

/** A request's images that end within its first `computed` tokens are read; Infinity: it reads none any more. */
export function releaseImages(cache: EncoderCache, requests: RequestTable, request: number, computed: number): void {
  const images = requests.images!;
  const last = images.start[request + 1]!;
  for (let k = images.start[request]!; k < last; k++) {
    if (images.held[k] === 0 || images.at[k]! + images.tokens[k]! > computed) continue;
    images.held[k] = 0;
    unreadImage(cache, images.content[k]!);
  }
}

/** The host is lost, or given back: what it held is gone. */
export function forgetImages(cache: EncoderCache): void {
  cache.there.fill(0);
  cache.readers.fill(0);
  cache.older.fill(-1);
  cache.newer.fill(-1);
  cache.oldest = -1;
  cache.newest = -1;
  cache.used = 0;
  cache.read = 0;
  cache.passed.size = 0;
}

/** Whether a request's images can all be there at once, as prompts that are not cut need. */
export function imagesFit(cache: EncoderCache, requests: RequestTable, request: number): boolean {
  const images = requests.images!;
  let tokens = 0;
  for (let k = images.start[request]!; k < images.start[request + 1]!; k++) tokens += images.tokens[k]!;
  return tokens <= cache.capacity && (cache.apart || tokens <= cache.batchTokens);
}

export function addImage(shape: VisionShape, tokens: number, patches: number): void {
  shape.images += 1;
  shape.patches += patches;
  shape.patchSquares += patches * patches;
  shape.tokens += tokens;
}

function drop(cache: EncoderCache): void {
  const content = cache.oldest;
  assert(content >= 0, "an image has no room though all that is read has", cache.used);
  unlink(cache, content);
  cache.used -= cache.there[content]!;
  cache.there[content] = 0;
}

function unlink(cache: EncoderCache, content: number): void {
  const older = cache.older[content]!;
  const newer = cache.newer[content]!;
  if (older >= 0) cache.newer[older] = newer;
  else cache.oldest = newer;
  if (newer >= 0) cache.older[newer] = older;
  else cache.newest = older;
  cache.older[content] = -1;
  cache.newer[content] = -1;
}
