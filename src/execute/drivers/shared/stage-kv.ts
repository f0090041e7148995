import { assert, must } from "../../../base/assert.ts";
import type { OpenSequence, Seal } from "../../../engine/replica-engine-types.ts";
import type { DecoderSpec } from "../../../graph/decoder/spec.ts";
import { BLOCK_TOKENS, pagesFor } from "../../../state/block.ts";
import type { StageLimits } from "../../stage-driver.ts";
import { copyTokens, type LaidTokens, type TokenLayout } from "./copy-tokens.ts";
import { createPagePool, freePages, type PagePool, type PageShape, type PageStore, takePage } from "./page-pool.ts";
import { giveStaging, holds, type Staging, type StagingMemory, takeStaging } from "./staging.ts";

/**
 * Keys and values of one stage, f32 but for pages in a store: of every open lane, staged while its prompt comes in and in pages once it decodes; and sealed blocks.
 *
 * Model: a prompt wants its past contiguous and alone, decode steps want the pasts of all rows side by side. A lane moves once, whole, before
 * its first decode step; where steps take prompts too, it lies in pages from the first. Lanes grow and join without a copy; holes that closed lanes leave are filled a few pages a step.
 */
export interface StageKv {
  readonly shape: PageShape;
  /** Tokens in each lane; -1 for a closed one. */
  readonly lengths: Int32Array;
  readonly staged: (Staging | undefined)[];
  readonly pool: PagePool;
  readonly memory: StagingMemory;
  /** How staged tokens lie, and those of sealed blocks in f32; pages are always head by head. */
  readonly layout: TokenLayout;
  readonly sealed: Map<number, SealedBlock>;
  /** Prompts come into pages at once: nothing is staged. */
  readonly pagedPrompts: boolean;
}

/** One block, of which the first `tokens` tokens count: a buffer for each layer and kind in f32, or a page of each as it lies where prompts come into pages. */
interface SealedBlock {
  readonly generation: number;
  readonly tokens: number;
  readonly data: Uint8Array;
}

/** No lane is open. Working pages lie in `store` where it is given. */
export function createStageKv(
  spec: Pick<DecoderSpec, "kvHeads" | "headDim">,
  layers: number,
  options: StageLimits & { readonly store?: PageStore | undefined; readonly pagedPrompts?: boolean; readonly layout?: TokenLayout },
): StageKv {
  const { store, pagedPrompts = false, layout = "heads", ...limits } = options;
  const { maxSequences, workingPages } = limits;
  const shape = { buffers: layers * 2, kvHeads: spec.kvHeads, headDim: spec.headDim };
  return {
    shape,
    lengths: new Int32Array(maxSequences).fill(-1),
    staged: Array.from({ length: maxSequences }, () => undefined),
    pool: createPagePool(shape, { capacity: workingPages, maxSequences, store }),
    memory: { spare: undefined },
    layout,
    sealed: new Map(),
    pagedPrompts,
  };
}

export function closeStageLane(kv: StageKv, lane: number): void {
  assert(kv.lengths[lane]! >= 0, "an open lane is closed", { lane });
  kv.lengths[lane] = -1;
  unstage(kv, lane);
  freePages(kv.pool, lane);
}

/**
 * Opens a lane with the given sealed blocks at its start, the last of them as far as asked. Errors: an assertion when a block is gone, of another
 * generation or shorter than that.
 */
export function openStageLane(kv: StageKv, { lane, tokens, gather, gatherTokens }: OpenSequence): void {
  assert(kv.lengths[lane] === -1, "a closed lane is opened", { lane });
  assert(pagesFor(gatherTokens) === gather.length, "blocks are gathered whole, but for the last", { gatherTokens, blocks: gather.length });
  const blocks = gather.map((ref, index) => {
    const sealed = kv.sealed.get(ref.slot);
    assert(sealed !== undefined && sealed.generation === ref.generation, "a block is read in its generation", ref);
    const wanted = Math.min(BLOCK_TOKENS, gatherTokens - index * BLOCK_TOKENS);
    assert(wanted <= sealed.tokens, "a block is read as far as it was sealed", { ...ref, wanted, tokens: sealed.tokens });
    return { data: sealed.data, held: { ...ref, tokens: wanted } };
  });
  kv.lengths[lane] = gatherTokens;
  if (kv.pagedPrompts) {
    for (const { data } of blocks) copyPage(kv, takePage(kv.pool, lane), data, "to page");
    return;
  }
  const staging = takeStaging(kv.memory, kv.shape, { pages: pagesFor(Math.max(tokens, 1)), first: gather[0] });
  const { held } = staging;
  const missing = blocks.flatMap((block, index) => (holds(staging, index, block.held) ? [] : [{ ...block, index }]));
  for (let b = 0; b < kv.shape.buffers; b++) {
    for (const { data, held: part, index } of missing) {
      copyTokens(sealedTokens(kv, data, b), stagedTokens(kv, staging, b, index), part.tokens, kv.shape);
    }
  }
  // What lay behind the gathered tokens is the new prompt's from here on.
  held.splice(0, held.length, ...blocks.map((block) => block.held));
  kv.staged[lane] = staging;
}

/** Copies a page of every buffer from or to a sealed block, as it lies: nothing is rounded, so what is computed behind it is what was before. */
function copyPage({ pool, shape }: StageKv, page: number, block: Uint8Array, way: "to page" | "to block"): void {
  const store = storeOf(pool);
  let at = 0;
  for (let b = 0; b < shape.buffers; b++) {
    const held = store.held(b, page);
    const part = block.subarray(at, at + held.length);
    if (way === "to page") held.set(part);
    else part.set(held);
    at += held.length;
  }
}

/** Of a page of every buffer as it lies. */
function heldBytes({ pool, shape }: StageKv): number {
  let bytes = 0;
  for (let b = 0; b < shape.buffers; b++) bytes += storeOf(pool).held(b, 0).length;
  return bytes;
}

function storeOf({ store }: PagePool): PageStore {
  return must(store, "prompts come into pages of a store");
}

function floatsOf({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array {
  return new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT);
}

/** Tokens of a block of a lane in its staging. */
function stagedTokens({ layout }: StageKv, { buffers, capacity }: Staging, b: number, block: number): LaidTokens {
  return { data: buffers[b]!, layout, capacity, first: block * BLOCK_TOKENS, offset: 0 };
}

/** Tokens of a sealed block in f32. */
function sealedTokens({ layout, pool }: StageKv, data: Uint8Array, b: number): LaidTokens {
  return { data: floatsOf(data), layout, capacity: BLOCK_TOKENS, first: 0, offset: b * pool.pageFloats };
}

/** Tokens of a page in f32 that begins at `offset`. */
function pagedTokens(data: Float32Array, offset: number): LaidTokens {
  return { data, layout: "heads", capacity: BLOCK_TOKENS, first: 0, offset };
}

/** The contiguous past of a lane whose prompt comes in. */
export function stagingOf(kv: StageKv, lane: number): Staging {
  return must(kv.staged[lane], "a lane takes its prompt before it decodes");
}

/** Moves a lane from its staging into pages, if it is not there yet. */
export function toPages(kv: StageKv, lane: number): void {
  const staging = kv.staged[lane];
  if (staging === undefined) return;
  const { pool } = kv;
  const put = pool.store === undefined ? copiedPage(kv, staging) : storedPage(kv, staging, pool.store);
  for (let index = 0; index < pagesFor(kv.lengths[lane]!); index++) {
    const page = takePage(pool, lane);
    for (let b = 0; b < kv.shape.buffers; b++) put(b, page, index);
  }
  unstage(kv, lane);
}

/** Moves a block of a staging to a page of a buffer. */
type PutPage = (buffer: number, page: number, block: number) => void;

function copiedPage(kv: StageKv, staging: Staging): PutPage {
  const { buffers, pageFloats } = kv.pool;
  return (b, page, block) =>
    copyTokens(stagedTokens(kv, staging, b, block), pagedTokens(buffers[b]!, page * pageFloats), BLOCK_TOKENS, kv.shape);
}

function storedPage(kv: StageKv, staging: Staging, store: PageStore): PutPage {
  const { pageFloats } = kv.pool;
  if (kv.layout === "tokens" && store.putTokens !== undefined)
    return (b, page, block) => store.putTokens!(b, page, staging.buffers[b]!.subarray(block * pageFloats, (block + 1) * pageFloats));
  const whole = new Float32Array(pageFloats);
  return (b, page, block) => {
    copyTokens(stagedTokens(kv, staging, b, block), pagedTokens(whole, 0), BLOCK_TOKENS, kv.shape);
    store.put(b, page, whole);
  };
}

/** Copies the leading tokens of a block of a lane into a slot, over whatever an earlier generation left there. */
export function sealStageBlock(kv: StageKv, { lane, block, tokens, target }: Seal): void {
  assert(tokens <= BLOCK_TOKENS, "a block is sealed by itself", { lane, block, tokens });
  assert(block * BLOCK_TOKENS + tokens <= kv.lengths[lane]!, "a block is sealed when it is complete", { lane, block, tokens });
  const before = kv.sealed.get(target.slot);
  assert(before === undefined || before.generation < target.generation, "a slot is written once a generation", target);
  const { pool, shape } = kv;
  const size = pool.pageFloats;
  const data = before?.data ?? new Uint8Array(kv.pagedPrompts ? heldBytes(kv) : shape.buffers * size * Float32Array.BYTES_PER_ELEMENT);
  const staging = kv.staged[lane];
  if (kv.pagedPrompts) copyPage(kv, pool.pages[lane]![block]!, data, "to block");
  else if (staging === undefined) {
    const page = pool.pages[lane]![block]!;
    const whole = pool.store === undefined ? undefined : new Float32Array(size);
    for (let b = 0; b < shape.buffers; b++) {
      if (whole !== undefined) pool.store!.read(b, page, whole);
      const from = whole === undefined ? pagedTokens(pool.buffers[b]!, page * size) : pagedTokens(whole, 0);
      copyTokens(from, sealedTokens(kv, data, b), tokens, shape);
    }
  } else {
    for (let b = 0; b < shape.buffers; b++) copyTokens(stagedTokens(kv, staging, b, block), sealedTokens(kv, data, b), tokens, shape);
    staging.held[block] = { ...target, tokens };
  }
  kv.sealed.set(target.slot, { generation: target.generation, tokens, data });
}

/** Bytes of what lanes, sealed blocks and those still `due` hold, in whole pages; without the memory of one closed staging that is kept for the next. */
export function stageKvBytes(kv: StageKv, due: readonly Seal[] = []): number {
  const { pool, shape } = kv;
  const wide = wideBytes(kv);
  let bytes = kv.sealed.size * blockBytes(kv);
  for (const { target } of due) if (!kv.sealed.has(target.slot)) bytes += blockBytes(kv);
  for (const held of pool.pages) bytes += held.length * (pool.store?.bytes ?? wide);
  for (const staging of kv.staged) bytes += (staging?.pages ?? 0) * wide;
  return (bytes * shape.buffers) / 2;
}

/** Of a page of one layer in f32, keys and values together. */
function wideBytes({ pool }: StageKv): number {
  return 2 * pool.pageFloats * Float32Array.BYTES_PER_ELEMENT;
}

/** Of a sealed block of one layer, keys and values together. */
function blockBytes(kv: StageKv): number {
  return kv.pagedPrompts ? storeOf(kv.pool).bytes : wideBytes(kv);
}

function unstage(kv: StageKv, lane: number): void {
  const staging = kv.staged[lane];
  if (staging === undefined) return;
  giveStaging(kv.memory, staging);
  kv.staged[lane] = undefined;
}
